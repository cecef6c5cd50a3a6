//! The way of bundles and messages between a run and its workers.
//!
//! The queue of a [run](crate::pull) and the loop of a [worker](crate::worker) know this interface alone. [`Folder`] is a
//! folder that both can reach. [`Bucket`] is an object store, whose conditional writes take the place of renames, and which
//! also has the files of inputs and outputs.

mod bucket;
#[cfg(test)]
pub(crate) mod faulty_bucket;
mod folder;
mod heartbeat;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::bucket::{Blobs, Bucket};
pub(crate) use self::folder::Folder;
use crate::error::ClusterError;
use crate::format::{Bundle, Presence, StartedWorkers};
use crate::names::{BundleName, LeaseName, WorkerName};

/// Says that a run is in progress, until it is dropped or the process ends.
pub(crate) type RunMark = Box<dyn Send>;

/// Is called before something waits, with how long that may take.
pub(crate) type OnWait = Arc<dyn Fn(Duration) + Send + Sync>;

/// Carries bundles and messages.
///
/// # Guarantees
///
/// - Of several workers that [take](Self::take) a bundle, at most one gets a lease. A bundle that was
///   [withdrawn](Self::withdraw) is taken by none.
/// - When [`revoke`](Self::revoke) has returned, no file that the worker writes at a [draft](Self::draft) path can be moved
///   elsewhere, and what it appends is not read: neither by this run nor by a later one.
/// - Lines are read in the order in which they were appended. The last one may be torn.
pub(crate) trait Transport: Send + Sync {
    /// Creates what a queue consists of, where it does not exist.
    fn prepare(&self) -> Result<(), ClusterError>;

    /// Offers a bundle to the workers.
    fn post(&self, name: &BundleName, bundle: &Bundle) -> Result<(), ClusterError>;

    /// Takes a bundle back. Returns `false` if a worker has taken it, or it is gone.
    fn withdraw(&self, name: &BundleName) -> Result<bool, ClusterError>;

    /// Returns the bundles that no worker has taken, in order.
    fn posted(&self) -> Result<Vec<BundleName>, ClusterError>;

    /// Takes a bundle for a worker. Returns `None` if another worker has taken it, or it was withdrawn.
    fn take(
        &self,
        name: &BundleName,
        worker: &WorkerName,
    ) -> Result<Option<LeaseName>, ClusterError>;

    /// Returns the bundles that workers have taken, in order.
    fn leases(&self) -> Result<Vec<LeaseName>, ClusterError>;

    /// Reads a bundle that no worker has taken. The error [is gone](ClusterError::is_gone) if one has, or it was withdrawn.
    fn posted_bundle(&self, name: &BundleName) -> Result<Bundle, ClusterError>;

    /// Reads a bundle that a worker has taken.
    fn bundle(&self, lease: &LeaseName) -> Result<Bundle, ClusterError>;

    /// Returns the lines of the worker from a byte on; `None` if the lease was revoked.
    fn lines(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError>;

    /// Returns the lines of the run from a byte on; `None` if the lease was revoked.
    fn orders(&self, lease: &LeaseName, from: u64) -> Result<Option<Vec<u8>>, ClusterError>;

    /// Appends lines of the worker. The error [is gone](ClusterError::is_gone) if the lease was revoked.
    fn append(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError>;

    /// Returns whether an [`append`](Self::append) that has failed may have written a part of the lines, so that the caller has to
    /// look how many of them are there. Otherwise the caller appends the same lines again, with those that have come since.
    fn may_tear(&self) -> bool {
        true
    }

    /// Appends lines of the run.
    fn order(&self, lease: &LeaseName, lines: &[u8]) -> Result<(), ClusterError>;

    /// Ends a lease.
    fn revoke(&self, lease: &LeaseName) -> Result<(), ClusterError>;

    /// Returns where the draft record of a job is written; `None` if it cannot be.
    fn draft(&self, lease: &LeaseName, job: usize) -> Option<PathBuf>;

    /// Says that a worker is alive.
    fn announce(&self, worker: &WorkerName, presence: &Presence) -> Result<(), ClusterError>;

    /// Forgets a worker that has ended.
    fn forget(&self, worker: &WorkerName);

    /// Returns the names of the workers that were announced and not forgotten: one operation, however many they are.
    fn workers(&self) -> Result<Vec<WorkerName>, ClusterError>;

    /// Returns what a worker says of itself; `None` if its file is damaged or gone.
    fn presence(&self, worker: &WorkerName) -> Option<Presence>;

    /// Says that a run is in progress.
    fn begin_run(&self, run: &str) -> Result<RunMark, ClusterError>;

    /// Returns the names of the runs that have said so, in order. Those that were killed are among them.
    fn runs(&self) -> Result<Vec<String>, ClusterError>;

    /// Appends lines for a run, which any process may write.
    fn request(&self, run: &str, lines: &[u8]) -> Result<(), ClusterError>;

    /// Returns the lines for a run from a byte on.
    fn requests(&self, run: &str, from: u64) -> Result<Vec<u8>, ClusterError>;

    /// Returns whether a run is known to be in progress.
    fn is_running(&self, run: &str) -> bool;

    /// Returns what a run has written of the workers that a scheduler starts for it; `None` if there is nothing.
    fn started_workers(&self, run: &str) -> Option<StartedWorkers> {
        let _ = run;
        None
    }

    /// Forgets the marks of runs that have ended, except those of these.
    fn forget_runs(&self, except: &[&str]);

    /// Takes note that the run looks at the queue anew: what was listed before does not count any more.
    fn begin_poll(&self) {}

    /// Takes note that this process, which neither submits jobs nor runs any, looks at the queue anew: what it has read before does
    /// not count any more.
    fn look_anew(&self) -> Result<(), ClusterError> {
        Ok(())
    }

    /// Returns whether a worker holds back messages that are not urgent until it renews its lease, because each
    /// [`append`](Self::append) leaves something that costs the run time in every poll.
    fn is_costly_to_append(&self) -> bool {
        false
    }

    /// Returns whether a list may not show for a while what another machine has done.
    fn lists_late(&self) -> bool {
        true
    }

    /// Returns how often a worker that holds a lease writes messages that are not urgent, and reads orders.
    fn tick(&self) -> Duration {
        Duration::from_millis(100)
    }

    /// Returns how often a worker [announces](Self::announce) itself.
    fn announces_every(&self) -> Duration {
        Duration::from_secs(2)
    }

    /// Returns [`presence`](Self::presence) of several workers, in order.
    fn presences(&self, workers: &[WorkerName]) -> Vec<Option<Presence>> {
        workers.iter().map(|worker| self.presence(worker)).collect()
    }

    /// Sets what is called before this waits until it is known which runs are in progress.
    fn on_wait(&mut self, call: OnWait);

    /// Returns the contents of files, if run and workers have different folders.
    fn blobs(&self) -> Option<&Arc<Blobs>> {
        None
    }
}
