//! Executors: where the task of an instance runs.
//!
//! An [`Executor`] runs one task somewhere and returns what the task has produced. Everything around that stays with
//! the worker and the committer of the coordinator's process, whichever executor runs the task: judging, reuse, the watch
//! of external files, the record, the commit. So an executor never plans, and an output is committed by one process only.
//!
//! | executor | where |
//! | --- | --- |
//! | [`threads`] | on the thread of the worker: the default |
//! | [`process`] | in a child process of the same program: `#[task(isolate)]` and [`Flow::isolate`](crate::Flow::isolate) |
//! | [`process::Submitted`] | in a child process elsewhere, by the [executor of the flow](crate::plan::executor) |
//!
//! # One call for each task
//!
//! [`Executor::execute`] blocks the thread of the worker until the task has ended. The thread serves what the task asks
//! for meanwhile. That keeps the trait to one function, and gives all executors the same slots, time-outs, retries and
//! messages. The executor of a flow works in the same way: the call submits a job and waits for the result, so a job in
//! flight is a thread that sleeps. A thread costs some ten kilobytes of memory that is touched, and `workers(n)` bounds
//! how many jobs are in flight.
//!
//! What an executor must do:
//!
//! - It says when the task [begins](TaskJob::begins), which may be later than the call.
//! - It returns the output of the task as files with final names in the folder of the instance, which no record names.
//! - It adds what the task has read to [`Running::reads`](crate::engine::running::Running::reads), and what it has logged
//!   and recorded as metadata to its [`Attempt`](crate::task::cx::Attempt).
//! - It passes on what the task asks for, through the [`Host`](crate::task::cx::Host) that `Running` implements: required
//!   instances, progress.
//! - If the [`Control`](crate::engine::job::Control) of the job is stopped, it tells the task. If the job is abandoned,
//!   it ends the task, if it can. The result is discarded in any case.
//! - The files of a task that fails, or that is lost, are removed, or left for `gc`.
//! - Where the task may outlive this process, it leaves a [draft record](crate::store::draft_record), from which another
//!   run commits the output. [`Running::set_draft`](crate::engine::running::Running::set_draft) names it, so that the
//!   committer removes it.
//! - If it is lost what has become of the task, because a machine is not heard of any more, the error is [`Lost`]. The
//!   coordinator starts it again, a few times without counting that as an attempt.
//! - If a user has cancelled the task alone, the error is [`Cancelled`]. The instance has failed, and is not tried again.

#[cfg(unix)]
pub(crate) mod process;
#[cfg(not(unix))]
#[path = "unsupported.rs"]
pub(crate) mod process;
mod threads;

use std::sync::Arc;

pub(crate) use self::process::{Children, Submitted};
pub use self::process::{JobInbox, JobRunner, take_over};
use self::threads::Threads;
use crate::base::key::Digest;
use crate::engine::running::Running;
use crate::plan::policy::ResolvedPolicy;
use crate::store::Folder;
use crate::store::record::MadeFrom;
use crate::task::execute::Executed;

/// Runs tasks somewhere. See the [module documentation](self).
pub(crate) trait Executor: Send + Sync {
    /// Runs one task to its end, and returns what it has produced.
    ///
    /// # Errors
    ///
    /// The task returned an error or panicked, the execution was stopped, or the task was lost with its process.
    fn execute(&self, task: &TaskJob<'_>) -> anyhow::Result<Executed>;
}

/// One attempt to run the task of an instance.
pub(crate) struct TaskJob<'a> {
    /// The instance, with everything that its task asks for.
    pub(crate) running: &'a Arc<Running>,
    /// The folder of the instance in the store, to which the output is written.
    pub(crate) folder: &'a Folder,
    /// The fingerprint of the output, which is part of the names of its files.
    pub(crate) fingerprint: Digest,
    /// What the output is computed from, and the format of its record.
    pub(crate) made_from: &'a MadeFrom,
    pub(crate) format: u32,
    /// The number of the attempt, beginning with 1. Losses do not count, up to a limit.
    pub(crate) attempt: u32,
    pub(crate) policy: &'a ResolvedPolicy,
    /// To be called when the task begins: it counts as started, and its time-out and duration count from then on.
    pub(crate) begins: &'a dyn Fn(),
}

/// The error of a task that has not ended: the process that ran it does not run it any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    /// The process or machine is gone. It is not known how the task has ended.
    #[error("it was lost: {0}")]
    Gone(String),
    /// The process has given the task back, with the sentence that says so.
    #[error("{0}")]
    GivenBack(String),
}

/// The error of a task that a user has cancelled, and not with its run. It is not tried again, and the run goes on.
#[derive(Debug, thiserror::Error)]
#[error("it was cancelled: {0}")]
pub(crate) struct Cancelled(pub(crate) String);

/// The error of a job that its executor can run nowhere. The task has not begun, and is not tried again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct RunsNowhere(pub(crate) String);

/// Returns the executor that runs a task.
pub(crate) fn of<'a>(task: &TaskJob<'a>) -> &'a dyn Executor {
    let Running { execution, node, .. } = &**task.running;
    let plan = &execution.plan;
    if plan.policies.runs_elsewhere(&plan.graph, *node) {
        return &execution.session.submitted;
    }
    // The output that a test gives replaces the task, which does not run.
    match task.policy.isolate && plan.graph.stand_in(*node).is_none() {
        true => &execution.session.children,
        false => &Threads,
    }
}
