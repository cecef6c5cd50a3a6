//! [`Folder`]: a queue in a folder that the run and all workers can reach.
//!
//! Nothing is decided by the time or the size of a file, which a network file system may report late: a file is opened, or
//! its folder is listed. All files of a bundle exist before its name does, so that no machine remembers that one of them
//! is missing.
//!
//! # Which runs are in progress
//!
//! A run locks its mark, and writes a [heartbeat](super::heartbeat) beside it.
//!
//! - A mark that is locked belongs to a run in progress.
//! - One that is not belongs to a run that has died, if it was on this machine: locks of one machine always work.
//! - The lock of another machine may not be visible here, and some file systems have no locks at all. Then the heartbeat decides. It
//!   is watched when a run begins, for ten seconds at most, and only if there is such a mark.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::fs::{FileKind, Fs, Lock};

use super::heartbeat::{self, Beat, Heartbeat};
use super::{OnWait, RunMark, Transport};
use crate::error::{ClusterError, IoContext, is_gone, may_pass};
use crate::format::{Bundle, Presence, StartedWorkers, versioned};
use crate::names::{BundleName, LeaseName, PoolName, WorkerName, is_run};

/// The folder of the queue in that of the store.
const QUEUE: [&str; 2] = [".flow", "queue"];

/// The folder of the queues of pools, each in a folder with the name of the pool.
const POOLS: [&str; 2] = [".flow", "queues"];

const BUNDLE: &str = "bundle.json";
const MESSAGES: &str = "messages.jsonl";
const ORDERS: &str = "orders.jsonl";

/// Where a bundle is written before it is posted, and where it is moved to be removed.
const MAKING: &str = "making";
const OPEN: &str = "open";
const TAKEN: &str = "taken";
const ENDED: &str = "ended";
const WORKERS: &str = "workers";
const RUNS: &str = "runs";
const REQUESTS: &str = "requests";

/// The ends of the names of the heartbeat of a run, and of the file about the workers that a scheduler starts for it.
const BEAT: &str = "beat";
const STARTED: &str = "workers";

/// After how much time without a heartbeat a run has died, if its lock does not decide.
const TIME: Duration = Duration::from_secs(10);

/// How long a process that only looks at the queue takes the runs for alive that it has found so.
const ALIVE: Duration = Duration::from_secs(30);

/// Is locked while a run begins, so that one run at a time decides which others have ended.
const LOCK: &str = "lock";

/// How often a folder is listed again if a file was written into it while it was removed.
const REMOVALS: usize = 5;

/// The most bytes of a bundle, of the lines that are read at a time, and of the file of a worker.
const MOST_OF_BUNDLE: u64 = 1 << 30;
const MOST_OF_LINES: u64 = 512 << 20;
const MOST_OF_PRESENCE: u64 = 64 << 10;

/// A queue in a folder.
pub(crate) struct Folder {
    root: PathBuf,
    /// The folder of the requests to runs. All pools have the same one, so that a request reaches each pool of a run, also
    /// those that the run opens later.
    requests: PathBuf,
    /// The folder of the heartbeats of runs, which all pools have in common as well.
    beats: PathBuf,
    watched: Arc<Mutex<Watched>>,
    fs: Arc<dyn Fs>,
}

/// What is known from heartbeats.
#[derive(Default)]
struct Watched {
    /// The runs that have died although their locks do not say so.
    dead: HashSet<String>,
    /// When the heartbeats were watched last.
    at: Option<Instant>,
    on_wait: Option<OnWait>,
}

/// Says that a run is in progress: a file that is locked.
struct FolderMark {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// What others ask of the run; `None` if another mark of the run has it.
    requests: Option<PathBuf>,
    /// What the run has said about its workers, if anything.
    started: PathBuf,
    /// The locked file; `None` on a file system without locks.
    _lock: Option<File>,
    /// Ends after the mark: a heartbeat alone belongs to no run. `None` if another mark of the run has it.
    _beat: Option<BeatFile>,
}

/// The heartbeat of this run, which is removed when it is dropped.
struct BeatFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    heartbeat: Option<Heartbeat>,
}

impl Drop for BeatFile {
    fn drop(&mut self) {
        // It must not be written again.
        drop(self.heartbeat.take());
        let _ = self.fs.remove(&self.path);
    }
}

impl Drop for FolderMark {
    fn drop(&mut self) {
        // A mark that stays is removed by the next run.
        let _ = self.fs.remove(&self.path);
        let _ = self.fs.remove(&self.started);
        if let Some(requests) = &self.requests {
            let _ = self.fs.remove(requests);
        }
    }
}

impl Folder {
    /// Returns the queue of the store in a folder.
    pub(crate) fn new(store: &Path, fs: Arc<dyn Fs>) -> Self {
        Self::at(QUEUE.iter().fold(store.to_owned(), |path, part| path.join(part)), fs)
    }

    fn at(root: PathBuf, fs: Arc<dyn Fs>) -> Self {
        let (requests, beats) = (root.join(REQUESTS), root.join(RUNS));
        Self { root, requests, beats, watched: Arc::default(), fs }
    }

    /// Returns the folder of the queues of pools.
    pub(crate) fn pools(store: &Path) -> PathBuf {
        POOLS.iter().fold(store.to_owned(), |path, part| path.join(part))
    }

    /// Returns the marks of the runs that have pools, with the requests to these runs.
    pub(crate) fn of_runs(store: &Path, fs: Arc<dyn Fs>) -> Self {
        Self::at(Self::pools(store), fs)
    }

    /// Returns the queue of a pool. This one has the marks of the runs that have pools.
    pub(crate) fn pool(&self, pool: &PoolName) -> Self {
        Self {
            root: self.root.join(pool.to_string()),
            requests: self.requests.clone(),
            beats: self.beats.clone(),
            watched: Arc::clone(&self.watched),
            fs: Arc::clone(&self.fs),
        }
    }

    /// Creates the folders of the marks of runs and of the requests to them, where they do not exist.
    pub(crate) fn prepare_runs(&self) -> Result<(), ClusterError> {
        for folder in [&self.root.join(RUNS), &self.requests] {
            self.fs.create_folder(folder).during("create", folder)?;
        }
        Ok(())
    }

    /// Returns whether another run than this one is known to be in progress.
    pub(crate) fn has_other_run(&self, run: &str) -> bool {
        let runs = self.names(RUNS).unwrap_or_default();
        runs.iter().any(|other| other != run && is_run(other) && self.is_running(other))
    }

    /// Returns the queues of all pools. This one has the marks of the runs that have pools.
    pub(crate) fn all_pools(&self) -> Result<Vec<(PoolName, Self)>, ClusterError> {
        let names = self.names_in(&self.root)?;
        let named = names.iter().filter_map(|name| PoolName::parse(name));
        Ok(named.map(|name| (name.clone(), self.pool(&name))).collect())
    }

    /// Writes what is known of the workers that a scheduler starts for a run.
    pub(crate) fn write_started(
        &self,
        run: &str,
        started: &StartedWorkers,
    ) -> Result<(), ClusterError> {
        let path = self.of_run(run, STARTED);
        let bytes = serde_json::to_vec(started).map_err(io::Error::from).during("write", &path)?;
        replace(&*self.fs, &path, &bytes)
    }

    /// Returns a file beside the mark of a run.
    fn of_run(&self, run: &str, end: &str) -> PathBuf {
        self.root.join(RUNS).join(format!("{run}.{end}"))
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the heartbeat of a run whose mark is not seen to be locked; `None` if the run is known to have died.
    ///
    /// # Errors
    ///
    /// The heartbeat cannot be read at the moment, so that nothing is known of the run.
    fn beat_of(&self, run: &str, lock: &Lock) -> io::Result<Option<Vec<u8>>> {
        let beat = match self.read_beat(run) {
            Ok(beat) => beat,
            Err(error) if may_pass(&error) => return Err(error),
            // Without a heartbeat, the lock alone decides.
            Err(_) => return Ok(None),
        };
        let is_certain = is_of_this_machine(&beat) && matches!(lock, Lock::Taken(_));
        Ok((!is_certain).then_some(beat))
    }

    fn read_beat(&self, run: &str) -> io::Result<Vec<u8>> {
        self.fs.read(&self.beats.join(format!("{run}.{BEAT}")), heartbeat::MOST)
    }

    /// Begins the heartbeat of a run.
    fn begin_beat(&self, run: &str) -> Result<BeatFile, ClusterError> {
        let (fs, path) = (Arc::clone(&self.fs), self.of_run(run, BEAT));
        let machine = heartbeat::machine();
        let (of_thread, its_path) = (Arc::clone(&fs), path.clone());
        let write = move |beat| {
            let beat = Beat::new(beat, TIME).on(&machine);
            replace(&*of_thread, &its_path, &beat.bytes())
        };
        write(0)?;
        let mut file = BeatFile { fs, path, heartbeat: None };
        // After an error that passes, the next one renews it.
        let heartbeat = Heartbeat::begin(TIME, move |beat| {
            let _ = write(beat);
        });
        file.heartbeat = Some(heartbeat?);
        Ok(file)
    }

    /// Finds which runs have died whose locks do not say so, apart from this one. It waits only if there are such runs.
    fn watch(&self, own: &str) -> Result<(), ClusterError> {
        let (known, on_wait) = {
            let watched = self.watched();
            (watched.dead.clone(), watched.on_wait.clone())
        };
        let read = || {
            let mut beats = HashMap::new();
            for run in self.names_in(&self.beats)? {
                if !is_run(&run) || run == own || known.contains(&run) {
                    continue;
                }
                let beat = match self.fs.try_lock_shared(&self.beats.join(&run)) {
                    Ok(Lock::Held) | Err(_) => None,
                    // If the heartbeat cannot be read, the run does not count as dead.
                    Ok(lock) => self.beat_of(&run, &lock).unwrap_or_default(),
                };
                beats.extend(beat.map(|beat| (run, beat)));
            }
            Ok(beats)
        };
        let dead = heartbeat::dead_runs(read, &|most| on_wait.iter().for_each(|call| call(most)))?;
        let mut watched = self.watched();
        watched.dead.extend(dead);
        watched.at = Some(Instant::now());
        Ok(())
    }

    fn of_bundle(&self, name: &BundleName) -> PathBuf {
        self.root.join(OPEN).join(name.to_string())
    }

    fn of_lease(&self, lease: &LeaseName) -> PathBuf {
        self.root.join(TAKEN).join(lease.to_string())
    }

    /// Returns the names in a part of the queue, in order. A part that does not exist has none.
    fn names(&self, part: &str) -> Result<Vec<String>, ClusterError> {
        self.names_in(&self.root.join(part))
    }

    fn names_in(&self, folder: &Path) -> Result<Vec<String>, ClusterError> {
        let names = match self.fs.list(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            names => names.during("list", folder)?,
        };
        let mut names: Vec<_> =
            names.into_iter().filter_map(|name| name.into_string().ok()).collect();
        names.sort_unstable();
        Ok(names)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> Result<(), ClusterError> {
        let created = self.fs.create(path);
        let written =
            created.and_then(|mut file| file.write_all(bytes).and_then(|()| file.flush()));
        written.during("write", path)
    }

    /// Moves a folder away, and removes it. Returns `false` if it is gone.
    ///
    /// The name decides. A network file system may reach the files of a folder that it has opened before by another name, so
    /// the files are removed before this returns.
    fn end(&self, folder: &Path) -> Result<bool, ClusterError> {
        let name = folder.file_name().unwrap_or_default();
        let ended = self.root.join(ENDED).join(name);
        match self.fs.rename(folder, &ended) {
            Ok(()) => {}
            // A network file system may have done it, lost the reply, and tried again.
            Err(error) if is_gone(&error) && self.fs.open(&ended.join(BUNDLE)).is_ok() => {}
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(error).during("end", folder),
        }
        // Its name has ended it. The rest is removed by the next run, if it cannot be now.
        let _ = self.remove(&ended);
        Ok(true)
    }

    /// Removes a folder and what is in it, also folders of other programs.
    fn remove(&self, folder: &Path) -> io::Result<()> {
        let mut removed = Ok(());
        for _ in 0..REMOVALS {
            for name in self.fs.list(folder)? {
                let path = folder.join(name);
                let ended = match self.fs.remove(&path) {
                    // Systems say in different ways that it is a folder, and no link to one is followed.
                    Err(_) if matches!(self.fs.kind(&path), Ok(FileKind::Folder)) => {
                        self.remove(&path)
                    }
                    ended => ended,
                };
                match ended {
                    Err(error) if !is_gone(&error) => return Err(error),
                    _ => {}
                }
            }
            removed = self.fs.remove_folder(folder);
            // A worker that does not know yet that its lease has ended may have written a file.
            let is_filled =
                removed.as_ref().is_err_and(|e| e.kind() == ErrorKind::DirectoryNotEmpty);
            if !is_filled {
                break;
            }
        }
        removed
    }

    /// Writes the files of a bundle.
    fn make(&self, making: &Path, bundle: &Bundle) -> Result<(), ClusterError> {
        self.fs.create_folder(making).during("create", making)?;
        let bytes = serde_json::to_vec(bundle).map_err(io::Error::from).during("write", making)?;
        self.create(&making.join(BUNDLE), &bytes)?;
        self.create(&making.join(MESSAGES), b"")?;
        self.create(&making.join(ORDERS), b"")
    }

    /// Reads the file of a bundle.
    fn read_bundle(&self, path: PathBuf) -> Result<Bundle, ClusterError> {
        let bytes = match self.fs.read(&path, MOST_OF_BUNDLE) {
            // It stays like that, and must not keep a run from beginning.
            Err(error)
                if matches!(error.kind(), ErrorKind::FileTooLarge | ErrorKind::IsADirectory) =>
            {
                return Err(ClusterError::Damaged { path, reason: error.to_string() });
            }
            read => read.during("read", &path)?,
        };
        Bundle::parse(&bytes).map_err(|reason| ClusterError::Damaged { path, reason })
    }

    /// Returns the file of what others ask of a run.
    fn requests_of(&self, run: &str) -> PathBuf {
        self.requests.join(format!("{run}.jsonl"))
    }

    /// Returns whether the requests and heartbeats of runs are those of this queue alone, which it creates and removes.
    fn owns_runs(&self) -> bool {
        self.requests.starts_with(&self.root)
    }

    /// Waits until no other run begins.
    fn lock_runs(&self) -> Result<Option<File>, ClusterError> {
        let path = self.root.join(LOCK);
        self.fs.append(&path, b"").during("create", &path)?;
        self.lock(&path)
    }

    /// Locks a file. Returns `None` on a file system without locks.
    fn lock(&self, path: &Path) -> Result<Option<File>, ClusterError> {
        Ok(match self.fs.lock(path).during("lock", path)? {
            Lock::Taken(file) => Some(file),
            Lock::Held | Lock::Unsupported => None,
        })
    }

    fn tail(
        &self,
        lease: &LeaseName,
        file: &str,
        from: u64,
    ) -> Result<Option<Vec<u8>>, ClusterError> {
        let path = self.of_lease(lease).join(file);
        match self.fs.read_from(&path, from, MOST_OF_LINES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_gone(&error) => Ok(None),
            Err(error) => Err(error).during("read", &path),
        }
    }
}

/// Returns whether a run on this machine has written a heartbeat.
fn is_of_this_machine(beat: &[u8]) -> bool {
    let machine = Beat::parse(beat).and_then(|beat| beat.machine);
    machine.is_some_and(|machine| machine == heartbeat::machine())
}

/// Replaces a file at once, or creates it.
fn replace(fs: &dyn Fs, path: &Path, bytes: &[u8]) -> Result<(), ClusterError> {
    let making = path.with_extension("new");
    // It is left if a process was killed while it wrote the file.
    let _ = fs.remove(&making);
    let created = fs.create(&making);
    let written = created.and_then(|mut file| file.write_all(bytes).and_then(|()| file.flush()));
    written.during("write", &making)?;
    fs.rename(&making, path).during("write", path)
}

impl Transport for Folder {
    fn prepare(&self) -> Result<(), ClusterError> {
        for part in [MAKING, OPEN, TAKEN, ENDED, WORKERS] {
            let folder = self.root.join(part);
            self.fs.create_folder(&folder).during("create", &folder)?;
        }
        self.prepare_runs()
    }

    fn on_wait(&mut self, call: OnWait) {
        self.watched().on_wait = Some(call);
    }

    fn post(&self, name: &BundleName, bundle: &Bundle) -> Result<(), ClusterError> {
        let making = self.root.join(MAKING).join(name.to_string());
        let open = self.of_bundle(name);
        let posted = self.make(&making, bundle).and_then(|()| {
            match self.fs.rename(&making, &open) {
                // As in `end`: only this process moves it.
                Err(error) if is_gone(&error) && self.fs.open(&making.join(BUNDLE)).is_err() => {
                    Ok(())
                }
                renamed => renamed.during("post", &open),
            }
        });
        if posted.is_err() {
            // The jobs are posted again under another name. A full disk must not fill up with what was not posted, nor a
            // worker take what was.
            let _ = self.remove(&making);
            let _ = self.withdraw(name);
        }
        posted
    }

    fn withdraw(&self, name: &BundleName) -> Result<bool, ClusterError> {
        self.end(&self.of_bundle(name))
    }

    fn posted(&self) -> Result<Vec<BundleName>, ClusterError> {
        Ok(self.names(OPEN)?.iter().filter_map(|name| BundleName::parse(name)).collect())
    }

    fn take(
        &self,
        name: &BundleName,
        worker: &WorkerName,
    ) -> Result<Option<LeaseName>, ClusterError> {
        let lease = LeaseName { bundle: name.clone(), worker: worker.clone() };
        let (open, taken) = (self.of_bundle(name), self.of_lease(&lease));
        match self.fs.rename(&open, &taken) {
            Ok(()) => Ok(Some(lease)),
            Err(error) if is_gone(&error) => {
                // A network file system may have done it, lost the reply, and tried again.
                Ok(self.fs.open(&taken.join(BUNDLE)).is_ok().then_some(lease))
            }
            Err(error) => Err(error).during("take", &open),
        }
    }

    fn leases(&self) -> Result<Vec<LeaseName>, ClusterError> {
        Ok(self.names(TAKEN)?.iter().filter_map(|name| LeaseName::parse(name)).collect())
    }

    fn posted_bundle(&self, name: &BundleName) -> Result<Bundle, ClusterError> {
        self.read_bundle(self.of_bundle(name).join(BUNDLE))
    }

    fn bundle(&self, lease: &LeaseName) -> Result<Bundle, ClusterError> {
        self.read_bundle(self.of_lease(lease).join(BUNDLE))
    }

    fn lines(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError> {
        self.tail(lease, MESSAGES, from)
    }

    fn orders(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError> {
        self.tail(lease, ORDERS, from)
    }

    fn append(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError> {
        let path = self.of_lease(lease).join(MESSAGES);
        self.fs.append(&path, lines).during("write", &path)
    }

    fn order(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError> {
        let path = self.of_lease(lease).join(ORDERS);
        self.fs.append(&path, lines).during("write", &path)
    }

    fn revoke(&self, lease: &LeaseName) -> Result<(), ClusterError> {
        self.end(&self.of_lease(lease)).map(drop)
    }

    fn draft(&self, lease: &LeaseName, job: usize) -> Option<PathBuf> {
        Some(self.of_lease(lease).join(format!("draft-{job}.json")))
    }

    fn announce(&self, worker: &WorkerName, presence: &Presence) -> Result<(), ClusterError> {
        let path = self.root.join(WORKERS).join(format!("{worker}.json"));
        let bytes = serde_json::to_vec(presence).map_err(io::Error::from).during("write", &path)?;
        replace(&*self.fs, &path, &bytes)
    }

    fn forget(&self, worker: &WorkerName) {
        // A file that stays is removed by a run.
        for end in ["json", "new"] {
            let _ = self.fs.remove(&self.root.join(WORKERS).join(format!("{worker}.{end}")));
        }
    }

    fn workers(&self) -> Result<Vec<WorkerName>, ClusterError> {
        // A worker that was killed may have left nothing but the file that it was about to rename.
        let worker = |name: String| WorkerName::parse(name.split_once('.')?.0);
        let mut workers: Vec<_> = self.names(WORKERS)?.into_iter().filter_map(worker).collect();
        workers.dedup();
        Ok(workers)
    }

    fn presence(&self, worker: &WorkerName) -> Option<Presence> {
        let path = self.root.join(WORKERS).join(format!("{worker}.json"));
        Presence::parse(&self.fs.read(&path, MOST_OF_PRESENCE).ok()?).ok()
    }

    fn begin_run(&self, run: &str) -> Result<RunMark, ClusterError> {
        let runs = self.lock_runs()?;
        let path = self.root.join(RUNS).join(run);
        let is_owner = self.owns_runs();
        // Before the mark: one without a heartbeat belongs to a run that has died, unless it is locked.
        let beat = is_owner.then(|| self.begin_beat(run)).transpose()?;
        self.create(&path, b"")?;
        let lock = self.lock(&path)?;
        let requests = is_owner.then(|| self.requests_of(run));
        let (fs, started) = (Arc::clone(&self.fs), self.of_run(run, STARTED));
        let mark = FolderMark { fs, path, requests, started, _lock: lock, _beat: beat };
        if let Some(requests) = &mark.requests {
            // It is there before anyone looks for it.
            self.create(requests, b"")?;
        }
        drop(runs);
        if is_owner {
            self.watch(run)?;
        }
        Ok(Box::new(mark))
    }

    fn runs(&self) -> Result<Vec<String>, ClusterError> {
        let mut runs = self.names(RUNS)?;
        runs.retain(|run| is_run(run));
        Ok(runs)
    }

    fn request(&self, run: &str, lines: &[u8]) -> Result<(), ClusterError> {
        let path = self.requests_of(run);
        self.fs.append(&path, lines).during("write", &path)
    }

    fn requests(&self, run: &str, from: u64) -> Result<Vec<u8>, ClusterError> {
        let path = self.requests_of(run);
        match self.fs.read_from(&path, from, MOST_OF_LINES) {
            Err(error) if is_gone(&error) => Ok(Vec::new()),
            read => read.during("read", &path),
        }
    }

    fn is_running(&self, run: &str) -> bool {
        let is_known_dead = || self.watched().dead.contains(run);
        match self.fs.try_lock_shared(&self.root.join(RUNS).join(run)) {
            Ok(Lock::Held) => true,
            Ok(lock) => match self.beat_of(run, &lock) {
                Ok(beat) => beat.is_some() && !is_known_dead(),
                Err(_) => !is_known_dead(),
            },
            // What cannot be read at the moment counts as unknown, and not as absent.
            Err(error) if may_pass(&error) => !is_known_dead(),
            // Without a mark, it has ended.
            Err(_) => false,
        }
    }

    fn started_workers(&self, run: &str) -> Option<StartedWorkers> {
        versioned(&self.fs.read(&self.of_run(run, STARTED), MOST_OF_PRESENCE).ok()?).ok()
    }

    fn look_anew(&self) -> Result<(), ClusterError> {
        let is_known = self.watched().at.is_some_and(|at| at.elapsed() < ALIVE);
        match is_known {
            true => Ok(()),
            false => self.watch(""),
        }
    }

    /// Also the marks of `except` go: that a run has ended is known from the lock or the heartbeat, and not from the mark.
    fn forget_runs(&self, _except: &[&str]) {
        // A run that begins has a heartbeat before its mark, and a mark that it has not locked yet. This lock keeps those of this
        // machine from beginning.
        let Ok(runs) = self.lock_runs() else { return };
        let names = self.names(RUNS).unwrap_or_default();
        for name in &names {
            let run = name.split('.').next().unwrap_or_default();
            let has_begun = names.iter().any(|mark| mark == run);
            // It has ended if it has a mark, or cannot be about to begin on this machine.
            let has_ended = || {
                let is_here = || self.read_beat(run).is_ok_and(|beat| is_of_this_machine(&beat));
                has_begun || runs.is_some() && is_here()
            };
            if is_run(run) && !self.is_running(run) && has_ended() {
                let _ = self.fs.remove(&self.root.join(RUNS).join(name));
            }
        }
        // One that is removed too early, because a run has just begun, is written again by the next request.
        let own = self.owns_runs().then(|| self.names_in(&self.requests).unwrap_or_default());
        for name in own.unwrap_or_default() {
            let run = name.strip_suffix(".jsonl").filter(|run| is_run(run));
            if run.is_some_and(|run| !self.is_running(run)) {
                let _ = self.fs.remove(&self.requests.join(name));
            }
        }
        // What a process that was killed has not posted, or not removed.
        let mut running: HashMap<String, bool> = HashMap::new();
        for part in [MAKING, ENDED] {
            for folder in self.names(part).unwrap_or_default() {
                let bundle = folder.split('.').next().and_then(BundleName::parse);
                let Some(run) = bundle.map(|bundle| bundle.run().to_owned()) else { continue };
                let is_running = *running.entry(run).or_insert_with_key(|run| self.is_running(run));
                if !is_running {
                    let _ = self.remove(&self.root.join(part).join(folder));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flow_core::fs::Disk;

    use super::*;
    use crate::format::job_for_tests;

    fn queue() -> (tempfile::TempDir, Folder) {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = Folder::new(folder.path(), Arc::new(Disk));
        queue.prepare().expect("a queue");
        (folder, queue)
    }

    fn posted(queue: &Folder, number: u32) -> BundleName {
        let build = "0123456789abcdef0123456789abcdef";
        let name = BundleName::new(build, "fedcba9876543210", number);
        queue.post(&name, &Bundle::new(build, 30.0, vec![job_for_tests()])).expect("it is posted");
        name
    }

    #[test]
    fn one_of_many_workers_takes_a_bundle() {
        let (_folder, queue) = queue();
        for number in 0..20 {
            let name = posted(&queue, number);
            let taken: Vec<_> = std::thread::scope(|scope| {
                let take = || queue.take(&name, &WorkerName::new("node")).expect("it can be taken");
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
                threads.into_iter().filter_map(|thread| thread.join().expect("no panic")).collect()
            });
            assert_eq!(taken.len(), 1, "{taken:?}");
            assert!(queue.posted().expect("a list").is_empty());
            assert!(queue.leases().expect("a list").contains(&taken[0]));
        }
    }

    #[test]
    fn a_bundle_is_either_taken_or_withdrawn() {
        let (_folder, queue) = queue();
        let worker = WorkerName::new("node");
        let name = posted(&queue, 1);
        assert!(queue.withdraw(&name).expect("it is there"));
        assert_eq!(queue.take(&name, &worker).expect("no error"), None);
        let name = posted(&queue, 2);
        let lease = queue.take(&name, &worker).expect("no error").expect("it is there");
        assert!(!queue.withdraw(&name).expect("no error"));
        assert_eq!(queue.bundle(&lease).expect("a bundle").jobs.len(), 1);
    }

    #[test]
    fn nothing_is_read_or_written_after_a_lease_was_revoked() {
        let (folder, queue) = queue();
        let name = posted(&queue, 1);
        let lease = queue.take(&name, &WorkerName::new("node")).expect("no error").expect("taken");
        queue.append(&lease, b"\"over\"\n").expect("it is held");
        assert_eq!(queue.lines(&lease, 2).expect("no error"), Some(b"ver\"\n".to_vec()));
        queue.order(&lease, b"{\"skip\":0}\n").expect("it is held");
        let draft = queue.draft(&lease, 0).expect("a path");
        std::fs::write(&draft, "{}").expect("a draft");
        queue.revoke(&lease).expect("no error");
        assert!(queue.append(&lease, b"\"over\"\n").expect_err("it is revoked").is_gone());
        assert_eq!(queue.lines(&lease, 0).expect("no error"), None);
        assert_eq!(queue.orders(&lease, 0).expect("no error"), None);
        assert!(std::fs::rename(&draft, folder.path().join("kept")).is_err());
        queue.revoke(&lease).expect("a second time, it does nothing");
        let left = std::fs::read_dir(folder.path().join(".flow/queue/ended")).expect("a folder");
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_folder_inside_a_bundle_is_removed_with_it() {
        let (folder, queue) = queue();
        let name = posted(&queue, 1);
        let own = folder.path().join(".flow/queue/open").join(name.to_string()).join("notes");
        std::fs::create_dir_all(own.join("of today")).expect("a folder");
        std::fs::write(own.join("text"), "text").expect("a file");
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).expect("a folder");
        std::fs::write(outside.join("kept"), "text").expect("a file");
        #[cfg(unix)]
        std::os::unix::fs::symlink(&outside, own.join("link")).expect("a link");
        assert!(queue.withdraw(&name).expect("it is there"));
        let left = std::fs::read_dir(folder.path().join(".flow/queue/ended")).expect("a folder");
        assert_eq!(left.count(), 0);
        assert!(outside.join("kept").is_file());
    }

    #[test]
    fn foreign_and_torn_files_are_left_out() {
        let (folder, queue) = queue();
        let at = |path: &str| folder.path().join(".flow/queue").join(path);
        let worker = WorkerName::new("node");
        let presence = Presence::new(("node", 7), ("train", "build"), 2);
        queue.announce(&worker, &presence).expect("it is written");
        queue.announce(&worker, &presence).expect("it is written again");
        std::fs::write(at("workers/torn.json"), "{\"format\":1,").expect("a file");
        std::fs::write(at("workers/newer.json"), "{\"format\":2}").expect("a file");
        std::fs::create_dir(at("workers/folder.json")).expect("a folder");
        let listed = queue.workers().expect("a list");
        assert_eq!(listed.len(), 4, "{listed:?}");
        let read: Vec<_> = listed.iter().filter_map(|worker| queue.presence(worker)).collect();
        assert_eq!(read, [presence]);
        queue.forget(&worker);
        assert!(!queue.workers().expect("a list").contains(&worker));
        // A worker that was killed while it wrote its first file is listed, and can be forgotten.
        std::fs::write(at("workers").join(format!("{worker}.new")), "{").expect("a file");
        assert!(queue.workers().expect("a list").contains(&worker));
        assert_eq!(queue.presence(&worker), None);
        queue.forget(&worker);
        assert!(!queue.workers().expect("a list").contains(&worker));
        std::fs::create_dir(at("open/notes")).expect("a folder");
        std::fs::create_dir(at("taken/a.b")).expect("a folder");
        assert!(queue.posted().expect("a list").is_empty());
        assert!(queue.leases().expect("a list").is_empty());
        let name = posted(&queue, 1);
        std::fs::write(at("open").join(name.to_string()).join(BUNDLE), "{\"for").expect("a file");
        let lease = queue.take(&name, &worker).expect("no error").expect("it is there");
        let error = queue.bundle(&lease).expect_err("it is torn").to_string();
        assert!(error.contains("bundle.json is damaged"), "{error}");
    }

    #[test]
    fn a_run_is_in_progress_until_its_mark_is_dropped() {
        let (folder, queue) = queue();
        let (run, other) = ("0123456789abcdef", "00000000000000ff");
        let mark = queue.begin_run(run).expect("a mark");
        assert!(queue.is_running(run) && !queue.is_running(other));
        std::fs::write(folder.path().join(".flow/queue/runs").join(other), "").expect("a mark");
        std::fs::write(folder.path().join(".flow/queue/runs/notes"), "").expect("a file");
        assert_eq!(queue.runs().expect("a list"), [other, run]);
        queue.request(run, b"{}\n").expect("it is written");
        queue.request(other, b"{}\n").expect("it is written");
        queue.forget_runs(&[]);
        assert!(queue.is_running(run));
        assert_eq!(queue.runs().expect("a list"), [run]);
        // What was asked of a run stays as long as the run.
        assert_eq!(queue.requests(run, 1).expect("it is read"), b"}\n");
        assert_eq!(queue.names(REQUESTS).expect("a list"), [format!("{run}.jsonl")]);
        drop(mark);
        assert!(!queue.is_running(run));
        assert!(queue.names(REQUESTS).expect("a list").is_empty());
        assert!(queue.requests(run, 0).expect("no error").is_empty());
    }

    /// Writes the mark of a run that was killed, and its last heartbeat.
    fn write_killed(queue: &Folder, run: &str, machine: &str, time: Duration) {
        let runs = queue.root.join(RUNS);
        std::fs::write(runs.join(run), "").expect("a mark");
        let beat = Beat::new(7, time).on(machine);
        std::fs::write(runs.join(format!("{run}.{BEAT}")), beat.bytes()).expect("a heartbeat");
    }

    #[test]
    fn without_locks_the_heartbeat_tells_a_run_in_progress_from_one_that_was_killed() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = || Folder::new(folder.path(), Arc::new(Odd::NoLocks));
        let (alive, killed) = ("0123456789abcdef", "fedcba9876543210");
        let first = queue();
        first.prepare().expect("a queue");
        let mark = first.begin_run(alive).expect("a mark");
        // Also on this machine, of which nothing is known without locks.
        write_killed(&first, killed, &heartbeat::machine(), Duration::from_millis(300));
        let second = queue();
        let _second = second.begin_run("00000000000000aa").expect("a mark");
        assert!(second.is_running(alive) && !second.is_running(killed));
        second.forget_runs(&[]);
        assert_eq!(second.runs().expect("a list"), ["00000000000000aa", alive]);
        assert!(!second.of_run(killed, BEAT).exists());
        // One that begins later is alive as well.
        let _third = queue().begin_run("00000000000000bb").expect("a mark");
        assert!(second.is_running("00000000000000bb"));
        drop(mark);
        assert!(!second.is_running(alive) && !first.of_run(alive, BEAT).exists());
    }

    #[test]
    fn a_killed_run_is_watched_only_if_its_lock_may_not_be_visible_here() {
        let (_folder, queue) = queue();
        let (here, elsewhere) = ("0123456789abcdef", "fedcba9876543210");
        write_killed(&queue, here, &heartbeat::machine(), Duration::from_secs(600));
        let begun = Instant::now();
        let _mark = queue.begin_run("00000000000000aa").expect("a mark");
        assert!(begun.elapsed() < heartbeat::LONGEST / 2, "it is not watched");
        assert!(!queue.is_running(here));
        write_killed(&queue, elsewhere, "another machine", Duration::from_millis(300));
        // Until it was watched, it counts as alive.
        assert!(queue.is_running(elsewhere));
        queue.watch("").expect("they are read");
        assert!(!queue.is_running(elsewhere));
    }

    #[test]
    fn a_run_that_begins_on_another_machine_keeps_its_heartbeat() {
        let (_folder, queue) = queue();
        let (here, elsewhere) = ("0123456789abcdef", "fedcba9876543210");
        for (run, machine) in [(here, &*heartbeat::machine()), (elsewhere, "another machine")] {
            write_killed(&queue, run, machine, TIME);
            std::fs::remove_file(queue.root.join(RUNS).join(run)).expect("a mark");
        }
        queue.forget_runs(&[]);
        assert!(!queue.of_run(here, BEAT).exists(), "it was killed while it began");
        assert!(queue.of_run(elsewhere, BEAT).exists(), "its lock may not be visible here");
    }

    #[test]
    fn a_run_whose_heartbeat_cannot_be_read_at_the_moment_counts_as_in_progress() {
        let (folder, queue) = queue();
        let run = "0123456789abcdef";
        write_killed(&queue, run, "another machine", Duration::from_millis(100));
        let silent = Folder::new(folder.path(), Arc::new(Odd::Silent));
        silent.watch("").expect("nothing is watched");
        assert!(silent.is_running(run));
        silent.forget_runs(&[]);
        assert_eq!(queue.runs().expect("a list"), [run], "nothing of it is removed");
        assert!(queue.of_run(run, BEAT).exists());
        queue.watch("").expect("it is read");
        assert!(!queue.is_running(run));
    }

    #[test]
    fn the_queues_of_pools_are_found_by_the_names_of_their_folders() {
        let (folder, _queue) = queue();
        let pools = folder.path().join(".flow/queues");
        let runs = Folder::of_runs(folder.path(), Arc::new(Disk));
        let found = || {
            let all = runs.all_pools().expect("a list").into_iter();
            all.map(|(pool, queue)| (pool, queue.root)).collect::<Vec<_>>()
        };
        assert!(found().is_empty());
        let pool = PoolName::new("slurm", 0xab);
        for name in [pool.to_string().as_str(), "runs", "requests", "..x", "slurm-1"] {
            std::fs::create_dir_all(pools.join(name)).expect("a folder");
        }
        let folder = pools.join(pool.to_string());
        assert_eq!(found(), [(pool, folder)]);
    }

    #[test]
    fn all_pools_of_a_run_read_what_is_asked_of_it_in_one_of_them() {
        let (folder, _queue) = queue();
        let run = "fedcba9876543210";
        let runs = Folder::of_runs(folder.path(), Arc::new(Disk));
        runs.prepare_runs().expect("folders");
        let mark = runs.begin_run(run).expect("a mark");
        let open = |digest| {
            let name = PoolName::new("slurm", digest);
            let pool = runs.pool(&name);
            pool.prepare().expect("a queue");
            let mark = pool.begin_run(run).expect("a mark");
            (pool, mark)
        };
        let (first, of_first) = open(1);
        first.request(run, b"{}\n").expect("it is written");
        // Neither the pool that is opened later nor the end of one removes it.
        let (second, of_second) = open(2);
        drop(of_first);
        first.forget_runs(&[]);
        for queue in [&first, &second, &runs] {
            assert_eq!(queue.requests(run, 0).expect("it is read"), b"{}\n");
        }
        drop((of_second, mark));
        assert!(second.requests(run, 0).expect("no error").is_empty());
    }

    /// A file system with a fault of some network file systems.
    #[derive(Clone, Copy)]
    enum Odd {
        /// It reports that a folder which it has renamed does not exist, as one does that has lost the first reply of its server
        /// and asked again.
        LostReply,
        /// It has no locks.
        NoLocks,
        /// It has no locks, and its server does not answer when a whole file is read.
        Silent,
    }

    impl Fs for Odd {
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            Disk.rename(from, to)?;
            match self {
                Self::LostReply => Err(ErrorKind::NotFound.into()),
                Self::NoLocks | Self::Silent => Ok(()),
            }
        }

        fn open(&self, path: &Path) -> io::Result<File> {
            Disk.open(path)
        }

        fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
            match self {
                Self::Silent => Err(ErrorKind::TimedOut.into()),
                Self::LostReply | Self::NoLocks => Disk.read(path, limit),
            }
        }

        fn read_from(&self, path: &Path, offset: u64, limit: u64) -> io::Result<Vec<u8>> {
            Disk.read_from(path, offset, limit)
        }

        fn lock(&self, path: &Path) -> io::Result<Lock> {
            match self {
                Self::LostReply => Disk.lock(path),
                Self::NoLocks | Self::Silent => Disk.open(path).map(|_| Lock::Unsupported),
            }
        }

        fn try_lock_shared(&self, path: &Path) -> io::Result<Lock> {
            match self {
                Self::LostReply => Disk.try_lock_shared(path),
                Self::NoLocks | Self::Silent => Disk.open(path).map(|_| Lock::Unsupported),
            }
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

        fn stat(&self, path: &Path) -> io::Result<flow_core::fs::Stat> {
            Disk.stat(path)
        }

        fn kind(&self, path: &Path) -> io::Result<FileKind> {
            Disk.kind(path)
        }

        fn list(&self, path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
            Disk.list(path)
        }

        fn create_folder(&self, path: &Path) -> io::Result<()> {
            Disk.create_folder(path)
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

        fn sync(&self, files: &[PathBuf], folders: &[PathBuf]) -> io::Result<()> {
            Disk.sync(files, folders)
        }
    }

    #[test]
    fn a_rename_that_has_succeeded_and_reports_an_error_counts() {
        let folder = tempfile::tempdir().expect("a folder");
        let queue = Folder::new(folder.path(), Arc::new(Odd::LostReply));
        queue.prepare().expect("a queue");
        let name = posted(&queue, 1);
        assert_eq!(queue.posted().expect("a list"), std::slice::from_ref(&name));
        let lease = queue.take(&name, &WorkerName::new("node")).expect("no error").expect("taken");
        assert_eq!(queue.take(&name, &WorkerName::new("other")).expect("no error"), None);
        queue.revoke(&lease).expect("it is revoked");
        assert_eq!(queue.lines(&lease, 0).expect("no error"), None);
        let name = posted(&queue, 2);
        assert!(queue.withdraw(&name).expect("no error"));
        assert!(queue.posted().expect("a list").is_empty());
        assert!(queue.names(ENDED).expect("a list").is_empty());
    }

    #[test]
    fn a_bundle_that_cannot_be_posted_leaves_nothing_behind() {
        let (folder, queue) = queue();
        let at = |path: &str| folder.path().join(".flow/queue").join(path);
        std::fs::remove_dir(at("open")).expect("a folder");
        let name = BundleName::new("0123456789abcdef0123456789abcdef", "fedcba9876543210", 1);
        assert!(queue.post(&name, &Bundle::new("b", 30.0, Vec::new())).is_err());
        assert!(queue.names(MAKING).expect("a list").is_empty());
    }

    #[test]
    fn a_bundle_that_is_no_file_is_damaged() {
        let (folder, queue) = queue();
        let name = posted(&queue, 1);
        let lease = queue.take(&name, &WorkerName::new("node")).expect("no error").expect("taken");
        let path = folder.path().join(".flow/queue/taken").join(lease.to_string()).join(BUNDLE);
        std::fs::remove_file(&path).expect("a file");
        std::fs::create_dir(&path).expect("a folder");
        let error = queue.bundle(&lease).expect_err("it is a folder");
        assert!(matches!(error, ClusterError::Damaged { .. }), "{error}");
    }
}
