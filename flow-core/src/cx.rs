//! What a running task sees besides its parameters.

use crate::task::Task;

/// What a running task sees besides its parameters: its inputs, and what it says about its output.
pub struct Cx<T: Task> {
    input: T::Inputs,
}

impl<T: Task> Cx<T> {
    /// The handles of the tasks required, in the form of `#[task(requires ...)]`.
    pub fn input(&self) -> &T::Inputs {
        &self.input
    }
}
