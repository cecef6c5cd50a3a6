//! [`PullWorkers`]: the executor of workers that take their work themselves.
//!
//! ```text
//! the engine ── submit, cancel, send ──► queue   the jobs and bundles of a run, and what becomes of them
//!                                          │ ▲
//!                                          ▼ │   every few tenths of a second
//!                                        watch   posts bundles, reads what workers write, notices those that are gone
//! ```
//!
//! [`WatchedQueue`] is both. Each pool of workers that a scheduler starts has one, too.
//!
//! - [`queue`] owns the state of a run: a job waits, is in a bundle, runs, and ends.
//! - [`watch`] is the thread that changes it. One poll lists the leases and reads each once, however many jobs there are.
//! - [`requests`] are what other processes ask of the run: to cancel jobs.
//! - [`workers`] knows which workers are alive, for the size of bundles and for messages.
//! - [`carried`] brings the files of inputs and outputs to and from a bucket, if there is one.

mod carried;
mod queue;
mod requests;
mod watch;
mod workers;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use flow_core::Remote;
use flow_core::executor::{Job, JobEvents, JobExecutor, JobQueue, RunOfJobs, SubmittedJob, unique};

use self::carried::{Before, Carried};
use self::queue::JobId;
pub(crate) use self::queue::{Blame, Demand, Names, Queue, Refusal, WorkerEnd};
use crate::bundling::Limits;
use crate::format::MOST_JOBS;
use crate::transport::{Blobs, Bucket, Folder, OnWait, RunMark, Transport};

/// The time after which a worker that is not heard of is taken for dead, unless it is set.
const LEASE: Duration = Duration::from_secs(30);

/// The shortest lease. The clocks of a scheduler and of a network file system need some time.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// How often the queue is looked at, unless it is set.
const POLL: Duration = Duration::from_millis(200);

/// Both in a bucket, where a look is a request that costs money and time.
const LEASE_OF_BUCKET: Duration = Duration::from_secs(60);
const POLL_OF_BUCKET: Duration = Duration::from_secs(2);

/// How long jobs wait for others to be bundled with.
const GATHER: Duration = Duration::from_millis(50);

/// The expected seconds of a bundle, unless they are set.
const BUNDLE_SECONDS: f64 = 10.0;

/// The executor of workers on machines that share only the folder of the store.
///
/// A run writes its jobs into the folder, and any number of [workers](crate::Worker) take them. Workers may come and go
/// while the run is in progress. [`Flow::workers`](flow_core::Flow::workers) is the number of jobs that are in the queue or
/// run at the same time: more than there are workers, so that short jobs can be bundled.
///
/// ```
/// use std::time::Duration;
///
/// use flow::cluster::PullWorkers;
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let shared = folder.path();
/// let flow = Flow::open(shared)?.quiet().workers(200).executor(PullWorkers::new());
/// # let flow = flow.in_process::<square>(); // there is no worker here
/// let squares = flow.sweep::<square>().over(square::N, 0..10_u64);
/// assert_eq!(squares.run()?.ran().len(), 10);
/// # Ok(())
/// # }
/// ```
///
/// Workers that have no folder in common with the run exchange everything with it through a [bucket](Self::bucket).
#[derive(Clone)]
pub struct PullWorkers {
    settings: Settings,
    lease: Option<Duration>,
    poll: Option<Duration>,
    keep_inputs: Option<Duration>,
    bucket: Option<Arc<dyn Remote>>,
}

impl fmt::Debug for PullWorkers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, lease, poll, keep_inputs, bucket } = self;
        let mut debug = f.debug_struct("PullWorkers");
        debug.field("settings", settings).field("lease", lease).field("poll", poll);
        debug.field("keep_inputs", keep_inputs).field("has_bucket", &bucket.is_some()).finish()
    }
}

/// The settings of the executor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    gather: Duration,
    pub(crate) limits: Limits,
    /// The most workers that a scheduler may start for the queue; 0 if people start them.
    pub(crate) most_workers: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits { seconds: BUNDLE_SECONDS, jobs: MOST_JOBS };
        Self { lease: LEASE, poll: POLL, gather: GATHER, limits, most_workers: 0 }
    }
}

impl Settings {
    /// Sets the time of a lease, within limits.
    pub(crate) fn set_lease(&mut self, lease: Duration) {
        self.lease = lease.clamp(SHORTEST_LEASE, Duration::from_secs(24 * 60 * 60));
    }

    /// Sets how often the queue is looked at.
    pub(crate) fn set_poll(&mut self, poll: Duration) {
        self.poll = poll.max(Duration::from_millis(1));
    }

    /// Sets how long a bundle is expected to take.
    pub(crate) fn set_bundle(&mut self, duration: Duration) {
        self.limits.seconds = duration.as_secs_f64();
        self.limits.jobs = if duration.is_zero() { 1 } else { MOST_JOBS };
    }
}

impl Default for PullWorkers {
    fn default() -> Self {
        Self::new()
    }
}

impl PullWorkers {
    /// Creates an executor with the default settings.
    pub fn new() -> Self {
        let settings = Settings::default();
        Self { settings, lease: None, poll: None, keep_inputs: None, bucket: None }
    }

    /// Exchanges jobs, messages and files with workers through a bucket, or any other [`Remote`]. The workers have
    /// [the same one](crate::Worker::bucket), and nothing else in common with the run.
    ///
    /// The bucket has everything below the name `cluster`. It may also be a remote of `push` and `pull`. A lease is 60 s then,
    /// and a poll 2 s, unless they are set.
    ///
    /// A task whose inputs are files outside the store, or whose parameters name such files, is an error of the plan: run it in
    /// this process, by [`Flow::in_process`](flow_core::Flow::in_process).
    ///
    /// ```no_run
    /// use flow::cluster::PullWorkers;
    /// use flow::prelude::*;
    /// use flow::remote::RemoteFolder;
    ///
    /// # fn main() -> Result<()> {
    /// // A folder takes the place of a bucket here: `flow::remote::open("s3://bucket/prefix")?`.
    /// let bucket = RemoteFolder::new("/mnt/exchange");
    /// let flow = Flow::open("data")?.workers(200).executor(PullWorkers::new().bucket(bucket));
    /// # let _ = flow;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn bucket(mut self, bucket: impl Remote + 'static) -> Self {
        self.bucket = Some(Arc::new(bucket));
        self
    }

    /// Sets how long the contents of files stay in the [bucket](Self::bucket) that no run has used. The default is 7 days; zero
    /// removes all contents at the end of the run.
    ///
    /// They are removed at the end of a run, if no other one is in progress. Their age is that by the clock of the bucket.
    #[must_use]
    pub fn keep_inputs(mut self, keep: Duration) -> Self {
        self.keep_inputs = Some(keep);
        self
    }

    /// Sets how long a worker may not be heard of before its work is given to others. The default is 30 s, and 60 s with a
    /// bucket.
    ///
    /// A worker is heard of every quarter of this time. It is at least 100 ms. A network file system may need several
    /// seconds to show what another machine has written.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// Sets how often the run looks for what workers have written. The default is 200 ms, and 2 s with a bucket.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll);
        self
    }

    /// Sets how long a bundle of short jobs is expected to take. The default is 10 s; zero makes a bundle of each job.
    #[must_use]
    pub fn bundle(mut self, duration: Duration) -> Self {
        self.settings.set_bundle(duration);
        self
    }
}

impl JobExecutor for PullWorkers {
    fn name(&self) -> &str {
        "pull"
    }

    fn moves_files(&self) -> bool {
        self.bucket.is_some()
    }

    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>> {
        let mut settings = self.settings;
        if self.bucket.is_some() {
            (settings.lease, settings.poll) = (LEASE_OF_BUCKET, POLL_OF_BUCKET);
        }
        if let Some(lease) = self.lease {
            settings.set_lease(lease);
        }
        if let Some(poll) = self.poll {
            settings.set_poll(poll);
        }
        let program = program_as_called(&run.program);
        let (mut transport, command): (Box<dyn Transport>, _) = match &self.bucket {
            None => {
                let command = format!("{program} worker --data {}", run.folder.display());
                (Box::new(Folder::new(&run.folder, Arc::clone(&run.fs))), command)
            }
            Some(bucket) => {
                let blobs = Blobs::new(Arc::clone(bucket), &run.folder, Arc::clone(&run.fs));
                let blobs = match self.keep_inputs {
                    Some(keep) => blobs.keep(keep),
                    None => blobs,
                };
                let times = (settings.poll, settings.lease);
                let bucket = Bucket::new(Arc::clone(bucket), Arc::new(blobs), times);
                (Box::new(bucket), format!("{program} worker --bucket <the same bucket>"))
            }
        };
        transport.on_wait(says_wait(run));
        let (build, program) = (run.build.to_string(), run.program.clone());
        let names = Names { build, program, run: unique() };
        let queue = WatchedQueue::begin(transport, settings, names, Some(command))?;
        Ok(Arc::new(queue))
    }
}

/// Returns what says that a run waits until it is known which other runs are in progress.
pub(crate) fn says_wait(run: &RunOfJobs) -> OnWait {
    let begins = run.clone();
    Arc::new(move |most: Duration| {
        let most = most.as_secs_f64().ceil();
        begins.waits_for(&format!("the check whether another run is in progress: up to {most} s"));
    })
}

/// Returns the program as a person at a terminal calls it: by the path with which it was started, unless `PATH` finds it.
fn program_as_called(name: &str) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let is_path = Path::new(&called).components().count() > 1;
    if is_path { called.to_string_lossy().into_owned() } else { name.to_owned() }
}

/// The jobs of one run in a queue, with the thread that watches it.
pub(crate) struct WatchedQueue {
    pub(crate) queue: Arc<Queue>,
    /// The contents of files, if workers have another folder.
    blobs: Option<Arc<Blobs>>,
    before: Before,
    /// The thread that watches the queue, and the mark of the run, until the run ends.
    ends: Mutex<Option<(JoinHandle<()>, RunMark)>>,
}

impl WatchedQueue {
    /// Begins a run with these names. `command` starts a worker; it is `None` if a scheduler does.
    ///
    /// # Errors
    ///
    /// The queue cannot be read or written, or the operating system refuses a thread.
    pub(crate) fn begin(
        transport: Box<dyn Transport>,
        settings: Settings,
        names: Names,
        command: Option<String>,
    ) -> anyhow::Result<Self> {
        transport.prepare()?;
        let mark = transport.begin_run(&names.run)?;
        let blobs = transport.blobs().cloned();
        let queue = Arc::new(Queue::begin(transport, settings, names, command)?);
        let watched = Arc::clone(&queue);
        let thread = Builder::new().name("flow-queue".to_owned());
        let thread = thread.spawn(move || watch::watch(&watched))?;
        let (before, ends) = (Mutex::default(), Mutex::new(Some((thread, mark))));
        Ok(Self { queue, blobs, before, ends })
    }
}

impl JobQueue for WatchedQueue {
    fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<Arc<dyn SubmittedJob>> {
        if let Some(blobs) = &self.blobs {
            let carried = Carried::submit((&self.queue, blobs), &self.before, job, events)?;
            return Ok(carried);
        }
        let id = self.queue.submit(job, events)?;
        Ok(Arc::new(Submitted { queue: Arc::clone(&self.queue), id }))
    }

    fn end(&self) {
        let ends = self.ends.lock().expect("lock poisoned").take();
        let Some((thread, mark)) = ends else { return };
        self.queue.end();
        // A panic of the thread was reported by the jobs that it has lost.
        let _ = thread.join();
        drop(mark);
    }
}

impl Drop for WatchedQueue {
    fn drop(&mut self) {
        self.end();
    }
}

/// A job of the queue.
struct Submitted {
    queue: Arc<Queue>,
    id: JobId,
}

impl SubmittedJob for Submitted {
    fn send(&self, message: String) {
        self.queue.send(self.id, message);
    }

    fn cancel(&self) {
        self.queue.cancel(self.id);
    }
}
