//! The results of expectations on outputs, and the rejected rows.

use crate::flow::error::Error;
use crate::flow::{Flow, Subgraph};
use crate::plan::instance::Instance;
use crate::plan::rejected::RejectedRows;
use crate::task::Task;
use crate::task::expectation::Quality;

impl Flow {
    /// Returns the results of the expectations in the last run of a task; `None` if its check makes no report.
    ///
    /// For tasks upstream of a root, use `flow.graph::<Root>().quality::<Task>()`; for all of them,
    /// [`Instance::quality`].
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn quality<T: Task>(&self) -> Result<Option<Quality>, Error> {
        self.graph::<T>().quality::<T>()
    }

    /// Returns the rows that violated expectations in the last run of a task, whether that failed or not.
    ///
    /// It is `None` if there are none.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn rejected<T: Task>(&self) -> Result<Option<RejectedRows>, Error> {
        self.graph::<T>().rejected::<T>()
    }
}

impl<R> Subgraph<R> {
    /// Returns the results of the expectations in the last run of `A`; `None` if its check makes no report.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; planning fails, or the store cannot be read.
    pub fn quality<A: Task>(&self) -> Result<Option<Quality>, Error> {
        let (plan, node) = self.one::<A>()?;
        Ok(Instance { plan, node }.quality()?)
    }

    /// Returns the rows that violated expectations in the last run of `A`, whether that failed or not.
    ///
    /// It is `None` if there are none.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; planning fails, or the store cannot be read.
    pub fn rejected<A: Task>(&self) -> Result<Option<RejectedRows>, Error> {
        let (plan, node) = self.one::<A>()?;
        Ok(Instance { plan, node }.rejected()?)
    }
}
