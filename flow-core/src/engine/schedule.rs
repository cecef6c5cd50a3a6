//! The schedule of one execution: which instance waits for which, and the outcome of each.
//!
//! A schedule is a state machine without threads of its own: the coordinator pops [`ready`](Schedule::ready)
//! instances, and passes each message of a worker or the committer to [`Schedule::receive`].

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Sender;
use daggy::NodeIndex;

use crate::base::event::{Event, Seconds};
use crate::base::panics::Contained;
use crate::engine::Execution;
use crate::engine::committer::ToCommit;
use crate::engine::message::{How, Message};
use crate::engine::outcome::{Outcome, TaskError};
use crate::engine::session::{Reply, Unmade};
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::value::AnyValue;

/// The state of one execution.
pub(super) struct Schedule {
    pub(super) execution: Arc<Execution>,
    /// The running instance that waits for this execution, and the channel for the reply; `None` for the run's own.
    pub(super) request: Option<((u32, NodeIndex), Sender<Reply>)>,
    pub(super) outcomes: Vec<Outcome>,
    errors: Vec<TaskError>,
    /// For each open instance, the number of its inputs that are not settled.
    pub(super) waiting: Vec<u32>,
    /// The instances that can be settled, as a stack: taking the latest one first keeps values in memory short-lived.
    pub(super) ready: Vec<NodeIndex>,
    /// The instances that are with the workers: at most one more than there are workers.
    pub(super) running: HashSet<NodeIndex>,
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
    /// For each pinned input, the number of consumers that it is pinned for.
    pins: HashMap<NodeIndex, usize>,
    /// Whether the execution was stopped: no more instances are started.
    pub(super) stopped: bool,
    /// Whether an output has other content than the plan relied on.
    pub(super) outdated: bool,
    /// The aggregates with such an output as a member, whose digests have to be computed again.
    pub(super) regather: BTreeSet<NodeIndex>,
    /// The instances that wait until another schedule settles the same key, or until the first instance with their
    /// fingerprint is committed.
    pub(super) parked: HashSet<NodeIndex>,
    /// The instances that another schedule has settled, or that waited for it.
    was_parked: HashSet<NodeIndex>,
    /// The labels along a cycle of tasks that require each other while they run, if there is one.
    pub(super) cycle: Option<Vec<String>>,
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
            outcomes: Vec::with_capacity(plan.graph.len()),
            errors: Vec::new(),
            waiting: vec![0; plan.graph.len()],
            ready: Vec::new(),
            running: HashSet::new(),
            committing: HashMap::new(),
            demands: HashMap::new(),
            through: HashMap::new(),
            pinned_for: HashMap::new(),
            pins: HashMap::new(),
            stopped: false,
            outdated: false,
            regather: BTreeSet::new(),
        };
        for node in plan.graph.nodes() {
            let outcome = schedule.first_outcome(node);
            schedule.outcomes.push(outcome);
            if outcome == Outcome::Open {
                schedule.open(node);
            }
        }
        // `ready` is a stack: the first instance of the plan goes first.
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

    pub(super) fn receive(&mut self, message: Message, commits: &Sender<ToCommit>) {
        match message {
            Message::Settled { node, how, seconds, made, .. } => {
                self.running.remove(&node);
                self.unpin_for(node);
                let gone = self.execution.held.gone(node).map(|gone| gone.output.digest);
                let known = self.execution.plan.verdicts.digest(node).or(gone);
                if known.is_some() && known != self.execution.digest(node) {
                    self.outdated = true;
                    self.mark_gathering(node);
                }
                self.outdated |= made.other_meta;
                match how {
                    How::Ran => drop(self.committing.insert(node, Outcome::Ran { seconds })),
                    How::Given => drop(self.committing.insert(node, Outcome::Given)),
                    How::Reused => drop(self.committing.insert(node, Outcome::Reused)),
                    How::Unchanged if self.was_parked.contains(&node) => {
                        self.conclude(node, Outcome::Elsewhere { error: None });
                    }
                    How::Unchanged => self.conclude(node, Outcome::Unchanged),
                    How::Found => self.conclude(node, Outcome::NowComplete),
                }
                // The record goes to the committer before any consumer starts, so that no record is visible
                // before those of its inputs. The committer outlives the coordinator, so sending cannot fail.
                if let Some(staged) = made.staged {
                    let _ = commits.send(*staged);
                }
                self.release(node, made.value);
            }
            Message::Failed { node, error, seconds, .. } => {
                self.running.remove(&node);
                self.unpin_for(node);
                self.fail(node, error, seconds);
            }
            Message::Demand { node, inputs, .. } => {
                self.running.remove(&node);
                // By the time the instance runs, another input was produced last.
                self.unpin_for(node);
                self.demand(node, inputs);
            }
            Message::Wait { node, .. } => {
                self.running.remove(&node);
                self.unpin_for(node);
                if self.stopped {
                    self.outcomes[node.index()] = Outcome::Stopped;
                }
            }
            Message::GivenUp { node, .. } => {
                self.running.remove(&node);
                self.unpin_for(node);
                self.outcomes[node.index()] = Outcome::Stopped;
                self.stop();
            }
            Message::Committed { node, result, .. } => {
                let outcome =
                    self.committing.remove(&node).expect("only staged outputs are committed");
                match result {
                    Ok(()) => self.conclude(node, outcome),
                    Err(error) => self.fail(node, error.into(), 0.0),
                }
            }
            Message::Require(_) => unreachable!("the coordinator takes it"),
        }
    }

    /// Whether no instance is ready, running, parked or being committed.
    pub(super) fn is_over(&self) -> bool {
        self.running.is_empty()
            && self.committing.is_empty()
            && self.parked.is_empty()
            && self.ready.is_empty()
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

    /// Lets the waiters of a settled instance proceed, and pins its value for those that become ready.
    fn release(&mut self, node: NodeIndex, value: Option<Contained<AnyValue>>) {
        let before = self.ready.len();
        for consumer in self.waiters(node) {
            if self.outcomes[consumer.index()] != Outcome::Open {
                continue;
            }
            let waiting = &mut self.waiting[consumer.index()];
            if *waiting == 0 {
                continue;
            }
            *waiting -= 1;
            if *waiting == 0 {
                self.ready.push(consumer);
            }
        }
        let released = self.ready[before..].to_vec();
        if let Some(value) = value.filter(|_| !released.is_empty()) {
            self.execution.held.pin(node, value);
            self.pins.insert(node, released.len());
            self.pinned_for.extend(released.into_iter().map(|consumer| (consumer, node)));
        }
    }

    /// Releases the value that is pinned for a consumer; the last release drops it.
    fn unpin_for(&mut self, consumer: NodeIndex) {
        let Some(node) = self.pinned_for.remove(&consumer) else { return };
        let pins = self.pins.get_mut(&node).expect("each pinned consumer is counted");
        *pins -= 1;
        if *pins == 0 {
            self.pins.remove(&node);
            self.execution.held.unpin(node);
        }
    }

    fn fail(&mut self, node: NodeIndex, error: TaskError, seconds: f32) {
        let error = self.push_error(error);
        self.conclude(node, Outcome::Failed { seconds, error });
        self.block_waiters(node, node);
    }

    /// Concludes that an instance and everything that waits for it cannot run.
    pub(super) fn block(&mut self, node: NodeIndex, because: NodeIndex) {
        self.conclude(node, Outcome::NotRun { because });
        self.block_waiters(node, because);
    }

    fn block_waiters(&mut self, node: NodeIndex, because: NodeIndex) {
        let mut blocked = vec![node];
        while let Some(node) = blocked.pop() {
            for waiter in self.waiters(node) {
                if self.is_idle(waiter) {
                    self.unpin_for(waiter);
                    self.conclude(waiter, Outcome::NotRun { because });
                    blocked.push(waiter);
                }
            }
        }
    }

    /// Whether an instance is open, and neither with a worker nor with the committer.
    fn is_idle(&self, node: NodeIndex) -> bool {
        self.outcomes[node.index()] == Outcome::Open
            && !self.running.contains(&node)
            && !self.committing.contains_key(&node)
    }

    /// Stops the schedule: instances that are not with a worker or the committer are never started.
    pub(super) fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.ready.clear();
        self.parked.clear();
        for node in self.execution.plan.graph.nodes() {
            if self.is_idle(node) {
                self.unpin_for(node);
                self.outcomes[node.index()] = Outcome::Stopped;
            }
        }
    }

    fn conclude(&mut self, node: NodeIndex, outcome: Outcome) {
        self.outcomes[node.index()] = outcome;
        let session = &self.execution.session;
        let what = match outcome {
            Outcome::Ran { seconds } => format!("ran in {}", Seconds(f64::from(seconds))),
            Outcome::Given => "was given".to_owned(),
            Outcome::Reused => "reused a stored output".to_owned(),
            Outcome::Unchanged => "inputs unchanged (early cutoff)".to_owned(),
            Outcome::Failed { error, .. } => format!("failed: {}", self.error(error)),
            // Events are numbered without gaps: an instance without an event is not counted.
            _ => {
                session.open.fetch_sub(1, Ordering::Relaxed);
                return;
            }
        };
        let settled = session.settled.fetch_add(1, Ordering::Relaxed) + 1;
        let of = session.open.load(Ordering::Relaxed);
        self.execution.progress.tell(|| Event::Settled {
            instance: self.execution.plan.graph.label(node, Show::Clipped),
            what,
            settled,
            of,
        });
    }
}
