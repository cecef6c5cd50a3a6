//! The one way to the file system.
//!
//! Everything that a store and the targets do to files goes through [`Fs`], so that a test can
//! make any one operation fail, and see that nothing is lost and nothing half-made is taken for
//! whole. [`Disk`] is the file system of this machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The operations on files that a store needs. All errors are those of the operating system.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Fs: Send + Sync {
    /// Opens a file for reading.
    fn open(&self, path: &Path) -> io::Result<File>;

    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The content of a file from the byte `offset` on.
    fn read_from(&self, path: &Path, offset: u64) -> io::Result<Vec<u8>>;

    /// Creates a file that must not exist, for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Creates a file that must not exist and that nobody but its owner may read.
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;

    /// Adds `bytes` to the end of a file in one write, creating the file if it is not there.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// What is known of a file or folder without opening it, links followed.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// What stands at a path itself, links not followed.
    fn kind(&self, path: &Path) -> io::Result<FileKind>;

    /// The path without links and `..`, which tells whether two paths lead to one folder.
    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        fs::canonicalize(path)
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

    /// Makes the content of these files survive a loss of power.
    fn sync(&self, files: &[PathBuf]) -> io::Result<()>;
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
        })
    }
}

/// Opens what others have put somewhere, if it is a file: to open a pipe may take for ever, and a device
/// may have no end.
pub(crate) fn open_file(fs: &dyn Fs, path: &Path) -> io::Result<File> {
    match fs.stat(path)? {
        Stat { folder: false, special: false, .. } => fs.open(path),
        _ => Err(io::Error::other("it is no file")),
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

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Fs for Disk {
    fn open(&self, path: &Path) -> io::Result<File> {
        File::open(path)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_from(&self, path: &Path, offset: u64) -> io::Result<Vec<u8>> {
        use std::io::{Read, Seek, SeekFrom};

        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(File::create_new(path)?))
    }

    fn create_private(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Box::new(options.open(path)?))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        OpenOptions::new().append(true).create(true).open(path)?.write_all(bytes)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Stat::of(&fs::metadata(path)?)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        let kind = fs::symlink_metadata(path)?.file_type();
        Ok(match kind {
            kind if kind.is_symlink() => FileKind::Link,
            kind if kind.is_dir() => FileKind::Folder,
            kind if kind.is_file() => FileKind::File,
            _ => FileKind::Other,
        })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        io::copy(&mut File::open(from)?, &mut File::create_new(to)?).map(drop)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync(&self, files: &[PathBuf]) -> io::Result<()> {
        // One flush of the whole file system costs as much as that of a handful of files.
        #[cfg(target_os = "linux")]
        if let [first, _, _, _, _, ..] = files {
            return Ok(rustix::fs::syncfs(File::open(first)?)?);
        }
        files.iter().try_for_each(|file| open_to_sync(file)?.sync_data())
    }
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
fn inode(metadata: &fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::ino(metadata))
}

#[cfg(not(unix))]
fn inode(_: &fs::Metadata) -> Option<u64> {
    None
}

/// Opens a file so that it can be synced, for which Windows wants it writable.
fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(cfg!(windows)).open(path)
}
