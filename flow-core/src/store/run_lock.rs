//! Run locks: each run has a file, the *mark*, that it locks as long as it works in the store.
//!
//! No record names yet what a run in progress writes, so its files look like those of a process
//! that died. The lock distinguishes them: the operating system releases it however the process
//! ends. `gc` and the limits of versions spare everything that is younger than the oldest run in
//! progress.
//!
//! On a file system without locks, the age of the mark decides. A mark counts as that of a run in
//! progress for [`LEFT`] after it was last touched, which each commit does. Meanwhile nothing in
//! the store is removed.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Lock, Refused};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::store::Store;
use crate::store::claims::Claims;
use crate::store::unwritable::is_refusal;

/// The folder of the marks, in the store's internal folder.
const RUNNING: &str = "running";

/// How long a mark that cannot be locked counts after it was last touched. A single task may take
/// days, and does not touch the mark meanwhile.
const LEFT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The mark of a run in progress. Dropping it ends the run.
pub(crate) struct RunLock {
    pub(super) store: Arc<Store>,
    pub(super) path: PathBuf,
    /// The locked file, which is unlocked when it is closed. `None` on a file system without locks.
    lock: Option<File>,
    /// Whether the run may have published waits: see [`waits`](crate::store::waits).
    pub(super) has_waits: AtomicBool,
}

impl RunLock {
    /// Opens the claims of the run. Returns `None` if it cannot claim instances.
    pub(crate) fn claims(&self) -> Option<Arc<Claims>> {
        Claims::open(&self.store)
    }

    /// Returns the name of the mark, which is also part of the name of the run's history.
    pub(super) fn name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }

    /// Updates the time of the mark on a file system without locks.
    pub(crate) fn touch(&self) {
        if self.lock.is_none() {
            // If this fails, the mark looks older than it is. It still counts for a week.
            let _ = self.store.fs.append(&self.path, b".");
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // If this fails, the lock still ends with the process.
        let _ = self.store.fs.remove(&self.path);
        if *self.has_waits.get_mut() {
            let _ = self.store.fs.remove(&self.waits());
        }
    }
}

/// The runs in progress, and the marks of those that have ended.
#[derive(Default)]
pub(super) struct Executions {
    /// When the oldest run began, in nanoseconds since 1970. 0 if unknown.
    pub(super) oldest: Option<i64>,
    /// The marks of runs that have ended.
    pub(super) ended: Vec<PathBuf>,
}

impl Store {
    /// Creates and locks the mark of a run that begins. Returns `None` in a store that cannot be
    /// written.
    ///
    /// Another process that runs `gc` takes a mark that was created and is not locked yet for one
    /// that was left over. So the mark is created again if it is gone when it is locked.
    ///
    /// # Errors
    ///
    /// The store's internal folder contains a link, or a file that is too large.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Option<RunLock>, StoreError> {
        self.check_written()?;
        self.check_internal()?;
        match self.try_begin() {
            Err(StoreError::Io { source, .. }) if is_refusal(source.kind()) => Ok(None),
            begun => begun,
        }
    }

    /// Begins a run as [`begin`](Self::begin) does, and checks that its outputs can be stored.
    ///
    /// # Errors
    ///
    /// The same as `begin`, and [`StoreError::Unwritable`]: the disk is full, or this user may not write.
    pub(crate) fn begin_to_store(self: &Arc<Self>) -> Result<Option<RunLock>, StoreError> {
        self.check_written()?;
        self.check_internal()?;
        self.try_begin().map_err(|error| self.or_unwritable(error))
    }

    /// Refuses a store that was opened for reading.
    fn check_written(&self) -> Result<(), StoreError> {
        match self.is_only_read() {
            true => Err(StoreError::OnlyRead { folder: self.root().to_owned() }),
            false => Ok(()),
        }
    }

    fn try_begin(self: &Arc<Self>) -> Result<Option<RunLock>, StoreError> {
        const TRIES: usize = 8;
        let folder = self.internal(RUNNING);
        for _ in 0..TRIES {
            let path = folder.join(unique());
            let created = self.create_mark(&path).or_else(|_| {
                let _ = self.fs.remove(&path);
                self.fs.create_folder(&folder)?;
                self.create_mark(&path)
            });
            if let Err(error) = created {
                let _ = self.fs.remove(&path);
                return unless_ignored(error, &path);
            }
            let lock = match self.fs.lock(&path) {
                Ok(Lock::Taken(file)) => Some(file),
                Ok(Lock::Unsupported | Lock::Held) => None,
                Err(error) if is_absent(&error) => continue,
                Err(error) => {
                    let _ = self.fs.remove(&path);
                    return unless_ignored(error, &path);
                }
            };
            if self.fs.stat(&path).is_ok() {
                let (store, has_waits) = (Arc::clone(self), AtomicBool::new(false));
                return Ok(Some(RunLock { store, path, lock, has_waits }));
            }
        }
        Ok(None)
    }

    /// Creates a mark. It has a line of text, because an empty file can be created on a full disk.
    fn create_mark(&self, path: &Path) -> std::io::Result<()> {
        let mut file = self.fs.create(path)?;
        file.write_all(format!("process {}\n", std::process::id()).as_bytes())?;
        file.flush()
    }

    /// Checks that nothing in the store's internal folder is a link.
    ///
    /// So a link is an error before anything is written or removed, also for files whose errors are
    /// ignored.
    pub(crate) fn check_internal(&self) -> Result<(), StoreError> {
        let internal = self.internal("");
        self.check_links(&internal)?;
        ["index", "owners", "versions"]
            .iter()
            .try_for_each(|part| self.check_links(&internal.join(part)))
    }

    /// Checks that nothing in a folder is a link.
    fn check_links(&self, folder: &Path) -> Result<(), StoreError> {
        for path in self.names_if_there(folder)?.into_iter().map(|name| folder.join(name)) {
            // The folder itself was listed, so it is not a link.
            if let Some(link) = self.fs.first_link(folder, &path).during("inspect", &path)? {
                let refused = Refused::Link { link, root: self.opened.clone() };
                return Err(refused.into()).during("use", &path);
            }
        }
        Ok(())
    }

    /// Returns whether a file is the mark of a run.
    pub(super) fn is_mark(&self, path: &Path) -> bool {
        path.parent() == Some(&self.internal(RUNNING))
    }

    /// Returns whether the mark with this name is that of a run in progress.
    pub(super) fn is_locked_by_run(&self, name: &str) -> Result<bool, StoreError> {
        Ok(matches!(self.mark(&self.internal(RUNNING).join(name))?, Mark::RunLock { .. }))
    }

    /// Removes the mark of a run that has ended, unless it belongs to a run that is about to begin.
    pub(super) fn remove_ended(
        &self,
        path: &Path,
        removed: &mut Vec<PathBuf>,
    ) -> Result<(), StoreError> {
        // The lock is held until the file is removed. A run that waits for the lock then sees that
        // it is gone.
        if let Mark::Ended(_lock) = self.mark(path)? {
            self.remove(path, removed)?;
        }
        Ok(())
    }

    /// Returns the runs in progress of this process and of others, without `own`.
    pub(super) fn executions(&self, own: Option<&RunLock>) -> Result<Executions, StoreError> {
        let folder = self.internal(RUNNING);
        let mut executions = Executions::default();
        let own = own.map(|own| &own.path);
        let marks = self.names_if_there(&folder)?.into_iter().map(|name| folder.join(name));
        for path in marks.filter(|path| Some(path) != own) {
            match self.mark(&path)? {
                Mark::Gone => {}
                Mark::Ended(_) => executions.ended.push(path),
                Mark::RunLock { since } => {
                    let oldest = executions.oldest.get_or_insert(since);
                    *oldest = since.min(*oldest);
                }
            }
        }
        Ok(executions)
    }

    /// Returns whether the run with this number in the name of its mark is in progress.
    pub(super) fn is_in_progress(&self, number: &str) -> Result<bool, StoreError> {
        let mark = self.mark(&self.internal(RUNNING).join(number))?;
        Ok(matches!(mark, Mark::RunLock { .. }))
    }

    fn mark(&self, path: &Path) -> Result<Mark, StoreError> {
        let modified = match self.fs.stat(path) {
            Ok(stat) => stat.modified,
            Err(error) if is_absent(&error) => return Ok(Mark::Gone),
            Err(error) => return Err(error).during("inspect", path),
        };
        let lock = match self.fs.try_lock_shared(path) {
            // The mark of another user's run, which this user may not read.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Lock::Unsupported,
            Err(error) if is_absent(&error) => return Ok(Mark::Gone),
            // A run creates no folder and no pipe, so this was left by something else.
            Err(error)
                if error.kind() == ErrorKind::IsADirectory
                    || matches!(Refused::of(&error), Some(Refused::Special)) =>
            {
                return Ok(Mark::Ended(None));
            }
            lock => lock.during("open", path)?,
        };
        Ok(match lock {
            Lock::Taken(file) => Mark::Ended(Some(file)),
            Lock::Held => Mark::RunLock { since: modified },
            Lock::Unsupported if is_older(modified, LEFT) => Mark::Ended(None),
            Lock::Unsupported => Mark::RunLock { since: 0 },
        })
    }
}

/// The state of a mark.
enum Mark {
    Gone,
    /// The run has ended. Holds the lock, if there is one, so that no other process takes it.
    Ended(Option<File>),
    RunLock {
        since: i64,
    },
}

/// Returns whether `modified`, in nanoseconds since 1970, is longer ago than `age`.
pub(crate) fn is_older(modified: i64, age: Duration) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as i64 - modified > age.as_nanos() as i64
}

/// Returns the error if it is one that a run reports, and `None` if the run does without its mark.
fn unless_ignored(error: std::io::Error, path: &Path) -> Result<Option<RunLock>, StoreError> {
    match Refused::of(&error).is_some() || is_refusal(error.kind()) {
        true => Err(error).during("create", path),
        false => Ok(None),
    }
}
