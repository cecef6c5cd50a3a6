//! The disk as the benchmarks use it: with or without syncs, and with a count of the operations.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flow::fs::{Disk, FileKind, Fs, Lock, Stat};

/// The disk of this machine, which counts what is read of it.
///
/// It counts operations of the library. An operation is one or a few system calls: a read, for example, opens the
/// file, inspects it and reads it.
#[derive(Debug, Default)]
pub struct BenchDisk {
    is_unsynced: bool,
    stats: AtomicU64,
    reads: AtomicU64,
    lists: AtomicU64,
}

impl BenchDisk {
    /// Creates a disk that does not sync: the system writes files when it likes, and a loss of power loses some.
    pub fn unsynced() -> Self {
        Self { is_unsynced: true, ..Self::default() }
    }

    /// Returns how often the metadata of a path was read. Each part of a path that is checked for links counts.
    pub fn stats(&self) -> u64 {
        self.stats.load(Ordering::Relaxed)
    }

    /// Returns how often a file was opened to read it.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Returns how often a folder was listed.
    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    fn stat_of<T>(&self, of: impl FnOnce() -> T) -> T {
        self.stats.fetch_add(1, Ordering::Relaxed);
        of()
    }

    fn read_of<T>(&self, of: impl FnOnce() -> T) -> T {
        self.reads.fetch_add(1, Ordering::Relaxed);
        of()
    }
}

impl Fs for BenchDisk {
    fn open(&self, path: &Path) -> io::Result<File> {
        self.read_of(|| Disk.open(path))
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.read_of(|| Disk.read(path, limit))
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
        self.read_of(|| Disk.read_from(path, offset, limit))
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        Disk.lock(path)
    }

    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
        Disk.try_lock_shared(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        Disk.create(path)
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>> {
        Disk.create_private(path, store)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        Disk.append(path, bytes)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.stat_of(|| Disk.stat(path))
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.stat_of(|| Disk.kind(path))
    }

    fn link_stat(&self, path: &Path) -> io::Result<Stat> {
        self.stat_of(|| Disk.link_stat(path))
    }

    fn canonical(&self, path: &Path) -> io::Result<PathBuf> {
        self.stat_of(|| Disk.canonical(path))
    }

    fn first_link(&self, above: &Path, path: &Path) -> io::Result<Option<PathBuf>> {
        if let Ok(below) = path.strip_prefix(above) {
            self.stats.fetch_add(below.components().count() as u64, Ordering::Relaxed);
        }
        Disk.first_link(above, path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        Disk.list(path)
    }

    fn list_kinds(&self, path: &Path) -> io::Result<Vec<(OsString, Option<FileKind>)>> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        Disk.list_kinds(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        Disk.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        Disk.copy(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        Disk.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        Disk.remove_folder(path)
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        Disk.set_executable(path)
    }

    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        if self.is_unsynced { Ok(()) } else { Disk.sync(files, folders) }
    }
}

/// Writes everything that the system has not written yet, so that the next measurement does not pay for it.
pub fn settle() {
    #[cfg(target_os = "linux")]
    rustix::fs::sync();
}

/// Makes everything on the disk of a file durable. Without effect on other systems than Linux.
///
/// # Errors
///
/// The file cannot be opened, or the disk cannot be written.
pub fn sync(file: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(file)?)?;
    #[cfg(not(target_os = "linux"))]
    let _ = file;
    Ok(())
}
