//! What a running task needs of the engine.

use std::any::{Any, TypeId};

use crate::base::event::Progress;
use crate::base::stop::Stopper;
use crate::files::Contents;
use crate::store::Store;
use crate::task::TaskType;
use crate::task::error::RequireError;
use crate::task::input::Handle;
use crate::task::setting::Values;

/// What a running task needs of its runner. The engine implements it.
pub(crate) trait Host: Send + Sync {
    /// Returns the store that the output goes to.
    fn store(&self) -> &Store;

    /// Returns what is known of the content of files outside the store.
    fn contents(&self) -> &Contents;

    /// Returns what stops the execution.
    fn stopper(&self) -> &Stopper;

    /// Returns where events go.
    fn progress(&self) -> &Progress;

    /// Returns the name of the task.
    fn task_name(&self) -> &str;

    /// Returns the seed of the instance.
    fn seed(&self) -> u64;

    /// Returns whether a parameter with `#[param(file)]` has this path.
    fn is_file_parameter(&self, path: &str) -> bool;

    /// Returns the value of this type that the flow was given.
    fn provided(&self, of: TypeId) -> Option<&(dyn Any + Send + Sync)>;

    /// Requires instances of a task, one for each of the settings, and waits for them.
    fn require(
        &self,
        task: &'static TaskType,
        settings: Vec<Values>,
    ) -> Vec<Result<Handle, RequireError>>;

    /// Returns whether the task was told that the execution was stopped.
    fn was_stopped(&self) -> bool;
}
