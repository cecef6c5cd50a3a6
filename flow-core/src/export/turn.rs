//! Taking turns: one export at a time is at work in a folder.
//!
//! Each reads the manifest, adds its outputs and replaces it, so that of two at once one would lose
//! what the other has added. So a file is locked meanwhile. The operating system gives the lock back
//! however a process ends, and the file goes with the export.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::content::is_absent;
use crate::fs::{Fs, Stat};
use crate::store::error::{IoContext, StoreError};

/// The file that is locked.
const LOCK: &str = ".exporting.lock";

/// The right to export into a folder, until it is dropped.
pub(super) struct Turn<'a> {
    fs: &'a dyn Fs,
    path: PathBuf,
    /// It is locked until it is closed. A file system may have no locks.
    file: Option<File>,
}

impl<'a> Turn<'a> {
    /// Waits until no other export is at work in the folder.
    pub(super) fn take(fs: &'a dyn Fs, root: &Path) -> Result<Self, StoreError> {
        let path = root.join(LOCK);
        loop {
            match fs.create(&path) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(error).during("create", &path);
                }
                _ => {}
            }
            let file = match fs.open(&path) {
                Err(error) if is_absent(&error) => continue,
                file => file.during("open", &path)?,
            };
            if file.lock().is_err() {
                return Ok(Self { fs, path, file: None });
            }
            // Who had it before has removed the file: the lock is on one that nobody finds.
            match is_at(fs, &file, &path) {
                Err(error) if is_absent(&error) => {}
                is_it => {
                    if is_it.during("look at", &path)? {
                        return Ok(Self { fs, path, file: Some(file) });
                    }
                }
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Where files cannot be told apart, nobody could see that it is another one. It does no harm
        // if it stays.
        if self.file.is_some() && cfg!(unix) {
            let _ = self.fs.remove(&self.path);
        }
    }
}

/// Whether this open file is the one that has the name.
fn is_at(fs: &dyn Fs, file: &File, path: &Path) -> io::Result<bool> {
    Ok(fs.stat(path)?.inode == Stat::of(&file.metadata()?)?.inode)
}
