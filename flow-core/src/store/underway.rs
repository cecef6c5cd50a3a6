//! Executions under way: a file that is locked as long as a process is at work in the store.
//!
//! What is being written is named by no record yet, and looks like what a process left that died.
//! The lock tells them apart: the operating system gives it back however the process ends. Whoever
//! cleans up leaves alone what is younger than the oldest execution under way.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::content::is_absent;
use crate::store::Store;
use crate::store::error::{IoContext, StoreError};
use crate::store::stage::unique;

/// The folder of the files.
const RUNNING: &str = "running";

/// An execution under way. When it is dropped, it has ended.
pub(crate) struct Underway {
    store: Arc<Store>,
    path: PathBuf,
    /// It is locked until it is closed.
    _file: File,
}

impl Drop for Underway {
    fn drop(&mut self) {
        // The lock goes with the process at the latest, so that it does no harm if this fails.
        let _ = self.store.fs.remove(&self.path);
    }
}

/// What is known of the executions under way.
#[derive(Default)]
pub(super) struct Executions {
    /// When the oldest began, in nanoseconds since 1970.
    pub(super) oldest: Option<i64>,
    /// The files of those that are no longer at work.
    pub(super) ended: Vec<PathBuf>,
}

impl Store {
    /// Says that an execution begins. A store that cannot be written, or a file system without
    /// locks, does without: then the age of files has to tell.
    ///
    /// Whoever cleans up tries the lock for a moment, and takes a file for left over that is created
    /// and not locked yet. So the lock is waited for, and the file made again if it was removed.
    pub(crate) fn begin(self: &Arc<Self>) -> Option<Underway> {
        const TRIES: usize = 8;
        for _ in 0..TRIES {
            let path = self.internal(RUNNING).join(unique());
            if self.fs.create(&path).is_err() {
                self.fs.create_folder(&self.internal(RUNNING)).ok()?;
                self.fs.create(&path).ok()?;
            }
            match self.fs.open(&path).map(|file| file.lock().map(|()| file)) {
                Ok(Ok(file)) if self.fs.stat(&path).is_ok() => {
                    return Some(Underway { store: Arc::clone(self), path, _file: file });
                }
                Err(error) if is_absent(&error) => {}
                Ok(Ok(_)) => {}
                Err(_) | Ok(Err(_)) => {
                    let _ = self.fs.remove(&path);
                    return None;
                }
            }
        }
        None
    }

    /// Whether a file says that an execution is under way, or was.
    pub(super) fn is_mark(&self, path: &Path) -> bool {
        path.parent() == Some(&self.internal(RUNNING))
    }

    /// Removes what an execution has left that has ended, unless it is only about to begin.
    pub(super) fn remove_ended(
        &self,
        path: &Path,
        removed: &mut Vec<PathBuf>,
    ) -> Result<(), StoreError> {
        let file = match self.fs.open(path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) => return Err(error).during("open", path),
        };
        // It is locked until it is gone: who waits for the lock sees then that it is.
        if file.try_lock().is_ok() {
            self.remove(path, removed)?;
        }
        Ok(())
    }

    /// The executions under way, of this process and of others, but for `own`.
    pub(super) fn executions(&self, own: Option<&Underway>) -> Result<Executions, StoreError> {
        let at = self.internal(RUNNING);
        let names = match self.names(&at) {
            Err(error) if is_absent(&error) => Vec::new(),
            names => names.during("list", &at)?,
        };
        let mut executions = Executions::default();
        let own = own.map(|own| &own.path);
        for path in names.into_iter().map(|name| at.join(name)).filter(|path| Some(path) != own) {
            let begun = match self.fs.stat(&path) {
                Ok(stat) => stat.modified,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error).during("look at", &path),
            };
            let file = match self.fs.open(&path) {
                Ok(file) => file,
                Err(error) if is_absent(&error) => continue,
                Err(error) => return Err(error).during("open", &path),
            };
            match file.try_lock() {
                Ok(()) => executions.ended.push(path),
                // What cannot be told may be at work.
                Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {
                    let oldest = executions.oldest.get_or_insert(begun);
                    *oldest = begun.min(*oldest);
                }
            }
        }
        Ok(executions)
    }
}
