//! [`Host`]: the interface of a running task to the engine, and [`TaskReport`], what it reports there.

use std::any::{Any, TypeId};
use std::fmt::Display;

use crate::base::stop::Stopper;
use crate::files::Contents;
use crate::store::Store;
use crate::store::output::OutputFile;
use crate::task::TaskType;
use crate::task::error::RequireError;
use crate::task::input::Handle;
use crate::task::setting::Values;

/// What a running task reports about itself.
#[derive(Clone, Copy)]
pub(crate) enum TaskReport<'a> {
    /// This number of units is done; `total` is 0 if it is not known.
    Progress { done: u64, total: u64 },
    /// What the task does now. The text is code of the task: it is rendered only if anybody receives it, and may panic.
    Status(&'a dyn Display),
    /// A line of the task's log, without the line break.
    Log(&'a str),
}

/// The interface of a running task to its runner, which the engine implements.
pub(crate) trait Host: Send + Sync {
    /// Returns the store that the output is written to.
    fn store(&self) -> &Store;

    /// Returns the digests of files outside the store.
    fn contents(&self) -> &Contents;

    /// Returns the stop signal of the execution.
    fn stopper(&self) -> &Stopper;

    /// Returns the name of the task.
    fn task_name(&self) -> &str;

    /// Receives a report of the task, and never waits.
    fn report(&self, report: TaskReport<'_>);

    /// Sends text of the task's log to another process, which writes the log. Returns whether there is one.
    fn forward_log(&self, _text: &[u8]) -> bool {
        false
    }

    /// Tells another process, which records the end of the task, of a figure or note that was kept.
    fn forward_figure(&self, _file: &OutputFile) {}

    /// Returns the seed of the instance.
    fn seed(&self) -> u64;

    /// Returns whether a parameter with `#[param(file)]` has this path.
    fn is_file_parameter(&self, path: &str) -> bool;

    /// Returns the value of this type that the flow provides.
    fn provided(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)>;

    /// Requires instances of a task, one for each of the settings, and waits for all of them.
    fn require(
        &self,
        task: &'static TaskType,
        settings: Vec<Values>,
    ) -> Vec<Result<Handle, RequireError>>;

    /// Records that a requirement was refused before it reached the planner, so that the output is never complete.
    fn refuse(&self, task: &'static TaskType, setting: Values);

    /// Returns whether a call of [`require`](Self::require) returned that the execution was stopped.
    fn was_stopped(&self) -> bool;
}
