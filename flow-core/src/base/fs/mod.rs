//! The one way to the file system.
//!
//! Everything that a store and the targets do to files goes through [`Fs`], so that a test can
//! make any one operation fail, and see that nothing is lost and nothing half-made is taken for
//! whole. [`Disk`] is the file system of this machine.
//!
//! Three rules hold for every file, and no caller has to think of them:
//!
//! - Only regular files are opened. Opening a pipe may wait for ever, and a device may have no end.
//! - A file that is read into memory has a largest size, which is checked before memory is taken.
//! - A store, a remote and an export are reached through `Confined`, which refuses paths that
//!   lead out of their folder, and follows no link below it. The error is [`Refused`].

mod confined;
mod disk;
mod durable;
mod refused;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

pub(crate) use confined::Confined;
pub use disk::Disk;
pub(crate) use durable::{Durable, ToSync, create_durably};
pub use refused::Refused;

/// The operations on files that a store needs. All errors are those of the operating system.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Fs: Send + Sync {
    /// Opens a regular file for reading.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// Returns the whole content of a regular file of at most `limit` bytes. A larger one is an
    /// error of the kind [`FileTooLarge`](ErrorKind::FileTooLarge).
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>>;

    /// Returns the content of a regular file from the byte `offset` on, of at most `limit` bytes.
    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>>;

    /// Opens a regular file for writing, and waits until no other process holds a lock on it.
    ///
    /// Network file systems lock a file alone for a handle that can write.
    fn lock(&self, path: &Path) -> io::Result<Lock>;

    /// Opens a regular file for reading, and locks it unless a process holds the lock that
    /// [`lock`](Self::lock) takes. Several processes can have this lock at once.
    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock>;

    /// Creates a file that must not exist, for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Creates a file that must not exist, for a secret of the store in the folder `store`. Its
    /// owner may read it and, if the group of that folder may write there, that group.
    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Adds `bytes` to the end of a file in one write, creating the file if it is not there.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// What is known of a file or folder without opening it, links followed.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// What stands at a path itself, links not followed.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// What is known of what stands at a path itself, links not followed.
    fn link_stat(&self, path: &Path) -> io::Result<Stat> {
        Stat::of(&fs::symlink_metadata(path)?)
    }

    /// The path without links and `..`, which tells whether two paths lead to one folder.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
    }

    /// Returns the first part of `path` below the folder `above` that is a link, if there is one.
    /// What is not there is no link.
    fn first_link(&self, above: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
        let Ok(below) = path.strip_prefix(above) else { return Ok(None) };
        let mut at = above.to_owned();
        for part in below {
            at.push(part);
            match fs::symlink_metadata(&at) {
                Ok(found) if found.is_symlink() => return Ok(Some(at)),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => break,
                // The operation itself says what is wrong with the name, or with a file as a folder.
                Err(error) if error.kind() == ErrorKind::NotADirectory => break,
                Err(error) if error.kind() == ErrorKind::InvalidFilename => break,
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The names in a folder, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Creates a folder and those above it, where they are not there.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Renames a file, replacing what has the new name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name, which must not exist.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Copies a file to a name that must not exist.
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes a folder that is empty.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;

    /// Lets those run a file who may read it. No other bit of its mode is set; where files have no
    /// such bits, nothing is done.
    fn set_executable(&self, path: &Path) -> io::Result<()> {
        disk::set_executable(path)
    }

    /// Makes the content of these files, and the names in these folders, survive a loss of power.
    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()>;
}

/// What came of locking a file.
#[derive(Debug)]
pub enum Lock {
    /// It is locked until the file is closed.
    Taken(File),
    /// Another process holds a lock.
    Held,
    /// The file system has no locks, so that nothing is known of other processes.
    Unsupported,
}

/// What is known of a file without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
    /// Whether it is a folder.
    pub folder: bool,
    /// Whether it is neither a file nor a folder: a device, a socket, a pipe. Reading it may never
    /// end.
    pub special: bool,
    /// When anything about it was last changed, its time included, in nanoseconds since 1970. No
    /// program can set it. `None` where the system does not tell.
    pub changed: Option<i64>,
    /// Which of the files of its disk it is: another one that takes its name has another. `None`
    /// where the system does not tell.
    pub inode: Option<u64>,
    /// Whether it is a file that its owner may run.
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

/// What stands at a path.
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

/// When anything about a file was last changed, in nanoseconds since 1970.
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
