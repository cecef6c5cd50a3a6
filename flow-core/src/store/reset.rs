//! Resets: removing outputs and what is kept of the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::content::is_absent;
use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::failure::FAILURE;
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
        for name in task.index.folders(&*self.fs, &task.index_path, fingerprint)? {
            if let Some(name) = index::version_name(&name) {
                let version = self.named_version_path(task, fingerprint, name);
                self.remove(&version, &mut removed)?;
            }
        }
        self.forget(task, fingerprint)?;
        Ok(removed)
    }

    /// Tells the index that nothing made before is to be adopted under this fingerprint.
    fn forget(&self, task: &TaskFolder, fingerprint: Digest) -> Result<(), StoreError> {
        let path = &task.index_path;
        match self.fs.stat(path) {
            Ok(_) => {}
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).during("look at", path),
        }
        let line = index::forget(fingerprint);
        self.fs.append(path, line.as_bytes()).during("write", path)
    }

    /// Removes all outputs of a task, which has or had these names; gives each instance's folder
    /// with its files.
    pub(crate) fn reset_task(
        &self,
        task: &TaskFolder,
        names: &[&str],
    ) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        // Where it was stored before it got another `dir` or `group`, too.
        let mut folders = index::folders(&self.read_if_there(&task.index_path)?);
        for name in task.was.iter().chain([&task.name]) {
            for folder in self.instances(Path::new(name))? {
                if !folders.contains(&folder) && !self.is_of_another(&folder, names)? {
                    folders.insert(folder);
                }
            }
        }
        let mut removed = Vec::new();
        for folder in folders {
            self.reset_folder(folder, &mut removed)?;
        }
        self.reset_internal(task.index_path.file_name().unwrap_or_default().as_ref())?;
        *task.listing.lock().expect("no panic while a folder is listed") = None;
        Ok(removed)
    }

    /// Removes all outputs; gives each instance's folder with its files.
    pub(crate) fn reset_all(&self) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        let mut folders = BTreeSet::new();
        for name in self.names(&self.root).during("list", &self.root)? {
            // What cannot be listed and is not known to be a task's is somebody else's.
            let task = Some(name).filter(|name| name != INTERNAL);
            folders.extend(
                task.and_then(|name| self.instances(Path::new(&name)).ok()).into_iter().flatten(),
            );
        }
        let index = self.internal("index");
        let indices = match self.names(&index) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &index)?,
        };
        // Those of tasks that have a `group` or a `dir` are known by the index and, as long as this
        // store is open, by the tasks.
        let mut tasks = self.task_names();
        for name in &indices {
            let noted = index::folders(&self.read_if_there(&index.join(name))?);
            tasks.extend(noted.iter().filter_map(|folder| Some(folder.parent()?.to_owned())));
        }
        for task in &tasks {
            folders.extend(self.instances(task)?);
        }
        let mut removed = Vec::new();
        for folder in folders {
            self.reset_folder(folder, &mut removed)?;
        }
        for name in &indices {
            self.reset_internal(Path::new(name))?;
        }
        self.memory.clear();
        self.refresh();
        Ok(removed)
    }

    /// Whether the output in a folder is that of another task, which has the same `dir`.
    fn is_of_another(&self, folder: &Folder, names: &[&str]) -> Result<bool, StoreError> {
        let record = self.read_record(&self.path(folder, RECORD))?;
        Ok(matches!(record, Some(Ok(record)) if !names.contains(&&*record.task)))
    }

    /// The folders of instances in that of a task, in order.
    fn instances(&self, task: &Path) -> Result<Vec<Folder>, StoreError> {
        let at = self.root.join(task);
        let mut folders = match self.names(&at) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &at)?,
        };
        folders.retain(|folder| key_of(folder).is_some());
        folders.sort_unstable();
        Ok(folders.into_iter().map(|folder| task.join(folder)).collect())
    }

    /// Removes what the store has put into an instance's folder, if that is there.
    fn reset_folder(
        &self,
        folder: Folder,
        removed: &mut Vec<(Folder, Vec<PathBuf>)>,
    ) -> Result<(), StoreError> {
        let at = self.root.join(&folder);
        let mut names = match self.names(&at) {
            Err(error) if is_absent(&error) => return Ok(()),
            names => names.during("list", &at)?,
        };
        // A record that a newer version wrote is left alone, as everywhere.
        if let Some(Ok(record)) = self.read_record(&at.join(RECORD))? {
            self.memory.forget(record.output.digest);
        }
        names.retain(|name| is_ours(name));
        if names.is_empty() {
            let _ = self.fs.remove_folder(&at);
            return Ok(());
        }
        // The record first: from then on the output is not there.
        names.sort_by_key(|name| (name != RECORD, name.clone()));
        let mut files = Vec::new();
        for name in &names {
            self.remove(&at.join(name), &mut files)?;
        }
        // A folder with files of others stays, and so do those that it lies in.
        for above in folder.ancestors().filter(|above| !above.as_os_str().is_empty()) {
            if self.fs.remove_folder(&self.root.join(above)).is_err() {
                break;
            }
        }
        removed.push((folder, files));
        Ok(())
    }

    /// The content of a file, which is empty if there is none.
    fn read_if_there(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        match self.fs.read(path) {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            read => read.during("read", path),
        }
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
    let digits = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    // Of an output, two numbers follow, and whatever tells parts and formats apart.
    if let Some(version) = name.strip_prefix("data-") {
        let (version, rest) = version.split_at_checked(16).unwrap_or_default();
        let unique = rest.strip_prefix('-').and_then(|rest| rest.get(..16));
        return digits(version) && unique.is_some_and(digits);
    }
    // Others have one at their end while they are written.
    let draft = [RECORD, "failure"].into_iter().filter_map(|file| name.strip_prefix(file));
    name == RECORD
        || name == LOG
        || name == FAILURE
        || draft.filter_map(|rest| rest.strip_prefix('.')).any(digits)
}
