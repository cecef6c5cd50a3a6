//! The lock of an export folder: one export at a time works in a folder.
//!
//! Each export reads the manifest, adds its outputs and replaces it. Without a lock, one of two concurrent exports
//! would lose the outputs of the other. The lock is an operating system lock on a file, which is released however
//! the process ends. The export removes the file at its end.
//!
//! On a file system without locks, the existence of the file is the lock. An export that died may leave it there:
//! it is ignored once it is older than [`LEFT`].

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Lock, Stat};
use crate::files::is_absent;
use crate::store::run_lock::is_older;

/// The name of the lock file.
const LOCK: &str = ".exporting.lock";

/// The age at which a file that cannot be locked counts as left by a process that died.
const LEFT: Duration = Duration::from_secs(60 * 60);

/// The lock of an export folder, released when it is dropped.
pub(super) struct ExportLock {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// The locked file; closing it releases the lock. `None` on a file system without locks.
    lock: Option<File>,
}

impl ExportLock {
    /// Waits until no other export works in the folder, and locks it.
    ///
    /// # Errors
    ///
    /// The file cannot be created; or the file system has no locks, and another export may be working in the
    /// folder.
    pub(super) fn take(fs: &Arc<dyn Fs>, root: &Path) -> Result<Self, StoreError> {
        let path = root.join(LOCK);
        let taken = |lock| Ok(Self { fs: Arc::clone(fs), path: path.clone(), lock });
        loop {
            let is_new = match fs.create(&path) {
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error).during("create", &path),
            };
            let file = match fs.lock(&path) {
                Err(error) if is_absent(&error) => continue,
                Ok(Lock::Taken(file)) => file,
                Ok(Lock::Unsupported | Lock::Held) if is_new => return taken(None),
                Ok(Lock::Unsupported | Lock::Held) => match fs.stat(&path) {
                    Ok(stat) if is_older(stat.modified, LEFT) => {
                        fs.remove(&path).during("remove", &path)?;
                        continue;
                    }
                    Ok(_) => return Err(occupied()).during("export beside", &path),
                    Err(error) if is_absent(&error) => continue,
                    Err(error) => return Err(error).during("look at", &path),
                },
                Err(error) => return Err(error).during("lock", &path),
            };
            // The previous holder may have removed the file meanwhile: then this lock is on a deleted file.
            match is_at(&**fs, &file, &path) {
                Err(error) if is_absent(&error) => {}
                is_it => {
                    if is_it.during("look at", &path)? {
                        return taken(Some(file));
                    }
                }
            }
        }
    }
}

fn occupied() -> io::Error {
    let why = "another export may be at work in this folder, whose file system has no locks: wait \
               until it has ended, or remove the file if none is";
    io::Error::other(why)
}

impl Drop for ExportLock {
    fn drop(&mut self) {
        // Without inodes, a waiting export could not detect that its lock is on a deleted file. So the file
        // stays there, which is harmless if it can be locked.
        if self.lock.is_none() || cfg!(unix) {
            let _ = self.fs.remove(&self.path);
        }
    }
}

/// Returns whether an open file is the one at `path`.
fn is_at(fs: &dyn Fs, file: &File, path: &Path) -> io::Result<bool> {
    Ok(fs.stat(path)?.inode == Stat::of(&file.metadata()?)?.inode)
}
