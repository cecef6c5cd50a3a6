//! Restricting the runs of a sweep to some of its tasks: [`Sweep::until`] and [`Sweep::only`].

use std::sync::Arc;

use super::Sweep;
use crate::plan::restrict::Restriction;
use crate::task::info::TaskInfo;
use crate::task::{Task, TaskType};

/// # Restricting what runs
impl<R> Sweep<R> {
    /// Restricts runs and previews to the instances of `A` in each variant, and everything upstream of them.
    ///
    /// It does for each variant what [`Subgraph::until`](crate::Subgraph::until) does. Further calls add tasks. The outcome of
    /// a variant is that of its instances of `A`. The [`table`](Self::table) and everything else cover the whole graph, so
    /// that the status of a variant whose root has not run is `pending`.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn number(#[param(default = 3)] n: u64) -> u64 {
    ///     n
    /// }
    ///
    /// #[task(requires = number, target = Json<u64>)]
    /// fn square(number: &u64) -> u64 {
    ///     number * number
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let sweep = flow.sweep::<square>().over(number::N, [3, 4]);
    /// assert_eq!(sweep.clone().until::<number>().run()?.ran().len(), 2); // `number`, twice
    /// assert_eq!(sweep.only::<square>().run()?.ran().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Runs and previews fail if a variant has no instance of `A`.
    pub fn until<A: Task>(self) -> Self {
        self.restricted(TaskType::of::<A>(), false)
    }

    /// Restricts runs and previews, as [`until`](Self::until) does, to a task that is known at run time.
    pub fn until_task(self, task: TaskInfo) -> Self {
        self.restricted(task.task, false)
    }

    /// Restricts runs and previews to the instances of `A` in each variant: no upstream and no downstream instance runs.
    ///
    /// It does for each variant what [`Subgraph::only`](crate::Subgraph::only) does. See [`until`](Self::until) for an
    /// example.
    ///
    /// # Errors
    ///
    /// Runs and previews fail if a variant has no instance of `A`, or if an input of a pending instance is not complete.
    pub fn only<A: Task>(self) -> Self {
        self.restricted(TaskType::of::<A>(), true)
    }

    /// Restricts runs and previews, as [`only`](Self::only) does, to a task that is known at run time.
    pub fn only_task(self, task: TaskInfo) -> Self {
        self.restricted(task.task, true)
    }

    fn restricted(mut self, task: &'static TaskType, alone: bool) -> Self {
        let restriction = Restriction::with(self.restriction.as_deref(), task, alone);
        self.restriction = Some(Arc::new(restriction));
        self
    }
}
