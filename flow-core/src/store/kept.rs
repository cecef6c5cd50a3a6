//! Kept versions: outputs whose record was replaced, and the search for an output by fingerprint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::output::{Look, Output, Seen};
use crate::store::record::Record;
use crate::store::{Folder, RECORD, Store, TaskFolder, index};

/// An output with the fingerprint looked for, in whichever instance's folder.
pub(crate) struct Kept {
    pub(crate) folder: Folder,
    /// Where the record stands.
    place: PathBuf,
    pub(crate) record: Box<Record>,
    /// The store that has it, if it is another one.
    pub(crate) from: Option<Arc<Store>>,
}

impl Kept {
    /// The same, in another store than the flow's own.
    pub(crate) fn of(self, other: &Arc<Store>) -> Self {
        Self { from: Some(Arc::clone(other)), ..self }
    }
}

impl Store {
    pub(crate) fn version_path(&self, task: &TaskFolder, fingerprint: Digest) -> PathBuf {
        self.version(task, format!("{fingerprint}.json"))
    }

    /// The same for one of several versions with that fingerprint.
    pub(crate) fn named_version_path(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        name: &str,
    ) -> PathBuf {
        self.version(task, format!("{fingerprint}-{name}.json"))
    }

    fn version(&self, task: &TaskFolder, file: String) -> PathBuf {
        let name = task.index_path.file_name().unwrap_or_default();
        self.internal("versions").join(name).join(file)
    }

    /// Keeps the record at `path`, if there is one, among the versions, before it is replaced; gives
    /// that record.
    pub(crate) fn keep_version(
        &self,
        task: &TaskFolder,
        path: &Path,
    ) -> Result<Option<Box<Record>>, StoreError> {
        let Some(Ok(old)) = self.read_record(path)? else { return Ok(None) };
        let version = match old.version_name() {
            None => self.version_path(task, old.fingerprint),
            Some(name) => self.named_version_path(task, old.fingerprint, &name),
        };
        if self.fs.link(path, &version).is_err() {
            self.replace_version(path, &version).during("keep", &version)?;
        }
        if let Some(name) = old.version_name() {
            // An index that cannot be written costs a later adoption, not an output.
            let line = index::version(old.fingerprint, &name);
            let _ = self.fs.append(&task.index_path, line.as_bytes());
        }
        Ok(Some(old))
    }

    /// Puts the record where there is no folder yet, in the place of a version whose output may be
    /// gone, or on a file system without hard links.
    fn replace_version(&self, path: &Path, version: &Path) -> std::io::Result<()> {
        version.parent().map_or(Ok(()), |folder| self.fs.create_folder(folder))?;
        let draft = version.with_extension(super::stage::unique());
        let linked = self.fs.link(path, &draft).or_else(|_| self.fs.copy(path, &draft));
        let replaced = linked.and_then(|()| self.fs.rename(&draft, version));
        // A rename between two names of one file leaves both.
        let _ = self.fs.remove(&draft);
        replaced
    }

    /// An output of the task with this fingerprint whose file is whole and for which `holds`.
    pub(crate) fn kept(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        mut holds: impl FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        let noted = task.index.folders(&*self.fs, &task.index_path, fingerprint)?;
        let named = noted.iter().filter_map(|name| index::version_name(name));
        let named = named.map(|name| self.named_version_path(task, fingerprint, name));
        let mut versions = vec![self.version_path(task, fingerprint)];
        versions.extend(named);
        for name in noted {
            let noted = PathBuf::from(name);
            let last = noted.file_name().and_then(|last| last.to_str());
            let Some(key) = last.and_then(super::key_of) else { continue };
            // It may have come after the task's folders were listed, or lie where the task was
            // stored before it got another `dir` or `group`.
            let listed = self.listed(task, key)?.filter(|listed| *listed != noted);
            let folders = listed.into_iter().chain([noted]);
            let places = |folder: Folder| {
                let places = std::iter::once(self.path(&folder, RECORD));
                places.chain(versions.clone()).map(move |place| (folder.clone(), place))
            };
            for (folder, place) in folders.flat_map(places) {
                let record = match self.read_record(&place) {
                    Ok(Some(Ok(record))) => record,
                    // Another instance's record that cannot be used is no reason not to run.
                    Ok(_) | Err(StoreError::Newer { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let here = record.fingerprint == fingerprint && record.key.short() == key;
                if here && holds(&record) && self.is_there(&folder, &place, &record)? {
                    return Ok(Some(Kept { folder, place, record, from: None }));
                }
            }
        }
        Ok(None)
    }

    /// Whether an output that was found is still there.
    pub(crate) fn is_whole(&self, kept: &Kept) -> Result<bool, StoreError> {
        let store = kept.from.as_deref().unwrap_or(self);
        store.is_there(&kept.folder, &kept.place, &kept.record)
    }

    fn is_there(&self, folder: &Folder, place: &Path, record: &Record) -> Result<bool, StoreError> {
        Ok(self.look(folder, place, record)?.look == Look::Whole)
    }

    /// Looks at the files of an output, whose record was read from `place`.
    pub(crate) fn look(
        &self,
        folder: &Folder,
        place: &Path,
        record: &Record,
    ) -> Result<Seen, StoreError> {
        let seen = self.look_at(folder, &record.output)?;
        if seen.look == Look::Whole && seen.output != record.output && !self.is_only_read {
            self.note_times(place, record, &seen.output);
        }
        Ok(seen)
    }

    /// Notes the times of an output whose content is as recorded, so that it is not hashed at each
    /// look. A store that cannot be written does without.
    fn note_times(&self, place: &Path, record: &Record, seen: &Output) {
        let noted = Record { output: seen.clone(), ..record.clone() };
        let Ok(draft) = self.draft_record(place, &noted) else { return };
        let replaced = self.fs.sync(std::slice::from_ref(&draft)).and_then(|()| {
            // Hashing may have taken long: what was committed meanwhile must not be taken back.
            let unchanged = matches!(self.read_record(place), Ok(Some(Ok(now))) if *now == *record);
            let changed = || std::io::Error::other("it was replaced");
            if unchanged { self.fs.rename(&draft, place) } else { Err(changed()) }
        });
        if replaced.is_err() {
            let _ = self.fs.remove(&draft);
        }
    }
}
