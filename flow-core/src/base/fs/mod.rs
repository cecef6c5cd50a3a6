//! The interface to the file system.
//!
//! A store and the targets use files only through [`Fs`], so that a test can make any single
//! operation fail and check that no output is lost and no partial output is taken for complete.
//! [`Disk`] implements it for the file system of this machine.
//!
//! Invariants:
//!
//! - Only regular files are opened. Opening a pipe may block forever, and a device may have no end.
//! - The size of a file that is read into memory is limited, and checked before memory is
//!   allocated.
//! - A store, a remote and an export are reached through `Confined`. It refuses paths that lead out
//!   of their folder, and follows no link below it. The error is [`Refused`].

mod byte_lock;
mod checked;
mod confined;
mod disk;
mod durable;
mod refused;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub(crate) use byte_lock::{ByteLock, LAST_BYTE, is_byte_locked, lock_byte, unlock_byte};
pub(crate) use confined::Confined;
pub use disk::Disk;
pub(crate) use durable::{Durable, ToSync, create_durably};
pub use refused::Refused;

/// The operations on files that a store needs. All errors are those of the operating system.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Fs: Send + Sync {
    /// Opens a regular file for reading.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// Returns the content of a regular file of at most `limit` bytes. A larger file is an error of
    /// the kind [`FileTooLarge`](ErrorKind::FileTooLarge).
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Returns the content of a regular file from the byte `offset` on, of at most `limit` bytes.
    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>>;

    /// Opens a regular file for reading and writing, and waits until no other process holds a lock
    /// on it.
    ///
    /// Network file systems require a handle that can write.
    fn lock(&self, path: &Path) -> io::Result<Lock>;

    /// Opens a regular file for reading and locks it, unless a process holds an exclusive lock.
    ///
    /// [`lock`](Self::lock) takes the exclusive lock. Several processes may hold this shared lock
    /// at once.
    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock>;

    /// Opens a regular file for writing whose bytes are locked one by one: each stands for an instance
    /// that a run computes. Creates the file if it does not exist.
    ///
    /// An error means that this file system has no such locks. Two runs may then compute the same
    /// instance. The default opens the file at that path on this machine.
    fn open_to_lock(&self, path: &Path) -> io::Result<File> {
        disk::open_to_lock(path)
    }

    /// Creates a file for writing. The file must not exist.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Creates a file for a secret of the store in the folder `store`. The file must not exist.
    /// Only its owner may read it and, if the group of that folder may write there, that group.
    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Appends `bytes` to a file in one write. Creates the file if it does not exist.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Returns the metadata of a file or folder. Follows links.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Returns what exists at a path. Does not follow links.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// Returns the metadata of what exists at a path. Does not follow links.
    fn link_stat(&self, path: &Path) -> io::Result<Stat> {
        Stat::of(&fs::symlink_metadata(path)?)
    }

    /// Returns the path without links and `..`. Two paths to the same folder give the same result.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    /// Returns the first part of `path` below the folder `above` that is a link, if there is one. A
    /// part that does not exist is not a link.
    fn first_link(&self, above: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
        let Ok(below) = path.strip_prefix(above) else { return Ok(None) };
        let mut at = above.to_owned();
        for part in below {
            at.push(part);
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_symlink() => return Ok(Some(at)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                // The operation itself reports an invalid name, or a file where a folder is needed.
                Err(error) if error.kind() == ErrorKind::NotADirectory => break,
                Err(error) if error.kind() == ErrorKind::InvalidFilename => break,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Returns the names in a folder, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Returns the names in a folder, in no order, with what exists at each, if the system reports that
    /// together with the names. Does not follow links.
    ///
    /// A store then needs no further operation to know which of its folders are links. The default reports
    /// the kind of none.
    fn list_kinds(&self, path: &Path) -> io::Result<Vec<(OsString, Option<FileKind>)>> {
        Ok(self.list(path)?.into_iter().map(|name| (name, None)).collect())
    }

    /// Creates a folder and its parents where they do not exist.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Renames a file. Replaces a file with the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Creates a hard link. The new name must not exist.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Copies a file. The new name must not exist.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Makes a file executable for those who may read it. Changes no other permission. Does nothing
    /// on systems without such permissions.
    fn set_executable(&self, path: &Path) -> io::Result<()> {
        disk::set_executable(path)
    }

    /// Makes the content of these files, and the names in these folders, durable.
    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()>;
}

/// The result of locking a file.
#[derive(Debug)]
pub enum Lock {
    /// The file is locked until it is closed.
    Taken(File),
    /// Another process holds a lock.
    Held,
    /// The file system does not support locks.
    Unsupported,
}

/// The metadata of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The size in bytes.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
    /// Whether it is a folder.
    pub folder: bool,
    /// Whether it is neither a file nor a folder, but a device, a socket or a pipe. Reading it may
    /// never end.
    pub special: bool,
    /// When anything about it was last changed, including its times, in nanoseconds since 1970.
    /// Programs cannot set it. `None` if the system does not report it.
    pub changed: Option<i64>,
    /// The number of the file on its disk. A file that takes over the name has another one. `None`
    /// if the system does not report it.
    pub inode: Option<u64>,
    /// Whether it is a file that its owner may execute.
    pub executable: bool,
}

impl Stat {
    pub(crate) fn of(metadata: &fs::Metadata) -> io::Result<Self> {
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            bytes: metadata.len(),
            modified: i64::try_from(modified.as_nanos()).unwrap_or(i64::MAX),
            folder: metadata.is_dir(),
            special: !metadata.is_dir() && !metadata.is_file(),
            changed: changed(metadata),
            inode: inode(metadata),
            executable: metadata.is_file() && is_executable(metadata),
        })
    }
}

/// What exists at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link to something else, wherever that is.
    Link,
    /// A device, a socket or the like.
    Other,
}

/// Returns what exists at a path, with its metadata. Does not follow links.
///
/// Takes one system call for a file or folder. The metadata of a link and that of a device look the
/// same, so a second one distinguishes them.
pub(crate) fn inspect(fs: &dyn Fs, path: &Path) -> io::Result<(FileKind, Stat)> {
    let stat = fs.link_stat(path)?;
    let kind = match stat {
        Stat { folder: true, .. } => FileKind::Folder,
        Stat { special: false, .. } => FileKind::File,
        _ => fs.kind(path)?,
    };
    Ok((kind, stat))
}

/// Returns when anything about a file was last changed, in nanoseconds since 1970.
#[cfg(unix)]
fn changed(metadata: &fs::Metadata) -> Option<i64> {
    use std::os::unix::fs::MetadataExt;

    metadata.ctime().checked_mul(1_000_000_000)?.checked_add(metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn changed(_: &fs::Metadata) -> Option<i64> {
    None
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
fn inode(metadata: &fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(metadata))
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> Option<u64> {
    None
}
