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
//!                           ├─ another process has computed it ► OtherProcess
//!                           ├─ external or aggregate ──────────► Found
//!                           ├─ has to run, but an input's file is missing ──► waiting for that input (demand)
//!                           ├─ has to run, but an instance with the same fingerprint is running
//!                           │                                    ──► parked until that is committed; then ready
//!                           ├─ has to run, but another process runs it
//!                           │                                    ──► parked until that has ended; then ready
//!                           ├─ error or panic ─────────────────► Failed; its consumers: NotRun
//!                           ├─ the execution was stopped, or the store cannot be written
//!                           │                                  ──► Stopped
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
//! for its next job. Schedules that a running task waits for go first. Within a schedule the order is that of
//! [`ready`]: priority, then the longest path of instances that wait, in seconds of their last runs, then the instance
//! that became ready last, so that values in memory are consumed soon.
//!
//! An instance that demands several threads or resources starts when the [`ledger`] has them. A task that continues after
//! it has waited for others gets its resources first. Without workers
//! (`workers(0)`), the thread that called `run` is the only worker, and the coordinator has a thread of its own; a
//! task that waits for others settles them on its own stack.
//!
//! - **Missing files** ([`demand`]). An input whose content is known but whose file is missing is not produced in
//!   advance. When a task that requires the input has to run, the worker *demands* the input, and the coordinator
//!   schedules it first. So files that no task reads are not produced again.
//! - **Equal fingerprints** ([`dedup`]). Of several instances with the same fingerprint one runs; the others wait for
//!   its commit and reuse its output.
//! - **Other processes** ([`claim`], [`busy`]). A worker claims an instance before its task runs. If another process has
//!   claimed it, the instance waits without a worker, and takes the output of that process.
//! - **Failures.** An error or a panic of a task is the outcome of that instance, after as many attempts as its policy
//!   allows. Its consumers do not run. Whether other instances do is a setting of the flow; what is committed stays. A
//!   task also fails if a file that it may have read was written while it ran ([`watch`]).
//! - **A store that cannot be written** ends the run ([`failure`]): no further instance starts, and the run returns the
//!   error of the store. So one task has run in vain, and not all of them.
//! - **Time-outs.** A thread cannot be ended from outside, and a child process is killed. If a task takes too long, its
//!   stop signal is set, its job is *abandoned* and the instance fails. The coordinator records the failure, with what was
//!   logged so far and with the inputs ([`failed`]). The thread ends with the task, whose result is discarded ([`job`]). At
//!   once another thread takes its place, its claim is released, its log ends, and what it requires is stopped.
//!
//! # Executors
//!
//! A worker runs a task through an [`executor`]: on its own thread, in a child process if the task is isolated, or elsewhere
//! if the flow has an [executor](crate::plan::executor) of its own. The executor returns the files of the output and what
//! the task has read. The worker does the rest in all cases.
//!
//! # Messages
//!
//! | from | to | message |
//! | --- | --- | --- |
//! | coordinator | worker | [`Job`](job::Job): settle this instance |
//! | worker | coordinator | `Started`, if the task has a time-out; `Ended`: exactly one for each job that is not abandoned |
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
//! - **Budget** ([`budget`]). A value is *pinned* for its consumers if its size fits into the budget of the flow. Otherwise
//!   each consumer reads the file.
//! - **Last consumer.** The coordinator drops a pinned value when it takes the result of the last consumer for which the
//!   value is pinned, and so before anything starts that waits for that consumer.
//! - **`Memory` tasks.** Their values belong to the store (`store/memory`), not to the run. They are pinned without using the
//!   budget again, count against it before all others, and are kept beyond it: [`Memory`](crate::Memory) promises them to
//!   later runs and loads of the same flow, and to compute one again may take hours. The run warns instead. A value
//!   that is not in memory, as in another process, is demanded like a missing file, and computed again.
//! - **Sizes** (`target/footprint`). The target measures a value, or the type of the value does. What is not known counts as
//!   the bytes of the file or, without a file, as those of the type itself.
//! - **Dynamic requirements.** The plan of a requirement is dropped with the handles of the task that required it, at the latest
//!   when the task ends, unless an instance of the plan was settled by this run: then the summary lists the instance, and
//!   holds the plan.
//!
//! # Events
//!
//! Each step of an instance is an event of the run's [`Reporter`](crate::report::reporter::Reporter), which never waits
//! for an observer. [`reports`] has a function for each event. The thread that knows of a step first reports it: the worker
//! that a task begins or ends, and the coordinator the rest. So an instance is reported as finished before any instance
//! starts that requires it.
//!
//! # History
//!
//! The coordinator passes what became of each instance to the [`Recorder`] of the run, which writes the history in the
//! store ([`history`]). Nothing in the engine depends on it.
//!
//! # Shadow runs
//!
//! [`shadow`] runs tasks without committing anything: to compare their outputs with the stored ones, and to run one
//! instance again for [`debug`](crate::Flow::debug). Such a task is answered by complete outputs if it requires others.

pub(crate) mod budget;
pub(crate) mod busy;
pub(crate) mod claim;
pub(crate) mod committer;
pub(crate) mod coordinator;
pub(crate) mod cycle;
pub(crate) mod dedup;
pub(crate) mod demand;
pub(crate) mod executor;
mod failed;
mod failure;
pub(crate) mod held;
mod history;
pub(crate) mod job;
mod ledger;
pub(crate) mod message;
pub(crate) mod nested;
pub(crate) mod outcome;
mod quality;
mod ready;
pub(crate) mod recover;
pub(crate) mod remake;
mod reports;
mod reuse;
pub(crate) mod running;
pub(crate) mod schedule;
pub(crate) mod session;
pub(crate) mod shadow;
mod timers;
mod watch;
pub(crate) mod worker;

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::stop::Stopper;
use crate::engine::held::Held;
use crate::engine::nested::{Enclosing, RunningAt};
use crate::engine::session::Session;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::verdicts::Status;
use crate::report::reporter::Reporter;
use crate::store::history::Recorder;
use crate::store::limit::Limits;
use crate::store::made::Made;
use crate::store::output::Output;
use crate::store::record::Meta;
use crate::task::Kind;
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
    pub(crate) reporter: Arc<Reporter>,
    /// The tasks that wait for it: those around the session and, if a running task requires it, that task.
    enclosing: Enclosing,
}

impl Execution {
    pub(crate) fn new(
        plan: Arc<Plan>,
        workers: usize,
        stopper: Stopper,
        reporter: Arc<Reporter>,
        limits: Limits,
        history: &Arc<Recorder>,
    ) -> Result<Arc<Self>, StoreError> {
        let is_open = |status| matches!(status, Status::Kept | Status::Pending);
        let open = || plan.graph.nodes().filter(|&node| is_open(plan.verdicts.status(node)));
        // A run of several executions has the lock of the first one until its end.
        let run_lock = match history.run_lock() {
            held @ Some(_) => held,
            // Each of them stores a record, an output in memory too.
            None if open().any(|node| plan.graph.kind(node) == Kind::Made) => {
                plan.store.begin_to_store()?.map(Arc::new)
            }
            None if open().next().is_some() => plan.store.begin()?.map(Arc::new),
            None => None,
        };
        if open().next().is_some() {
            history::begin(history, &plan, workers, limits, run_lock.as_ref());
        }
        let session = Session::new(
            workers,
            limits,
            plan.policies.value_bytes(),
            run_lock,
            Arc::clone(history),
        );
        // The run can be stopped without the flow.
        Ok(Self::in_session(&session, plan, stopper.child(), reporter))
    }

    /// Creates an execution of a plan in an existing session.
    pub(crate) fn in_session(
        session: &Arc<Session>,
        plan: Arc<Plan>,
        stopper: Stopper,
        reporter: Arc<Reporter>,
    ) -> Arc<Self> {
        let enclosing = session.enclosing.clone();
        Self::within(session, plan, stopper, reporter, enclosing)
    }

    /// Creates an execution that these tasks wait for.
    fn within(
        session: &Arc<Session>,
        plan: Arc<Plan>,
        stopper: Stopper,
        reporter: Arc<Reporter>,
        enclosing: Enclosing,
    ) -> Arc<Self> {
        let held = Held::new(plan.graph.len());
        let (id, session) = (session.number(), Arc::clone(session));
        Arc::new(Self { id, session, plan, held, stopper, reporter, enclosing })
    }

    /// Returns the tasks that wait for an instance, and the instance itself.
    fn around(&self, node: NodeIndex) -> Enclosing {
        let task = self.plan.graph.task(node).decl.name.clone();
        let at = RunningAt::new(&self.plan.store, self.plan.graph.node(node).key, task);
        self.enclosing.around(at)
    }

    /// Whether no further instance starts: the execution was stopped, or its store cannot be written.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopper.is_stopped() || self.session.is_halted()
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

    fn output(&self, node: NodeIndex) -> Option<Output> {
        let made = self.held.made(node).or_else(|| self.held.gone(node));
        made.map(|made| made.output.clone()).or_else(|| self.plan.verdicts.output(node))
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
