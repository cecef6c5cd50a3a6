//! [`Blobs`]: the contents of files, by digest, between the folder of a store and a bucket.
//!
//! ```text
//!  the run                               bucket                              a worker
//!  put_inputs ── what it lacks ───────► cluster/blobs/<digest> ──► bring ── what its folder lacks
//!  fetch ◄── what the store lacks ───── cluster/blobs/<digest> ◄── deliver ── the files of an output
//! ```
//!
//! - The name of a content is its digest. So two that put it put the same, a lost worker leaves nothing behind that a record
//!   could name by mistake, and the output of one task is there as the input of the next.
//! - Content is verified when it is put and when it arrives. A damaged one is removed, so that the next attempt puts it again.
//! - A file has its name only when it is whole: it is written to another folder, and renamed.
//! - What the bucket has is listed once, and then remembered.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::io::{self, Cursor, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flow_core::executor::{JobFile, unique, verified};
use flow_core::fs::Fs;
use flow_core::{Digest, Remote};

use super::parallel::parallel;
use super::{names, objects};
use crate::error::{ClusterError, IoContext};

/// Where files are written before they have their names, in the folder of the store.
const INCOMING: [&str; 2] = [".flow", "incoming"];

/// The age at which a file there was left by a process that has died.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long contents that no run has used stay in the bucket, unless it is set.
const KEEP: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A larger content is read in parts of this size, so that it is never in memory as a whole.
const PART: u64 = 16 << 20;

/// How many contents are transferred at the same time, by all threads together.
const TRANSFERS: usize = 16;

/// How many bytes are copied at a time.
const CHUNK: usize = 256 << 10;

/// How long a transfer is tried again that fails for a passing reason, and the first and the longest pause.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(10));

/// The contents of files in a bucket.
pub(crate) struct Blobs {
    remote: Arc<dyn Remote>,
    /// The folder of the store.
    root: PathBuf,
    fs: Arc<dyn Fs>,
    keep: Duration,
    known: Mutex<Known>,
    /// Wakes those that wait for the transfer of another thread.
    changed: Condvar,
    /// When the contents of the bucket were listed last. One thread at a time lists them.
    listed: Mutex<Option<Instant>>,
}

#[derive(Default)]
struct Known {
    /// The contents that the bucket has, with their sizes; `None` before they were listed.
    there: Option<HashMap<Digest, u64>>,
    /// The contents that this process has used.
    used: HashSet<Digest>,
    /// The contents and the files that a thread transfers now.
    putting: HashSet<Digest>,
    getting: HashSet<PathBuf>,
    transfers: usize,
    /// The files of the store that were verified, with their sizes and times then.
    here: HashMap<PathBuf, (Digest, u64, i64)>,
    has_swept: bool,
}

/// Whether a transfer is still wanted.
type IsStopped<'a> = &'a (dyn Fn() -> bool + Sync);

impl Blobs {
    pub(crate) fn new(remote: Arc<dyn Remote>, root: &Path, fs: Arc<dyn Fs>) -> Self {
        let (root, known, changed) = (root.to_owned(), Mutex::default(), Condvar::new());
        Self { remote, root, fs, keep: KEEP, known, changed, listed: Mutex::default() }
    }

    /// Sets how long contents that no run has used stay in the bucket.
    pub(crate) fn keep(self, keep: Duration) -> Self {
        Self { keep, ..self }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether the bucket is known to have all these contents, so that nothing is to be put.
    pub(crate) fn has_all(&self, files: &[JobFile]) -> bool {
        let mut known = self.known();
        known.used.extend(files.iter().map(|file| file.digest));
        let Some(there) = &known.there else { return files.is_empty() };
        files.iter().all(|file| file.bytes == 0 || there.get(&file.digest) == Some(&file.bytes))
    }

    /// Puts the contents of inputs that the bucket lacks. `looks_again` lists the bucket again, because it may lack one that it
    /// should have.
    pub(crate) fn put_inputs(
        &self,
        files: &[JobFile],
        looks_again: bool,
        is_stopped: IsStopped<'_>,
    ) -> io::Result<()> {
        self.list(looks_again)?;
        if self.has_all(files) {
            return Ok(());
        }
        let put = parallel(&each_once(files), |file| self.put_unless_there(file, is_stopped));
        put.into_iter().collect()
    }

    /// Puts the contents of the files of an output.
    pub(crate) fn deliver(&self, files: &[JobFile], is_stopped: IsStopped<'_>) -> io::Result<()> {
        let deliver = |file: &JobFile| -> io::Result<()> {
            repeat(is_stopped, || self.put(file))?;
            self.remember_here(file);
            Ok(())
        };
        parallel(&each_once(files), deliver).into_iter().collect()
    }

    /// Brings files to the store, as far as they are not there. `replaces` allows to replace a file with other content, which
    /// was damaged after it had arrived.
    pub(crate) fn bring(
        &self,
        files: &[JobFile],
        replaces: bool,
        is_stopped: IsStopped<'_>,
    ) -> io::Result<()> {
        self.sweep();
        let brought = parallel(files, |file| self.bring_one(file, replaces, is_stopped));
        brought.into_iter().collect()
    }

    /// Lists the contents of the bucket, if that was not done before. `again` lists them, if no other thread has since this call.
    ///
    /// One list is for all contents: a bucket has no other way to ask for many.
    fn list(&self, again: bool) -> io::Result<()> {
        let begun = Instant::now();
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = listed.is_some_and(|at| !again || at >= begun);
        if is_known {
            return Ok(());
        }
        let began_to_list = Instant::now();
        let entries = self.remote.entries(names::BLOBS)?.into_iter();
        let there =
            entries.filter_map(|entry| Some((names::parse_blob(&entry.name)?, entry.bytes)));
        let there = there.collect();
        self.known().there = Some(there);
        *listed = Some(began_to_list);
        Ok(())
    }

    /// Waits until not too many contents are transferred.
    fn permit(&self) -> Permit<'_> {
        let mut known = self.known();
        while known.transfers >= TRANSFERS {
            known = self.changed.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
        known.transfers += 1;
        Permit(self)
    }

    fn put_unless_there(&self, file: &JobFile, is_stopped: IsStopped<'_>) -> io::Result<()> {
        let _turn = self.wait_for_turn(file.digest, |known| &mut known.putting);
        if self.has_all(std::slice::from_ref(file)) {
            return Ok(());
        }
        repeat(is_stopped, || self.put(file))?;
        self.known().there.get_or_insert_default().insert(file.digest, file.bytes);
        Ok(())
    }

    /// Puts the content of a file, which is verified meanwhile.
    fn put(&self, file: &JobFile) -> io::Result<()> {
        if file.bytes == 0 {
            // An empty content is never fetched.
            return Ok(());
        }
        let _permit = self.permit();
        let name = names::blob(file.digest);
        let mut content = verified(self.fs.open(&self.path(file)?)?, file);
        let put = self.remote.put(&name, &mut content, file.bytes);
        // The remote may have stopped before the end, where the digest is compared.
        let verified = put.and_then(|()| io::copy(&mut content, &mut io::sink()).map(drop));
        if verified.as_ref().is_err_and(is_damage) {
            let _ = self.remote.delete(&name);
        }
        verified.map_err(|error| of_file(file, error))
    }

    fn bring_one(
        &self,
        file: &JobFile,
        replaces: bool,
        is_stopped: IsStopped<'_>,
    ) -> io::Result<()> {
        let to = self.path(file)?;
        let _turn = self.wait_for_turn(to.clone(), |known| &mut known.getting);
        match self.is_here(file, &to)? {
            Some(true) => return Ok(()),
            Some(false) if !replaces => {
                let message = "there is a file of this name with other content";
                return Err(of_file(file, io::Error::new(ErrorKind::AlreadyExists, message)));
            }
            Some(false) | None => {}
        }
        let incoming = INCOMING.iter().fold(self.root.clone(), |path, part| path.join(part));
        let written = incoming.join(unique());
        let brought = repeat(is_stopped, || {
            let got = self.get(file, &incoming, &written, is_stopped);
            if got.is_err() {
                let _ = self.fs.remove(&written);
            }
            got
        });
        let brought = brought.and_then(|()| {
            if let Some(folder) = to.parent() {
                self.fs.create_folder(folder)?;
            }
            self.fs.rename(&written, &to)
        });
        match brought {
            Ok(()) => {
                self.remember_here(file);
                // The next task may need it.
                if let Some(there) = &mut self.known().there {
                    there.insert(file.digest, file.bytes);
                }
                Ok(())
            }
            Err(error) => {
                let _ = self.fs.remove(&written);
                if is_damage(&error) {
                    // The next attempt puts it again.
                    let _ = self.remote.delete(&names::blob(file.digest));
                    if let Some(there) = &mut self.known().there {
                        there.remove(&file.digest);
                    }
                }
                Err(of_file(file, error))
            }
        }
    }

    /// Writes a content to a file, and verifies it.
    fn get(
        &self,
        file: &JobFile,
        folder: &Path,
        to: &Path,
        is_stopped: IsStopped<'_>,
    ) -> io::Result<()> {
        let _permit = self.permit();
        let name = names::blob(file.digest);
        let content: Box<dyn Read + '_> = match file.bytes {
            0 => Box::new(io::empty()),
            bytes if bytes <= PART => self.remote.get(&name)?,
            bytes => Box::new(Parts {
                remote: &*self.remote,
                name: &name,
                bytes,
                next: 0,
                part: Cursor::default(),
            }),
        };
        let mut content = verified(content, file);
        self.fs.create_folder(folder)?;
        let mut written = self.fs.create(to)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            if is_stopped() {
                return Err(stopped());
            }
            match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => written.write_all(&chunk[..read])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        written.flush()?;
        drop(written);
        match file.is_executable {
            true => self.fs.set_executable(to),
            false => Ok(()),
        }
    }

    /// Returns whether a file of the store has its content; `None` if it does not exist.
    ///
    /// It is read once, and then known by its size and time on this machine.
    fn is_here(&self, file: &JobFile, path: &Path) -> io::Result<Option<bool>> {
        let stat = match self.fs.stat(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            stat => stat?,
        };
        let stamp = (file.digest, stat.bytes, stat.modified);
        if self.known().here.get(path) == Some(&stamp) {
            return Ok(Some(true));
        }
        if stat.folder || stat.bytes != file.bytes {
            return Ok(Some(false));
        }
        match io::copy(&mut verified(self.fs.open(path)?, file), &mut io::sink()) {
            Ok(_) => {
                self.known().here.insert(path.to_owned(), stamp);
                Ok(Some(true))
            }
            Err(error) if is_damage(&error) => Ok(Some(false)),
            Err(error) => Err(error),
        }
    }

    /// Remembers that a file of the store has its content.
    fn remember_here(&self, file: &JobFile) {
        let Ok(path) = self.path(file) else { return };
        if let Ok(stat) = self.fs.stat(&path) {
            self.known().here.insert(path, (file.digest, stat.bytes, stat.modified));
        }
    }

    /// Returns where a file is on this machine.
    ///
    /// # Errors
    ///
    /// The path leads out of the folder of the store.
    fn path(&self, file: &JobFile) -> io::Result<PathBuf> {
        let mut parts = file.path.components();
        match parts.all(|part| matches!(part, Component::Normal(_))) && file.path != Path::new("") {
            true => Ok(self.root.join(&file.path)),
            false => {
                let message = format!("{} leads out of the store", file.path.display());
                Err(io::Error::new(ErrorKind::InvalidInput, message))
            }
        }
    }

    /// Waits until no other thread of this process transfers the same.
    fn wait_for_turn<T: Clone + Eq + Hash>(
        &self,
        what: T,
        set: fn(&mut Known) -> &mut HashSet<T>,
    ) -> Turn<'_, T> {
        let mut known = self.known();
        while !set(&mut known).insert(what.clone()) {
            known = self.changed.wait(known).unwrap_or_else(PoisonError::into_inner);
        }
        Turn { blobs: self, what, set }
    }

    /// Removes files that were left by processes that have died while files arrived, once.
    fn sweep(&self) {
        if std::mem::replace(&mut self.known().has_swept, true) {
            return;
        }
        let incoming = INCOMING.iter().fold(self.root.clone(), |path, part| path.join(part));
        for name in self.fs.list(&incoming).unwrap_or_default() {
            let path = incoming.join(name);
            let age = self.fs.stat(&path).ok().and_then(|stat| {
                let modified = Duration::from_nanos(u64::try_from(stat.modified).ok()?);
                (std::time::UNIX_EPOCH + modified).elapsed().ok()
            });
            if age.is_some_and(|age| age >= LEFT) {
                let _ = self.fs.remove(&path);
            }
        }
    }

    /// Removes contents from the bucket that this run has not used, and that were put long ago.
    ///
    /// Ages are those of the bucket: `mark` is an object that was written just now. No other run is in progress. If one
    /// begins meanwhile, and misses a content, it puts it again.
    pub(super) fn remove_old(&self, mark: &str) -> Result<(), ClusterError> {
        let entries = |folder: &str| self.remote.entries(folder).during("list", Path::new(folder));
        let marks = entries(names::RUNS)?;
        let now = marks.iter().find(|entry| entry.name == mark).and_then(|entry| entry.modified);
        let known = self.known();
        let is_old = |digest: Digest, modified: Option<std::time::SystemTime>| {
            let is_used = known.used.contains(&digest);
            let age =
                now.zip(modified).map(|(now, then)| now.duration_since(then).unwrap_or_default());
            self.keep.is_zero() || (!is_used && age.is_some_and(|age| age >= self.keep))
        };
        let old = entries(names::BLOBS)?.into_iter().filter(|entry| {
            names::parse_blob(&entry.name).is_some_and(|digest| is_old(digest, entry.modified))
        });
        let old: Vec<_> = old.map(|entry| entry.name).collect();
        objects::delete(&*self.remote, &old)
    }
}

/// One of the transfers at the same time, until it is dropped.
struct Permit<'a>(&'a Blobs);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.known().transfers -= 1;
        self.0.changed.notify_all();
    }
}

/// The right to transfer something, until it is dropped.
struct Turn<'a, T: Clone + Eq + Hash> {
    blobs: &'a Blobs,
    what: T,
    set: fn(&mut Known) -> &mut HashSet<T>,
}

impl<T: Clone + Eq + Hash> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        (self.set)(&mut self.blobs.known()).remove(&self.what);
        self.blobs.changed.notify_all();
    }
}

/// The content of a large object, a part at a time.
struct Parts<'a> {
    remote: &'a dyn Remote,
    name: &'a str,
    bytes: u64,
    next: u64,
    part: Cursor<Vec<u8>>,
}

impl Read for Parts<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(to)?;
        if read > 0 || to.is_empty() || self.next >= self.bytes {
            return Ok(read);
        }
        let end = self.bytes.min(self.next + PART);
        self.part = Cursor::new(self.remote.get_range(self.name, self.next..end)?);
        self.next = end;
        self.part.read(to)
    }
}

/// Returns the files of different contents.
fn each_once(files: &[JobFile]) -> Vec<JobFile> {
    let mut seen = HashSet::new();
    files.iter().filter(|file| seen.insert(file.digest)).cloned().collect()
}

/// Tries something again and again as long as it fails for reasons that may pass.
fn repeat(
    is_stopped: IsStopped<'_>,
    mut attempt: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let begun = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        match attempt() {
            Err(error) if may_pass(&error) && begun.elapsed() < PATIENCE => {}
            ended => return ended,
        }
        let paused = Instant::now();
        while paused.elapsed() < pause {
            if is_stopped() {
                return Err(stopped());
            }
            thread::sleep(PAUSES.0);
        }
        pause = (2 * pause).min(PAUSES.1);
    }
}

fn may_pass(error: &io::Error) -> bool {
    crate::error::may_pass(error) && !is_stop(error)
}

/// Returns whether content has another digest or size than it should have.
fn is_damage(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidData
}

/// The error of a transfer whose job was taken away.
#[derive(Debug, thiserror::Error)]
#[error("it is not needed any more")]
struct NotNeeded;

fn stopped() -> io::Error {
    io::Error::other(NotNeeded)
}

fn is_stop(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<NotNeeded>())
}

/// Adds the file to an error, whose kind stays.
fn of_file(file: &JobFile, error: io::Error) -> io::Error {
    let kind = error.kind();
    io::Error::new(kind, format!("{} ({}): {error}", file.path.display(), names::blob(file.digest)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use flow_core::RemoteFolder;
    use flow_core::fs::Disk;

    use super::*;

    /// The folders of two machines, and a bucket.
    struct Machines {
        folder: tempfile::TempDir,
        remote: Arc<RemoteFolder>,
    }

    const CONTENT: &[u8] = b"content";

    /// The first 128 bits of its BLAKE3 digest.
    const DIGEST: &str = "3fba5250be9ac259c56e7250c526bc83";

    impl Machines {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let remote = Arc::new(RemoteFolder::new(folder.path().join("bucket")));
            Self { folder, remote }
        }

        fn blobs(&self, machine: &str) -> Blobs {
            let root = self.path(machine);
            fs::create_dir_all(&root).expect("a folder");
            Blobs::new(Arc::clone(&self.remote) as Arc<dyn Remote>, &root, Arc::new(Disk))
        }

        fn path(&self, machine: &str) -> PathBuf {
            self.folder.path().join(machine)
        }

        fn blob(&self) -> PathBuf {
            self.path("bucket").join(names::blob(file().digest))
        }

        fn write(&self) {
            let path = self.path("run").join("Train");
            fs::create_dir_all(&path).expect("a folder");
            fs::write(path.join("a.bin"), CONTENT).expect("a file");
        }
    }

    fn file() -> JobFile {
        let digest = DIGEST.parse().expect("a digest");
        JobFile::new("Train/a.bin".into(), digest, CONTENT.len() as u64)
    }

    const GOES_ON: IsStopped<'_> = &|| false;

    #[test]
    fn a_content_is_put_once_and_brought_once() {
        let machines = Machines::new();
        machines.write();
        let (run, worker) = (machines.blobs("run"), machines.blobs("worker"));
        run.put_inputs(&[file()], false, GOES_ON).expect("it is put");
        assert!(run.has_all(&[file()]));
        worker.bring(&[file()], true, GOES_ON).expect("it is brought");
        let brought = machines.path("worker").join("Train/a.bin");
        assert_eq!(fs::read(&brought).expect("a file"), CONTENT);
        // Nothing is read or written that is there: the bucket is gone.
        fs::remove_file(machines.blob()).expect("a file");
        run.put_inputs(&[file()], false, GOES_ON).expect("it was put");
        assert!(!machines.blob().exists());
        worker.bring(&[file()], true, GOES_ON).expect("it is there");
        machines.blobs("worker").bring(&[file()], true, GOES_ON).expect("a new process reads it");
        // After a job was lost, the bucket is asked.
        run.put_inputs(&[file()], true, GOES_ON).expect("it is put again");
        assert!(machines.blob().exists());
        let incoming = machines.path("worker").join(".flow/incoming");
        assert_eq!(fs::read_dir(incoming).expect("a folder").count(), 0);
    }

    #[test]
    fn a_damaged_content_is_refused_and_removed() {
        let machines = Machines::new();
        machines.write();
        let (run, worker) = (machines.blobs("run"), machines.blobs("worker"));
        run.put_inputs(&[file()], false, GOES_ON).expect("it is put");
        fs::write(machines.blob(), b"c0ntent").expect("a file");
        let error = worker.bring(&[file()], true, GOES_ON).expect_err("it is damaged");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("Train/a.bin (cluster/blobs/"), "{error}");
        assert!(!machines.path("worker").join("Train/a.bin").exists() && !machines.blob().exists());
        run.put_inputs(&[file()], true, GOES_ON).expect("it is put again");
        worker.bring(&[file()], true, GOES_ON).expect("it is whole");
    }

    #[test]
    fn a_file_of_the_store_that_was_modified_is_not_put() {
        let machines = Machines::new();
        machines.write();
        fs::write(machines.path("run").join("Train/a.bin"), b"c0ntent").expect("a file");
        let error = machines.blobs("run").put_inputs(&[file()], false, GOES_ON);
        assert_eq!(error.expect_err("it is modified").kind(), ErrorKind::InvalidData);
        assert!(!machines.blob().exists());
    }

    #[test]
    fn a_run_replaces_no_file_of_its_store() {
        let machines = Machines::new();
        machines.write();
        machines.blobs("run").put_inputs(&[file()], false, GOES_ON).expect("it is put");
        fs::write(machines.path("run").join("Train/a.bin"), b"recorded").expect("a file");
        let error = machines.blobs("run").bring(&[file()], false, GOES_ON).expect_err("it exists");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        machines.blobs("run").bring(&[file()], true, GOES_ON).expect("a worker does");
    }

    #[test]
    fn threads_that_put_the_same_content_put_it_once_after_one_list() {
        let machines = Machines::new();
        machines.write();
        let run = machines.blobs("run");
        thread::scope(|scope| {
            for _ in 0..30 {
                scope.spawn(|| run.put_inputs(&[file()], false, GOES_ON).expect("it is put"));
            }
        });
        assert!(run.has_all(&[file()]));
        assert_eq!(run.known().transfers, 0);
        assert!(run.known().putting.is_empty());
    }

    #[test]
    fn a_path_that_leads_out_of_the_store_is_refused() {
        let machines = Machines::new();
        for path in ["../a.bin", "/a.bin", "", "a/../../b"] {
            let mut file = file();
            file.path = path.into();
            let error = machines.blobs("worker").bring(&[file], true, GOES_ON);
            assert_eq!(error.expect_err(path).kind(), ErrorKind::InvalidInput, "{path}");
        }
    }

    #[test]
    fn what_fails_for_a_passing_reason_is_tried_again_until_it_is_stopped() {
        let mut attempts = 0;
        let result = repeat(GOES_ON, || {
            attempts += 1;
            if attempts < 3 { Err(ErrorKind::TimedOut.into()) } else { Ok(()) }
        });
        assert_eq!((result.is_ok(), attempts), (true, 3));
        let error = repeat(&|| true, || Err(ErrorKind::TimedOut.into())).expect_err("stopped");
        assert!(is_stop(&error));
        let error = repeat(GOES_ON, || Err(ErrorKind::NotFound.into())).expect_err("it is final");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_large_content_is_read_in_parts() {
        let machines = Machines::new();
        let content: Vec<u8> = (0..PART + 10).map(|n| (n % 251) as u8).collect();
        let mut from = Cursor::new(&content);
        machines.remote.put("cluster/blobs/x", &mut from, content.len() as u64).expect("it is put");
        let (remote, bytes) = (&*machines.remote as &dyn Remote, content.len() as u64);
        let mut parts =
            Parts { remote, name: "cluster/blobs/x", bytes, next: 0, part: Cursor::default() };
        let mut read = Vec::new();
        parts.read_to_end(&mut read).expect("it can be read");
        assert!(read == content);
    }
}
