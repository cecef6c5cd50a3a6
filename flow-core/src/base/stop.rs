//! Stops a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops the runs of a flow from any thread, such as a Ctrl-C handler.
///
/// Running tasks continue to their end or to their next [`Cx::checkpoint`](crate::Cx::checkpoint); no other
/// task starts. Finished outputs are kept.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Stops the current run and those that follow.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Allows the flow to run again.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Returns whether the flow was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The error of a task that ended at a checkpoint because the run was stopped.
///
/// Such a task was not run. It does not count as failed.
#[derive(Debug, thiserror::Error)]
#[error("the execution was stopped")]
pub(crate) struct Stopped;
