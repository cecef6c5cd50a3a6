//! Garbage: what a store holds and nobody needs.
//!
//! Finding it and removing it are two steps, so that a user sees what would go before it goes. What
//! was found is looked at again when it is removed: a record that was replaced meanwhile, a file that
//! is named now, or that was touched, stays.
//!
//! A process that is at work has files that no record names yet. So a folder stays as it is if
//! anything in it changed a short while ago, or since the oldest execution under way began. Only what
//! has a name that the store gives is ever looked at, so that the files of others stay; and so does
//! an instance whose record cannot be used, for nobody knows what that names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::content::{SETTLED, is_absent};
use crate::fs::FileKind;
use crate::key::{Digest, Key, Short};
use crate::store::error::{IoContext, StoreError};
use crate::store::failure::{FAILURE, Failure};
use crate::store::limit::Limits;
use crate::store::log::LOG;
use crate::store::reset::{is_draft, is_ours, is_output};
use crate::store::survey::{Brief, Lying, Standing, Survey};
use crate::store::{Folder, RECORD, Store, index};

/// What is to be kept, and what is too young to be judged.
pub(crate) struct Keep {
    /// The instances that are wanted; all of them if there is none.
    pub(crate) wanted: Option<HashSet<Key>>,
    pub(crate) limits: Limits,
    /// How old something must be before it is taken for left behind.
    pub(crate) older_than: Duration,
}

/// Something that can be removed.
pub(crate) struct Item {
    /// Such as `Train`, or `.flow`.
    pub(crate) of: String,
    pub(crate) what: What,
    pub(crate) path: PathBuf,
    pub(crate) files: usize,
    pub(crate) bytes: u64,
    /// When it was written last, by which it is known that nobody has touched it since.
    modified: i64,
}

/// What it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// An output that no record names, or what is left of one.
    Unnamed { folder: Folder },
    /// All of an instance that nobody wants.
    Unwanted { folder: Folder },
    /// An earlier version, with its files in this folder, if it is known.
    Version { folder: Option<Folder> },
    /// A note or a draft in an instance's folder.
    Note { folder: Folder },
    /// A table of code that no record names.
    Code,
    /// Lines of an index that lead nowhere: the folder and the fingerprint of each.
    Lines(BTreeSet<(String, Digest)>),
    /// What a process left that died.
    Left,
    /// A folder with nothing in it.
    Empty { folder: Folder },
}

/// What was found.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) items: Vec<Item>,
    /// What may be garbage, and is too young to tell.
    pub(crate) young: usize,
    /// Whether an execution is under way, so that no instance that lies whole is removed.
    pub(crate) is_underway: bool,
    /// What is left alone for it cannot be used, and why.
    pub(crate) unusable: Vec<(PathBuf, String)>,
}

/// How large something is, and when it was written last.
#[derive(Clone, Copy, Default)]
struct Size {
    files: usize,
    bytes: u64,
    modified: i64,
}

/// One search for garbage.
struct Search<'a> {
    store: &'a Store,
    keep: &'a Keep,
    survey: Survey,
    /// What changed later is too young, in nanoseconds since 1970.
    before: i64,
    /// The versions that stay, by instance: their fingerprints and files.
    named: HashMap<Short, Vec<Brief>>,
    /// The files of versions that go, which go with them.
    going: HashSet<PathBuf>,
    found: Found,
}

impl Store {
    /// Finds what nobody needs.
    pub(crate) fn find_garbage(&self, keep: &Keep) -> Result<Found, StoreError> {
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
            found: Found { unusable, ..found },
        };
        let unwanted = search.unwanted();
        search.versions(&unwanted)?;
        search.instances(&unwanted)?;
        search.indices(&unwanted)?;
        search.internal(executions.ended)?;
        Ok(search.found)
    }
}

impl Search<'_> {
    /// The instances that nobody wants.
    fn unwanted(&self) -> HashSet<Short> {
        let Some(wanted) = &self.keep.wanted else { return HashSet::new() };
        // What the record of a wanted one names is wanted: it was required while that ran.
        let mut new: Vec<Short> = wanted.iter().map(|key| key.short()).collect();
        let mut reached = HashSet::new();
        while let Some(key) = new.pop() {
            if reached.insert(key) {
                new.extend(self.survey.named_by.get(&key).into_iter().flatten());
            }
        }
        let instances = self.survey.instances.iter().map(|lying| lying.key);
        let versions = self.survey.versions.iter().map(|version| version.key);
        instances.chain(versions).filter(|key| !reached.contains(key)).collect()
    }

    fn add(&mut self, of: String, what: What, path: PathBuf, size: Size) {
        let Size { files, bytes, modified } = size;
        self.found.items.push(Item { of, what, path, files, bytes, modified });
    }

    fn versions(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        let store = self.store;
        let mut folders: HashMap<Short, Vec<usize>> = HashMap::new();
        for (place, lying) in self.survey.instances.iter().enumerate() {
            folders.entry(lying.key).or_default().push(place);
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
            for (fingerprint, folder) in index::live(&store.read_if_there(&index)?) {
                if let Some(key) = super::limit::folder_key(Path::new(&folder)) {
                    known.entry(key).or_default().insert(fingerprint);
                }
            }
        }
        for version in std::mem::take(&mut self.survey.versions) {
            // Nobody knows what one names that cannot be used.
            let Standing::Record(brief) = version.record else {
                if let Some(places) = folders.get(&version.key) {
                    places
                        .iter()
                        .for_each(|&i| self.survey.instances[i].record = Standing::Unusable);
                }
                continue;
            };
            let places = folders.get(&version.key).map(Vec::as_slice).unwrap_or_default();
            let home = places.iter().map(|&place| &self.survey.instances[place]).find(|lying| {
                let there = |file: &String| lying.names.contains(file);
                !brief.is_in_memory && brief.files.iter().all(there)
            });
            let is_known =
                known.get(&version.key).is_some_and(|known| known.contains(&brief.fingerprint));
            let is_wanted = !unwanted.contains(&version.key) && !beyond.contains(&version.path);
            if home.is_some() && is_wanted && is_known {
                self.named.entry(version.key).or_default().push(brief);
                continue;
            }
            let mut size = store.size(&version.path)?;
            let modified = size.modified;
            // A commit keeps a version a moment before it tells the index.
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
            let of = home.map_or_else(|| task_of(&version.path), |lying| parent(&lying.folder));
            let folder = home.map(|lying| lying.folder.clone());
            for file in folder.iter().flat_map(|at| brief.files.iter().map(|f| store.path(at, f))) {
                let data = store.size(&file)?;
                (size.files, size.bytes) = (size.files + data.files, size.bytes + data.bytes);
                self.going.insert(file);
            }
            self.add(of, What::Version { folder }, version.path, Size { modified, ..size });
        }
        Ok(())
    }

    fn instances(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        for lying in std::mem::take(&mut self.survey.instances) {
            if unwanted.contains(&lying.key) {
                self.whole(&lying)?;
            } else {
                self.parts(&lying)?;
            }
            self.survey.instances.push(lying);
        }
        Ok(())
    }

    /// All of an instance that nobody wants.
    fn whole(&mut self, lying: &Lying) -> Result<(), StoreError> {
        if lying.record.is_unusable() {
            return Ok(());
        }
        let at = self.store.root().join(&lying.folder);
        if self.found.is_underway {
            self.found.young += usize::from(!lying.names.is_empty());
            return Ok(());
        }
        // Another record, and it is wanted by somebody.
        let modified = self.store.size(&at.join(RECORD))?.modified;
        let mut size = Size { modified, ..Size::default() };
        for name in lying.names.iter().filter(|name| is_ours(name)) {
            let file = self.store.size(&at.join(name))?;
            (size.files, size.bytes) = (size.files + file.files, size.bytes + file.bytes);
        }
        let what = What::Unwanted { folder: lying.folder.clone() };
        self.add(parent(&lying.folder), what, at, size);
        Ok(())
    }

    /// What nobody needs of an instance.
    fn parts(&mut self, lying: &Lying) -> Result<(), StoreError> {
        if lying.record.is_unusable() {
            return Ok(());
        }
        let store = self.store;
        let at = store.root().join(&lying.folder);
        let brief = lying.record.brief();
        let named: HashSet<&String> = brief
            .iter()
            .copied()
            .chain(self.named.get(&lying.key).into_iter().flatten())
            .flat_map(|brief| &brief.files)
            .collect();
        let mut found = Vec::new();
        for name in &lying.names {
            let folder = lying.folder.clone();
            let what = match name.as_str() {
                name if is_output(name) => What::Unnamed { folder },
                name if is_draft(name) => What::Note { folder },
                // It is told only as long as nothing has been made since.
                FAILURE if store.is_stale(&at.join(name), brief) => What::Note { folder },
                LOG if brief.is_none() && !lying.names.iter().any(|name| name == FAILURE) => {
                    What::Note { folder }
                }
                _ => continue,
            };
            let path = at.join(name);
            if !named.contains(name) && !self.going.contains(&path) {
                found.push((what, path));
            }
        }
        if found.is_empty() && !lying.names.is_empty() {
            return Ok(());
        }
        let changed = store.changed(&at)?;
        if lying.names.is_empty() {
            if changed <= self.before {
                let size = Size { modified: changed, ..Size::default() };
                let folder = lying.folder.clone();
                self.add(parent(&folder), What::Empty { folder }, at, size);
            } else {
                self.found.young += 1;
            }
            return Ok(());
        }
        for (what, path) in found {
            let size = store.size(&path)?;
            if changed > self.before || size.modified > self.before {
                self.found.young += 1;
            } else {
                self.add(parent(&lying.folder), what, path, size);
            }
        }
        Ok(())
    }

    /// The lines of indices that lead to nothing.
    fn indices(&mut self, unwanted: &HashSet<Short>) -> Result<(), StoreError> {
        let mut there: HashMap<&Path, Option<Digest>> = HashMap::new();
        for lying in &self.survey.instances {
            // What a record names that cannot be used, nobody knows.
            if lying.record.is_unusable() {
                there.insert(&lying.folder, None);
            } else if let Some(brief) = lying.record.brief()
                && !unwanted.contains(&lying.key)
            {
                there.insert(&lying.folder, Some(brief.fingerprint));
            }
        }
        let mut found = Vec::new();
        for path in self.store.indices()? {
            let bytes = self.store.read_if_there(&path)?;
            let mut dead = BTreeSet::new();
            for (fingerprint, folder) in index::live(&bytes) {
                let key = super::limit::folder_key(Path::new(&folder));
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
            // What separates lines is no reason to write it anew.
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
            self.add(super::INTERNAL.to_owned(), What::Lines(dead), path, size);
        }
        Ok(())
    }

    /// What lies in the store's own folder and is of no use.
    fn internal(&mut self, ended: Vec<PathBuf>) -> Result<(), StoreError> {
        let store = self.store;
        let internal = || super::INTERNAL.to_owned();
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
        let drafts = [store.internal("index"), store.internal("owners"), store.internal("")];
        let versions = store.version_folders()?.into_iter().map(|(path, _)| path);
        for folder in drafts.into_iter().chain(versions) {
            let names = store.names_if_there(&folder)?.into_iter();
            let unfinished = names.filter(|name| is_unfinished(name));
            left.extend(unfinished.map(|name| (What::Left, folder.join(name))));
        }
        let aside = store.internal(super::ASIDE);
        for name in store.names_if_there(&aside)? {
            left.push((What::Left, aside.join(name)));
        }
        left.extend(ended.into_iter().map(|path| (What::Left, path)));
        for (what, path) in left {
            let size = store.size(&path)?;
            if size.modified > self.before {
                self.found.young += 1;
            } else {
                self.add(internal(), what, path, size);
            }
        }
        Ok(())
    }
}

impl Store {
    /// Removes what was found, as far as it still is what it was; gives the files that were removed
    /// and the folders of the instances.
    pub(crate) fn remove_garbage(
        &self,
        items: &[Item],
    ) -> Result<(Vec<Folder>, Vec<PathBuf>), StoreError> {
        let mut removed = Vec::new();
        let mut gone = Vec::new();
        // Records go before what they name.
        let order = |what: &What| match what {
            What::Version { .. } => 0,
            What::Unwanted { .. } => 1,
            What::Unnamed { .. } | What::Note { .. } | What::Code | What::Left => 2,
            What::Lines(_) => 3,
            What::Empty { .. } => 4,
        };
        // An execution that has begun since may be about to use what it has found whole.
        let is_underway = self.executions(None)?.oldest.is_some();
        let is_safe = |what: &What| match what {
            What::Unnamed { .. } | What::Note { .. } | What::Code | What::Left => true,
            What::Version { .. } | What::Unwanted { .. } => !is_underway,
            What::Lines(_) | What::Empty { .. } => !is_underway,
        };
        let mut sorted: Vec<_> = items.iter().filter(|item| is_safe(&item.what)).collect();
        sorted.sort_by_key(|item| order(&item.what));
        let mut folders = BTreeSet::new();
        for item in sorted {
            match &item.what {
                What::Version { folder } => {
                    if self.size(&item.path)?.modified != item.modified {
                        continue;
                    }
                    let folder = folder.clone().unwrap_or_default();
                    self.drop_version(&item.path, &folder, false, &mut removed)?;
                    if let Some(versions) = item.path.parent() {
                        let _ = self.fs.remove_folder(versions);
                    }
                }
                What::Unwanted { folder } => {
                    if self.size(&item.path.join(RECORD))?.modified != item.modified {
                        continue;
                    }
                    let mut of_folder = Vec::new();
                    self.reset_folder(folder.clone(), &mut of_folder)?;
                    for (folder, files) in of_folder {
                        removed.extend(files);
                        gone.push(folder);
                    }
                }
                What::Unnamed { folder } | What::Note { folder } => {
                    let now = self.size(&item.path)?;
                    if now.modified != item.modified || self.is_named(folder, &item.path)? {
                        continue;
                    }
                    self.remove(&item.path, &mut removed)?;
                    folders.insert(folder);
                }
                What::Code | What::Left => {
                    if self.size(&item.path)?.modified == item.modified {
                        self.remove(&item.path, &mut removed)?;
                    }
                }
                What::Lines(lines) => self.rewrite_index(&item.path, item.modified, lines)?,
                What::Empty { folder } => self.remove_empty(folder),
            }
        }
        folders.into_iter().for_each(|folder| self.remove_empty(folder));
        Ok((gone, removed))
    }

    /// Whether the record in a folder, or a version of the instance, names this file now.
    fn is_named(&self, folder: &Folder, path: &Path) -> Result<bool, StoreError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_output(name) {
            return Ok(false);
        }
        let files = HashSet::from([name.to_owned()]);
        Ok(self.unnamed_by_any(folder, files)?.is_empty())
    }

    /// Leaves these lines out of an index, unless somebody has written to it.
    fn rewrite_index(
        &self,
        path: &Path,
        modified: i64,
        dead: &BTreeSet<(String, Digest)>,
    ) -> Result<(), StoreError> {
        let bytes = self.read_if_there(path)?;
        if self.size(path)?.modified != modified {
            return Ok(());
        }
        let text = index::without(&bytes, dead);
        if text.is_empty() {
            return self.remove(path, &mut Vec::new());
        }
        let draft = path.with_extension(super::stage::unique());
        let replaced = self.fs.create(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.flush()?;
            drop(file);
            self.fs.rename(&draft, path)
        });
        if replaced.is_err() {
            let _ = self.fs.remove(&draft);
        }
        replaced.during("write", path)
    }

    /// Whether a failure is not told any more, for something was made since.
    fn is_stale(&self, path: &Path, made: Option<&Brief>) -> bool {
        let Some(made) = made else { return false };
        let failure = self.fs.read(path).ok();
        let failure = failure.and_then(|bytes| serde_json::from_slice::<Failure>(&bytes).ok());
        failure.is_none_or(|failure| failure.at <= made.started)
    }

    /// How large a file or a folder is, with all in it; nothing if it is not there.
    fn size(&self, path: &Path) -> Result<Size, StoreError> {
        let kind = match self.fs.kind(path) {
            Ok(kind) => kind,
            Err(error) if is_absent(&error) => return Ok(Size::default()),
            Err(error) => return Err(error).during("look at", path),
        };
        // What a link leads to is somebody else's.
        if kind == FileKind::Link {
            return Ok(Size { files: 1, ..Size::default() });
        }
        let stat = match self.fs.stat(path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return Ok(Size::default()),
            Err(error) => return Err(error).during("look at", path),
        };
        if !stat.folder {
            return Ok(Size { files: 1, bytes: stat.bytes, modified: stat.modified });
        }
        let mut size = Size { modified: stat.modified, ..Size::default() };
        for name in self.fs.list(path).during("list", path)? {
            let within = self.size(&path.join(name))?;
            size.files += within.files;
            size.bytes += within.bytes;
            size.modified = size.modified.max(within.modified);
        }
        Ok(size)
    }

    /// When a name came into a folder, or went, last.
    fn changed(&self, path: &Path) -> Result<i64, StoreError> {
        match self.fs.stat(path) {
            Ok(stat) => Ok(stat.modified),
            Err(error) if is_absent(&error) => Ok(0),
            Err(error) => Err(error).during("look at", path),
        }
    }
}

/// Whether it is the name of something that is being written, with a number at its end.
pub(super) fn is_unfinished(name: &str) -> bool {
    let number = name.rsplit_once('.').map(|(_, number)| number);
    let number = number.or_else(|| name.strip_prefix("secret-")).unwrap_or_default();
    number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The folder of the task of an instance.
fn parent(folder: &Path) -> String {
    folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default()
}

/// The task of a version whose instance has no folder.
fn task_of(version: &Path) -> String {
    let task = version.parent().and_then(Path::parent).and_then(Path::file_name);
    task.unwrap_or_default().to_string_lossy().into_owned()
}
