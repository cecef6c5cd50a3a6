//! Limits on the number and size of the earlier versions that are kept, and on the history of runs.
//!
//! By default ten versions of each instance are kept, of any size. So the store does not grow
//! without bound while code is edited, and going back a few steps runs nothing.
//!
//! A run applies the limits after its last commit, and only to the instances that it committed, so
//! that its cost does not depend on the rest of the store. `gc` applies them to all instances. The
//! versions used least recently are removed first.
//!
//! An output is in use while it is the current one. The record of a version was written when that
//! began. It ended when the record of the next version, or the current one, was written. So the
//! times of these files give the order, and no use has to be recorded.
//!
//! A forced output replaces all versions with its fingerprint. The files that it replaces are
//! removed when the run ends, unless another run is in progress that may be reading them.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::key::{Digest, Short};
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::removal::Removal;
use crate::store::run_lock::RunLock;
use crate::store::stage::Staged;
use crate::store::{Folder, RECORD, Store, TaskFolder, index};

/// The number of earlier versions kept of each instance by default.
const VERSIONS: usize = 10;

/// The number of runs kept in the history by default.
const RUNS: usize = 1_000;

/// The age of the runs kept in the history by default.
const RUN_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How many earlier versions of outputs, and how many runs of the history, a store keeps, for
/// [`Flow::limits`](crate::Flow::limits). The current output does not count as an earlier version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest number of versions of each instance.
    pub(crate) versions: usize,
    /// The largest total size of the files of all versions of a task, in bytes.
    pub(crate) bytes: Option<u64>,
    /// The largest number of runs in the history.
    pub(crate) runs: usize,
    /// The largest age of a run in the history.
    pub(crate) run_age: Duration,
}

impl Default for Limits {
    /// Ten versions of each instance, of any size; the last 1,000 runs, of at most 90 days.
    fn default() -> Self {
        Self { versions: VERSIONS, bytes: None, runs: RUNS, run_age: RUN_AGE }
    }
}

impl Limits {
    /// Keeps at most this many earlier versions of each instance. With 0, only the current output
    /// is kept.
    #[must_use]
    pub fn versions(self, versions: usize) -> Self {
        Self { versions, ..self }
    }

    /// Limits the total size of the earlier versions of each task, in bytes.
    ///
    /// The files of the versions of all its instances count. A file that several instances share is
    /// counted for each of them.
    #[must_use]
    pub fn bytes(self, bytes: u64) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    /// Keeps at most this many runs in the [history](crate::FlowStore::runs), the latest ones. With 0, runs are not
    /// recorded.
    #[must_use]
    pub fn runs(self, runs: usize) -> Self {
        Self { runs, ..self }
    }

    /// Keeps the runs in the [history](crate::FlowStore::runs) that started at most this long ago.
    #[must_use]
    pub fn run_age(self, age: Duration) -> Self {
        Self { run_age: age, ..self }
    }
}

/// An earlier version of an instance.
pub(super) struct Earlier {
    pub(super) path: PathBuf,
    pub(super) folder: Folder,
    /// When the version was last in use, in nanoseconds since 1970.
    used: i64,
    /// The total size of its files.
    bytes: u64,
}

/// An instance whose output was replaced by a commit.
pub(crate) struct Replaced {
    task: Arc<TaskFolder>,
    folder: Folder,
    key: Short,
    /// The fingerprint, if the new output was forced. All other outputs with it are removed.
    forced: Option<Digest>,
    /// The files of the replaced output that are not kept.
    files: HashSet<String>,
    /// Whether a version was removed because the new output replaces it.
    has_taken_version: bool,
}

impl Replaced {
    /// Returns what a commit replaced, if the instance had an output.
    pub(crate) fn by(task: Arc<TaskFolder>, staged: Staged) -> Option<Self> {
        Some(Self {
            task,
            files: staged.replaced?,
            has_taken_version: staged.has_taken_version,
            folder: staged.folder,
            key: staged.key,
            forced: staged.is_forced.then_some(staged.fingerprint),
        })
    }
}

impl Store {
    /// Removes the outputs that a run replaced, and the versions beyond the limits.
    ///
    /// Another run may be about to read or reuse one of these. If one is in progress, all files
    /// stay, and the next run or `gc` removes them.
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
        let mut removal = Removal::new(self);
        let mut tasks = HashMap::new();
        for Replaced { task, folder, key, forced, files, has_taken_version } in replaced {
            let versions = self.versions(&task).join(key.to_string());
            if let Some(fingerprint) = forced {
                for version in self.versions_with(&task, key, fingerprint)? {
                    removal.version(&version, &folder, is_read)?;
                }
            }
            if is_read {
                continue;
            }
            if has_taken_version {
                removal.add_folder(versions.clone());
            }
            removal.add_named(&folder, Some(versions.clone()), files);
            for version in self.beyond_number(&versions, &folder, limits)? {
                removal.version(&version, &folder, false)?;
            }
            tasks.insert(task.index_path.clone(), task);
        }
        for index in tasks.keys().filter(|_| limits.bytes.is_some()) {
            for Earlier { path, folder, .. } in self.beyond_size(index, limits)? {
                removal.version(&path, &folder, false)?;
            }
        }
        removal.finish().map(drop)
    }

    /// Returns the versions of an instance beyond the limit on their number.
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

    /// Returns the versions of a task beyond the limit on their size. `index` is the path of its
    /// index.
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
        // Several folders may have the same key if the task's `dir` changed.
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
        // The latest versions that fit stay.
        all.sort_unstable_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
        let mut bytes = 0_u64;
        all.retain(|version| {
            bytes = bytes.saturating_add(version.bytes);
            bytes > limit
        });
        Ok(all)
    }

    /// Returns the versions of an instance whose files are in this folder.
    fn earlier(&self, versions: &Path, folder: &Folder) -> Result<Vec<Earlier>, StoreError> {
        let mut earlier = Vec::new();
        for (path, used) in self.with_uses(self.versions_in(versions)?, folder)? {
            // A record that cannot be used is left alone.
            let Ok(Some(Ok(record))) = self.read_record(&path) else { continue };
            let here = |file: &str| self.fs.stat(&self.path(folder, file)).is_ok();
            if record.output.files.iter().any(|file| here(&file.file)) {
                let bytes = record.output.all_files().map(|file| file.bytes).sum();
                earlier.push(Earlier { path, folder: folder.clone(), used, bytes });
            }
        }
        Ok(earlier)
    }

    /// Returns these versions of one instance with the time of their last use, the least recent
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
                Err(error) => return Err(error).during("inspect", &path),
            }
        }
        begun.sort_unstable_by(|(a, at), (b, bt)| at.cmp(bt).then_with(|| a.cmp(b)));
        let current = self.fs.stat(&self.path(folder, RECORD)).map(|stat| stat.modified);
        let last = current.unwrap_or(i64::MAX);
        let ended = begun.iter().skip(1).map(|(_, at)| *at).chain([last]).collect::<Vec<_>>();
        Ok(std::iter::zip(begun, ended).map(|((path, _), ended)| (path, ended)).collect())
    }
}

/// Returns the key of the instance in a folder.
pub(super) fn folder_key(folder: &Path) -> Option<Short> {
    key_of(folder.file_name()?.to_str()?)
}
