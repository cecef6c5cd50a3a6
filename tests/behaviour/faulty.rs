//! A file system that makes chosen operations fail, for tests.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use flow::fs::{Disk, FileKind, Fs, Lock, Stat};

/// An operation that can fail. Each call of `write` counts as one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Open,
    Read,
    Create,
    Write,
    Append,
    Stat,
    List,
    CreateFolder,
    Rename,
    Link,
    Copy,
    Remove,
    RemoveFolder,
    SetExecutable,
    Sync,
}

impl Op {
    /// Returns whether the operation changes files.
    pub(crate) fn changes(self) -> bool {
        !matches!(self, Op::Open | Op::Read | Op::Stat | Op::List)
    }
}

/// How an operation fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The operation does nothing and returns this error.
    Refuse(ErrorKind),
    /// A write writes half of its bytes and returns this error; other operations do nothing.
    Half(ErrorKind),
}

type Rule = Box<dyn Fn(u64, Op, &Path) -> Option<Fault> + Send + Sync>;

/// The file system of the disk, where a rule makes operations fail. Syncs are recorded, and not executed.
#[derive(Clone)]
pub(crate) struct Faulty(Arc<State>);

struct State {
    count: AtomicU64,
    rule: Mutex<Option<Rule>>,
    has_locks: AtomicBool,
    synced: Mutex<Vec<Synced>>,
}

/// The files and the folders of one call of `sync`.
pub(crate) type Synced = (Vec<PathBuf>, Vec<PathBuf>);

impl Faulty {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            count: AtomicU64::new(0),
            rule: Mutex::new(None),
            has_locks: AtomicBool::new(true),
            synced: Mutex::default(),
        }))
    }

    /// Supports no locks from now on, like some network file systems.
    pub(crate) fn without_locks(self) -> Self {
        self.0.has_locks.store(false, Ordering::SeqCst);
        self
    }

    /// Returns the files and folders synced since the last call of this function, a pair for each sync.
    pub(crate) fn take_synced(&self) -> Vec<Synced> {
        std::mem::take(&mut self.0.synced.lock().expect("no panic while it is noted"))
    }

    /// Sets the rule that decides which operations fail, and resets the count to 0.
    ///
    /// The rule receives the count, the operation and the file.
    pub(crate) fn fail(
        &self,
        rule: impl Fn(u64, Op, &Path) -> Option<Fault> + Send + Sync + 'static,
    ) {
        *self.0.rule.lock().expect("no panic in a rule") = Some(Box::new(rule));
        self.0.count.store(0, Ordering::SeqCst);
    }

    /// Makes no operation fail from now on, and resets the count to 0.
    pub(crate) fn heal(&self) {
        self.fail(|_, _, _| None);
    }

    /// Returns the number of operations since the count was reset.
    pub(crate) fn count(&self) -> u64 {
        self.0.count.load(Ordering::SeqCst)
    }

    fn fault(&self, op: Op, path: &Path) -> Option<Fault> {
        let n = self.0.count.fetch_add(1, Ordering::SeqCst);
        self.0.rule.lock().expect("no panic in a rule").as_ref()?(n, op, path)
    }

    fn check(&self, op: Op, path: &Path) -> io::Result<()> {
        match self.fault(op, path) {
            None => Ok(()),
            Some(Fault::Refuse(kind) | Fault::Half(kind)) => Err(kind.into()),
        }
    }
}

struct Writer {
    file: Box<dyn Write + Send>,
    path: PathBuf,
    fs: Faulty,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.fs.fault(Op::Write, &self.path) {
            None => self.file.write(bytes),
            Some(Fault::Refuse(kind)) => Err(kind.into()),
            Some(Fault::Half(kind)) => {
                self.file.write_all(&bytes[..bytes.len() / 2])?;
                Err(kind.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Fs for Faulty {
    fn open(&self, path: &Path) -> io::Result<File> {
        self.check(Op::Open, path)?;
        Disk.open(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        self.check(Op::Read, path)?;
        Disk.read(path, limit)
    }

    fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
        self.check(Op::Read, path)?;
        Disk.read_from(path, offset, limit)
    }

    fn lock(&self, path: &Path) -> io::Result<Lock> {
        self.check(Op::Open, path)?;
        match self.0.has_locks.load(Ordering::SeqCst) {
            true => Disk.lock(path),
            false => Ok(Lock::Unsupported),
        }
    }

    fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
        self.check(Op::Open, path)?;
        match self.0.has_locks.load(Ordering::SeqCst) {
            true => Disk.try_lock_shared(path),
            false => Ok(Lock::Unsupported),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check(Op::Create, path)?;
        let (file, path) = (Disk.create(path)?, path.to_owned());
        Ok(Box::new(Writer { file, path, fs: self.clone() }))
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check(Op::Create, path)?;
        let (file, path) = (Disk.create_private(path, store)?, path.to_owned());
        Ok(Box::new(Writer { file, path, fs: self.clone() }))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        match self.fault(Op::Append, path) {
            None => Disk.append(path, bytes),
            Some(Fault::Refuse(kind)) => Err(kind.into()),
            Some(Fault::Half(kind)) => {
                Disk.append(path, &bytes[..bytes.len() / 2])?;
                Err(kind.into())
            }
        }
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.check(Op::Stat, path)?;
        Disk.stat(path)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.check(Op::Stat, path)?;
        Disk.kind(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        self.check(Op::List, path)?;
        Disk.list(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Op::CreateFolder, path)?;
        Disk.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename, to)?;
        Disk.rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Link, to)?;
        Disk.link(from, to)
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        match self.fault(Op::Copy, to) {
            None => Disk.copy(from, to),
            Some(Fault::Refuse(kind)) => Err(kind.into()),
            Some(Fault::Half(kind)) => {
                let bytes = Disk.read(from, u64::MAX)?;
                Disk.create(to)?.write_all(&bytes[..bytes.len() / 2])?;
                Err(kind.into())
            }
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove, path)?;
        Disk.remove(path)
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Op::RemoveFolder, path)?;
        Disk.remove_folder(path)
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        self.check(Op::SetExecutable, path)?;
        Disk.set_executable(path)
    }

    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        self.check(Op::Sync, files.first().or(folders.first()).map_or(Path::new(""), |file| file))?;
        let mut synced = self.0.synced.lock().expect("no panic while it is noted");
        synced.push((files.to_vec(), folders.to_vec()));
        match files.iter().chain(folders).find(|file| !file.exists()) {
            Some(_) => Err(ErrorKind::NotFound.into()),
            None => Ok(()),
        }
    }
}
