//! [`Bucket`]: a queue in an object store, for runs and workers that have no folder in common.
//!
//! # What is in the bucket
//!
//! | object below `cluster/` | content | written by |
//! | --- | --- | --- |
//! | `open/<bundle>/bundle.json` | a bundle | the run |
//! | `open/<bundle>/taken` | the worker that has taken it, or that it was withdrawn: written once | who is first |
//! | `leases/<run>/<bundle>.<worker>/orders/held` | nothing: it exists as long as the lease is held | the worker; the run removes it |
//! | `leases/.../orders/<run>-<n>` | orders | the run |
//! | `leases/.../messages/<n>` | messages, in the order of the numbers | the worker |
//! | `leases/.../beats/<n>` | a heartbeat, in place of the one before: for how long the job has run | the worker |
//! | `workers/<worker>.json`, `runs/<run>.json` | as in a folder; a mark of a run is written anew while the run lives | |
//! | `requests/<run>/<unique>` | a request to the run, to cancel jobs | any process |
//! | `blobs/<digest>` | the content of a file | the run and workers |
//!
//! # What takes the place of renames
//!
//! - *Taking and withdrawing* are conditional puts of the same object, so exactly one of all workers and the run succeeds. A
//!   worker then writes `held`, and looks whether the bundle still exists: one that was withdrawn has lost its bundle before
//!   the object that says so.
//! - *Revoking*: the run decides. It removes `held`, which the worker looks for before it begins a job and before it sends a
//!   result, and the bundle, without which no later run adopts the lease. From then on it reads nothing of the lease. A
//!   worker that has looked just before that may write objects later. Nothing reads them, and the next run removes them. The
//!   files that such a worker has put are named by their content, so no record names them, unless another job has
//!   computed the same bytes.
//!
//! # Requests
//!
//! A poll of the run is one list for each run whose leases it watches (its own, and those that it adopts), and a get for each
//! new object of messages, several at a time. Every five polls it lists bundles, workers and requests. While bundles wait to be
//! taken, they cost no further list. A worker without work lists bundles once in the time between two looks. A bundle takes
//! two requests to post, three to take, and some six to end. A job takes three puts and two lists, one more list for each second
//! that it runs, and a put and a get for each file that the other side lacks.
//!
//! An *observer* lists jobs or cancels them, and neither submits jobs nor runs any. It reads all leases from the beginning each time
//! it looks, and finds which runs have died as a run that begins does: by watching their marks.

mod blobs;
mod lines;
mod mark;
mod names;
mod objects;
mod parallel;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::Remote;
use flow_core::executor::unique;

pub(crate) use self::blobs::Blobs;
use self::lines::{Log, Received, Sent};
use self::mark::BucketMark;
use self::names::Object;
use self::parallel::parallel;
use super::{OnWait, RunMark, Transport};
use crate::error::{ClusterError, IoContext};
use crate::format::{Bundle, Presence};
use crate::names::{BundleName, LeaseName, WorkerName};

/// What the run writes into a bundle that it withdraws.
const WITHDRAWN: &[u8] = b"withdrawn";

/// The most bytes of a bundle, of an object of messages or orders, and of the object of a worker.
const MOST_OF_BUNDLE: u64 = 1 << 30;
const MOST_OF_LINES: u64 = 512 << 20;
const MOST_OF_PRESENCE: u64 = 64 << 10;

/// The most bytes of a request. A longer one asks for nothing.
const MOST_OF_REQUEST: u64 = 32 << 20;

/// What is read in place of an object of messages that is too long. The run can read no line of it, and so takes the lease away,
/// and goes on with the others.
const TOO_LONG: &[u8] = b"an object of messages that is too long\n";

/// How long an observer takes the runs for alive that it has found so.
const ALIVE: Duration = Duration::from_secs(30);

/// How often a worker announces itself.
const ANNOUNCE: Duration = Duration::from_secs(5);

/// A queue in an object store.
pub(crate) struct Bucket {
    remote: Arc<dyn Remote>,
    blobs: Arc<Blobs>,
    /// How often a worker that holds a lease reads orders.
    tick: Duration,
    /// The time of a lease, for the mark of the run.
    lease: Duration,
    on_wait: Option<OnWait>,
    seen: Mutex<Seen>,
    worked: Mutex<HashMap<LeaseName, Worked>>,
}

/// What a run, or an observer, has seen of leases.
#[derive(Default)]
struct Seen {
    /// This run, or a name for the orders of an observer.
    run: String,
    is_observer: bool,
    /// When an observer has looked which runs have died.
    watched_at: Option<Instant>,
    /// The runs that are known to have died.
    dead: HashSet<String>,
    /// The runs whose leases are listed; all of them before the first poll.
    watched: BTreeSet<String>,
    has_polled: bool,
    /// The leases as they were listed; `None` if they are to be listed again.
    listed: Option<HashMap<LeaseName, Listed>>,
    /// Why they could not be listed in this poll.
    failed: Option<ClusterError>,
    logs: HashMap<LeaseName, Log>,
    /// The leases that were ended.
    ended: HashSet<LeaseName>,
    /// The number of objects of orders so far.
    orders: u64,
    /// The requests to runs.
    requests: HashMap<String, Received>,
}

impl Seen {
    /// Forgets what was listed, so that the next one who asks lists it again.
    fn list_again(&mut self) {
        (self.listed, self.failed) = (None, None);
    }
}

/// The objects of a lease.
#[derive(Default)]
struct Listed {
    is_held: bool,
    messages: BTreeMap<u64, String>,
    beat: Option<u64>,
}

/// What a worker has done with a lease.
#[derive(Default)]
struct Worked {
    /// The bundle, until it is read.
    bundle: Option<Vec<u8>>,
    sent: Sent,
    received: Received,
}

impl Bucket {
    /// Returns the queue in a bucket. `blobs` carries files between the bucket and the store of this process.
    pub(crate) fn new(
        remote: Arc<dyn Remote>,
        blobs: Arc<Blobs>,
        (tick, lease): (Duration, Duration),
    ) -> Self {
        let (seen, worked) = (Mutex::default(), Mutex::default());
        Self { remote, blobs, tick, lease, on_wait: None, seen, worked }
    }

    /// Returns the queue in a bucket for a process that neither submits jobs nor runs any.
    pub(crate) fn of_observer(remote: Arc<dyn Remote>, blobs: Arc<Blobs>) -> Self {
        let bucket = Self::new(remote, blobs, (Duration::ZERO, Duration::ZERO));
        {
            let mut seen = bucket.seen();
            (seen.run, seen.is_observer) = (unique(), true);
        }
        bucket
    }

    /// Watches the marks of the runs that are not `known`, and returns those that have died.
    fn dead_runs(&self, known: &HashSet<String>) -> Result<HashSet<String>, ClusterError> {
        let tell = |most: Duration| self.on_wait.iter().for_each(|call| call(most));
        mark::dead_runs(&*self.remote, known, &tell)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worked(&self) -> MutexGuard<'_, HashMap<LeaseName, Worked>> {
        self.worked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, ClusterError> {
        objects::list(&*self.remote, folder)
    }

    fn get(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ClusterError> {
        objects::get(&*self.remote, name, limit)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ClusterError> {
        objects::put(&*self.remote, name, bytes)
    }

    fn delete(&self, names: &[String]) -> Result<(), ClusterError> {
        objects::delete(&*self.remote, names)
    }

    /// Lists the leases, and reads the messages that have come since the last list.
    ///
    /// A bucket that does not answer is asked once in a poll, and not for each lease: an attempt may take long.
    fn look(&self, seen: &mut Seen) -> Result<(), ClusterError> {
        if seen.listed.is_some() {
            return Ok(());
        }
        if let Some(error) = seen.failed.as_ref().and_then(same) {
            return Err(error);
        }
        let looked = self.look_now(seen);
        if let Err(error) = &looked
            && seen.has_polled
        {
            seen.failed = same(error);
        }
        looked
    }

    fn look_now(&self, seen: &mut Seen) -> Result<(), ClusterError> {
        let folders: Vec<_> = match seen.has_polled {
            false => vec![names::LEASES.to_owned()],
            true => seen.watched.iter().map(|run| names::leases_of(run)).collect(),
        };
        let mut leases: HashMap<LeaseName, Listed> = HashMap::new();
        for folder in folders {
            for name in self.list(&folder)? {
                match names::parse(&name) {
                    Some(Object::Held(lease)) => leases.entry(lease).or_default().is_held = true,
                    Some(Object::Message(lease, number)) => {
                        leases.entry(lease).or_default().messages.insert(number, name);
                    }
                    Some(Object::Beat(lease, number)) => {
                        let beat = &mut leases.entry(lease).or_default().beat;
                        *beat = (*beat).max(Some(number));
                    }
                    Some(Object::Order(..) | Object::Bundle(_) | Object::Taken(_)) | None => {}
                }
            }
        }
        let known: Vec<_> = seen.logs.keys().cloned().collect();
        self.read(&leases, &mut seen.logs, &known, seen.is_observer)?;
        seen.listed = Some(leases);
        Ok(())
    }

    /// Reads the new messages of leases, and for an observer what their heartbeats say.
    fn read(
        &self,
        listed: &HashMap<LeaseName, Listed>,
        logs: &mut HashMap<LeaseName, Log>,
        leases: &[LeaseName],
        is_observer: bool,
    ) -> Result<(), ClusterError> {
        let mut new = Vec::new();
        for lease in leases {
            let (Some(listed), Some(log)) = (listed.get(lease), logs.get(lease)) else { continue };
            let numbers = log.new_numbers(&listed.messages).into_iter();
            new.extend(numbers.map(move |number| (lease, number, &listed.messages[&number])));
        }
        let contents = parallel(&new, |(_, _, name)| self.get(name, MOST_OF_LINES));
        for ((lease, number, _), content) in new.into_iter().zip(contents) {
            let content = match content {
                Err(error) if is_too_large(&error) => Some(TOO_LONG.to_vec()),
                content => content?,
            };
            // One that is gone belongs to a lease that was ended just now.
            let Some(content) = content else { continue };
            if let Some(log) = logs.get_mut(lease) {
                log.add(number, &content);
            }
        }
        for lease in leases {
            if let (Some(Some(beat)), Some(log)) =
                (listed.get(lease).map(|listed| listed.beat), logs.get_mut(lease))
            {
                // Another one may have taken its place.
                if is_observer
                    && let Some(content) = self.get(&names::beat(lease, beat), MOST_OF_PRESENCE)?
                {
                    log.add_content_of_beat(&content);
                }
                log.add_beat(beat);
            }
        }
        Ok(())
    }

    /// Gets the object with the jobs of a bundle.
    fn get_bundle(&self, bundle: &BundleName) -> Result<Vec<u8>, ClusterError> {
        let name = names::bundle(bundle);
        match self.get(&name, MOST_OF_BUNDLE) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => {
                Err(io::Error::from(io::ErrorKind::NotFound)).during("get", Path::new(&name))
            }
            Err(ClusterError::Io { path, source, .. })
                if source.kind() == io::ErrorKind::FileTooLarge =>
            {
                Err(ClusterError::Damaged { path, reason: source.to_string() })
            }
            Err(error) => Err(error),
        }
    }

    /// Decides who has a bundle. Returns whether it is this caller.
    fn decide(&self, name: &BundleName, by: &[u8]) -> Result<bool, ClusterError> {
        objects::put_once(&*self.remote, &names::taken(name), by)
    }
}

impl Transport for Bucket {
    fn prepare(&self) -> Result<(), ClusterError> {
        // A bucket has no folders. One that cannot be read is an error now, and not of the first job.
        self.list(names::RUNS).map(drop)
    }

    fn post(&self, name: &BundleName, bundle: &Bundle) -> Result<(), ClusterError> {
        let path = names::bundle(name);
        let bytes = serde_json::to_vec(bundle).map_err(io::Error::from);
        let posted = self.put(&path, &bytes.during("write", Path::new(&path))?);
        if posted.is_err() {
            // The jobs are posted again under another name, and the put may have succeeded.
            let _ = self.withdraw(name);
        }
        posted
    }

    fn withdraw(&self, name: &BundleName) -> Result<bool, ClusterError> {
        if !self.decide(name, WITHDRAWN)? {
            // A worker has it, which is to be found.
            self.list_again();
            return Ok(false);
        }
        // In this order: who finds no word of the decision finds no bundle either.
        self.delete(&[names::bundle(name)])?;
        self.delete(&[names::taken(name)])?;
        Ok(true)
    }

    fn posted(&self) -> Result<Vec<BundleName>, ClusterError> {
        let (mut posted, mut taken) = (BTreeSet::new(), HashSet::new());
        for name in self.list(names::OPEN)? {
            match names::parse(&name) {
                Some(Object::Bundle(bundle)) => {
                    posted.insert(bundle);
                }
                Some(Object::Taken(bundle)) => {
                    taken.insert(bundle);
                }
                _ => {}
            }
        }
        Ok(posted.into_iter().filter(|bundle| !taken.contains(bundle)).collect())
    }

    fn take(
        &self,
        name: &BundleName,
        worker: &WorkerName,
    ) -> Result<Option<LeaseName>, ClusterError> {
        if !self.decide(name, worker.to_string().as_bytes())? {
            return Ok(None);
        }
        let lease = LeaseName { bundle: name.clone(), worker: worker.clone() };
        let held = names::held(&lease);
        self.put(&held, b"")?;
        let Some(bundle) = self.get(&names::bundle(name), MOST_OF_BUNDLE)? else {
            // It was withdrawn, and the word of that is gone.
            let _ = self.delete(&[held, names::taken(name)]);
            return Ok(None);
        };
        let worked = Worked { bundle: Some(bundle), ..Worked::default() };
        let mut all = self.worked();
        // A slot works on one bundle at a time.
        all.retain(|other, _| other.worker != lease.worker);
        all.insert(lease.clone(), worked);
        Ok(Some(lease))
    }

    fn leases(&self) -> Result<Vec<LeaseName>, ClusterError> {
        let mut seen = self.seen();
        self.look(&mut seen)?;
        let listed = seen.listed.iter().flatten();
        let held = listed.filter(|(lease, listed)| listed.is_held && !seen.ended.contains(*lease));
        let mut leases: Vec<_> = held.map(|(lease, _)| lease.clone()).collect();
        leases.sort_unstable();
        Ok(leases)
    }

    fn posted_bundle(&self, name: &BundleName) -> Result<Bundle, ClusterError> {
        parsed(name, &self.get_bundle(name)?)
    }

    fn bundle(&self, lease: &LeaseName) -> Result<Bundle, ClusterError> {
        let known = self.worked().get_mut(lease).and_then(|worked| worked.bundle.take());
        let bytes = match known {
            Some(bytes) => bytes,
            None => self.get_bundle(&lease.bundle)?,
        };
        parsed(&lease.bundle, &bytes)
    }

    fn lines(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError> {
        let mut seen = self.seen();
        let seen = &mut *seen;
        if seen.ended.contains(lease) {
            return Ok(None);
        }
        if seen.watched.insert(lease.bundle.run().to_owned()) && seen.has_polled {
            seen.listed = None;
        }
        self.look(seen)?;
        let listed = seen.listed.get_or_insert_default();
        if !listed.get(lease).is_some_and(|listed| listed.is_held) {
            return Ok(None);
        }
        if !seen.logs.contains_key(lease) {
            seen.logs.insert(lease.clone(), Log::default());
            let new = std::slice::from_ref(lease);
            if let Err(error) = self.read(listed, &mut seen.logs, new, seen.is_observer) {
                // The next list reads them.
                seen.listed = None;
                return Err(error);
            }
        }
        Ok(seen.logs.get_mut(lease).map(|log| log.since(from)))
    }

    fn orders(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError> {
        let mut is_held = false;
        let mut new = Vec::new();
        for name in self.list(&names::orders(lease))? {
            match names::parse(&name) {
                Some(Object::Held(of)) if of == *lease => is_held = true,
                Some(Object::Order(of, own)) if of == *lease => new.push((own, name)),
                _ => {}
            }
        }
        if !is_held {
            return Ok(None);
        }
        new.retain(|(own, _)| {
            !self.worked().get(lease).is_some_and(|worked| worked.received.has_seen(own))
        });
        new.sort_unstable();
        let contents = parallel(&new, |(_, name)| self.get(name, MOST_OF_LINES));
        let contents = contents.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut worked = self.worked();
        let received = &mut worked.entry(lease.clone()).or_default().received;
        for ((own, _), content) in new.into_iter().zip(contents) {
            received.add(own, &content.unwrap_or_default());
        }
        Ok(Some(received.since(from)))
    }

    fn append(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError> {
        // One thread at a time appends to a lease, and others to theirs.
        let mut sent = std::mem::take(&mut self.worked().entry(lease.clone()).or_default().sent);
        let appended = self.append_by(lease, &mut sent, lines);
        self.worked().entry(lease.clone()).or_default().sent = sent;
        appended
    }

    fn may_tear(&self) -> bool {
        // An object is whole, and is put again under the same number.
        false
    }

    fn order(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError> {
        let (by, number) = {
            let mut seen = self.seen();
            seen.orders += 1;
            // What was listed before the order does not show what the worker does before it reads the order.
            seen.list_again();
            (seen.run.clone(), seen.orders)
        };
        let ordered = self.put(&names::order(lease, &by, number), lines);
        self.list_again();
        ordered
    }

    fn revoke(&self, lease: &LeaseName) -> Result<(), ClusterError> {
        // The first one ends it for its worker, and the second one for later runs.
        self.delete(&[names::held(lease)])?;
        self.delete(&[names::bundle(&lease.bundle)])?;
        {
            let mut seen = self.seen();
            seen.ended.insert(lease.clone());
            seen.logs.remove(lease);
        }
        // What cannot be removed is removed at the end of the run, or by the next one.
        let mut left = self.list(&names::lease(lease)).unwrap_or_default();
        left.push(names::taken(&lease.bundle));
        let _ = self.delete(&left);
        Ok(())
    }

    fn draft(&self, _lease: &LeaseName, _job: usize) -> Option<PathBuf> {
        None
    }

    fn announce(&self, worker: &WorkerName, presence: &Presence) -> Result<(), ClusterError> {
        let name = names::worker(worker);
        let bytes = serde_json::to_vec(presence).map_err(io::Error::from);
        self.put(&name, &bytes.during("write", Path::new(&name))?)
    }

    fn forget(&self, worker: &WorkerName) {
        // One that stays is removed by a run.
        let _ = self.delete(&[names::worker(worker)]);
    }

    fn workers(&self) -> Result<Vec<WorkerName>, ClusterError> {
        let names = self.list(names::WORKERS)?;
        Ok(names.iter().filter_map(|name| names::parse_worker(name)).collect())
    }

    fn presence(&self, worker: &WorkerName) -> Option<Presence> {
        let bytes = self.get(&names::worker(worker), MOST_OF_PRESENCE).ok()??;
        Presence::parse(&bytes).ok()
    }

    fn presences(&self, workers: &[WorkerName]) -> Vec<Option<Presence>> {
        parallel(workers, |worker| self.presence(worker))
    }

    fn begin_run(&self, run: &str) -> Result<RunMark, ClusterError> {
        let mark = BucketMark::begin(&self.remote, run, self.lease, &self.blobs)?;
        let dead = self.dead_runs(&HashSet::from([run.to_owned()]))?;
        let mut seen = self.seen();
        seen.watched.insert(run.to_owned());
        (seen.run, seen.dead) = (run.to_owned(), dead);
        Ok(Box::new(mark))
    }

    fn runs(&self) -> Result<Vec<String>, ClusterError> {
        let marks = self.list(names::RUNS)?;
        let runs = marks.iter().filter_map(|name| names::parse_run(name));
        let runs: BTreeSet<_> = runs.map(str::to_owned).collect();
        Ok(runs.into_iter().collect())
    }

    fn request(&self, run: &str, lines: &[u8]) -> Result<(), ClusterError> {
        self.put(&names::request(run, &unique()), lines)
    }

    fn requests(&self, run: &str, from: u64) -> Result<Vec<u8>, ClusterError> {
        let mut new = self.list(&names::requests_of(run))?;
        {
            let seen = self.seen();
            let known = seen.requests.get(run);
            new.retain(|name| !known.is_some_and(|known| known.has_seen(name)));
        }
        let contents = parallel(&new, |name| match self.get(name, MOST_OF_REQUEST) {
            Err(error) if is_too_large(&error) => Ok(None),
            got => got,
        });
        let contents = contents.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut seen = self.seen();
        let received = seen.requests.entry(run.to_owned()).or_default();
        for (name, content) in new.into_iter().zip(contents) {
            received.add(name, &content.unwrap_or_default());
        }
        Ok(received.since(from))
    }

    fn is_running(&self, run: &str) -> bool {
        if self.seen().dead.contains(run) {
            return false;
        }
        // A run that has ended has no mark. What cannot be read counts as running.
        let mark = names::run(run);
        self.list(names::RUNS).map_or(true, |marks| marks.contains(&mark))
    }

    fn forget_runs(&self, except: &[&str]) {
        // The marks are listed last: a run writes its mark before anything else.
        let (Ok(leases), Ok(open), Ok(requests), Ok(marks)) = (
            self.list(names::LEASES),
            self.list(names::OPEN),
            self.list(names::REQUESTS),
            self.list(names::RUNS),
        ) else {
            return;
        };
        let dead = self.seen().dead.clone();
        let running = marks.iter().filter_map(|name| names::parse_run(name));
        let running: HashSet<_> = running.filter(|run| !dead.contains(*run)).collect();
        let is_left = |run: &str| !except.contains(&run) && !running.contains(run);
        let of_leases = leases.iter().filter(|name| names::run_of_lease(name).is_some_and(is_left));
        let is_left_bundle =
            |name: &str| names::run_of_bundle(name).is_some_and(|run| is_left(&run));
        let of_bundles = open.iter().filter(|name| is_left_bundle(name));
        // A run that has died needs no mark and reads no requests, also if its leases are adopted.
        let is_unread = |run: &str| !running.contains(run);
        let of_marks = marks.iter().filter(|name| names::parse_run(name).is_some_and(is_unread));
        let of_requests =
            requests.iter().filter(|name| names::run_of_request(name).is_some_and(is_unread));
        let left = of_marks.chain(of_leases).chain(of_bundles).chain(of_requests);
        let left: Vec<_> = left.cloned().collect();
        let _ = self.delete(&left);
    }

    fn begin_poll(&self) {
        let mut seen = self.seen();
        seen.has_polled = true;
        seen.list_again();
    }

    fn look_anew(&self) -> Result<(), ClusterError> {
        self.worked().clear();
        let (known, are_known) = {
            let mut seen = self.seen();
            seen.list_again();
            seen.logs.clear();
            (seen.dead.clone(), seen.watched_at.is_some_and(|at| at.elapsed() < ALIVE))
        };
        if !are_known {
            let dead = self.dead_runs(&known)?;
            let mut seen = self.seen();
            seen.dead.extend(dead);
            seen.watched_at = Some(Instant::now());
        }
        Ok(())
    }

    fn is_costly_to_append(&self) -> bool {
        // Each is an object that every list of the run shows until the lease ends.
        true
    }

    fn lists_late(&self) -> bool {
        false
    }

    fn tick(&self) -> Duration {
        self.tick
    }

    fn announces_every(&self) -> Duration {
        ANNOUNCE
    }

    fn on_wait(&mut self, call: OnWait) {
        self.on_wait = Some(call);
    }

    fn blobs(&self) -> Option<&Arc<Blobs>> {
        Some(&self.blobs)
    }
}

/// Returns an error that says the same.
fn same(error: &ClusterError) -> Option<ClusterError> {
    let ClusterError::Io { action, path, source } = error else { return None };
    let source = io::Error::new(source.kind(), source.to_string());
    Some(ClusterError::Io { action, path: path.clone(), source })
}

/// Returns whether an object has more bytes than one of its kind may have.
fn is_too_large(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Io { source, .. } if source.kind() == io::ErrorKind::FileTooLarge)
}

/// Reads the jobs of a bundle.
fn parsed(name: &BundleName, bytes: &[u8]) -> Result<Bundle, ClusterError> {
    let damaged = |reason| ClusterError::Damaged { path: names::bundle(name).into(), reason };
    Bundle::parse(bytes).map_err(damaged)
}

impl Bucket {
    /// Forgets what was listed.
    fn list_again(&self) {
        self.seen().list_again();
    }

    fn append_by(
        &self,
        lease: &LeaseName,
        sent: &mut Sent,
        lines: &[u8],
    ) -> Result<(), ClusterError> {
        if let Some(beat) = sent.only_beat(lines) {
            self.put(&names::beat(lease, beat), lines)?;
            if let Some(before) = sent.beat.replace(beat) {
                let _ = self.delete(&[names::beat(lease, before)]);
            }
            return Ok(());
        }
        while let Some((number, bytes)) = sent.begin(lines) {
            self.put(&names::message(lease, number), bytes)?;
            sent.succeed();
        }
        sent.end();
        Ok(())
    }
}
