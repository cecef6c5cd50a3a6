//! Finds garbage.
//!
//! This file contains the search and its parts for versions, indices and the internal folder;
//! `instances` searches the folders of instances.

mod instances;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::base::error::StoreError;
use crate::base::key::{Digest, Short};
use crate::base::names::INTERNAL;
use crate::files::SETTLED;
use crate::store::gc::{Found, Item, Keep, Size, What, is_unfinished};
use crate::store::limit::folder_key;
use crate::store::record::FORMAT;
use crate::store::record_cache::RECORDS;
use crate::store::survey::{Brief, RecordState, Survey};
use crate::store::{ASIDE, Store, index};

/// The state of a search for garbage.
struct Search<'a> {
    store: &'a Store,
    keep: &'a Keep,
    survey: Survey,
    /// Items that changed after this time are too young, in nanoseconds since 1970.
    before: i64,
    /// The records of the versions that stay, by instance.
    named: HashMap<Short, Vec<Brief>>,
    /// The files of the versions that are to be removed. They are removed with the versions.
    going: HashSet<PathBuf>,
    /// The files that draft records name. They are spared as long as the drafts exist.
    drafted: HashSet<PathBuf>,
    found: Found,
}

impl Store {
    /// Finds everything in the store that can be removed.
    pub(crate) fn find_garbage(&self, keep: &Keep) -> Result<Found, StoreError> {
        self.check_internal()?;
        let executions = self.executions(None)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let before = now.saturating_sub(keep.older_than).as_nanos() as i64;
        let oldest = executions.oldest.map(|oldest| oldest.saturating_sub(SETTLED));
        let found = Found { is_underway: oldest.is_some(), ..Found::default() };
        let mut survey = self.survey()?;
        let unusable = std::mem::take(&mut survey.unusable);
        let mut search = Search {
            store: self,
            keep,
            survey,
            before: oldest.map_or(before, |oldest| oldest.min(before)),
            named: HashMap::new(),
            going: HashSet::new(),
            drafted: self.drafted_files(),
            found: Found { unusable, ..found },
        };
        let mut unwanted = search.unwanted();
        search.spare_earlier_formats(&mut unwanted);
        search.find_versions(&unwanted)?;
        search.find_instances(&unwanted)?;
        search.find_lines(&unwanted)?;
        search.find_internal(executions.ended)?;
        Ok(search.found)
    }
}

impl Search<'_> {
    /// Returns the instances that are not wanted.
    fn unwanted(&self) -> HashSet<Short> {
        let Some(wanted) = &self.keep.wanted else { return HashSet::new() };
        // An instance that the record of a wanted one names is wanted: it was required while that
        // one ran.
        let mut new: Vec<Short> = wanted.iter().map(|key| key.short()).collect();
        let mut reached = HashSet::new();
        while let Some(key) = new.pop() {
            if reached.insert(key) {
                new.extend(self.survey.named_by.get(&key).into_iter().flatten());
            }
        }
        let instances = self.survey.instances.iter().map(|instance| instance.key);
        let versions = self.survey.versions.iter().map(|version| version.key);
        instances.chain(versions).filter(|key| !reached.contains(key)).collect()
    }

    /// Takes instances out of `unwanted` whose outputs are of an earlier format and were not reused
    /// yet. A wanted instance may have had this key when they were written.
    fn spare_earlier_formats(&mut self, unwanted: &mut HashSet<Short>) {
        if self.keep.earlier_formats || unwanted.is_empty() {
            return;
        }
        let records = || {
            let current =
                self.survey.instances.iter().map(|instance| (instance.key, &instance.record));
            let versions =
                self.survey.versions.iter().map(|version| (version.key, &version.record));
            current.chain(versions).filter_map(|(key, record)| Some((key, record.brief()?)))
        };
        // A reused output keeps the time at which its run began.
        let run = |brief: &Brief| (brief.digest, brief.started);
        let taken_over: HashSet<_> = records()
            .filter(|(key, brief)| brief.format == FORMAT || !unwanted.contains(key))
            .map(|(_, brief)| run(brief))
            .collect();
        let spared: HashSet<Short> = records()
            .filter(|(key, brief)| {
                brief.format < FORMAT && unwanted.contains(key) && !taken_over.contains(&run(brief))
            })
            .map(|(key, _)| key)
            .collect();
        unwanted.retain(|key| !spared.contains(key));
        self.found.earlier = spared.len();
    }

    fn add(&mut self, of: String, what: What, path: PathBuf, size: Size) {
        let Size { files, bytes, modified } = size;
        self.found.items.push(Item { of, what, path, files, bytes, modified });
    }

    fn find_versions(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        let store = self.store;
        let mut folders: HashMap<Short, Vec<usize>> = HashMap::new();
        for (place, instance) in self.survey.instances.iter().enumerate() {
            folders.entry(instance.key).or_default().push(place);
        }
        let mut beyond = HashSet::new();
        for (versions, key) in store.version_folders()? {
            for &place in folders.get(&key).into_iter().flatten() {
                let folder = &self.survey.instances[place].folder;
                let many = store.beyond_number(&versions, folder, self.keep.limits)?;
                beyond.extend(many);
            }
        }
        for index in store.indices()? {
            let large = store.beyond_size(&index, self.keep.limits)?;
            beyond.extend(large.into_iter().map(|earlier| earlier.path));
        }
        let mut known: HashMap<Short, HashSet<Digest>> = HashMap::new();
        for index in store.indices()? {
            for (fingerprint, folder) in index::live(&store.read_index(&index)?) {
                if let Some(key) = folder_key(Path::new(&folder)) {
                    known.entry(key).or_default().insert(fingerprint);
                }
            }
        }
        for version in std::mem::take(&mut self.survey.versions) {
            // The files of a version whose record cannot be used are unknown, so its instance is
            // not touched.
            let RecordState::Record(brief) = version.record else {
                if let Some(places) = folders.get(&version.key) {
                    places
                        .iter()
                        .for_each(|&i| self.survey.instances[i].record = RecordState::Unusable);
                }
                continue;
            };
            let places = folders.get(&version.key).map(Vec::as_slice).unwrap_or_default();
            let home = places.iter().map(|&place| &self.survey.instances[place]).find(|instance| {
                let there = |file: &String| instance.names.contains(file);
                !brief.is_in_memory && brief.files.iter().all(there)
            });
            let is_known =
                known.get(&version.key).is_some_and(|known| known.contains(&brief.fingerprint));
            let is_beyond =
                beyond.contains(&version.path) && !self.keep.reused.contains(&brief.fingerprint);
            let is_wanted = !unwanted.contains(&version.key) && !is_beyond;
            if home.is_some() && is_wanted && is_known {
                self.named.entry(version.key).or_default().push(brief);
                continue;
            }
            let mut size = store.size(&version.path)?;
            let modified = size.modified;
            // A commit keeps a version a moment before it writes the index.
            if !unwanted.contains(&version.key) && !is_known && modified > self.before {
                self.found.young += 1;
                self.named.entry(version.key).or_default().push(brief);
                continue;
            }
            if self.found.is_underway {
                self.found.young += 1;
                self.named.entry(version.key).or_default().push(brief);
                continue;
            }
            let of =
                home.map_or_else(|| task_of(&version.path), |instance| parent(&instance.folder));
            let folder = home.map(|instance| instance.folder.clone());
            for file in folder.iter().flat_map(|at| brief.all_files().map(|f| store.path(at, f))) {
                let data = store.size(&file)?;
                (size.files, size.bytes) = (size.files + data.files, size.bytes + data.bytes);
                self.going.insert(file);
            }
            self.add(of, What::Version { folder }, version.path, Size { modified, ..size });
        }
        Ok(())
    }

    /// Adds the lines of indices that lead to no output.
    fn find_lines(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        let mut there: HashMap<&Path, Option<Digest>> = HashMap::new();
        for instance in &self.survey.instances {
            // The fingerprint in a record that cannot be used is unknown.
            if instance.record.is_unusable() {
                there.insert(&instance.folder, None);
            } else if let Some(brief) = instance.record.brief()
                && !unwanted.contains(&instance.key)
            {
                there.insert(&instance.folder, Some(brief.fingerprint));
            }
        }
        let mut found = Vec::new();
        for path in self.store.indices()? {
            let bytes = self.store.read_index(&path)?;
            let mut dead = BTreeSet::new();
            for (fingerprint, folder) in index::live(&bytes) {
                let key = folder_key(Path::new(&folder));
                let kept = key.and_then(|key| self.named.get(&key)).into_iter().flatten();
                let is_kept = kept.into_iter().any(|brief| brief.fingerprint == fingerprint);
                let leads = match there.get(Path::new(&folder)) {
                    Some(Some(current)) => *current == fingerprint,
                    Some(None) => true,
                    None => false,
                };
                if !leads && !is_kept {
                    dead.insert((folder, fingerprint));
                }
            }
            // Separators of lines alone are no reason to rewrite the index.
            let anew = index::without(&bytes, &dead);
            let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count();
            let less = bytes.len().saturating_sub(anew.len());
            if anew.lines().count() < lines {
                found.push((path, dead, less as u64));
            }
        }
        for (path, dead, bytes) in found {
            let modified = self.store.size(&path)?.modified;
            if self.found.is_underway || modified > self.before {
                self.found.young += 1;
                continue;
            }
            let size = Size { files: 0, bytes, modified };
            self.add(INTERNAL.to_owned(), What::Lines(dead), path, size);
        }
        Ok(())
    }

    /// Adds the unneeded files in the store's internal folder.
    fn find_internal(&mut self, ended: Vec<PathBuf>) -> Result<(), StoreError> {
        let store = self.store;
        let internal = || INTERNAL.to_owned();
        let mut left = Vec::new();
        for name in store.names_if_there(&store.internal("code"))? {
            let path = store.internal("code").join(&name);
            match name.strip_suffix(".json").map(str::parse::<Digest>) {
                Some(Ok(digest)) if self.survey.codes.contains(&digest) => {}
                Some(Ok(_)) => left.push((What::Code, path)),
                _ if is_unfinished(&name) => left.push((What::Left, path)),
                _ => {}
            }
        }
        let drafts = ["index", "owners", RECORDS, ""].map(|folder| store.internal(folder));
        let versions = store.version_folders()?.into_iter().map(|(path, _)| path);
        for folder in drafts.into_iter().chain(versions) {
            let names = store.names_if_there(&folder)?.into_iter();
            let unfinished = names.filter(|name| is_unfinished(name));
            left.extend(unfinished.map(|name| (What::Left, folder.join(name))));
        }
        let aside = store.internal(ASIDE);
        for name in store.names_if_there(&aside)? {
            left.push((What::Left, aside.join(name)));
        }
        left.extend(store.draft_records().into_iter().map(|(path, _)| (What::Left, path)));
        left.extend(ended.into_iter().map(|path| (What::Left, path)));
        for (what, path) in left {
            let size = store.size(&path)?;
            if size.modified > self.before {
                self.found.young += 1;
            } else {
                self.add(internal(), what, path, size);
            }
        }
        // Nothing depends on the history of a run, so that its age does not matter.
        for path in store.runs_beyond(self.keep.limits)? {
            let size = store.size(&path)?;
            self.add(internal(), What::Run, path, size);
        }
        Ok(())
    }
}

/// Returns the folder of an instance's task.
fn parent(folder: &Path) -> String {
    folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default()
}

/// Returns the task of a version whose instance has no folder.
fn task_of(version: &Path) -> String {
    let task = version.parent().and_then(Path::parent).and_then(Path::file_name);
    task.unwrap_or_default().to_string_lossy().into_owned()
}
