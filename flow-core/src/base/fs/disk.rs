//! The file system of this machine.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::base::fs::{FileKind, Fs, Lock, Refused, Stat};

/// The number of files or folders from which one flush of the whole file system (`syncfs`) syncs all
/// of them.
///
/// It costs as much as syncing a handful of files, unless other programs have written much. The
/// kernel reports failed writes of such a flush since Linux 5.8. A FUSE file system may keep its own
/// cache, which a flush does not reach.
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
        let (mut file, metadata) = open_inspected(OpenOptions::new().read(true), path)?;
        let size = metadata.len().saturating_sub(offset);
        if size > limit {
            return Err(Refused::TooLarge { bytes: size, limit }.into());
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX))?;
        // The file may grow meanwhile, or have no size, as in `/proc`.
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
        Ok(kind_of(fs::symlink_metadata(path)?.file_type()))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
    }

    fn list_kinds(&self, path: &Path) -> io::Result<Vec<(OsString, Option<FileKind>)>> {
        let named = |entry: io::Result<fs::DirEntry>| {
            let entry = entry?;
            // Most file systems list the kind with the name. An entry may be gone meanwhile.
            Ok((entry.file_name(), entry.file_type().ok().map(kind_of)))
        };
        fs::read_dir(path)?.map(named).collect()
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
        // A new file costs the same with its times and permissions as without them. They save hashing
        // it again after a loss of power.
        files.iter().try_for_each(|file| open_to_sync(file)?.sync_all())?;
        folders.iter().try_for_each(|folder| sync_folder(folder))
    }
}

fn kind_of(kind: fs::FileType) -> FileKind {
    match kind {
        kind if kind.is_symlink() => FileKind::Link,
        kind if kind.is_dir() => FileKind::Folder,
        kind if kind.is_file() => FileKind::File,
        _ => FileKind::Other,
    }
}

/// Opens a file without blocking, if it is a regular file.
fn open_regular(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    open_inspected(options, path).map(|(file, _)| file)
}

/// Opens a file without blocking, if it is a regular file. Returns it with its metadata.
fn open_inspected(options: &mut OpenOptions, path: &Path) -> io::Result<(File, fs::Metadata)> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        // Without these flags, opening a pipe would wait for a writer, and a terminal could become
        // the controlling terminal. They do not affect regular files.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    match () {
        () if metadata.is_file() => Ok((file, metadata)),
        () if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        () => Err(Refused::Special.into()),
    }
}

/// Opens a file to lock its bytes, and creates it if it does not exist.
pub(super) fn open_to_lock(path: &Path) -> io::Result<File> {
    open_regular(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
}

/// Opens a file to sync it. Windows requires write access for that.
fn open_to_sync(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(cfg!(windows)).open(path)
}

/// Makes the names in a folder durable.
///
/// Windows stores names with the files. Some file systems do not support syncing a folder.
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

/// Lets the group of the store's folder read a file, if the group may write to that folder.
///
/// Its members could replace every other file of the store anyway.
#[cfg(unix)]
fn share_with_group(file: &File, store: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};

    const GROUP_WRITES: u32 = 0o020;
    let store = fs::metadata(store)?;
    if store.mode() & GROUP_WRITES == 0 {
        return Ok(());
    }
    // If this user is not in the group, the file stays readable for the owner only.
    let is_of_group =
        file.metadata()?.gid() == store.gid() || fchown(file, None, Some(store.gid())).is_ok();
    match is_of_group {
        true => file.set_permissions(fs::Permissions::from_mode(0o640)),
        false => Ok(()),
    }
}

/// Makes a file executable for those who may read it, which the umask decided.
#[cfg(unix)]
pub(super) fn set_executable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(path)?.permissions().mode() & 0o7777;
    let executable = mode & 0o777 | (mode & 0o444) >> 2;
    match mode == executable {
        true => Ok(()),
        false => fs::set_permissions(path, fs::Permissions::from_mode(executable)),
    }
}

#[cfg(not(unix))]
pub(super) fn set_executable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, bytes).expect("a file");
        (folder, path)
    }

    #[test]
    fn a_file_is_locked_by_a_handle_that_can_write() {
        let (_folder, path) = file(b"");
        let Ok(Lock::Taken(mut held)) = Disk.lock(&path) else { panic!("it is not locked") };
        held.write_all(b"x").expect("network file systems lock no other");
        assert!(matches!(Disk.try_lock_shared(&path), Ok(Lock::Held)));
        drop(held);
        // Several processes can hold the shared lock at once.
        let first = Disk.try_lock_shared(&path);
        assert!(matches!(first, Ok(Lock::Taken(_))));
        assert!(matches!(Disk.try_lock_shared(&path), Ok(Lock::Taken(_))));
    }

    #[test]
    fn no_more_is_read_than_the_limit() {
        let (_folder, path) = file(b"12345");
        let too_large = |read: io::Result<Vec<u8>>| {
            let error = read.expect_err("it is too large");
            assert_eq!(error.kind(), ErrorKind::FileTooLarge);
            assert!(matches!(Refused::of(&error), Some(Refused::TooLarge { .. })));
        };
        assert_eq!(Disk.read(&path, 5).expect("a file"), b"12345");
        too_large(Disk.read(&path, 4));
        assert_eq!(Disk.read_from(&path, 3, 2).expect("a file"), b"45");
        too_large(Disk.read_from(&path, 3, 1));
        assert!(Disk.read_from(&path, 9, 0).expect("nothing is left").is_empty());
        assert_eq!(Disk.read(&path, u64::MAX).expect("a file").len(), 5);
        // Nothing is allocated for bytes that are not read.
        File::options().write(true).open(&path).expect("a file").set_len(1 << 40).expect("sparse");
        too_large(Disk.read(&path, 1 << 20));
        // Files in `/proc` have no size before they are read.
        if cfg!(target_os = "linux") {
            let proc = Path::new("/proc/self/status");
            assert!(!Disk.read(proc, 1 << 20).expect("a file").is_empty());
            too_large(Disk.read(proc, 10));
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_regular_files_are_opened() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let (folder, file) = file(b"mine");
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a pipe");
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
        for path in [&pipe, &socket, folder.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            let acts = [
                Disk.open(path).map(drop),
                Disk.read(path, u64::MAX).map(drop),
                Disk.read_from(path, 1, 10).map(drop),
                Disk.lock(path).map(drop),
                Disk.try_lock_shared(path).map(drop),
                Disk.open_to_lock(path).map(drop),
                Disk.append(path, b"x"),
                Disk.copy(path, &folder.path().join("copy")),
            ];
            assert!(acts.iter().all(Result::is_err), "{path:?}: {acts:?}");
        }
        assert!(!folder.path().join("copy").exists());
        assert_eq!(Disk.read(&file, 4).expect("a file"), b"mine");
    }
}
