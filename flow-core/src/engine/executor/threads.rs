//! Runs tasks on the threads of this process.

use super::{Executor, TaskJob};
use crate::task::execute::Executed;

/// Runs a task on the thread that calls [`Executor::execute`].
pub(super) struct Threads;

impl Executor for Threads {
    fn execute(&self, task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        (task.begins)();
        task.running.execute(task.folder, task.fingerprint)
    }
}
