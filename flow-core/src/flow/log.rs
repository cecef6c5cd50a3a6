//! The logs of tasks.

use crate::flow::error::Error;
use crate::flow::{Flow, Subgraph};
use crate::plan::instance::Instance;
use crate::store::log_text::{FollowedLog, TaskLog};
use crate::task::Task;

impl Flow {
    /// Returns the log of the last run of a task, whether that failed or not; `None` if it logged nothing.
    ///
    /// It has the lines of [`Cx::log`](crate::Cx::log) and the output of programs that the task has run. For tasks
    /// upstream of a root, use `flow.graph::<Root>().log::<Task>()`; for all of them, [`Instance::log`].
    ///
    /// # Errors
    ///
    /// Planning fails, or the log cannot be read.
    pub fn log<T: Task>(&self) -> Result<Option<TaskLog>, Error> {
        self.graph::<T>().log::<T>()
    }
}

impl<R> Subgraph<R> {
    /// Returns the log of the last run of `A`, whether that failed or not; `None` if it logged nothing.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; planning fails, or the log cannot be read.
    pub fn log<A: Task>(&self) -> Result<Option<TaskLog>, Error> {
        let (plan, node) = self.one::<A>()?;
        Ok(Instance { plan, node }.log()?)
    }

    /// Returns the log of `A` for reading what is written from now on, by a run in this or another process.
    ///
    /// ```no_run
    /// # use flow::prelude::*;
    /// # #[task(target = Json<u64>)]
    /// # fn train() -> u64 { 1 }
    /// # fn main() -> Result<()> {
    /// # let flow = Flow::open("data")?;
    /// let mut log = flow.graph::<train>().follow_log::<train>()?;
    /// let running = std::thread::spawn(move || flow.run::<train>());
    /// while !running.is_finished() {
    ///     print!("{}", log.read_new()?);
    ///     std::thread::sleep(std::time::Duration::from_millis(200));
    /// }
    /// print!("{}", log.read_new()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; or planning fails.
    pub fn follow_log<A: Task>(&self) -> Result<FollowedLog, Error> {
        let (plan, node) = self.one::<A>()?;
        Ok(Instance { plan, node }.follow_log()?)
    }
}
