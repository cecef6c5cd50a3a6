//! Finds outputs by their fingerprint, among current records and kept versions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::names::key_of;
use crate::store::crates::Crates;
use crate::store::output::{Look, Output, Seen};
use crate::store::record::Record;
use crate::store::trust::Trust;
use crate::store::{Folder, RECORD, Store, TaskFolder};

/// An output with the requested fingerprint, in the folder of any instance of the task.
pub(crate) struct Kept {
    pub(crate) folder: Folder,
    /// The path of the record.
    pub(crate) place: PathBuf,
    pub(crate) record: Box<Record>,
    /// The store that holds the output, if it is not the flow's own.
    pub(crate) from: Option<Arc<Store>>,
    /// How much of the output the remote holds, if it is in a remote.
    pub(crate) remote: Option<Carried>,
    /// The remote that the files are fetched from when they are needed, if no store of this machine has them.
    pub(crate) bring: Option<Arc<dyn Bring>>,
}

/// Fetches the files of outputs from a remote.
pub(crate) trait Bring: Send + Sync {
    /// Fetches content with this digest and size to a new file, and returns the modification time of the file.
    fn bring(&self, store: &Store, content: (Digest, u64), to: &Path) -> Result<i64, StoreError>;

    /// Returns the table of crate versions with this digest, if the remote has it.
    fn crates(&self, digest: Digest) -> Option<Crates>;
}

/// How much of an output a remote holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    Whole,
    /// The record without the files.
    MetadataOnly,
}

impl Kept {
    /// Returns the same output, marked as one of another store.
    pub(crate) fn of(self, other: &Arc<Store>) -> Self {
        Self { from: Some(Arc::clone(other)), ..self }
    }

    /// Returns an output of a remote.
    pub(crate) fn carried(record: Record, carried: Carried) -> Self {
        let (folder, place, record) = (Folder::new(), PathBuf::new(), Box::new(record));
        Self { folder, place, record, from: None, remote: Some(carried), bring: None }
    }

    /// Returns an output of a remote whose files are fetched when they are needed.
    pub(crate) fn to_bring(record: Record, bring: Arc<dyn Bring>) -> Self {
        let (folder, place, record) = (Folder::new(), PathBuf::new(), Box::new(record));
        Self { folder, place, record, from: None, remote: None, bring: Some(bring) }
    }
}

impl Store {
    /// Returns an output of the task with this fingerprint whose files are whole and for which
    /// `holds`.
    pub(crate) fn kept(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        trust: Trust,
        mut holds: impl FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        for name in task.index.folders(&*self.fs, &task.index_path, fingerprint)? {
            let indexed = PathBuf::from(name);
            let last = indexed.file_name().and_then(|last| last.to_str());
            let Some(key) = last.and_then(key_of) else { continue };
            // The folder may have been created after the listing, or the task's `dir` or `group`
            // may have changed.
            let listed = self.listed(task, key)?.filter(|listed| *listed != indexed);
            let folders = listed.into_iter().chain([indexed]);
            let versions = self.versions_with(task, key, fingerprint)?;
            let places = folders.flat_map(|folder| {
                let places = [self.path(&folder, RECORD)].into_iter().chain(versions.clone());
                places.map(|place| (folder.clone(), place)).collect::<Vec<_>>()
            });
            for (folder, place) in places {
                let record = match self.read_record(&place) {
                    Ok(Some(Ok(record))) => record,
                    // The instance can run, even if the record of another instance is unusable.
                    Ok(_) | Err(StoreError::Newer { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let here = record.fingerprint == fingerprint && record.key.short() == key;
                if here && holds(&record) && self.is_there(&folder, &place, &record, trust)? {
                    let (from, remote, bring) = (None, None, None);
                    return Ok(Some(Kept { folder, place, record, from, remote, bring }));
                }
            }
        }
        Ok(None)
    }

    /// Returns whether this fingerprint was reset here and no output with it was committed since.
    pub(crate) fn is_forgotten(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
    ) -> Result<bool, StoreError> {
        task.index.is_forgotten(&*self.fs, &task.index_path, fingerprint)
    }

    /// Returns whether the files of a reusable output are still whole, on this machine.
    pub(crate) fn is_whole(&self, kept: &Kept, trust: Trust) -> Result<bool, StoreError> {
        if kept.bring.is_some() {
            return Ok(false);
        }
        let store = kept.from.as_deref().unwrap_or(self);
        store.is_there(&kept.folder, &kept.place, &kept.record, trust)
    }

    fn is_there(
        &self,
        folder: &Folder,
        place: &Path,
        record: &Record,
        trust: Trust,
    ) -> Result<bool, StoreError> {
        Ok(self.look(folder, place, record, trust)?.look == Look::Whole)
    }

    /// Checks the files of an output whose record was read from `place`.
    pub(crate) fn look(
        &self,
        folder: &Folder,
        place: &Path,
        record: &Record,
        trust: Trust,
    ) -> Result<Seen, StoreError> {
        let seen = self.look_at(folder, &record.output, trust)?;
        if seen.look == Look::Whole && seen.output != record.output && !self.is_only_read {
            self.update_times(place, record, &seen.output);
        }
        Ok(seen)
    }

    /// Updates the recorded times of an output whose content is unchanged.
    ///
    /// So the next check does not hash it again. Errors are ignored: the store may be read-only.
    fn update_times(&self, place: &Path, record: &Record, seen: &Output) {
        let updated = Record { output: seen.clone(), ..record.clone() };
        let Ok(draft) = self.draft_record(place, &updated) else { return };
        let replaced = self.fs.sync(std::slice::from_ref(&draft), &[]).and_then(|()| {
            // Hashing may take long. The record must not replace one that was committed meanwhile.
            let unchanged = matches!(self.read_record(place), Ok(Some(Ok(now))) if *now == *record);
            let changed = || std::io::Error::other("it was replaced");
            if unchanged { self.fs.rename(&draft, place) } else { Err(changed()) }
        });
        if replaced.is_err() {
            let _ = self.fs.remove(&draft);
        }
    }
}
