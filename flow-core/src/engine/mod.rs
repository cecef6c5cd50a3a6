//! The engine: runs a plan.
//!
//! # Overview
//!
//! An [`Execution`] is a plan that is being run. The plan never changes; everything that changes during
//! the run is owned by one thread, the [`coordinator`]. For each execution the coordinator has a
//! [`Schedule`](schedule::Schedule), which says what each instance waits for, which instances are ready, and what
//! became of the others. The other threads receive jobs and send messages back:
//!
//! - *Workers* ([`worker`]) settle one instance at a time: they judge it, reuse a kept output or run the task, and
//!   write the output and a staged record.
//! - The *committer* ([`committer`]) makes staged outputs durable and renames their records into place, a group at
//!   a time. Only the committer commits.
//!
//! The executions of one run share a [`session`]: the channel to the coordinator, the worker slots, and caches.
//! There is one execution for the run's own plan (number 0) and one for each request of a running task for
//! further tasks.
//!
//! # The life of an instance
//!
//! ```text
//!  verdict of the plan
//!    │
//!    ├─ complete ──────────────────────────────────────────────► AlreadyComplete
//!    ├─ content known, and nothing needs the file so far ──────► NotNeeded ──┐
//!    └─ kept or pending ─► Open                                              │ demanded
//!                           │ ◄──────────────────────────────────────────────┘
//!                           ▼
//!                        waiting   until its inputs are settled
//!                           ▼
//!                        ready     all inputs are settled
//!                           │ ──► parked, while another schedule settles the same key; then ready again
//!                           ▼
//!                        running   on a worker, which judges the instance again
//!                           │
//!                           ├─ output unchanged ───────────────► Unchanged
//!                           ├─ external or aggregate ──────────► Found
//!                           ├─ has to run, but an input's file is missing ──► waiting for that input (demand)
//!                           ├─ has to run, but an instance with the same fingerprint is running
//!                           │                                    ──► parked until that is committed; then ready
//!                           ├─ error or panic ─────────────────► Failed; its consumers: NotRun
//!                           ├─ the execution was stopped ──────► Stopped
//!                           └─ ran, reused, or given by a test
//!                                ▼
//!                              staged    consumers may start; the committer has the record
//!                                ├─ committed ─────────────────► Ran, Reused or Given
//!                                └─ the commit failed ─────────► Failed; consumers not started: NotRun
//! ```
//!
//! The names on the right are [`Outcome`](outcome::Outcome)s. An instance that another schedule settled ends as
//! `Elsewhere` in this one. An instance may be `Unchanged` although its file is missing; it can then be demanded like one
//! that is `NotNeeded`. When an execution is stopped, all instances that are not with a worker or the committer
//! become `Stopped`.
//!
//! A worker judges the instance again because it knows the content of all inputs by then, which the plan did not.
//! So the output may turn out to be complete: upstream ran and produced the same bytes (early cutoff).
//!
//! A consumer may start as soon as its input is staged, and its record goes to the committer after the record of
//! the input. If the commit of the input fails, a consumer that has started is committed all the same: its record
//! holds the digest of the input's content, and does not refer to the input's record.
//!
//! # Scheduling
//!
//! The coordinator sends ready instances to the workers, one more than there are workers, so that no worker waits
//! for its next job. Schedules that a running task waits for go first. Within a schedule the instance that became ready
//! last goes first, so that values in memory are consumed soon.
//!
//! - **Missing files** ([`demand`]). An input whose content is known but whose file is missing is not produced in
//!   advance. When a task that requires the input has to run, the worker *demands* the input, and the coordinator
//!   schedules it first. So files that no task reads are not produced again.
//! - **Equal fingerprints** ([`dedup`]). Of several instances with the same fingerprint one runs; the others wait for
//!   its commit and reuse its output.
//! - **Failures.** An error or a panic of a task is the outcome of that instance. Its consumers do not run; all other
//!   instances do, and what is committed stays. A task also fails if a file that it may have read was written
//!   while it ran ([`watch`]).
//!
//! # Messages
//!
//! | from | to | message |
//! | --- | --- | --- |
//! | coordinator | worker | [`Job`](worker::Job): settle this instance |
//! | worker | coordinator | `Settled`, `Failed`, `Demand`, `Wait`, `GivenUp`: exactly one for each job |
//! | worker, on behalf of a running task | coordinator | `Require`: run this plan, and reply when it has ended |
//! | coordinator | committer | [`ToCommit`](committer::ToCommit): a staged output |
//! | committer | coordinator | `Committed`: exactly one for each staged output |
//!
//! The variants are those of [`Message`](message::Message). A worker catches panics of user code, so that its message
//! is never lost.
//!
//! # Requirements of running tasks
//!
//! A running task may require further tasks. They form a plan of their own. If that plan is not complete, it becomes
//! another execution in the same session, with the same coordinator and workers. The task keeps its thread
//! but releases its worker slot while it waits, and another thread takes the slot. So a run with one worker
//! cannot deadlock. The number of threads is bounded by how deep tasks wait for each other: a thousand levels are a
//! thousand threads, whose stacks are mapped but hardly used. If the operating system refuses a thread, `require`
//! returns an error.
//!
//! An instance that is part of several schedules is settled in the schedule that claims its key first; the others find
//! its output. If a schedule would wait for an instance that waits for this schedule, the required task
//! requires itself, which is an error ([`cycle`]).
//!
//! The record of an output lists the instances that its task required while it ran. Before an instance is judged by
//! such a record, the listed instances are produced in the same way if they are not complete ([`remake`]). A run
//! relies on one content of each instance: if an instance was produced again with other content than other tasks
//! have loaded, the execution is marked `outdated`, and the caller plans and runs again until the contents agree.
//!
//! # Values in memory
//!
//! A value that a task returned is passed in memory to the consumers that became ready with it, if the target is exact.
//! All other inputs are loaded from their files. A value that several running tasks use is shared as long as one of
//! them holds it ([`held`]). So memory is bounded by the instances that are ready, and not by the size of the graph.
//!
//! # Comparison
//!
//! [`shadow`] runs tasks without committing anything, in order to compare their outputs with the stored ones.

pub(crate) mod committer;
pub(crate) mod coordinator;
pub(crate) mod cycle;
pub(crate) mod dedup;
pub(crate) mod demand;
pub(crate) mod held;
pub(crate) mod message;
pub(crate) mod outcome;
pub(crate) mod remake;
pub(crate) mod running;
pub(crate) mod schedule;
pub(crate) mod session;
pub(crate) mod shadow;
mod watch;
pub(crate) mod worker;

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::event::Progress;
use crate::base::key::Digest;
use crate::base::stop::Stopper;
use crate::engine::held::Held;
use crate::engine::session::Session;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::verdicts::Status;
use crate::store::limit::Limits;
use crate::store::made::Made;
use crate::store::record::Meta;
use crate::task::cx::Reads;
use crate::task::input::{Handle, RunOutputs};
use crate::value::AnyValue;

/// A plan that is being run: the state that its threads share.
pub(crate) struct Execution {
    /// The number of this execution in the session; 0 for the run's own plan.
    pub(crate) id: u32,
    pub(crate) session: Arc<Session>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) held: Held,
    pub(crate) stopper: Stopper,
    pub(crate) progress: Progress,
}

impl Execution {
    pub(crate) fn new(
        plan: Arc<Plan>,
        workers: usize,
        stopper: Stopper,
        progress: Progress,
        limits: Limits,
    ) -> Result<Arc<Self>, StoreError> {
        let is_open = |status| matches!(status, Status::Kept | Status::Pending);
        let has_work = plan.graph.nodes().any(|node| is_open(plan.verdicts.status(node)));
        let run_lock = if has_work { plan.store.begin()? } else { None };
        let session = Session::new(workers, limits, run_lock);
        Ok(Self::in_session(&session, plan, stopper, progress))
    }

    /// Creates an execution of a plan in an existing session.
    pub(crate) fn in_session(
        session: &Arc<Session>,
        plan: Arc<Plan>,
        stopper: Stopper,
        progress: Progress,
    ) -> Arc<Self> {
        let held = Held::new(plan.graph.len());
        let (id, session) = (session.number(), Arc::clone(session));
        Arc::new(Self { id, session, plan, held, stopper, progress })
    }

    /// Returns a handle on an instance for a running task, whose reads are recorded in `reads`.
    pub(crate) fn handle(self: &Arc<Self>, node: NodeIndex, reads: &Arc<Reads>) -> Handle {
        let plan = Arc::clone(&self.plan);
        Handle::running(plan, Arc::clone(self) as _, node, reads)
    }
}

impl Upstream for Execution {
    fn digest(&self, node: NodeIndex) -> Option<Digest> {
        let made = self.held.made(node).or_else(|| self.held.gone(node));
        made.map(|made| made.output.digest).or_else(|| self.plan.verdicts.digest(node))
    }

    fn meta(&self, node: NodeIndex) -> Option<Meta> {
        let made = self.held.made(node).or_else(|| self.held.gone(node));
        made.map(|made| made.meta.clone()).or_else(|| self.plan.verdicts.meta(node))
    }

    fn was_forced(&self, node: NodeIndex) -> bool {
        self.session.was_forced(self.plan.graph.node(node).key)
    }
}

impl RunOutputs for Execution {
    fn made(&self, node: NodeIndex) -> Option<Arc<Made>> {
        self.held.made(node)
    }

    fn value(&self, node: NodeIndex) -> Option<AnyValue> {
        self.held.value(node)
    }

    fn share(&self, node: NodeIndex, value: &AnyValue) {
        self.held.share(node, value);
    }
}
