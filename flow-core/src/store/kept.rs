//! Kept versions: outputs whose record was replaced, and the search for an output by fingerprint.

use std::path::{Path, PathBuf};

use crate::content::is_absent;
use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::record::{OutputFile, Record};
use crate::store::{Folder, RECORD, Store, TaskFolder};

/// An output with the fingerprint looked for, in whichever instance's folder.
pub(crate) struct Kept {
    pub(crate) folder: Folder,
    /// Where the record stands.
    place: PathBuf,
    pub(crate) record: Box<Record>,
}

impl Store {
    pub(crate) fn version_path(&self, task: &TaskFolder, fingerprint: Digest) -> PathBuf {
        let name = task.index_path.file_name().unwrap_or_default();
        self.internal("versions").join(name).join(format!("{fingerprint}.json"))
    }

    /// Keeps the record at `path`, if there is one, among the versions, before it is replaced.
    pub(crate) fn keep_version(&self, task: &TaskFolder, path: &Path) -> Result<(), StoreError> {
        let Some(Ok(old)) = self.read_record(path)? else { return Ok(()) };
        let version = self.version_path(task, old.fingerprint);
        if self.fs.link(path, &version).is_ok() {
            return Ok(());
        }
        self.replace_version(path, &version).during("keep", &version)
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
        for name in task.index.folders(&*self.fs, &task.index_path, fingerprint)? {
            let Some(key) = super::key_of(&name) else { continue };
            let Some(folder) = self.listed(task, key)?.or_else(|| self.on_disk(task, &name)) else {
                continue;
            };
            let places = [self.path(&folder, RECORD), self.version_path(task, fingerprint)];
            for place in places {
                let record = match self.read_record(&place) {
                    Ok(Some(Ok(record))) => record,
                    // Another instance's record that cannot be used is no reason not to run.
                    Ok(_) | Err(StoreError::Newer { .. }) => continue,
                    Err(error) => return Err(error),
                };
                let here = record.fingerprint == fingerprint && record.key.short() == key;
                if here && holds(&record) && self.look(&folder, &place, &record)? == Look::Whole {
                    return Ok(Some(Kept { folder, place, record }));
                }
            }
        }
        Ok(None)
    }

    /// A folder that came after the task's folders were listed.
    fn on_disk(&self, task: &TaskFolder, name: &str) -> Option<Folder> {
        let folder = Path::new(&task.name).join(name);
        self.fs.stat(&self.root.join(&folder)).is_ok().then_some(folder)
    }

    /// Whether an output that was found is still there.
    pub(crate) fn is_whole(&self, kept: &Kept) -> Result<bool, StoreError> {
        Ok(self.look(&kept.folder, &kept.place, &kept.record)? == Look::Whole)
    }

    /// Looks at the file of an output: by size and time and, if the time is another, by content.
    /// Its record was read from `place`.
    pub(crate) fn look(
        &self,
        folder: &Folder,
        place: &Path,
        record: &Record,
    ) -> Result<Look, StoreError> {
        let path = self.path(folder, &record.output.file);
        let (look, modified) = self.look_at(&path, &record.output)?;
        if look == Look::Whole && modified != record.output.modified {
            self.note_time(place, record, modified);
        }
        Ok(look)
    }

    /// Looks at the file of an output, and says when it was written.
    pub(crate) fn look_at(
        &self,
        path: &Path,
        output: &OutputFile,
    ) -> Result<(Look, i64), StoreError> {
        let stat = match self.fs.stat(path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return Ok((Look::Gone, 0)),
            Err(error) => return Err(error).during("look at", path),
        };
        let whole = stat.bytes == output.bytes
            && !stat.folder
            && (stat.modified == output.modified
                || crate::content::digest_file(&*self.fs, path).during("read", path)?
                    == output.digest);
        Ok((if whole { Look::Whole } else { Look::Modified }, stat.modified))
    }

    /// Notes another time of an output whose content is as recorded, so that it is not hashed at
    /// each look. A store that cannot be written does without.
    fn note_time(&self, place: &Path, record: &Record, modified: i64) {
        let mut noted = record.clone();
        noted.output.modified = modified;
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

/// What a look at an output's file shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    Whole,
    Gone,
    Modified,
}
