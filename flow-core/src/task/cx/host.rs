//! [`Host`]: the interface of a running task to the engine.

use std::any::{Any, TypeId};

use crate::base::event::Progress;
use crate::base::stop::Stopper;
use crate::files::Contents;
use crate::store::Store;
use crate::task::TaskType;
use crate::task::error::RequireError;
use crate::task::input::Handle;
use crate::task::setting::Values;

/// The interface of a running task to its runner, which the engine implements.
pub(crate) trait Host: Send + Sync {
    /// Returns the store that the output is written to.
    fn store(&self) -> &Store;

    /// Returns the digests of files outside the store.
    fn contents(&self) -> &Contents;

    /// Returns the stop signal of the execution.
    fn stopper(&self) -> &Stopper;

    /// Returns the receiver of events.
    fn progress(&self) -> &Progress;

    /// Returns the name of the task.
    fn task_name(&self) -> &str;

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
