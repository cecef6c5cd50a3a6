//! A worker: a thread that settles one instance at a time.
//!
//! This module takes jobs from the queue and sends a message about each. [`settle`](mod@settle) judges the instance again, now
//! that the content of its inputs is known; then it accepts the output that is there, [reuses](crate::engine::reuse) a kept
//! one, or [claims](crate::engine::claim) the instance and [runs](mod@run) the task. The output is written under its final, unique
//! name, its record is staged, and the committer commits it.

mod run;
mod settle;

use std::cell::Cell;
use std::ops::ControlFlow;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender};

use self::settle::Settled;
use crate::base::panics;
use crate::base::process::{Spent, Stopwatch};
use crate::engine::Execution;
use crate::engine::committer::ToCommit;
use crate::engine::job::Job;
use crate::engine::message::{End, How, Message};
use crate::engine::running::ProcessCost;
use crate::plan::Plan;
use crate::store::failure::{FailedInstance, FailedRun};

/// Settles the instances of the queue until it is closed.
///
/// Returns `Break` as soon as a job of this thread was abandoned: the coordinator has replaced the thread.
pub(crate) fn work(jobs: &Receiver<Job>, messages: &Sender<Message>) -> ControlFlow<()> {
    jobs.iter().try_for_each(|job| settle(job, messages))
}

/// Settles the instances of the queue on the thread that called `run`, until it is closed.
pub(crate) fn work_on_caller(jobs: &Receiver<Job>, messages: &Sender<Message>) {
    for job in jobs {
        // The coordinator cannot replace this thread, so it goes on after an abandoned job.
        let _ = settle(job, messages);
    }
}

/// Settles the instance of a job, and sends one message about it, unless the job was abandoned.
///
/// Returns `Break` if the job was abandoned: the coordinator has replaced this thread.
pub(crate) fn settle(job: Job, messages: &Sender<Message>) -> ControlFlow<()> {
    let session = Arc::clone(&job.execution.session);
    job.control.begin(&session.slots);
    let (at, number) = ((job.execution.id, job.node), job.control.number);
    // The job may have been sent before the execution was stopped.
    let end = match job.control.stopper.is_stopped() || session.is_halted() {
        true => End::GivenUp,
        // The coordinator waits for a message of each job, even if the worker panics.
        false => panics::catch(|| Worker::new(&job, messages).end()).unwrap_or_else(|error| {
            let error = error.into();
            End::Failed { error, spent: None }
        }),
    };
    let counts = job.control.end(&session.slots);
    let plan = Arc::clone(&job.execution.plan);
    // This may be the last reference to the plan and its tasks, whose destructors may panic.
    panics::discard(job);
    if counts {
        let _ = messages.send(Message::Ended { at, number, end });
    } else {
        discard(&plan, end);
    }
    panics::discard(plan);
    if counts { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

/// Removes the files of an output that is not committed, because its job was abandoned.
fn discard(plan: &Plan, end: End) {
    if let End::Settled { made, .. } = end
        && let Some(ToCommit { staged, draft, .. }) = made.staged.map(|staged| *staged)
    {
        draft.iter().for_each(|draft| plan.store.discard_path(draft));
        plan.store.discard_path(&staged.draft);
        staged.output.iter().for_each(|output| plan.store.discard(&staged.folder, output));
    }
}

pub(super) struct Worker<'a> {
    pub(super) job: &'a Job,
    pub(super) execution: &'a Arc<Execution>,
    messages: &'a Sender<Message>,
    /// Whether the task has begun to run.
    pub(super) has_begun: Cell<bool>,
    /// What the task left behind and was about to compute, if it failed.
    pub(super) failed: Cell<Option<(FailedRun, FailedInstance)>>,
    /// What the process of the task has used, if it ran in one.
    used: Cell<Option<ProcessCost>>,
    /// When the task was started and how many seconds it took, if it ran elsewhere.
    ran: Cell<Option<(jiff::Timestamp, f64)>>,
}

impl<'a> Worker<'a> {
    fn new(job: &'a Job, messages: &'a Sender<Message>) -> Self {
        Self {
            job,
            execution: &job.execution,
            messages,
            has_begun: Cell::new(false),
            failed: Cell::default(),
            used: Cell::default(),
            ran: Cell::default(),
        }
    }

    /// Settles the instance, and returns the result for the coordinator.
    fn end(&self) -> End {
        let stopwatch = Stopwatch::start();
        let settled = panics::catch_error(|| self.settle());
        let mut spent = stopwatch.read();
        if let Some(ProcessCost { cpu_seconds, peak_bytes }) = self.used.get() {
            spent = Spent { cpu_seconds, peak_bytes, ..spent };
        }
        if let Some((started, seconds)) = self.ran.get() {
            spent = Spent { started, seconds, ..spent };
        }
        spent.elsewhere = self.job.control.elsewhere().cloned();
        match settled {
            Ok(Settled::Demand(inputs)) => End::Demand(inputs),
            Ok(Settled::Wait(first)) => End::Wait(first),
            Ok(Settled::Busy) => End::Busy,
            Ok(Settled::As(how, made)) => {
                // The schedule decides whether an unchanged instance is reported, and the late result of an abandoned
                // job never is.
                let counts = self.job.control.conclude();
                if counts && !matches!(how, How::Unchanged | How::OtherProcess) {
                    self.execution.report_settled(self.job.node, how, spent.seconds as f32);
                }
                End::Settled { how, spent, made: Box::new(made) }
            }
            Err(error) => self.failure(error, spent),
        }
    }
}
