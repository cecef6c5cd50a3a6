//! Debugging an instance whose task is named at run time: [`Subgraph::debug_of`].

use std::fmt;
use std::marker::PhantomData;

use super::run::{Ran, write_run};
use super::{DebugError, DebugInstance, Selected};
use crate::engine::shadow::AsideFolder;
use crate::flow::error::Error;
use crate::flow::{Metadata, Subgraph};
use crate::store::log_text::TaskLog;
use crate::task::Kind;
use crate::task::info::TaskInfo;

/// The result of running an instance again, without the value: the error of the task, its metadata, and its log.
///
/// `run_again` and `run_and_commit` of a [`DebugInstance<TaskInfo>`](DebugInstance) return it, and a
/// [`DebugRun`](super::DebugRun) dereferences to it.
pub struct DebugOutcome {
    pub(super) label: String,
    pub(super) error: Option<anyhow::Error>,
    pub(super) metadata: Metadata,
    pub(super) log: Option<TaskLog>,
    pub(super) seconds: f64,
    /// The folder of an output that was not committed, which is removed on drop.
    pub(super) _aside: Option<AsideFolder>,
}

impl DebugOutcome {
    fn new(ran: Ran) -> Self {
        let Ran { label, value, metadata, log, seconds, aside } = ran;
        Self { label, error: value.err(), metadata, log, seconds, _aside: aside }
    }

    /// Returns the error of the task; `None` if it did not fail.
    pub fn error(&self) -> Option<&anyhow::Error> {
        self.error.as_ref()
    }

    /// Returns the metadata that the task has recorded, also if it failed.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Returns the log of this run; `None` if it logged nothing.
    ///
    /// Its file is removed with the result, unless the output was committed.
    pub fn log(&self) -> Option<&TaskLog> {
        self.log.as_ref()
    }

    /// Returns the duration of the run in seconds.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }
}

impl fmt::Display for DebugOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_run(f, &self.label, self.seconds, self.error.as_ref())
    }
}

impl fmt::Debug for DebugOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<R> Subgraph<R> {
    /// Returns what is known of the last run of a task that is named at run time, and runs its instance again by itself on
    /// request.
    ///
    /// It selects the instance as [`debug`](Self::debug) does.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow::task::TaskInfo;
    ///
    /// #[task(target = Json<u64>)]
    /// fn count(cx: &Cx<count>) -> Result<u64> {
    ///     cx.meta("seen", 0)?;
    ///     bail!("there is nothing to count")
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let task = TaskInfo::named("count")?;
    /// let graph = Flow::open(folder.path())?.quiet().graph_of([task]);
    /// graph.run().unwrap_err();
    ///
    /// let debug = graph.debug_of(task)?;
    /// assert!(debug.to_string().contains("error: there is nothing to count"));
    /// let again = debug.run_again()?;
    /// assert_eq!(again.metadata()["seen"], 0);
    /// assert_eq!(again.error().context("it fails")?.to_string(), "there is nothing to count");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The task is external or an aggregate ([`DebugError::NotRun`]); otherwise the same as [`debug`](Self::debug).
    pub fn debug_of(&self, task: TaskInfo) -> Result<DebugInstance<TaskInfo>, Error> {
        let reason = match task.task.kind {
            Kind::Made => None,
            Kind::External => Some("it is external, so that another program writes its file"),
            Kind::Aggregate => Some("it is an aggregate, which only groups other tasks"),
        };
        if let Some(reason) = reason {
            return Err(DebugError::NotRun { task: task.name(), reason }.into());
        }
        Ok(DebugInstance { selected: self.select_to_debug(task.task)?, of: PhantomData })
    }
}

impl DebugInstance<TaskInfo> {
    /// Runs the task again on this thread, with the inputs of the last run, and commits nothing.
    ///
    /// # Errors
    ///
    /// Inputs are missing, or have changed; or the store cannot be read or written. The error of the task itself is
    /// [part of the result](DebugOutcome::error).
    pub fn run_again(&self) -> Result<DebugOutcome, Error> {
        Ok(DebugOutcome::new(Selected::run_again(&self.selected)?))
    }

    /// Runs the task again on this thread, with the present inputs, and commits its output.
    ///
    /// If the task fails again, the store records that failure and its log in place of the last one.
    ///
    /// # Errors
    ///
    /// Inputs are not complete, or have changed; the output cannot be committed; or the store cannot be read or
    /// written. The error of the task itself is [part of the result](DebugOutcome::error).
    pub fn run_and_commit(&self) -> Result<DebugOutcome, Error> {
        Ok(DebugOutcome::new(Selected::run_and_commit(&self.selected)?))
    }
}
