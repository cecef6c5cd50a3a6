//! The schedule of one execution: which instance waits for which, and the outcome of each.
//!
//! A schedule is a state machine without threads of its own: the coordinator pops [`ready`](Schedule::ready)
//! instances, and passes each message of a worker or the committer to [`Schedule::end`].

mod order;
mod results;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;
use daggy::NodeIndex;

use crate::base::process::Spent;
use crate::engine::Execution;
use crate::engine::message::{At, How};
use crate::engine::outcome::{Outcome, StoppedBy, TaskError};
use crate::engine::ready::Ready;
use crate::engine::session::{Reply, Unmade};
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;

/// The state of one execution.
pub(super) struct Schedule {
    pub(super) execution: Arc<Execution>,
    /// The running instance that waits for this execution, the number of its job, and the channel for the reply. `None`
    /// for the run's own.
    pub(super) request: Option<(At, u64, Sender<Reply>)>,
    pub(super) outcomes: Vec<Outcome>,
    errors: Vec<TaskError>,
    /// For each open instance, the number of its inputs that are not settled.
    pub(super) waiting: Vec<u32>,
    /// The instances that can be settled.
    pub(super) ready: Ready,
    /// The duration of the longest path of instances that wait for each instance, in seconds. Empty if no duration is
    /// known.
    paths: Vec<f32>,
    /// How often the task is started with its next attempt, for instances whose task has failed or was lost.
    starts: HashMap<NodeIndex, u32>,
    /// How often the task of an instance was lost with the process or machine that ran it.
    losses: HashMap<NodeIndex, u32>,
    /// The instances that are with the workers: at most one more than there are workers.
    pub(super) running: HashSet<NodeIndex>,
    /// The instances that are ready but wait for time to pass or for resources.
    pub(super) held_back: HashSet<NodeIndex>,
    /// The staged instances that are not committed yet, each with the outcome that it gets when it is.
    pub(super) committing: HashMap<NodeIndex, Outcome>,
    /// The instances that were opened by a demand, each with the instances that wait for it. For every
    /// other instance, its consumers in the graph wait.
    pub(super) demands: HashMap<NodeIndex, Vec<NodeIndex>>,
    /// The instances that wait for a member of an aggregate that they require, where the member was open before
    /// it was demanded.
    pub(super) through: HashMap<NodeIndex, Vec<NodeIndex>>,
    /// For each consumer, the input whose value is pinned for it.
    pinned_for: HashMap<NodeIndex, NodeIndex>,
    /// The pinned inputs.
    pins: HashMap<NodeIndex, Pin>,
    /// Whether the execution was stopped: no more instances are started.
    pub(super) stopped: bool,
    /// What has stopped it, if it was stopped.
    pub(super) stopped_by: StoppedBy,
    /// Whether an output has other content than the plan relied on.
    pub(super) outdated: bool,
    /// The aggregates with such an output as a member, whose digests have to be computed again.
    pub(super) regather: BTreeSet<NodeIndex>,
    /// The instances that wait until another schedule settles the same key, until the first instance with their
    /// fingerprint is committed, or until another process has computed them.
    pub(super) parked: HashSet<NodeIndex>,
    /// The instances that another schedule has settled, or that waited for it.
    was_parked: HashSet<NodeIndex>,
    /// The labels along a cycle of tasks that require each other while they run, if there is one.
    pub(super) cycle: Option<Vec<String>>,
    /// When a worker began with each instance that is being committed, and what that has cost, for the history.
    pub(super) spent: HashMap<NodeIndex, Spent>,
}

/// A value that is kept in memory for consumers.
struct Pin {
    /// The number of consumers that have not loaded it.
    consumers: usize,
    bytes: u64,
}

impl Schedule {
    pub(super) fn new(execution: Arc<Execution>) -> Self {
        let plan = Arc::clone(&execution.plan);
        let mut schedule = Self {
            execution,
            request: None,
            parked: HashSet::new(),
            was_parked: HashSet::new(),
            cycle: None,
            spent: HashMap::new(),
            outcomes: Vec::with_capacity(plan.graph.len()),
            errors: Vec::new(),
            waiting: vec![0; plan.graph.len()],
            ready: Ready::default(),
            paths: Vec::new(),
            starts: HashMap::new(),
            losses: HashMap::new(),
            running: HashSet::new(),
            held_back: HashSet::new(),
            committing: HashMap::new(),
            demands: HashMap::new(),
            through: HashMap::new(),
            pinned_for: HashMap::new(),
            pins: HashMap::new(),
            stopped: false,
            stopped_by: StoppedBy::default(),
            outdated: false,
            regather: BTreeSet::new(),
        };
        for node in plan.graph.nodes() {
            let outcome = schedule.first_outcome(node);
            schedule.outcomes.push(outcome);
        }
        schedule.paths = order::paths(&plan, &schedule.outcomes);
        for node in plan.graph.nodes() {
            if schedule.outcomes[node.index()] == Outcome::Open {
                schedule.open(node);
            }
        }
        // Of equal instances the last one goes first, but at the beginning the first instance of the plan.
        schedule.ready.reverse();
        schedule
    }

    fn first_outcome(&self, node: NodeIndex) -> Outcome {
        let plan = &self.execution.plan;
        match plan.verdicts.status(node) {
            Status::Complete => Outcome::AlreadyComplete,
            Status::Evicted | Status::Unchecked => Outcome::NotNeeded,
            // The content is known. The file is produced again only if a task that requires it runs.
            Status::Pending
                if plan.verdicts.digest(node).is_some() && !plan.graph.is_root(node) =>
            {
                Outcome::NotNeeded
            }
            Status::Kept | Status::Pending => Outcome::Open,
        }
    }

    /// Whether no instance is ready, running, parked or being committed.
    pub(super) fn is_over(&self) -> bool {
        self.has_nothing_to_run() && self.committing.is_empty() && self.parked.is_empty()
    }

    /// Whether no instance is ready or running. Some may be parked or being committed.
    pub(super) fn has_nothing_to_run(&self) -> bool {
        self.running.is_empty() && self.held_back.is_empty() && self.ready.is_empty()
    }

    /// Lets an instance wait until another schedule has settled it.
    pub(super) fn park(&mut self, node: NodeIndex) {
        self.parked.insert(node);
        self.was_parked.insert(node);
    }

    /// Records that another schedule has settled an instance.
    pub(super) fn mark_settled_in_other_schedule(&mut self, node: NodeIndex) {
        self.was_parked.insert(node);
    }

    /// Fails an instance with an error that comes from another schedule.
    pub(super) fn fail_from_other_schedule(&mut self, node: NodeIndex, error: String) {
        self.unpin_for(node);
        let error = Some(self.push_error(error.into()));
        self.conclude(node, Outcome::Elsewhere { error });
        self.block_waiters(node, node);
    }

    fn push_error(&mut self, error: TaskError) -> u32 {
        self.errors.push(error);
        self.errors.len() as u32 - 1
    }

    /// Returns the error that an outcome refers to.
    pub(super) fn error(&self, place: u32) -> &str {
        &self.errors[place as usize].text
    }

    /// Returns whether the error that an outcome refers to says that a user has cancelled the job of the instance.
    pub(super) fn is_cancelled(&self, place: u32) -> bool {
        self.errors[place as usize].is_cancelled
    }

    /// Returns the reply for the instance that waits for this schedule.
    pub(super) fn reply(&self) -> Reply {
        let roots = self.execution.plan.graph.roots.iter().map(|&root| self.result(root));
        Reply { roots: roots.collect(), outdated: self.outdated }
    }

    /// Returns whether the output of an instance exists and, if not, why.
    fn result(&self, node: NodeIndex) -> Result<(), Unmade> {
        let error = |place: u32| self.error(place).to_owned();
        let failed = |node: NodeIndex| match self.outcomes[node.index()] {
            Outcome::Failed { error: place, .. } | Outcome::Elsewhere { error: Some(place) } => {
                error(place)
            }
            _ => "it was not run".to_owned(),
        };
        let unmade = match self.outcomes[node.index()] {
            Outcome::AlreadyComplete
            | Outcome::NotNeeded
            | Outcome::Ran { .. }
            | Outcome::Given
            | Outcome::Reused
            | Outcome::Unchanged
            | Outcome::OtherProcess
            | Outcome::NowComplete
            | Outcome::Elsewhere { error: None } => return Ok(()),
            Outcome::Open | Outcome::Stopped => Unmade::Stopped,
            Outcome::Failed { .. } | Outcome::Elsewhere { .. } => {
                Unmade::Failed(format!("it failed: {}", failed(node)))
            }
            Outcome::NotRun { because } => {
                let label = self.execution.plan.graph.label(because, Show::Clipped);
                Unmade::Failed(format!("{label} failed: {}", failed(because)))
            }
        };
        Err(match (&self.cycle, unmade) {
            (Some(cycle), Unmade::Failed(_)) => Unmade::Cycle(cycle.clone()),
            (_, unmade) => unmade,
        })
    }

    /// Returns the outcome of each instance, and the errors that they refer to.
    pub(super) fn into_outcomes(self) -> (Vec<Outcome>, Vec<TaskError>) {
        (self.outcomes, self.errors)
    }

    /// Whether an instance is open, and neither with a worker nor with the committer.
    fn is_idle(&self, node: NodeIndex) -> bool {
        self.outcomes[node.index()] == Outcome::Open
            && !self.running.contains(&node)
            && !self.committing.contains_key(&node)
    }

    /// Stops the schedule for this reason, unless it was stopped before.
    pub(super) fn stop_by(&mut self, by: StoppedBy) {
        if !self.stopped {
            self.stopped_by = by;
            self.stop();
        }
    }

    /// Stops the schedule: instances that are not with a worker or the committer are never started.
    pub(super) fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.ready.clear();
        self.parked.clear();
        self.held_back.clear();
        for node in self.execution.plan.graph.nodes() {
            if self.is_idle(node) {
                self.unpin_for(node);
                self.conclude_stopped(node);
            }
        }
    }

    /// Concludes that an instance is not run, or not to its end, because the execution was stopped.
    pub(super) fn conclude_stopped(&mut self, node: NodeIndex) {
        self.outcomes[node.index()] = Outcome::Stopped;
        self.record(node, Outcome::Stopped);
    }

    fn conclude(&mut self, node: NodeIndex, outcome: Outcome) {
        self.outcomes[node.index()] = outcome;
        self.record(node, outcome);
        let execution = &self.execution;
        match outcome {
            Outcome::Ran { .. } | Outcome::Given | Outcome::Reused => {
                execution.report_committed(node);
            }
            Outcome::Unchanged => execution.report_settled(node, How::Unchanged, 0.0),
            Outcome::Failed { error, seconds } => {
                let error = &self.errors[error as usize];
                if !error.is_reported {
                    execution.report_failed(node, &error.text, seconds);
                }
            }
            Outcome::OtherProcess => execution.report_settled(node, How::OtherProcess, 0.0),
            // Events are numbered without gaps: an instance without a number is not expected.
            Outcome::NotRun { because } => execution.report_skipped(node, because),
            _ => {
                execution.session.open.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}
