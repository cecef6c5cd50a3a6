//! [`PullWorkers`]: the executor of workers that take their work themselves.
//!
//! ```text
//! the engine ── submit, cancel, send ──► queue   the jobs and bundles of a run, and what becomes of them
//!                                          │ ▲
//!                                          ▼ │   every few tenths of a second
//!                                        watch   posts bundles, reads what workers write, notices those that are gone
//! ```
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

use self::queue::{JobId, Queue};
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
struct Settings {
    lease: Duration,
    poll: Duration,
    gather: Duration,
    limits: Limits,
}

impl Default for PullWorkers {
    fn default() -> Self {
        Self::new()
    }
}

impl PullWorkers {
    /// Creates an executor with the default settings.
    pub fn new() -> Self {
        let limits = Limits { seconds: BUNDLE_SECONDS, jobs: MOST_JOBS };
        Self { settings: Settings { lease: LEASE, poll: POLL, gather: GATHER, limits } }
    }

    /// Sets how long a worker may not be heard of before its work is given to others. The default is 30 s.
    ///
    /// A worker is heard of every quarter of this time. It is at least 100 ms. A network file system may need several
    /// seconds to show what another machine has written.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.clamp(SHORTEST_LEASE, Duration::from_secs(24 * 60 * 60));
        self
    }

    /// Sets how often the run looks for what workers have written. The default is 200 ms.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.settings.poll = poll.max(Duration::from_millis(1));
        self
    }

    /// Sets how long a bundle of short jobs is expected to take. The default is 10 s; zero makes a bundle of each job.
    #[must_use]
    pub fn bundle(mut self, duration: Duration) -> Self {
        self.settings.limits.seconds = duration.as_secs_f64();
        self.settings.limits.jobs = if duration.is_zero() { 1 } else { MOST_JOBS };
        self
    }
}

impl JobExecutor for PullWorkers {
    fn name(&self) -> &str {
        "pull"
    }

    fn begin(&self, run: &RunOfJobs) -> anyhow::Result<Arc<dyn JobQueue>> {
        let transport = Folder::new(&run.folder, Arc::clone(&run.fs));
        transport.prepare()?;
        let name = unique();
        let mark = transport.begin_run(&name)?;
        let command = format!("{} worker --data {}", run.program, run.folder.display());
        let build = run.build.to_string();
        let queue = Queue::begin(Box::new(transport), self.settings, (build, name), command)?;
        let queue = Arc::new(queue);
        let watched = Arc::clone(&queue);
        let thread = Builder::new().name("flow-queue".to_owned());
        let thread = thread.spawn(move || watch::watch(&watched))?;
        Ok(Arc::new(PullQueue { queue, ends: Mutex::new(Some((thread, mark))) }))
    }
}

/// The jobs of one run.
struct PullQueue {
    queue: Arc<Queue>,
    /// The thread that watches the queue, and the mark of the run, until the run ends.
    ends: Mutex<Option<(JoinHandle<()>, RunMark)>>,
}

impl JobQueue for PullQueue {
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

impl Drop for PullQueue {
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
