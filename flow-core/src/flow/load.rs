//! Loading of complete outputs.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::flow::Flow;
use crate::flow::error::Error;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::task::error::LoadErrorKind;
use crate::task::input::{Handle, Input};
use crate::task::loaded::Loaded;
use crate::task::{Kind, Output, Task};

impl Flow {
    /// Loads the output of a task, which must be complete.
    ///
    /// An output that a run would reuse, from another instance or store, counts as complete: it is read from there.
    ///
    /// # Errors
    ///
    /// The task is not complete, its file cannot be read, or planning fails.
    pub fn load<T: Task>(&self) -> Result<Loaded<Output<T>>, Error> {
        Ok(self.output::<T>()?.load()?)
    }

    /// Runs a task with its dependencies and loads its output.
    ///
    /// This is [`run`](Self::run) and [`load`](Self::load) in one call. Tasks that are complete do not run.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(#[param(default = 3)] n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// assert_eq!(*flow.get::<square>()?, 9);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`run`](Self::run) and [`load`](Self::load).
    pub fn get<T: Task>(&self) -> Result<Loaded<Output<T>>, Error> {
        self.run::<T>()?;
        self.load::<T>()
    }

    /// Returns a handle to the output of a task, which must be complete.
    ///
    /// # Errors
    ///
    /// The task is not complete, or planning fails.
    pub fn output<T: Task>(&self) -> Result<Input<T>, Error> {
        let plan = self.plan_to_load::<T>()?;
        let root = plan.graph.roots[0];
        handle(plan, root)
    }
}

/// Returns a handle to the output of `node`, which must be complete, in the graph of `R`.
pub(crate) fn handle<A: Task>(plan: Arc<Plan>, node: NodeIndex) -> Result<Input<A>, Error> {
    if plan.graph.kind(node) == Kind::External && plan.verdicts.digest(node).is_none() {
        let path = plan.graph.external(node).to_owned();
        return Err(Handle::outside(plan as _, node).error(LoadErrorKind::Missing { path }).into());
    }
    check_complete(&plan, node)?;
    Ok(Input::new(Handle::outside(plan as _, node)))
}

/// Returns an error if `node` is not complete. `R` names the roots in the message.
pub(super) fn check_complete(plan: &Plan, node: NodeIndex) -> Result<(), Error> {
    if plan.verdicts.status(node).is_complete() {
        return Ok(());
    }
    Err(Error::NotComplete {
        instance: plan.graph.label(node, Show::Clipped),
        root: plan.graph.root_names(),
        reason: plan.incomplete_reason(node),
        variant: None,
    })
}
