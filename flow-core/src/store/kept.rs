//! The search for an output by its fingerprint, among records and kept versions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::store::output::{Look, Output, Seen};
use crate::store::record::Record;
use crate::store::trust::Trust;
use crate::store::{Folder, RECORD, Store, TaskFolder};

/// An output with the fingerprint looked for, in whichever instance's folder.
pub(crate) struct Kept {
    pub(crate) folder: Folder,
    /// Where the record stands.
    pub(crate) place: PathBuf,
    pub(crate) record: Box<Record>,
    /// The store that has it, if it is another one.
    pub(crate) from: Option<Arc<Store>>,
    /// Whether a remote has it, with its files or without.
    pub(crate) remote: Option<Carried>,
}

/// How much of an output a remote has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    Whole,
    /// That it was there, and which content it had.
    MetadataOnly,
}

impl Kept {
    /// The same, in another store than the flow's own.
    pub(crate) fn of(self, other: &Arc<Store>) -> Self {
        Self { from: Some(Arc::clone(other)), ..self }
    }

    /// One that a remote has.
    pub(crate) fn carried(record: Record, carried: Carried) -> Self {
        let (folder, place, record) = (Folder::new(), PathBuf::new(), Box::new(record));
        Self { folder, place, record, from: None, remote: Some(carried) }
    }
}

impl Store {
    /// An output of the task with this fingerprint whose file is whole and for which `holds`.
    pub(crate) fn kept(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        trust: Trust,
        mut holds: impl FnMut(&Record) -> bool,
    ) -> Result<Option<Kept>, StoreError> {
        for name in task.index.folders(&*self.fs, &task.index_path, fingerprint)? {
            let noted = PathBuf::from(name);
            let last = noted.file_name().and_then(|last| last.to_str());
            let Some(key) = last.and_then(super::key_of) else { continue };
            // It may have come after the task's folders were listed, or lie where the task was
            // stored before it got another `dir` or `group`.
            let listed = self.listed(task, key)?.filter(|listed| *listed != noted);
            let folders = listed.into_iter().chain([noted]);
            let versions = self.versions_with(task, key, fingerprint)?;
            let places = folders.flat_map(|folder| {
                let places = [self.path(&folder, RECORD)].into_iter().chain(versions.clone());
                places.map(|place| (folder.clone(), place)).collect::<Vec<_>>()
            });
            for (folder, place) in places {
                let record = match self.read_record(&place) {
                    Ok(Some(Ok(record))) => record,
                    // Another instance's record that cannot be used is no reason not to run.
                    Ok(_) | Err(StoreError::Newer { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let here = record.fingerprint == fingerprint && record.key.short() == key;
                if here && holds(&record) && self.is_there(&folder, &place, &record, trust)? {
                    return Ok(Some(Kept { folder, place, record, from: None, remote: None }));
                }
            }
        }
        Ok(None)
    }

    /// Whether outputs with this fingerprint were reset here, and none was made since.
    pub(crate) fn is_forgotten(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
    ) -> Result<bool, StoreError> {
        task.index.is_forgotten(&*self.fs, &task.index_path, fingerprint)
    }

    /// Whether an output that was found is still there.
    pub(crate) fn is_whole(&self, kept: &Kept, trust: Trust) -> Result<bool, StoreError> {
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

    /// Looks at the files of an output, whose record was read from `place`.
    pub(crate) fn look(
        &self,
        folder: &Folder,
        place: &Path,
        record: &Record,
        trust: Trust,
    ) -> Result<Seen, StoreError> {
        let seen = self.look_at(folder, &record.output, trust)?;
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
        let replaced = self.fs.sync(std::slice::from_ref(&draft), &[]).and_then(|()| {
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
