//! Resets: removes outputs, and the kept versions with the same fingerprint.
//!
//! A reset revokes the fingerprint in the index: neither this store nor one that it reuses from has
//! anything to reuse under it until a task has run. The current output of another instance stays.
//!
//! Records go first, and durably, then the files that they name (see [`removal`](super::removal)): a
//! reset that has returned is not undone by a loss of power.
//!
//! No link is followed: a folder of a task or an instance that is a link is an error. Everything
//! that is to be removed is checked first, so that such an error leaves the store as it is.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::error::{IoContext, StoreError};
use crate::base::key::Digest;
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::failure::FAILURE;
use crate::store::figures::FIGURE;
use crate::store::log::is_log;
use crate::store::output::remove_all;
use crate::store::record_cache::RECORDS;
use crate::store::rejected::REJECTED;
use crate::store::removal::Removal;
use crate::store::{Folder, RECORD, Store, TaskFolder, bounds, index};

impl Store {
    /// Removes the output in `folder` and the versions with its fingerprint. Returns whether there
    /// was an output.
    pub(crate) fn reset(
        &self,
        task: &TaskFolder,
        folder: &Folder,
        removal: &mut Removal<'_>,
    ) -> Result<bool, StoreError> {
        let versions = self.versions(task);
        let record = removal.record(&self.path(folder, RECORD), folder, Some(&versions))?;
        if let Some(Ok(record)) = &record {
            self.memory.forget(record.output.digest);
            for log in self.log_names(folder)? {
                removal.add_file(self.path(folder, &log));
            }
            let rejected = self.path(folder, REJECTED);
            if self.fs.stat(&rejected).is_ok() {
                removal.add_file(rejected);
            }
            self.reset_kept(task, record.fingerprint, removal)?;
        }
        Ok(record.is_some())
    }

    /// Removes the versions with this fingerprint of all instances, so that no earlier output is
    /// reused for it.
    pub(crate) fn reset_kept(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        removal: &mut Removal<'_>,
    ) -> Result<(), StoreError> {
        for name in task.index.folders(&*self.fs, &task.index_path, fingerprint)? {
            let folder = Folder::from(name);
            let last = folder.file_name().and_then(|last| last.to_str());
            let Some(key) = last.and_then(key_of) else { continue };
            for version in self.versions_with(task, key, fingerprint)? {
                removal.version(&version, &folder, false)?;
            }
        }
        self.forget(task, fingerprint, false, removal)
    }

    /// Adds a line to the index that revokes this fingerprint.
    ///
    /// Without an index, this store has no outputs with it. If `is_elsewhere` is set, the index is
    /// created, so that outputs of other stores are not reused either.
    pub(crate) fn forget(
        &self,
        task: &TaskFolder,
        fingerprint: Digest,
        is_elsewhere: bool,
        removal: &mut Removal<'_>,
    ) -> Result<(), StoreError> {
        let path = &task.index_path;
        match self.fs.stat(path) {
            Ok(_) => {}
            Err(error) if is_absent(&error) && is_elsewhere => {
                let folder = self.internal("index");
                self.fs.create_folder(&folder).during("create the folder", &folder)?;
                [folder, self.internal(""), self.root.clone()]
                    .into_iter()
                    .for_each(|folder| removal.add_folder(folder));
            }
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).during("inspect", path),
        }
        let line = index::forget(fingerprint);
        self.fs.append(path, line.as_bytes()).during("write", path)?;
        removal.add_index(path);
        Ok(())
    }

    /// Removes all outputs of a task, which has or had these names. Returns each instance's folder
    /// with its removed files.
    pub(crate) fn reset_task(
        &self,
        task: &TaskFolder,
        names: &[&str],
    ) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        self.check_internal()?;
        // The index also names folders from before the task's `dir` or `group` changed.
        let mut folders = index::folders(&self.read_index(&task.index_path)?);
        for name in task.was.iter().chain([&task.name]) {
            for folder in self.instances(Path::new(name))? {
                if !folders.contains(&folder) && !self.is_of_another(&folder, names)? {
                    folders.insert(folder);
                }
            }
        }
        self.check_folders(&folders)?;
        let name = task.index_path.file_name().unwrap_or_default().to_owned();
        let removed = self.reset_folders(folders, &BTreeSet::from([name]))?;
        self.release(Some(task))?;
        *task.listing.lock().expect("lock poisoned") = None;
        Ok(removed)
    }

    /// Removes all outputs. Returns each instance's folder with its removed files.
    pub(crate) fn reset_all(&self) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        self.check_internal()?;
        let folders = self.instance_folders()?;
        self.check_folders(&folders)?;
        let versions = self.version_folders()?.into_iter();
        let versions = versions.filter_map(|(folder, _)| Some(folder.parent()?.to_owned()));
        let tasks = self.indices()?.into_iter().chain(versions);
        let tasks = tasks.filter_map(|path| Some(path.file_name()?.to_owned())).collect();
        let removed = self.reset_folders(folders, &tasks)?;
        self.release(None)?;
        self.memory.clear();
        self.refresh();
        Ok(removed)
    }

    /// Checks that none of these folders is a link or lies below one.
    fn check_folders(&self, folders: &BTreeSet<Folder>) -> Result<(), StoreError> {
        for folder in folders {
            let path = self.root.join(folder);
            match self.fs.stat(&path) {
                Err(error) if !is_absent(&error) => return Err(error).during("reset", &path),
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns whether the output in a folder is that of another task with the same `dir`.
    fn is_of_another(&self, folder: &Folder, names: &[&str]) -> Result<bool, StoreError> {
        let record = self.read_record(&self.path(folder, RECORD))?;
        Ok(matches!(record, Some(Ok(record)) if !names.contains(&&*record.task)))
    }

    /// Returns the folders of the instances in a task's folder, in order.
    pub(super) fn instances(&self, task: &Path) -> Result<Vec<Folder>, StoreError> {
        let at = self.root.join(task);
        let mut folders = match self.names(&at) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &at)?,
        };
        folders.retain(|folder| key_of(folder).is_some());
        folders.sort_unstable();
        Ok(folders.into_iter().map(|folder| task.join(folder)).collect())
    }

    /// Removes the store's files from the folders of instances, and the versions and indices of the
    /// tasks with these names. Returns each folder with its removed files.
    fn reset_folders(
        &self,
        folders: BTreeSet<Folder>,
        tasks: &BTreeSet<OsString>,
    ) -> Result<Vec<(Folder, Vec<PathBuf>)>, StoreError> {
        let mut removal = Removal::new(self);
        let mut begun = Vec::new();
        for folder in folders {
            begun.extend(self.begin_reset(folder, &mut removal)?);
        }
        let versions = self.internal("versions");
        for task in tasks {
            self.remove(&versions.join(task), &mut Vec::new())?;
        }
        removal.add_folder(versions);
        removal.finish()?;
        let mut removed = Vec::new();
        for begun in begun {
            removed.push(self.finish_reset(begun)?);
        }
        // Instances of tasks with a `group` or `dir` are found through the index as long as there
        // are files of them.
        let indices = self.internal("index");
        tasks.iter().try_for_each(|task| self.remove(&indices.join(task), &mut Vec::new()))?;
        // Nothing depends on a cache, so errors are ignored.
        let caches = self.internal(RECORDS);
        tasks.iter().for_each(|task| drop(self.remove(&caches.join(task), &mut Vec::new())));
        Ok(removed)
    }

    /// Removes the record in an instance's folder, if the folder contains files of the store.
    pub(super) fn begin_reset(
        &self,
        folder: Folder,
        removal: &mut Removal<'_>,
    ) -> Result<Option<BegunReset>, StoreError> {
        let at = self.root.join(&folder);
        let mut names = match self.names(&at) {
            Err(error) if is_absent(&error) => return Ok(None),
            names => names.during("list", &at)?,
        };
        // A record of a newer version of this library is an error, and nothing is removed.
        if let Some(Ok(record)) = self.read_record(&at.join(RECORD))? {
            self.memory.forget(record.output.digest);
        }
        names.retain(|name| is_ours(name));
        if names.is_empty() {
            let _ = self.fs.remove_folder(&at);
            return Ok(None);
        }
        let mut removed = Vec::new();
        if names.iter().any(|name| name == RECORD) {
            self.remove(&at.join(RECORD), &mut removed)?;
            removal.add_folder(at);
        }
        names.sort_unstable();
        Ok(Some(BegunReset { folder, names, removed }))
    }

    /// Removes the store's files from an instance's folder, after the removal of its record is
    /// durable. Returns the folder with its removed files.
    pub(super) fn finish_reset(
        &self,
        begun: BegunReset,
    ) -> Result<(Folder, Vec<PathBuf>), StoreError> {
        let BegunReset { folder, names, mut removed } = begun;
        let at = self.root.join(&folder);
        for name in names.iter().filter(|name| *name != RECORD) {
            self.remove(&at.join(name), &mut removed)?;
        }
        self.remove_empty(&folder);
        Ok((folder, removed))
    }

    /// Removes the folder of an instance if it is empty, and then its parents up to one that is
    /// not.
    pub(super) fn remove_empty(&self, folder: &Folder) {
        for above in folder.ancestors().filter(|above| !above.as_os_str().is_empty()) {
            if self.fs.remove_folder(&self.root.join(above)).is_err() {
                break;
            }
        }
    }

    /// Returns the content of an index, which is empty if there is no file.
    pub(super) fn read_index(&self, path: &Path) -> Result<Vec<u8>, StoreError> {
        match self.fs.read(path, bounds::INDEX) {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            read => read.map_err(index::with_remedy).during("read", path),
        }
    }

    pub(super) fn remove(&self, path: &Path, removed: &mut Vec<PathBuf>) -> Result<(), StoreError> {
        remove_all(&*self.fs, path, removed).during("remove", path)
    }
}

/// The folder of an instance whose record was removed, and whose other files are to be removed.
pub(super) struct BegunReset {
    folder: Folder,
    names: Vec<String>,
    removed: Vec<PathBuf>,
}

/// Returns whether a file in an instance's folder has a name that the store creates.
pub(super) fn is_ours(name: &str) -> bool {
    is_output(name) || is_draft(name) || is_log(name) || matches!(name, RECORD | FAILURE | REJECTED)
}

/// Returns whether a file name is that of an output or of a figure: two numbers, then the part and the extension.
pub(super) fn is_output(name: &str) -> bool {
    let rest = name.strip_prefix("data-").or_else(|| name.strip_prefix(FIGURE));
    let Some((version, rest)) = rest.and_then(|rest| rest.split_at_checked(16)) else {
        return false;
    };
    let unique = rest.strip_prefix('-').and_then(|rest| rest.get(..16));
    digits(version) && unique.is_some_and(digits)
}

/// Returns whether a file name is that of a draft of a record, a failure or rejected rows, which ends in a number.
pub(super) fn is_draft(name: &str) -> bool {
    let draft =
        [RECORD, "failure", REJECTED].into_iter().filter_map(|file| name.strip_prefix(file));
    draft.filter_map(|rest| rest.strip_prefix('.')).any(digits)
}

fn digits(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
