//! Limits: how many earlier versions are kept, and how large they may be.
//!
//! They are applied when all outputs of an execution are committed, to what was committed alone, so
//! that a run costs no more for what it leaves as it is. The versions used least recently go first.
//!
//! An output is used as long as it is the current one. The record of a version was written when that
//! began, and it ended when that of the next version was written, or the current one: the times of
//! these files say all, and nobody has to note a use.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Short};
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::run_lock::RunLock;
use crate::store::stage::Staged;
use crate::store::{Folder, RECORD, Store, TaskFolder, index};

/// How many earlier versions are kept of each instance, unless the user says so.
const VERSIONS: usize = 10;

/// How many earlier versions of outputs are kept, for [`Flow::limits`](crate::Flow::limits). The current
/// output is no earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of each instance.
    pub(crate) versions: usize,
    /// Of all instances of a task, the size of their files in bytes.
    pub(crate) bytes: Option<u64>,
}

impl Default for Limits {
    /// 10 versions of each instance, of any size.
    fn default() -> Self {
        Self { versions: VERSIONS, bytes: None }
    }
}

impl Limits {
    /// Keeps at most this many earlier versions of each instance; with 0, the current output alone.
    #[must_use]
    pub fn versions(self, versions: usize) -> Self {
        Self { versions, ..self }
    }

    /// Keeps earlier versions of each task up to this size in bytes: the files of the versions of all
    /// its instances. A file that several instances share is counted for each of them.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }
}

/// An earlier version of an instance.
pub(super) struct Earlier {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    /// When it was last used, in nanoseconds since 1970.
    used: i64,
    /// How large its files are.
    bytes: u64,
}

/// An instance whose output was replaced by a commit.
pub(crate) struct Replaced {
    task: Arc<TaskFolder>,
    folder: Folder,
    key: Short,
    /// The fingerprint of which nothing else is to be kept, if it was forced.
    forced: Option<Digest>,
    /// What is not kept of the output that was there before.
    files: HashSet<String>,
}

impl Replaced {
    /// What a commit has replaced, if anything was there.
    pub(crate) fn by(task: Arc<TaskFolder>, staged: Staged) -> Option<Self> {
        Some(Self {
            task,
            files: staged.replaced?,
            folder: staged.folder,
            key: staged.key,
            forced: staged.is_forced.then_some(staged.fingerprint),
        })
    }
}

impl Store {
    /// Removes what the outputs of an execution have taken the place of, and what is beyond the
    /// limits.
    ///
    /// Another execution may have found one of these, and be about to read it or to take it over: while
    /// one is under way all files are left, to the next run or to `gc`.
    pub(crate) fn tidy(
        &self,
        replaced: Vec<Replaced>,
        limits: Limits,
        own: Option<&RunLock>,
    ) -> Result<(), StoreError> {
        if replaced.is_empty() {
            return Ok(());
        }
        let is_read = self.executions(own)?.oldest.is_some();
        let mut tasks = HashMap::new();
        for Replaced { task, folder, key, forced, files } in replaced {
            let versions = self.versions(&task).join(key.to_string());
            if let Some(fingerprint) = forced {
                for version in self.versions_with(&task, key, fingerprint)? {
                    self.drop_version(&version, &folder, is_read, &mut Vec::new())?;
                }
            }
            if is_read {
                continue;
            }
            for file in self.unnamed([versions.clone()].into_iter(), &folder, files)? {
                self.discard_path(&self.path(&folder, &file));
            }
            for version in self.beyond_number(&versions, &folder, limits)? {
                self.drop_version(&version, &folder, false, &mut Vec::new())?;
            }
            tasks.insert(task.index_path.clone(), task);
        }
        for index in tasks.keys().filter(|_| limits.bytes.is_some()) {
            for Earlier { path, folder, .. } in self.beyond_size(index, limits)? {
                self.drop_version(&path, &folder, false, &mut Vec::new())?;
            }
        }
        Ok(())
    }

    /// The versions of an instance that are too many.
    pub(super) fn beyond_number(
        &self,
        versions: &Path,
        folder: &Folder,
        limits: Limits,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let versions = self.versions_in(versions)?;
        let Some(more @ 1..) = versions.len().checked_sub(limits.versions) else {
            return Ok(Vec::new());
        };
        let mut versions = self.with_uses(versions, folder)?;
        versions.truncate(more);
        Ok(versions.into_iter().map(|(path, _)| path).collect())
    }

    /// The versions of a task that are too large in all, by the name of its index.
    pub(super) fn beyond_size(
        &self,
        index: &Path,
        limits: Limits,
    ) -> Result<Vec<Earlier>, StoreError> {
        let Some(limit) = limits.bytes else { return Ok(Vec::new()) };
        let versions = self.internal("versions").join(index.file_name().unwrap_or_default());
        let keys = match self.names(&versions) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &versions)?,
        };
        // Several folders may have a key, if the task got another `dir`.
        let mut folders: HashMap<Short, Vec<Folder>> = HashMap::new();
        for folder in index::folders(&self.read_index(index)?) {
            if let Some(key) = folder_key(&folder) {
                folders.entry(key).or_default().push(folder);
            }
        }
        let mut all = Vec::new();
        for name in keys {
            let Some(key) = key_of(&name) else { continue };
            for folder in folders.remove(&key).unwrap_or_default() {
                all.extend(self.earlier(&versions.join(&name), &folder)?);
            }
        }
        // The latest first, as many as fit.
        all.sort_unstable_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
        let mut bytes = 0_u64;
        all.retain(|version| {
            bytes = bytes.saturating_add(version.bytes);
            bytes > limit
        });
        Ok(all)
    }

    /// The versions of an instance whose files lie in this folder.
    fn earlier(&self, versions: &Path, folder: &Folder) -> Result<Vec<Earlier>, StoreError> {
        let mut earlier = Vec::new();
        for (path, used) in self.with_uses(self.versions_in(versions)?, folder)? {
            // One that cannot be used is left alone, as everywhere.
            let Ok(Some(Ok(record))) = self.read_record(&path) else { continue };
            let here = |file: &str| self.fs.stat(&self.path(folder, file)).is_ok();
            if record.output.files.iter().any(|file| here(&file.file)) {
                let bytes = record.output.files.iter().map(|file| file.bytes).sum();
                earlier.push(Earlier { path, folder: folder.clone(), used, bytes });
            }
        }
        Ok(earlier)
    }

    /// These versions of one instance with the time at which each was last used, the least recent
    /// first.
    fn with_uses(
        &self,
        versions: Vec<PathBuf>,
        folder: &Folder,
    ) -> Result<Vec<(PathBuf, i64)>, StoreError> {
        let mut begun = Vec::with_capacity(versions.len());
        for path in versions {
            match self.fs.stat(&path) {
                Ok(stat) => begun.push((path, stat.modified)),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error).during("look at", &path),
            }
        }
        begun.sort_unstable_by(|(a, at), (b, bt)| at.cmp(bt).then_with(|| a.cmp(b)));
        let current = self.fs.stat(&self.path(folder, RECORD)).map(|stat| stat.modified);
        let last = current.unwrap_or(i64::MAX);
        let ended = begun.iter().skip(1).map(|(_, at)| *at).chain([last]).collect::<Vec<_>>();
        Ok(std::iter::zip(begun, ended).map(|((path, _), ended)| (path, ended)).collect())
    }
}

/// The key of the instance in a folder.
pub(super) fn folder_key(folder: &Path) -> Option<Short> {
    key_of(folder.file_name()?.to_str()?)
}
