//! The commit: records become visible after what they name is durable.
//!
//! Syncing each output by itself costs several times what writing it does, so that a group of
//! them is committed at once. Until its rename an output does not exist; after it, it is whole.
//! What happens, in this order, survives a loss of power in this order:
//!
//! 1. The content of all files, and the names that lead to them: those of new folders, too.
//! 2. Each record is renamed into place.
//! 3. The names of the records.

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

/// An output that was to be committed, and whether it is there now. [`Staged::output`] is `None` if a
/// record names the output, even where the commit failed.
pub(crate) type Committed = (Arc<TaskFolder>, Staged, Result<(), StoreError>);

impl Store {
    /// Commits a group, and says of each whether it is there now.
    ///
    /// The output of one that could not be committed is left where it is: what requires it may be
    /// reading it. No record names it, as long as its [`Staged`] has it.
    pub(crate) fn commit(&self, group: Vec<(Arc<TaskFolder>, Staged)>) -> Vec<Committed> {
        let files: Vec<_> = group.iter().flat_map(|(_, staged)| staged.files()).collect();
        let folders = group.iter().map(|(_, staged)| self.root.join(&staged.folder));
        let folders: Vec<_> = folders.collect();
        // If one of them cannot be made durable, each is tried by itself.
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
                // It is there, although it may not survive a loss of power.
                staged.output = None;
            }
        }
        self.note_in_index(&results);
        results
    }

    /// Makes files durable, and the names that lead to them, in these folders below the root.
    fn sync_in(&self, files: &[PathBuf], folders: &[PathBuf]) -> std::io::Result<()> {
        let mut to_sync = ToSync::default();
        for folder in folders {
            // An instance has one folder, which is not worth remembering.
            to_sync.add(folder);
            let above = folder.parent().unwrap_or(&self.root);
            self.durable.add(&self.root, above, &mut to_sync);
        }
        self.fs.sync(files, &to_sync.list())?;
        self.durable.synced(to_sync);
        Ok(())
    }

    /// Commits an output as an earlier version of its instance, which keeps the one that it has.
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
            // It is there, although it may not survive a loss of power.
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
            // Files of former versions stay, but memory is dear.
            if old.output.digest != staged.digest {
                self.memory.forget(old.output.digest);
            }
            // Another execution may be about to read what is not kept: it is removed later.
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

    /// Removes the version of the same name as the new output, for it is this one, or was of no use;
    /// gives the files that it names.
    fn take_version(&self, task: &TaskFolder, staged: &Staged) -> Vec<String> {
        let version = self.version_path(task, staged.key, &staged.version);
        let Ok(Some(Ok(record))) = self.read_record(&version) else { return Vec::new() };
        match self.fs.remove(&version) {
            Ok(()) => record.output.files.into_iter().map(|file| file.file).collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Tells the index of what was committed.
    ///
    /// An index that cannot be written costs a later adoption, not an output.
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

/// Whether the output of this record is worth keeping when the staged one takes its place: a value in
/// memory is gone, and another one made from the same is what it would be made again as.
fn is_kept(old: &Record, new: &Staged) -> bool {
    let same = old.fingerprint == new.fingerprint
        && (new.is_forced || VersionName::of(old) == new.version);
    !old.output.is_in_memory() && !same
}
