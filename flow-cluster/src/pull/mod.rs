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

mod queue;
mod requests;
mod watch;
mod workers;

use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use flow_core::executor::{Job, JobEvents, JobExecutor, JobQueue, RunOfJobs, SubmittedJob, unique};

use self::queue::JobId;
pub(crate) use self::queue::{Blame, Demand, Queue, WorkerEnd};
use crate::bundling::Limits;
use crate::format::MOST_JOBS;
use crate::transport::{Folder, RunMark, Transport};

/// The time after which a worker that is not heard of is taken for dead, unless it is set.
const LEASE: Duration = Duration::from_secs(30);

/// The shortest lease. The clocks of a scheduler and of a network file system need some time.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

/// How often the queue is looked at, unless it is set.
const POLL: Duration = Duration::from_millis(200);

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
#[derive(Clone, Debug)]
pub struct PullWorkers {
    settings: Settings,
}

/// The settings of the executor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) lease: Duration,
    pub(crate) poll: Duration,
    gather: Duration,
    pub(crate) limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        let limits = Limits { seconds: BUNDLE_SECONDS, jobs: MOST_JOBS };
        Self { lease: LEASE, poll: POLL, gather: GATHER, limits }
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
        Self { settings: Settings::default() }
    }

    /// Sets how long a worker may not be heard of before its work is given to others. The default is 30 s.
    ///
    /// A worker is heard of every quarter of this time. It is at least 100 ms. A network file system may need several
    /// seconds to show what another machine has written.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.set_lease(lease);
        self
    }

    /// Sets how often the run looks for what workers have written. The default is 200 ms.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.settings.set_poll(poll);
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

    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>> {
        let transport = Folder::new(&run.folder, Arc::clone(&run.fs));
        let command = format!("{} worker --data {}", run.program, run.folder.display());
        let names = (run.build.to_string(), unique());
        let queue = WatchedQueue::begin(Box::new(transport), self.settings, names, Some(command))?;
        Ok(Arc::new(queue))
    }
}

/// The jobs of one run in a queue, with the thread that watches it.
pub(crate) struct WatchedQueue {
    pub(crate) queue: Arc<Queue>,
    /// The thread that watches the queue, and the mark of the run, until the run ends.
    ends: Mutex<Option<(JoinHandle<()>, RunMark)>>,
}

impl WatchedQueue {
    /// Begins a run with this name, of the build with this digest. `command` starts a worker; it is `None` if a scheduler does.
    ///
    /// # Errors
    ///
    /// The queue cannot be read or written, or the operating system refuses a thread.
    pub(crate) fn begin(
        transport: Box<dyn Transport>,
        settings: Settings,
        (build, name): (String, String),
        command: Option<String>,
    ) -> anyhow::Result<Self> {
        transport.prepare()?;
        let mark = transport.begin_run(&name)?;
        let queue = Arc::new(Queue::begin(transport, settings, (build, name), command)?);
        let watched = Arc::clone(&queue);
        let thread = Builder::new().name("flow-queue".to_owned());
        let thread = thread.spawn(move || watch::watch(&watched))?;
        Ok(Self { queue, ends: Mutex::new(Some((thread, mark))) })
    }
}

impl JobQueue for WatchedQueue {
    fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<Arc<dyn SubmittedJob>> {
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
