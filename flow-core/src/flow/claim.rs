//! Claiming the name of a task in a store that another program uses, too.

use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::types::claim;
use crate::task::{Task, TaskType};

impl Flow {
    /// Says that the outputs under the name of `A` are those of this program's task from now on.
    ///
    /// A store notes which task has a name. If another crate comes with a task of that name, and it
    /// has other parameters or another target, that is an error before anything runs: two programs
    /// that share a folder by accident would replace each other's outputs. A task that was moved to
    /// another crate and changed at the same time looks just so: then this is what to do, once.
    /// Nothing is removed, and nothing that was made before is taken for what it is not.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub fn claim<A: Task>(&self) -> Result<(), Error> {
        let task = TaskType::of::<A>();
        let decl = (task.decl)();
        if let Some(claim) = claim(task, &decl) {
            self.store.claim_anew(&decl, &claim)?;
        }
        Ok(())
    }
}
