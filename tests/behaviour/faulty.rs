//! A file system that makes chosen operations fail, for tests. It can also record what a loss of power would leave.

pub(crate) mod power_loss;

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use flow::fs::{Disk, FileKind, Fs, Lock, Stat};

#[allow(unused_imports, reason = "only one of the test programs loses power")]
pub(crate) use self::power_loss::{Loss, Unsynced};

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
    /// The operation does nothing and returns the error of a broken disk, `EIO`.
    Broken,
}

impl Fault {
    fn error(self) -> io::Error {
        const EIO: i32 = 5;
        match self {
            Self::Refuse(kind) | Self::Half(kind) => kind.into(),
            Self::Broken => io::Error::from_raw_os_error(EIO),
        }
    }
}

type Rule = Box<dyn Fn(u64, Op, &Path) -> Option<Fault> + Send + Sync>;

/// The file system of the disk, where a rule makes operations fail. Syncs are recorded, and not executed.
#[derive(Clone)]
pub(crate) struct Faulty(Arc<State>);

struct State {
    count: AtomicU64,
    rule: Mutex<Option<Rule>>,
    has_locks: AtomicBool,
    /// How much earlier files appear to have been changed, in seconds.
    age: AtomicI64,
    synced: Mutex<Vec<Synced>>,
    unsynced: Mutex<Option<Unsynced>>,
}

/// The files and the folders of one call of `sync`.
pub(crate) type Synced = (Vec<PathBuf>, Vec<PathBuf>);

impl Faulty {
    pub(crate) fn new() -> Self {
        Self(Arc::new(State {
            count: AtomicU64::new(0),
            rule: Mutex::new(None),
            has_locks: AtomicBool::new(true),
            age: AtomicI64::new(0),
            synced: Mutex::default(),
            unsynced: Mutex::default(),
        }))
    }

    /// Records from now on what is not synced below this folder. What is there now counts as synced.
    pub(crate) fn watch(&self, folder: &Path) {
        *self.0.unsynced.lock().expect("no panic while it is noted") = Some(Unsynced::new(folder));
    }

    /// Returns what is not synced, and stops to record it.
    pub(crate) fn take_unsynced(&self) -> Option<Unsynced> {
        self.0.unsynced.lock().expect("no panic while it is noted").take()
    }

    /// Does an operation and then records it. No other operation that is recorded happens meanwhile.
    fn recorded<T>(
        &self,
        act: impl FnOnce() -> io::Result<T>,
        record: impl FnOnce(&mut Unsynced),
    ) -> io::Result<T> {
        let mut unsynced = self.0.unsynced.lock().expect("no panic while it is noted");
        let done = act()?;
        if let Some(unsynced) = &mut *unsynced {
            record(unsynced);
        }
        Ok(done)
    }

    /// Does an operation after which the file at `path` has lost its name, and then records it.
    fn recorded_removal(
        &self,
        path: &Path,
        act: impl FnOnce() -> io::Result<()>,
        record: impl FnOnce(&mut Unsynced),
    ) -> io::Result<()> {
        let mut unsynced = self.0.unsynced.lock().expect("no panic while it is noted");
        if let Some(unsynced) = &mut *unsynced {
            unsynced.keep_content(path);
        }
        act()?;
        if let Some(unsynced) = &mut *unsynced {
            record(unsynced);
        }
        Ok(())
    }

    /// Supports no locks from now on, like some network file systems.
    pub(crate) fn without_locks(self) -> Self {
        self.0.has_locks.store(false, Ordering::SeqCst);
        self
    }

    /// Lets the time of the last change of files and links appear to be this number of seconds earlier.
    pub(crate) fn age(&self, seconds: i64) {
        self.0.age.store(seconds, Ordering::SeqCst);
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
            Some(fault) => Err(fault.error()),
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
        let Some(fault) = self.fs.fault(Op::Write, &self.path) else {
            return self.file.write(bytes);
        };
        if let Fault::Half(_) = fault {
            self.file.write_all(&bytes[..bytes.len() / 2])?;
        }
        Err(fault.error())
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

    fn open_to_lock(&self, path: &Path) -> io::Result<File> {
        self.check(Op::Open, path)?;
        match self.0.has_locks.load(Ordering::SeqCst) {
            true => Disk.open_to_lock(path),
            false => Err(ErrorKind::Unsupported.into()),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check(Op::Create, path)?;
        let file = self.recorded(|| Disk.create(path), |unsynced| unsynced.created(path))?;
        let path = path.to_owned();
        Ok(Box::new(Writer { file, path, fs: self.clone() }))
    }

    fn create_private(&self, path: &Path, store: &Path) -> io::Result<Box<dyn Write + Send>> {
        self.check(Op::Create, path)?;
        let create = || Disk.create_private(path, store);
        let file = self.recorded(create, |unsynced| unsynced.created(path))?;
        let path = path.to_owned();
        Ok(Box::new(Writer { file, path, fs: self.clone() }))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let append = |bytes: &[u8]| {
            self.recorded(|| Disk.append(path, bytes), |unsynced| unsynced.made(path))
        };
        let Some(fault) = self.fault(Op::Append, path) else { return append(bytes) };
        if let Fault::Half(_) = fault {
            append(&bytes[..bytes.len() / 2])?;
        }
        Err(fault.error())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        self.check(Op::Stat, path)?;
        Disk.stat(path)
    }

    fn kind(&self, path: &Path) -> io::Result<FileKind> {
        self.check(Op::Stat, path)?;
        Disk.kind(path)
    }

    fn link_stat(&self, path: &Path) -> io::Result<Stat> {
        self.check(Op::Stat, path)?;
        let stat = Disk.link_stat(path)?;
        let age = self.0.age.load(Ordering::SeqCst) * 1_000_000_000;
        Ok(Stat { changed: stat.changed.map(|changed| changed - age), ..stat })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
        self.check(Op::List, path)?;
        Disk.list(path)
    }

    fn list_kinds(&self, path: &Path) -> io::Result<Vec<(std::ffi::OsString, Option<FileKind>)>> {
        self.check(Op::List, path)?;
        Disk.list_kinds(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Op::CreateFolder, path)?;
        self.recorded(|| Disk.create_folder(path), |unsynced| unsynced.made(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Rename, to)?;
        let rename = || Disk.rename(from, to);
        self.recorded_removal(to, rename, |unsynced| unsynced.renamed(from, to))
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(Op::Link, to)?;
        self.recorded(|| Disk.link(from, to), |unsynced| unsynced.linked(from, to))
    }

    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        let copy = |limit: fn(usize) -> usize| {
            let bytes = Disk.read(from, u64::MAX)?;
            let write = || Disk.create(to)?.write_all(&bytes[..limit(bytes.len())]);
            self.recorded(write, |unsynced| unsynced.created(to))
        };
        let Some(fault) = self.fault(Op::Copy, to) else { return copy(|len| len) };
        if let Fault::Half(_) = fault {
            copy(|len| len / 2)?;
        }
        Err(fault.error())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.check(Op::Remove, path)?;
        self.recorded_removal(path, || Disk.remove(path), |unsynced| unsynced.removed(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        self.check(Op::RemoveFolder, path)?;
        self.recorded(|| Disk.remove_folder(path), |unsynced| unsynced.removed(path))
    }

    fn set_executable(&self, path: &Path) -> io::Result<()> {
        self.check(Op::SetExecutable, path)?;
        Disk.set_executable(path)
    }

    fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
        self.check(Op::Sync, files.first().or(folders.first()).map_or(Path::new(""), |file| file))?;
        let mut synced = self.0.synced.lock().expect("no panic while it is noted");
        synced.push((files.to_vec(), folders.to_vec()));
        let sync = || match files.iter().chain(folders).find(|file| !file.exists()) {
            Some(_) => Err(ErrorKind::NotFound.into()),
            None => Ok(()),
        };
        self.recorded(sync, |unsynced| unsynced.synced(files, folders))
    }
}
