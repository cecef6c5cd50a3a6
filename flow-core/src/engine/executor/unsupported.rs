//! Child processes on systems that have none of the needed operations: planning refuses isolated tasks there.

use super::{Executor, TaskJob};
use crate::task::execute::Executed;

/// An executor that is never called.
pub(crate) struct Children;

impl Children {
    pub(crate) fn new(_workers: usize) -> Self {
        Self
    }

    pub(crate) fn end(&self) {}
}

impl Executor for Children {
    fn execute(&self, _task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        anyhow::bail!("isolated tasks are not supported on this system")
    }
}

/// Does nothing: no process is a child that runs tasks.
pub fn take_over() {}
