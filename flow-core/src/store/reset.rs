//! Resets: removing outputs and what is kept of the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::log::LOG;
use crate::store::output::remove_all;
use crate::store::{Folder, INTERNAL, RECORD, Store, TaskFolder, index, key_of};

impl Store {
    /// Removes the output in `folder`, and what is kept under its fingerprint; gives the files
    /// that were removed.
    pub(crate) fn reset(
        &self,
        task: &TaskFolder,
        folder: &Folder,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let path = self.path(folder, RECORD);
        let Some(record) = self.read_record(&path)? else { return Ok(Vec::new()) };
        let mut removed = Vec::new();
        // Once its record is gone, an output is not there; what is left of it does no harm.
        self.remove(&path, &mut removed)?;
        if let Ok(record) = record {
            for file in &record.output.files {
                self.remove(&self.path(folder, &file.file), &mut removed)?;
            }
            self.memory.forget(record.output.digest);
            self.remove(&self.path(folder, LOG), &mut removed)?;
            removed.extend(self.reset_kept(task, record.fingerprint)?);
        }
        Ok(removed)
    }

    /// Removes what is kept under this fingerprint, so that nothing made before is adopted; gives
    /// the files that were removed.
    pub(crate) fn reset_kept(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let mut removed = Vec::new();
        self.remove(&self.version_path(task, fingerprint), &mut removed)?;
        self.forget(task, fingerprint)?;
        Ok(removed)
    }

    /// Tells the index that nothing made before is to be adopted under this fingerprint.
    fn forget(&self, task: &TaskFolder, fingerprint: Digest) -> Result<(), StoreError> {
        let path = &task.index_path;
        match self.fs.stat(path) {
            Ok(_) => {}
            Err(error) if crate::content::is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).during("look at", path),
        }
        let line = index::forget(fingerprint);
        self.fs.append(path, line.as_bytes()).during("write", path)
    }

    /// Removes all outputs of a task; gives each instance's folder with its files.
    pub(crate) fn reset_task(
        &self,
        task: &TaskFolder,
    ) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        let mut removed = Vec::new();
        for name in task.was.iter().chain([&task.name]) {
            self.reset_folders(Path::new(name), &mut removed)?;
        }
        self.reset_internal(task.index_path.file_name().unwrap_or_default().as_ref())?;
        *task.listing.lock().expect("no panic while a folder is listed") = None;
        Ok(removed)
    }

    /// Removes all outputs; gives each instance's folder with its files.
    pub(crate) fn reset_all(&self) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        let mut removed = Vec::new();
        let names = self.names(&self.root).during("list", &self.root)?.into_iter();
        let mut tasks: BTreeSet<PathBuf> =
            names.filter(|name| name != INTERNAL).map(PathBuf::from).collect();
        let index = self.internal("index");
        let indices = self.names(&index).unwrap_or_default();
        // Those of tasks that have a `group` or a `dir` are known by the index alone.
        for name in &indices {
            let lines = self.fs.read(&index.join(name)).unwrap_or_default();
            tasks.extend(index::task_folders(&lines));
        }
        for task in &tasks {
            self.reset_folders(task, &mut removed)?;
        }
        for name in &indices {
            self.reset_internal(Path::new(name))?;
        }
        self.memory.clear();
        self.refresh();
        Ok(removed)
    }

    fn reset_folders(
        &self,
        task: &Path,
        removed: &mut Vec<(Folder, Vec<PathBuf>)>,
    ) -> Result<(), StoreError> {
        let at = self.root.join(task);
        let Ok(mut folders) = self.names(&at) else { return Ok(()) };
        folders.retain(|folder| key_of(folder).is_some());
        folders.sort_unstable();
        for folder in folders {
            let folder = task.join(folder);
            let mut files = Vec::new();
            let at = self.root.join(&folder);
            // A record that a newer version wrote is left alone, as everywhere.
            if let Some(Ok(record)) = self.read_record(&at.join(RECORD))? {
                self.memory.forget(record.output.digest);
            }
            let mut names = self.names(&at).during("list", &at)?;
            // The record first: from then on the output is not there.
            names.sort_by_key(|name| (name != RECORD, name.clone()));
            for name in names.iter().filter(|name| is_ours(name)) {
                self.remove(&at.join(name), &mut files)?;
            }
            // A folder with files of others stays.
            let _ = self.fs.remove_folder(&at);
            removed.push((folder, files));
        }
        let _ = self.fs.remove_folder(&at);
        Ok(())
    }

    /// Removes what is kept about a task besides its outputs.
    fn reset_internal(&self, task: &Path) -> Result<(), StoreError> {
        let versions = self.internal("versions").join(task);
        for name in self.names(&versions).unwrap_or_default() {
            self.remove(&versions.join(name), &mut Vec::new())?;
        }
        let _ = self.fs.remove_folder(&versions);
        self.remove(&self.internal("index").join(task), &mut Vec::new())
    }

    fn remove(&self, path: &Path, removed: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        remove_all(&*self.fs, path, removed).during("remove", path)
    }
}

/// Whether a file in an instance's folder has a name that the store gives.
fn is_ours(name: &str) -> bool {
    name.starts_with("data-")
        || name.starts_with(RECORD)
        || name.starts_with("failure.")
        || name == LOG
}
