//! Stopping an execution from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops the executions of a flow, from any thread: a handler of Ctrl-C, or a window.
///
/// Tasks that are running go on to their end, or to their next [`Cx::checkpoint`](crate::Cx::checkpoint);
/// no other is started. What was done is kept.
#[derive(Clone, Debug, Default)]
pub struct Stopper(Arc<AtomicBool>);

impl Stopper {
    /// Stops the executions under way and those to come.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Lets the flow run again.
    pub fn reset(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Whether it was stopped.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a task ended at a checkpoint: that is no failure of its own.
#[derive(Debug, thiserror::Error)]
#[error("the execution was stopped")]
pub(crate) struct Stopped;
