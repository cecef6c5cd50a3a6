//! Executions under way: each has a file, a *mark*, that it locks as long as it works in the store.
//!
//! What an execution writes is named by no record yet, and looks like what a process left that
//! died. The lock tells them apart: the operating system releases it however the process ends.
//! `gc` and the limits of versions leave alone what is younger than the oldest execution.
//!
//! Some file systems have no locks. There the age of the mark has to tell: it counts as that of an
//! execution under way for [`LEFT`] after it was last touched, which each commit does, and all
//! that lies in the store is left alone meanwhile.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Lock, Refused};
use crate::base::names::unique;
use crate::files::is_absent;
use crate::store::Store;

/// The folder of the marks.
const RUNNING: &str = "running";

/// How long a mark that cannot be locked counts after it was last touched. One task may take days,
/// and touches nothing meanwhile.
const LEFT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// An execution under way. When it is dropped, it has ended.
pub(crate) struct RunLock {
    store: Arc<Store>,
    path: PathBuf,
    /// It is locked until it is closed. None on a file system without locks.
    lock: Option<File>,
}

impl RunLock {
    /// Tells others that the execution is still at work, if they cannot see it by the lock.
    pub(crate) fn touch(&self) {
        if self.lock.is_none() {
            // If this fails, the mark looks older than it is, and it takes a week until that counts.
            let _ = self.store.fs.append(&self.path, b".");
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // A lock goes with the process at the latest, so that it does no harm if this fails.
        let _ = self.store.fs.remove(&self.path);
    }
}

/// The executions under way.
#[derive(Default)]
pub(super) struct Executions {
    /// When the oldest began, in nanoseconds since 1970; 0 if that is not known.
    pub(super) oldest: Option<i64>,
    /// The marks of those that have ended.
    pub(super) ended: Vec<PathBuf>,
}

impl Store {
    /// Marks that an execution begins. A store that cannot be written has no mark.
    ///
    /// Another process that cleans up takes a mark for left over that is created and not locked
    /// yet. So the mark is created again if it is gone when it is locked.
    ///
    /// # Errors
    ///
    /// There is a link in the store's own folder, or too large a file.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Option<RunLock>, StoreError> {
        const TRIES: usize = 8;
        self.check_internal()?;
        let folder = self.internal(RUNNING);
        for _ in 0..TRIES {
            let path = folder.join(unique());
            let created = self.fs.create(&path).or_else(|_| {
                self.fs.create_folder(&folder)?;
                self.fs.create(&path)
            });
            if let Err(error) = created {
                return unless_refused(error, &path);
            }
            let lock = match self.fs.lock(&path) {
                Ok(Lock::Taken(file)) => Some(file),
                Ok(Lock::Unsupported | Lock::Held) => None,
                Err(error) if is_absent(&error) => continue,
                Err(error) => {
                    let _ = self.fs.remove(&path);
                    return unless_refused(error, &path);
                }
            };
            if self.fs.stat(&path).is_ok() {
                return Ok(Some(RunLock { store: Arc::clone(self), path, lock }));
            }
        }
        Ok(None)
    }

    /// Checks that nothing in the store's own folder is a link, so that it is told before anything
    /// is written or deleted, and not only where an error counts.
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
            // The folder itself was listed, and is none.
            if let Some(link) = self.fs.first_link(folder, &path).during("look at", &path)? {
                let refused = Refused::Link { link, root: self.opened.clone() };
                return Err(refused.into()).during("use", &path);
            }
        }
        Ok(())
    }

    /// Whether a file is the mark of an execution.
    pub(super) fn is_mark(&self, path: &Path) -> bool {
        path.parent() == Some(&self.internal(RUNNING))
    }

    /// Removes the mark of an execution that has ended, unless it is only about to begin.
    pub(super) fn remove_ended(
        &self,
        path: &Path,
        removed: &mut Vec<PathBuf>,
    ) -> Result<(), StoreError> {
        // It is locked until it is gone: an execution that waits for the lock sees that it is.
        if let Mark::Ended(_lock) = self.mark(path)? {
            self.remove(path, removed)?;
        }
        Ok(())
    }

    /// The executions under way, of this process and of others, but for `own`.
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

    fn mark(&self, path: &Path) -> Result<Mark, StoreError> {
        let modified = match self.fs.stat(path) {
            Ok(stat) => stat.modified,
            Err(error) if is_absent(&error) => return Ok(Mark::Gone),
            Err(error) => return Err(error).during("look at", path),
        };
        let lock = match self.fs.try_lock_shared(path) {
            // The mark of another user, which this one may not read.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Lock::Unsupported,
            Err(error) if is_absent(&error) => return Ok(Mark::Gone),
            // No execution has made a folder or a pipe: it is left over, and no reason to stop.
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

/// What the mark of an execution tells.
enum Mark {
    Gone,
    /// With the lock that nobody else had.
    Ended(Option<File>),
    RunLock {
        since: i64,
    },
}

/// Whether something that was written at that time, in nanoseconds since 1970, is that old.
pub(crate) fn is_older(modified: i64, age: Duration) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as i64 - modified > age.as_nanos() as i64
}

/// Does without a mark, unless that is refused.
fn unless_refused<T>(error: std::io::Error, path: &Path) -> Result<Option<T>, StoreError> {
    match Refused::of(&error) {
        Some(_) => Err(error).during("create", path),
        None => Ok(None),
    }
}
