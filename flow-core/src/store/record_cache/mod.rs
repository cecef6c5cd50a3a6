//! The record cache: what a plan compares of each record, so that a later plan reads no record again.
//!
//! A plan in which everything is complete would open, read and parse the record of each instance. Instead
//! it takes the [`Extract`] of the record from the cache, which has one [`file`](self::file) for each task,
//! `.flow/records/<task>`, and checks with one system call that the record is still the file that was read.
//!
//! ```text
//!  .flow/records/Train ── load ──► RecordCache of one plan ── get ──► Extract, if the stamp is the same
//!                                       ▲                                 │ otherwise
//!                                       └── add ◄── complete ◄── judge ◄──┴── read ◄── record.json
//!  .flow/records/Train ◄── keep ── if there are enough new extracts
//! ```
//!
//! A [`RecordCache`] lives as long as one plan is judged. The cache of a task is loaded when the plan
//! judges the first instance of that task, and all memory is given back afterwards.
//!
//! # Invariants
//!
//! - **The cache is never trusted against what `stat` returns.** An extract counts only if the record has
//!   the size, the times and the inode that it had before it was read. Replacing a record by a rename
//!   changes the inode and the time of the last change, and no program can set that time. So a cache that
//!   was copied back from a backup is as good as none, and so is one that came with a copy of the store.
//! - **A record that was just changed is not cached**: it must have been changed more than
//!   [`SETTLED`] nanoseconds before it is read, because it could change again without getting another
//!   time.
//! - **The cache says only that an instance is complete.** If anything differs, the record is read, and
//!   all other verdicts and all reasons follow from the record.
//! - **No link is followed.** The listing of the task's folder shows that the folder of the instance is no
//!   link. The metadata of the record and of the output are that of a link, if there is one.
//! - **A damaged cache is ignored**: one checksum covers the file. A cache that cannot be read or written
//!   is ignored too, as in a read-only store. A record that is not in the cache costs what it costs
//!   without a cache.
//!
//! Who can write to `.flow/records` can write records as well, so the checksum has no key.
//!
//! # What is not cached
//!
//! Records of an earlier format, of outputs that are folders, and of tasks that required others while they
//! ran: to judge them takes longer than to read them. Where the system reports no inode or no time of the
//! last change, as on Windows, nothing is cached. The plans of dynamic dependencies that a *run* makes
//! read records, and so do plans with [`Trust::Content`](crate::Trust::Content).
//!
//! # Several processes
//!
//! The file of a task is replaced by a rename. If two processes write it, the last one wins, and the other
//! reads some records once more. The file is not synced: after a loss of power it may be damaged.
//!
//! A file on a network file system has the times of its server. If the clock of this machine is ahead of
//! the server's by some seconds, a record that was changed just now is cached. That is wrong only if
//! another program changes the record *in place* within the same step of the server's clock and keeps its
//! size: this library always replaces it. Clients may also show the metadata of a file some
//! seconds late, for the cache and for everything else that a plan compares. A hard link to a record changes the
//! time of its last change, so that it is read once more.

mod extract;
mod file;

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use self::extract::{Extract, ExtractFile, Stamp};
use self::file::TaskCache;
use crate::base::error::StoreError;
use crate::base::fs::Stat;
use crate::base::key::Key;
use crate::files::{SETTLED, is_absent};
use crate::store::record::Record;
use crate::store::{Folder, Found, ListedFolder, RECORD, Store, TaskFolder};

/// The name of the folder in the store's internal folder that has the caches.
pub(super) const RECORDS: &str = "records";

/// The record cache of one store, as one plan uses it.
#[derive(Default)]
pub(crate) struct RecordCache {
    /// The caches by the address of the task's [`TaskFolder`].
    tasks: RefCell<HashMap<usize, Cached>>,
}

/// The cache of one task.
struct Cached {
    /// As long as it lives, no other task has its address.
    task: Arc<TaskFolder>,
    path: PathBuf,
    cache: TaskCache,
}

impl RecordCache {
    /// Returns what is cached of the record of an instance, if its file is as it was when it was read.
    pub(crate) fn get(
        &self,
        store: &Store,
        task: &Arc<TaskFolder>,
        folder: &ListedFolder,
        key: Key,
    ) -> Option<Extract> {
        let (stamp, extract) = self.with(store, task, |cache| cache.get(key))?;
        let stat = store.stat_in(folder, RECORD).ok()?;
        (Stamp::of(&stat) == Some(stamp)).then_some(extract)
    }

    /// Reads the record of an instance. Returns it with the stamp that its file had before, if the record
    /// may be cached.
    ///
    /// # Errors
    ///
    /// Those of [`Store::record`].
    pub(crate) fn read(
        &self,
        store: &Store,
        task: &Arc<TaskFolder>,
        folder: &Folder,
        key: Key,
    ) -> Result<(Found, Option<Stamp>), StoreError> {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // The metadata are read first: if the file is replaced in between, it never has this stamp again.
        let path = store.root().join(folder);
        let listed = store.listed_folder(task, key.short())?;
        let stat = match listed.filter(|listed| listed.path.as_os_str() == path.as_os_str()) {
            Some(listed) => store.stat_in(&listed, RECORD),
            None => store.fs().link_stat(&path.join(RECORD)),
        };
        let stamp = match stat {
            Ok(stat) => settled_stamp(&stat, begun.as_nanos() as i64),
            Err(error) if is_absent(&error) => return Ok((Found::Nothing, None)),
            // Reading the record reports the error.
            Err(_) => None,
        };
        Ok((store.record(folder, key)?, stamp))
    }

    /// Adds the record of a complete instance, if it is of a kind that is cached.
    pub(crate) fn add(&self, store: &Store, task: &Arc<TaskFolder>, stamp: Stamp, record: &Record) {
        if let Some(extract) = Extract::of(record) {
            self.with(store, task, |cache| cache.add(record.key, stamp, &extract));
        }
    }

    /// Writes the caches with many new records, and empties this one. Errors are ignored.
    pub(crate) fn keep(&self, store: &Store) {
        for (_, Cached { task, path, cache }) in self.tasks.borrow_mut().drain() {
            if cache.is_worth_writing() && !store.is_only_read {
                let is_there = |key| store.listed(&task, key).is_ok_and(|folder| folder.is_some());
                let _ = cache.write(&**store.fs(), &path, is_there);
            }
        }
    }

    /// Calls `act` with the cache of a task.
    fn with<T>(
        &self,
        store: &Store,
        task: &Arc<TaskFolder>,
        act: impl FnOnce(&mut TaskCache) -> T,
    ) -> T {
        let mut tasks = self.tasks.borrow_mut();
        let cached = tasks.entry(Arc::as_ptr(task).addr()).or_insert_with(|| {
            let name = task.index_path.file_name().unwrap_or_default();
            let path = store.internal(RECORDS).join(name);
            let cache = TaskCache::load(&**store.fs(), &path);
            Cached { task: Arc::clone(task), path, cache }
        });
        act(&mut cached.cache)
    }
}

/// Returns the stamp of a file, unless it could change without getting another stamp.
fn settled_stamp(stat: &Stat, now: i64) -> Option<Stamp> {
    let stamp = Stamp::of(stat)?;
    (now.saturating_sub(stamp.changed) > SETTLED).then_some(stamp)
}
