//! [`JobQueues`]: the queues of a store as another process sees them, to list jobs and to cancel them.
//!
//! ```text
//! flow ─► JobQueues ─┬─ status ─► read      bundles, leases and what their workers have written ─► status, the types
//!                    └─ cancel ─► read ─┬─► a request to each run in progress, which cancels its jobs itself
//!                                       └─► the bundles of runs that were killed are withdrawn, and their leases ended
//! ```
//!
//! Nothing is decided by the clocks of other machines, nor by the times of files. A worker is alive if the number in its file
//! grows while this process looks at it. How long a job has run is what its worker has written, by its own clock.
//! For how long a job waits is in no file: the run knows it, and records it in the history.
//!
//! One look reads each bundle once, and for each lease what its worker and its run have written: the cost is linear in jobs and
//! messages. What is kept in memory is bounded by the number of jobs that are to be listed.

mod cancel;
mod read;
mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flow_core::Flow;
use flow_core::fs::Fs;

pub use self::cancel::CancelSummary;
pub use self::status::{
    JobCounts, JobState, QueueStatus, QueuedJob, QueuedRun, QueuedWorker, TaskJobs, UnreadableFile,
};
use crate::error::ClusterError;
use crate::transport::{Folder, Transport};

/// How long workers are listened to: each writes its file every two seconds.
const LISTEN: Duration = Duration::from_millis(3500);

/// The number of jobs that are listed, unless it is set.
const LISTED: usize = 1000;

/// The queues of a store: what [`PullWorkers`](crate::PullWorkers) of all runs on it have submitted, and their workers.
///
/// Any process can look at them and cancel jobs, also on another machine and of another build.
///
/// ```
/// use std::time::Duration;
///
/// use flow::cluster::{JobQueues, JobSelection};
/// use flow::prelude::*;
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let shared = folder.path();
/// let flow = Flow::open(shared)?;
/// let queues = JobQueues::of(&flow)?.listen(Duration::ZERO);
/// let status = queues.status(&JobSelection::all())?;
/// assert_eq!((status.counts.waiting, status.jobs.len()), (0, 0));
/// // Nothing is in the queue, so there is nothing to cancel.
/// assert_eq!(queues.cancel(&JobSelection::tasks(["Train"]))?.ended, 0);
/// # Ok(())
/// # }
/// ```
pub struct JobQueues {
    queues: Vec<NamedQueue>,
    /// The runs that have pools, and what is asked of them, which all their pools read; `None` if there can be none.
    runs_of_pools: Option<Box<dyn Transport>>,
    /// The digest of this program, if it is known.
    build: Option<String>,
    /// The name of this machine.
    host: String,
    listen: Duration,
    most: usize,
}

/// A queue, with the name of its pool.
struct NamedQueue {
    pool: Option<String>,
    transport: Box<dyn Transport>,
}

impl JobQueues {
    /// Finds the queues in the store of a flow. Its other settings count nothing here.
    ///
    /// # Errors
    ///
    /// The folder of the store cannot be listed.
    pub fn of(flow: &Flow) -> Result<Self, ClusterError> {
        let (folder, fs, build, host): (PathBuf, Arc<dyn Fs>, _, _) = {
            let runner = flow.job_runner(1);
            (runner.folder().to_owned(), runner.fs(), runner.build(), runner.host())
        };
        let queues = Folder::all(&folder, &fs)?.into_iter().map(|(pool, queue)| {
            let pool = pool.map(|pool| pool.to_string());
            NamedQueue { pool, transport: Box::new(queue) }
        });
        Ok(Self {
            queues: queues.collect(),
            runs_of_pools: Some(Box::new(Folder::of_runs(&folder, fs))),
            build: build.map(|build| build.to_string()),
            host,
            listen: LISTEN,
            most: LISTED,
        })
    }

    /// Sets for how long [`status`](Self::status) listens to workers that it has not heard of. The default is 3.5 seconds;
    /// after zero, it is not known which of them are alive.
    ///
    /// A network file system may need longer to show what other machines have written.
    #[must_use]
    pub fn listen(mut self, duration: Duration) -> Self {
        self.listen = duration;
        self
    }

    /// Sets how many jobs are listed. The default is 1,000. All of them are counted.
    #[must_use]
    pub fn list(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}
