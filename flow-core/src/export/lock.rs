//! Taking turns: one export at a time is at work in a folder.
//!
//! Each reads the manifest, adds its outputs and replaces it, so that of two at once one would lose
//! what the other has added. So a file is locked meanwhile. The operating system releases the lock
//! however a process ends, and the file goes with the export.
//!
//! On a file system without locks the file itself is the lock. There it may be left by an export
//! that died, and counts for [`LEFT`].

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Lock, Stat};
use crate::files::is_absent;
use crate::store::run_lock::is_older;

/// The file that is locked.
const LOCK: &str = ".exporting.lock";

/// How old the file must be before it is taken for left behind, if it cannot be locked.
const LEFT: Duration = Duration::from_secs(60 * 60);

/// The right to export into a folder, until it is dropped.
pub(super) struct Turn {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// It is locked until it is closed. None on a file system without locks.
    lock: Option<File>,
}

impl Turn {
    /// Waits until no other export is at work in the folder.
    ///
    /// # Errors
    ///
    /// The file cannot be created, or the file system has no locks and another export may be at
    /// work.
    pub(super) fn take(fs: &Arc<dyn Fs>, root: &Path) -> Result<Self, StoreError> {
        let path = root.join(LOCK);
        let turn = |lock| Ok(Self { fs: Arc::clone(fs), path: path.clone(), lock });
        loop {
            let is_new = match fs.create(&path) {
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
                Err(error) => return Err(error).during("create", &path),
            };
            let file = match fs.lock(&path) {
                Err(error) if is_absent(&error) => continue,
                Ok(Lock::Taken(file)) => file,
                Ok(Lock::Unsupported | Lock::Held) if is_new => return turn(None),
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
            // The previous holder removed the file: the lock is on a file without a name.
            match is_at(&**fs, &file, &path) {
                Err(error) if is_absent(&error) => {}
                is_it => {
                    if is_it.during("look at", &path)? {
                        return turn(Some(file));
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

impl Drop for Turn {
    fn drop(&mut self) {
        // Where files cannot be told apart, nobody could see that it is another one. It does no harm
        // if a file stays that can be locked.
        if self.lock.is_none() || cfg!(unix) {
            let _ = self.fs.remove(&self.path);
        }
    }
}

/// Whether this open file is the one that has the name.
fn is_at(fs: &dyn Fs, file: &File, path: &Path) -> io::Result<bool> {
    Ok(fs.stat(path)?.inode == Stat::of(&file.metadata()?)?.inode)
}
