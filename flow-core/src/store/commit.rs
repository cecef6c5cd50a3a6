//! The commit: renames records into place after the files that they name are durable.
//!
//! Syncing each output by itself costs several times as much as writing it, so outputs are
//! committed in groups. An output does not exist before the rename of its record, and is complete
//! after it. The commit makes these durable, in this order:
//!
//! 1. The content of all files and the names that lead to them, including those of new folders.
//! 2. The renames of the records.
//! 3. The names of the records.
//!
//! An output that could not be committed stays on disk until the run ends, because tasks that
//! require it may be reading it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::ToSync;
use crate::store::record::Record;
use crate::store::stage::Staged;
use crate::store::version::VersionName;
use crate::store::{RECORD, Store, TaskFolder, index};

/// An output that was to be committed, with the result. [`Staged::output`] is `None` if a record
/// names the output, even if the commit returned an error.
pub(crate) type Committed = (Arc<TaskFolder>, Staged, Result<(), StoreError>);

impl Store {
    /// Commits a group of outputs and returns the result for each.
    ///
    /// If a commit fails, the files of the output stay where they are, because tasks that require
    /// it may be reading them. No record names them as long as [`Staged::output`] is `Some`.
    pub(crate) fn commit(&self, group: Vec<(Arc<TaskFolder>, Staged)>) -> Vec<Committed> {
        let files: Vec<_> = group.iter().flat_map(|(_, staged)| staged.files()).collect();
        let folders = group.iter().map(|(_, staged)| self.root.join(&staged.folder));
        let folders: Vec<_> = folders.collect();
        // If the group cannot be synced as a whole, `replace` syncs each output by itself.
        let synced = self.sync_in(&files, &folders).is_ok();
        let mut results: Vec<_> = group
            .into_iter()
            .map(|(task, mut staged)| {
                let replaced = self.replace(&task, &mut staged, synced);
                if replaced.is_err() {
                    self.discard_path(&staged.draft);
                }
                (task, staged, replaced)
            })
            .collect();
        let renamed = results.iter().filter(|(_, _, result)| result.is_ok());
        let renamed = renamed.map(|(_, staged, _)| self.root.join(&staged.folder));
        let renamed: Vec<_> = renamed.collect::<BTreeSet<_>>().into_iter().collect();
        if let Err(error) = self.fs.sync(&[], &renamed) {
            for (_, staged, result) in results.iter_mut().filter(|(_, _, result)| result.is_ok()) {
                let error = std::io::Error::new(error.kind(), error.to_string());
                *result = Err(error).during("make durable", &self.root.join(&staged.folder));
                // The record is in place, but may not survive a loss of power.
                staged.output = None;
            }
        }
        self.note_in_index(&results);
        results
    }

    /// Makes files in these folders below the root durable, and the names that lead to them.
    fn sync_in(&self, files: &[PathBuf], folders: &[PathBuf]) -> std::io::Result<()> {
        let mut to_sync = ToSync::default();
        for folder in folders {
            // Nothing else syncs the folder of an instance, so it is not added to `durable`.
            to_sync.add(folder);
            let above = folder.parent().unwrap_or(&self.root);
            self.durable.add(&self.root, above, &mut to_sync);
        }
        self.fs.sync(files, &to_sync.list())?;
        self.durable.synced(to_sync);
        Ok(())
    }

    /// Commits an output as an earlier version of its instance. The current output stays current.
    pub(crate) fn commit_as_version(&self, task: Arc<TaskFolder>, mut staged: Staged) -> Committed {
        let version = self.version_path(&task, staged.key, &staged.version);
        let versions = version.parent().unwrap_or(&self.root).to_owned();
        let folder = self.root.join(&staged.folder);
        let renamed = self.sync_in(&staged.files(), &[folder]).and_then(|()| {
            self.fs.create_folder(&versions)?;
            self.fs.rename(&staged.draft, &version)
        });
        if let Err(error) = renamed {
            self.discard_path(&staged.draft);
            return (task, staged, Err(error).during("write", &version));
        }
        if let Err(error) = self.sync_in(&[], &[versions]) {
            // The record is in place, but may not survive a loss of power.
            staged.output = None;
            return (task, staged, Err(error).during("make durable", &version));
        }
        let committed = [(task, staged, Ok(()))];
        self.note_in_index(&committed);
        let [committed] = committed;
        committed
    }

    fn replace(
        &self,
        task: &TaskFolder,
        staged: &mut Staged,
        synced: bool,
    ) -> Result<(), StoreError> {
        if !synced {
            let folder = self.root.join(&staged.folder);
            self.sync_in(&staged.files(), &[folder]).during("make durable", &staged.draft)?;
        }
        let path = self.path(&staged.folder, RECORD);
        let old = self.read_record(&path)?.and_then(Result::ok);
        let is_kept = old.as_ref().is_some_and(|old| is_kept(old, staged));
        if let Some(old) = old.as_ref().filter(|_| is_kept) {
            self.keep_version(task, &path, old)?;
        }
        self.fs.rename(&staged.draft, &path).during("write", &path)?;
        if let Some(old) = old {
            // The files of an earlier version stay on disk, but values in memory are dropped.
            if old.output.digest != staged.digest {
                self.memory.forget(old.output.digest);
            }
            // Another run may be about to read the old files, so they are removed when this run
            // ends.
            let mut files = HashSet::new();
            if !is_kept {
                files.extend(old.output.files.into_iter().map(|file| file.file));
            }
            files.extend(self.take_version(task, staged));
            staged.replaced = Some(files);
        }
        self.clear_failure(&staged.folder);
        Ok(())
    }

    /// Removes the version with the same name as the new output, because the new record replaces
    /// it. Returns the files that it names.
    fn take_version(&self, task: &TaskFolder, staged: &Staged) -> Vec<String> {
        let version = self.version_path(task, staged.key, &staged.version);
        let Ok(Some(Ok(record))) = self.read_record(&version) else { return Vec::new() };
        match self.fs.remove(&version) {
            Ok(()) => record.output.files.into_iter().map(|file| file.file).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Adds the committed outputs to the index, and claims the names of their tasks.
    ///
    /// Errors are ignored: without the line in the index a later plan cannot reuse the output by
    /// its fingerprint, but the output itself is there.
    fn note_in_index(&self, results: &[Committed]) {
        let mut tasks: BTreeMap<&Path, Vec<&Staged>> = BTreeMap::new();
        for (task, staged, result) in results {
            if result.is_ok() {
                self.claim(task);
                tasks.entry(&task.index_path).or_default().push(staged);
            }
        }
        for (path, committed) in tasks {
            let lines = index::lines(committed.iter().filter_map(|staged| {
                let parts = staged.folder.iter().map(|part| part.to_str());
                let folder = parts.collect::<Option<Vec<_>>>()?.join("/");
                Some((staged.fingerprint, folder, staged.is_forced))
            }));
            let _ = self.fs.append(path, lines.as_bytes()).or_else(|error| {
                let (ErrorKind::NotFound, Some(folder)) = (error.kind(), path.parent()) else {
                    return Err(error);
                };
                self.fs.create_folder(folder)?;
                self.fs.append(path, lines.as_bytes())
            });
        }
    }
}

/// Returns whether to keep the old output as a version when the staged one replaces it.
///
/// A value in memory is never kept. Neither is an output that was computed from the same inputs as
/// the new one. A forced output replaces all outputs with its fingerprint.
fn is_kept(old: &Record, new: &Staged) -> bool {
    let same = old.fingerprint == new.fingerprint
        && (new.is_forced || VersionName::of(old) == new.version);
    !old.output.is_in_memory() && !same
}
