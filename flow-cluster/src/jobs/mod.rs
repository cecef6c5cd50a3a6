//! [`JobQueues`]: the queues of a store, or that of a bucket, as another process sees them, to list jobs and to cancel them.
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
//! A run has a queue for each of its pools. It is asked once, and all its queues read the request.
//!
//! One look reads each bundle once, and for each lease what its worker and its run have written: the cost is linear in jobs and
//! messages. What is kept in memory is bounded by the number of jobs that are to be listed.

mod cancel;
mod read;
mod status;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use flow_core::fs::Fs;
use flow_core::{Flow, Remote};

pub use self::cancel::CancelSummary;
pub use self::status::{
    JobCounts, JobState, QueueStatus, QueuedJob, QueuedRun, QueuedWorker, TaskJobs, UnreadableFile,
};
use crate::error::ClusterError;
use crate::transport::{Blobs, Bucket, Folder, OnWait, Transport};

/// How long workers are listened to: each writes its file every two seconds, and its object in a bucket every five.
const LISTEN: Duration = Duration::from_millis(3500);
const LISTEN_TO_BUCKET: Duration = Duration::from_secs(8);

/// The number of jobs that are listed, unless it is set.
const LISTED: usize = 1000;

/// The queues of a store, or that of a bucket: what all runs have submitted to [`PullWorkers`](crate::PullWorkers) or to the pools
/// of a scheduler, and the workers.
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
    /// Whether a run is in progress shows by the lock of a file. On a file system without locks, or if the run was killed on
    /// another machine, it shows by what the run writes, and the first look takes up to 10 seconds.
    ///
    /// # Errors
    ///
    /// The folder of the store cannot be listed.
    pub fn of(flow: &Flow) -> Result<Self, ClusterError> {
        let (queues, folder, fs) = Self::without_queues(flow);
        let runs = Folder::of_runs(&folder, Arc::clone(&fs));
        let named = runs.all_pools()?.into_iter().map(|(pool, queue)| NamedQueue {
            pool: Some(pool.to_string()),
            transport: Box::new(queue),
        });
        let unnamed = NamedQueue { pool: None, transport: Box::new(Folder::new(&folder, fs)) };
        let all = std::iter::once(unnamed).chain(named).collect();
        Ok(Self { queues: all, runs_of_pools: Some(Box::new(runs)), ..queues })
    }

    /// Returns the queue in a bucket, or any other [`Remote`]: that of [`PullWorkers::bucket`](crate::PullWorkers::bucket) and
    /// [`Worker::bucket`](crate::Worker::bucket). It has the jobs of all runs with this bucket, also of those on other stores.
    ///
    /// Whether a run is in progress shows by what it writes into the bucket. So the first look takes up to 5 seconds if there is
    /// one, and up to 20 after one was killed.
    ///
    /// ```
    /// use flow::cluster::{JobQueues, JobSelection};
    /// use flow::prelude::*;
    /// use flow::remote::RemoteFolder;
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder.join("data"))?;
    /// // A folder takes the place of a bucket here: `flow::remote::open("s3://bucket/prefix")?`.
    /// let queues = JobQueues::in_bucket(&flow, RemoteFolder::new(folder.join("exchange")));
    /// assert_eq!(queues.status(&JobSelection::all())?.counts.all(), 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn in_bucket(flow: &Flow, bucket: impl Remote + 'static) -> Self {
        let (queues, folder, fs) = Self::without_queues(flow);
        let bucket: Arc<dyn Remote> = Arc::new(bucket);
        let blobs = Arc::new(Blobs::new(Arc::clone(&bucket), &folder, fs));
        let transport = Box::new(Bucket::of_observer(bucket, blobs));
        Self {
            queues: vec![NamedQueue { pool: None, transport }],
            listen: LISTEN_TO_BUCKET,
            ..queues
        }
    }

    /// Returns the settings without queues, and the folder of the store.
    fn without_queues(flow: &Flow) -> (Self, PathBuf, Arc<dyn Fs>) {
        let runner = flow.job_runner(1);
        let queues = Self {
            queues: Vec::new(),
            runs_of_pools: None,
            build: runner.build().map(|build| build.to_string()),
            host: runner.host(),
            listen: LISTEN,
            most: LISTED,
        };
        (queues, runner.folder().to_owned(), runner.fs())
    }

    /// Sets for how long [`status`](Self::status) listens to workers that it has not heard of. The default is 3.5 seconds, and 8
    /// in a bucket; after zero, it is not known which of them are alive.
    ///
    /// A network file system may need longer to show what other machines have written.
    #[must_use]
    pub fn listen(mut self, duration: Duration) -> Self {
        self.listen = duration;
        self
    }

    /// Calls a function before the first look waits until it is known which runs are in progress, with how long that may take.
    #[must_use]
    pub fn on_wait(mut self, call: impl Fn(Duration) + Send + Sync + 'static) -> Self {
        let call: OnWait = Arc::new(call);
        let of_queues = self.queues.iter_mut().map(|queue| &mut queue.transport);
        for transport in of_queues.chain(&mut self.runs_of_pools) {
            transport.on_wait(Arc::clone(&call));
        }
        self
    }

    /// Sets how many jobs are listed. The default is 1,000. All of them are counted.
    #[must_use]
    pub fn list(mut self, most: usize) -> Self {
        self.most = most;
        self
    }
}
