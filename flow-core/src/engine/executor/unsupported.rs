//! Child processes on systems that have none of the needed operations: planning refuses tasks in other processes there.

use std::path::Path;
use std::sync::Arc;

use super::{Executor, TaskJob};
use crate::base::fs::Fs;
use crate::base::key::Digest;
use crate::base::process::{executable, host};
use crate::base::stop::RunInProgress;
use crate::plan::executor::{JobEnd, JobLink};
use crate::store::Store;
use crate::task::execute::Executed;

/// An executor that is never called.
pub(crate) struct Children;

impl Children {
    pub(crate) fn new(_workers: usize) -> Self {
        Self
    }

    pub(crate) fn end(&self) {}
}

impl Executor for Children {
    fn execute(&self, _task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        anyhow::bail!("isolated tasks are not supported on this system")
    }
}

/// An executor that is never called.
#[derive(Default)]
pub(crate) struct Submitted;

impl Submitted {
    pub(crate) fn end(&self) {}
}

impl Executor for Submitted {
    fn execute(&self, _task: &TaskJob<'_>) -> anyhow::Result<Executed> {
        anyhow::bail!("tasks in other processes are not supported on this system")
    }
}

/// The messages of a run to a job.
#[derive(Default)]
pub struct JobInbox;

impl JobInbox {
    /// Creates an inbox.
    pub fn new() -> Self {
        Self
    }

    /// Adds a message of the run.
    pub fn send(&self, _message: String) {}

    /// Ends the process of the job.
    pub fn cancel(&self) {}
}

/// Runs no jobs on this system: it has no digest, by which a build is found.
pub struct JobRunner {
    store: Arc<Store>,
    _in_progress: RunInProgress,
}

impl JobRunner {
    pub(crate) fn new(
        store: &Arc<Store>,
        _opened_by: Option<&str>,
        _slots: usize,
        in_progress: RunInProgress,
    ) -> Self {
        Self { store: Arc::clone(store), _in_progress: in_progress }
    }

    /// Returns `None`: no job is for this program.
    pub fn build(&self) -> Option<Digest> {
        None
    }

    /// Returns the name of this program.
    pub fn program(&self) -> &str {
        &executable().name
    }

    /// Returns the name of this machine.
    pub fn host(&self) -> String {
        host()
    }

    /// Returns the folder of the store.
    pub fn folder(&self) -> &Path {
        self.store.root()
    }

    /// Returns the file system through which files in the folder of the store are reached.
    pub fn fs(&self) -> Arc<dyn Fs> {
        Arc::clone(self.store.fs())
    }

    /// Returns `None`: this process signs nothing.
    pub fn signing_gap(&self) -> Option<String> {
        None
    }

    /// Returns `None`: no job is for this process.
    pub fn refusal(&self, _payload: &str) -> Option<String> {
        None
    }

    /// Runs nothing.
    pub fn run(&self, _payload: &str, _inbox: &JobInbox, _link: &dyn JobLink) -> JobEnd {
        JobEnd::NotRun("tasks in other processes are not supported on this system".to_owned())
    }

    /// Does nothing.
    pub fn end(&self) {}
}

/// Does nothing: no process is a child that runs tasks.
pub fn take_over() {}
