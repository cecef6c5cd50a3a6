//! Executions: a plan being run.
//!
//! # Overview
//!
//! One [`coordinator`] owns all state of an execution, its [`schedule`]: what waits for what, what is
//! ready, what became of each instance. It hands instances that are ready to [`worker`]s, threads that settle
//! one instance at a time and send back a message. A [`committer`] makes what they wrote durable
//! and visible, a group at a time.
//!
//! # Settling
//!
//! A worker judges the instance again, for by now the content of all inputs is known. The output
//! may turn out to be there (*cut off*: upstream ran and gave the same bytes), an output made from
//! the same may be kept (*adopted*), or the task runs: its value is written under its final name
//! and hashed, and goes to the committer. What requires it may start at once, and is committed
//! after it. If the input cannot be committed, its consumer still may be: its record tells of the
//! content of the input, not of the input's record. One that would be made from the same as another
//! one that is running waits for that, and adopts ([`dedup`]).
//!
//! An input whose file is gone, but whose content is known, is made again only when a task that
//! requires it really runs: the worker then *demands* it, and the coordinator schedules it. So an
//! instance of which that turns out only now is cut off without its file, unless it is needed.
//!
//! # Failure
//!
//! A task fails if a file that it may read is written while it runs ([`watch`]).
//!
//! An error or a panic of a task is its outcome. Whatever requires it is not run; everything else
//! goes on, and what was committed stays.
//!
//! # What is required while a task runs
//!
//! A task that runs may require others. They are planned by themselves, and what is not complete
//! becomes another schedule, an execution of its own in the same [`session`]: the same coordinator,
//! the same workers. The task waits for it and gives its slot to others meanwhile, so that one worker
//! is enough; the thread stays, and another one takes its place. An instance that is in several
//! schedules is settled in one, and then found there by the others. A schedule in which an instance has
//! to wait for one that waits for that schedule is given up: what is required there requires itself
//! ([`cycle`]).
//!
//! What a record tells to have been required is made again in the same way, before the instance is
//! judged by it ([`remake`]).
//!
//! # Values in memory
//!
//! A value just made is handed to the tasks that became ready by it, if its target is exact; all
//! other inputs are loaded from their files. Values that several running tasks use are shared as
//! long as one of them holds it. So memory is bounded by what is ready, not by the graph.

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

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::event::Progress;
use crate::base::key::Digest;
use crate::base::stop::Stopper;
use crate::engine::held::Held;
use crate::engine::session::Session;
use crate::files::Contents;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::verdicts::Status;
use crate::store::Store;
use crate::store::limit::Limits;
use crate::store::made::Made;
use crate::store::record::Meta;
use crate::task::Kind;
use crate::task::error::LoadErrorKind;
use crate::task::input::Origin;
use crate::task::requirement::Form;
use crate::value::AnyValue;

/// A plan being run: what its threads share.
pub(crate) struct Execution {
    /// Its number in the session; that of the plan which the run is of is 0.
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

    /// One of several executions of a run.
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

impl Origin for Execution {
    fn store(&self) -> &Arc<Store> {
        self.plan.store()
    }

    fn contents(&self) -> &Contents {
        self.plan.contents()
    }

    fn kind(&self, node: NodeIndex) -> Kind {
        self.plan.kind(node)
    }

    fn label(&self, node: NodeIndex, in_full: bool) -> String {
        self.plan.label(node, in_full)
    }

    fn inputs(&self, node: NodeIndex) -> &[NodeIndex] {
        self.plan.inputs(node)
    }

    fn entry(&self, node: NodeIndex, place: usize) -> (Form, usize) {
        self.plan.entry(node, place)
    }

    fn task(&self, node: NodeIndex) -> &dyn Any {
        self.plan.task(node)
    }

    fn parameters_digest(&self, node: NodeIndex) -> Digest {
        self.plan.parameters_digest(node)
    }

    fn external(&self, node: NodeIndex) -> &Path {
        self.plan.external(node)
    }

    fn made(&self, node: NodeIndex) -> Result<Arc<Made>, LoadErrorKind> {
        self.held.made(node).map_or_else(|| self.plan.made(node), Ok)
    }

    fn value(&self, node: NodeIndex) -> Option<AnyValue> {
        self.held.value(node)
    }

    fn share(&self, node: NodeIndex, value: &AnyValue) {
        self.held.share(node, value);
    }
}
