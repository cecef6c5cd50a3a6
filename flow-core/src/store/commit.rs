//! The commit: records become visible after what they name is durable.
//!
//! Syncing each output by itself costs several times what writing it does, so that a group of
//! them is committed at once: all are made durable, then each record is renamed into place. Until
//! its rename an output does not exist; after it, it is whole.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use crate::store::error::{IoContext, StoreError};
use crate::store::stage::Staged;
use crate::store::{RECORD, Store, TaskFolder, index};

impl Store {
    /// Commits a group, and says of each whether it is there now.
    pub(crate) fn commit(
        &self,
        group: Vec<(Arc<TaskFolder>, Staged)>,
    ) -> Vec<Result<Staged, StoreError>> {
        let files: Vec<_> = group.iter().flat_map(|(_, staged)| staged.files()).collect();
        // If one of them cannot be made durable, each is tried by itself.
        let synced = self.fs.sync(&files).is_ok();
        let results: Vec<_> = group
            .into_iter()
            .map(|(task, staged)| {
                let replaced = self.replace(&task, &staged, synced);
                if replaced.is_err() {
                    // No record names them, so that they do no harm if this fails too.
                    self.discard_path(&staged.draft);
                    staged.output.iter().for_each(|output| self.discard(&staged.folder, output));
                }
                (task, replaced.map(|()| staged))
            })
            .collect();
        self.note_in_index(&results);
        results.into_iter().map(|(_, result)| result).collect()
    }

    fn replace(&self, task: &TaskFolder, staged: &Staged, synced: bool) -> Result<(), StoreError> {
        if !synced {
            self.fs.sync(&staged.files()).during("make durable", &staged.draft)?;
        }
        let path = self.path(&staged.folder, RECORD);
        let old = self.keep_version(task, &path)?;
        self.fs.rename(&staged.draft, &path).during("write", &path)?;
        // Files of former versions stay, but memory is dear.
        if let Some(old) = old.filter(|old| old.output.digest != staged.digest) {
            self.memory.forget(old.output.digest);
        }
        self.clear_failure(&staged.folder);
        Ok(())
    }

    /// Tells the index of what was committed.
    ///
    /// An index that cannot be written costs a later adoption, not an output.
    fn note_in_index(&self, results: &[(Arc<TaskFolder>, Result<Staged, StoreError>)]) {
        let mut tasks: BTreeMap<&Path, Vec<&Staged>> = BTreeMap::new();
        for (task, result) in results {
            if let Ok(staged) = result {
                tasks.entry(&task.index_path).or_default().push(staged);
            }
        }
        for (path, committed) in tasks {
            let lines = index::lines(committed.iter().filter_map(|staged| {
                let parts = staged.folder.iter().map(|part| part.to_str());
                Some((staged.fingerprint, parts.collect::<Option<Vec<_>>>()?.join("/")))
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
