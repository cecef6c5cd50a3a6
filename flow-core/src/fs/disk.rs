//! The file system of this machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::fs::{FileKind, Fs, Lock, Refused, Stat};

/// From how many files, or folders, on all are synced by one flush of the file system, which costs
/// as much as that of a handful of files.
#[cfg(target_os = "linux")]
const GROUP: usize = 5;

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Fs for Disk {
    fn open(&self, path: &Path) -> io::Result<File> {
        open_regular(OpenOptions::new().read(true), path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.read_from(path, 0, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
        let mut file = self.open(path)?;
        let size = file.metadata()?.len().saturating_sub(offset);
        if size > limit {
            return Err(Refused::TooLarge { bytes: size, limit }.into());
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
        // It may grow meanwhile, or not know its size, as in `/proc`.
        file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        match bytes.len() as u64 {
            read if read > limit => Err(Refused::TooLarge { bytes: read, limit }.into()),
            _ => Ok(bytes),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        let file = open_regular(OpenOptions::new().read(true).write(true), path)?;
        loop {
            match file.lock() {
                Ok(()) => return Ok(Lock::Taken(file)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Ok(Lock::Unsupported),
            }
        }
    }

    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
        let file = self.open(path)?;
        Ok(match file.try_lock_shared() {
            Ok(()) => Lock::Taken(file),
            Err(TryLockError::WouldBlock) => Lock::Held,
            Err(TryLockError::Error(_)) => Lock::Unsupported,
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Ok(Box::new(File::create_new(path)?))
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        #[cfg(unix)]
        share_with_group(&file, store)?;
        #[cfg(not(unix))]
        let _ = store;
        Ok(Box::new(file))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        open_regular(OpenOptions::new().append(true).create(true), path)?.write_all(bytes)
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
        io::copy(&mut self.open(from)?, &mut File::create_new(to)?).map(drop)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        if let Some(first) = files.first().or(folders.first())
            && files.len().max(folders.len()) >= GROUP
        {
            return Ok(rustix::fs::syncfs(File::open(first)?)?);
        }
        files.iter().try_for_each(|file| open_to_sync(file)?.sync_data())?;
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }
}

/// Opens a file, if it is a regular one, without waiting for anything.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // A pipe has no writer to wait for, and a terminal does not take over this process. It
        // means nothing to a regular file.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.cast_signed());
    }
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    match () {
        () if kind.is_file() => Ok(file),
        () if kind.is_dir() => Err(ErrorKind::IsADirectory.into()),
        () => Err(Refused::Special.into()),
    }
}

/// Opens a file so that it can be synced, for which Windows wants it writable.
fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(cfg!(windows)).open(path)
}

/// Makes the names in a folder durable. Windows keeps them with the files, and some file systems
/// cannot be asked.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(not(unix)) {
        return Ok(());
    }
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(())
        }
        synced => synced,
    }
}

/// Lets the group of a store's folder read a file, if it may write there: it can make and replace
/// every other file of the store anyway.
#[cfg(unix)]
fn share_with_group(file: &File, store: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    const GROUP_WRITES: u32 = 0o020;
    let store = fs::metadata(store)?;
    if store.mode() & GROUP_WRITES == 0 {
        return Ok(());
    }
    // Whoever is not in the group keeps the file alone.
    let is_of_group =
        file.metadata()?.gid() == store.gid() || fchown(file, None, Some(store.gid())).is_ok();
    match is_of_group {
        true => file.set_permissions(fs::Permissions::from_mode(0o640)),
        false => Ok(()),
    }
}
