//! The coordinator: owns what waits for what, and what became of each instance.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use daggy::NodeIndex;

use crate::engine::Execution;
use crate::engine::committer::ToCommit;
use crate::engine::outcome::{Outcome, Outcomes};
use crate::engine::progress::{Event, Seconds};
use crate::engine::worker::Job;
use crate::engine::{committer, worker};
use crate::param::AnyValue;
use crate::plan::judge::Upstream;
use crate::plan::label::Show;
use crate::plan::verdicts::Status;

/// The stack of a worker, in bytes: that of a main thread, for tasks may be recursive.
const STACK: usize = 8 << 20;

/// What workers and the committer tell the coordinator.
pub(crate) enum Message {
    Settled {
        node: NodeIndex,
        how: How,
        seconds: f32,
        made: Box<NewlyMade>,
    },
    Failed {
        node: NodeIndex,
        error: String,
        seconds: f32,
    },
    /// The instance has to run, and these inputs have to be made first.
    Demand {
        node: NodeIndex,
        inputs: Vec<NodeIndex>,
    },
    /// The execution was stopped before the instance was started, or while it ran.
    GivenUp {
        node: NodeIndex,
    },
    Committed {
        node: NodeIndex,
        result: Result<(), String>,
    },
}

/// What settling an instance left to be done.
#[derive(Default)]
pub(crate) struct NewlyMade {
    /// The value, if a reload would give just that.
    pub(crate) value: Option<AnyValue>,
    /// The output, if its record is not in place yet.
    pub(crate) staged: Option<Box<ToCommit>>,
    /// Whether something else was noted about it than what the plan relied on.
    pub(crate) other_meta: bool,
}

/// How an instance was settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Ran,
    Adopted,
    CutOff,
    /// It is not made here, and is there.
    Found,
}

/// Runs a plan on this many worker threads, and says what became of each instance.
pub(crate) fn run(execution: &Arc<Execution>, workers: usize) -> std::io::Result<Outcomes> {
    let begun = Instant::now();
    let mut coordinator = Coordinator::new(execution);
    let workers = workers.clamp(1, coordinator.open.max(1));
    let done = std::thread::scope(|scope| {
        let (jobs, jobs_of_workers) = unbounded();
        let (messages, received) = unbounded();
        let (commits, staged) = unbounded();
        for i in 0..workers {
            let (jobs, messages) = (jobs_of_workers.clone(), messages.clone());
            std::thread::Builder::new()
                .name(format!("flow-worker-{i}"))
                .stack_size(STACK)
                .spawn_scoped(scope, move || worker::work(execution, &jobs, &messages))?;
        }
        std::thread::Builder::new()
            .name("flow-committer".to_owned())
            .spawn_scoped(scope, move || committer::commit_all(execution, &staged, &messages))?;
        coordinator.coordinate(&jobs, &commits, &received, workers);
        std::io::Result::Ok(())
    });
    done?;
    let Coordinator { outcomes, errors, outdated, .. } = coordinator;
    Ok(Outcomes { nodes: outcomes, errors, outdated, seconds: begun.elapsed().as_secs_f64() })
}

pub(super) struct Coordinator<'a> {
    pub(super) execution: &'a Arc<Execution>,
    pub(super) outcomes: Vec<Outcome>,
    errors: Vec<String>,
    /// For each instance that is open, how many of its inputs are.
    pub(super) waiting: Vec<u32>,
    /// What can be settled, the latest first: that keeps what is in memory short-lived.
    pub(super) ready: Vec<NodeIndex>,
    /// Those that are with the workers, one of them more than there are workers.
    running: HashSet<NodeIndex>,
    /// What was made and is not committed yet, with how it was settled.
    pub(super) committing: HashMap<NodeIndex, Outcome>,
    /// The instances that were opened because somebody demanded them, and who waits for each. Of
    /// all others, the consumers wait.
    pub(super) demands: HashMap<NodeIndex, Vec<NodeIndex>>,
    /// Who waits for an instance that it does not require itself, but through an aggregate, and
    /// that was open before somebody demanded it.
    pub(super) through: HashMap<NodeIndex, Vec<NodeIndex>>,
    /// For whom a value is pinned, and how many there are of them.
    pinned_for: HashMap<NodeIndex, NodeIndex>,
    pins: HashMap<NodeIndex, usize>,
    /// Whether no instance is to be started any more.
    pub(super) stopped: bool,
    /// Whether an output whose content the plan knows has other content now.
    outdated: bool,
    /// The aggregates that gather such an output.
    pub(super) regather: BTreeSet<NodeIndex>,
    /// How many instances are to be settled, and how many have been.
    pub(super) open: usize,
    settled: usize,
}

impl<'a> Coordinator<'a> {
    fn new(execution: &'a Arc<Execution>) -> Self {
        let plan = &execution.plan;
        let mut coordinator = Self {
            execution,
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
            open: 0,
            settled: 0,
        };
        for node in plan.graph.nodes() {
            let outcome = coordinator.first_outcome(node);
            coordinator.outcomes.push(outcome);
            if outcome == Outcome::Open {
                coordinator.open(node);
            }
        }
        // The first instance is settled first.
        coordinator.ready.reverse();
        coordinator
    }

    fn first_outcome(&self, node: NodeIndex) -> Outcome {
        let plan = &self.execution.plan;
        match plan.verdicts.status(node) {
            Status::Complete => Outcome::CompleteBefore,
            Status::Evicted | Status::Unchecked => Outcome::NotNeeded,
            // Its content is known: it is made again when a task that requires it runs.
            Status::Pending
                if plan.verdicts.digest(node).is_some() && !plan.graph.roots.contains(&node) =>
            {
                Outcome::NotNeeded
            }
            Status::Kept | Status::Pending => Outcome::Open,
        }
    }

    fn coordinate(
        &mut self,
        jobs: &Sender<Job>,
        commits: &Sender<ToCommit>,
        messages: &Receiver<Message>,
        workers: usize,
    ) {
        loop {
            if self.execution.stopper.is_stopped() {
                self.stop();
            }
            // One job more than there are workers, so that none has to wait for the next.
            while self.running.len() <= workers
                && let Some(node) = self.ready.pop()
            {
                // What failed to be committed has blocked some that were ready.
                if self.outcomes[node.index()] == Outcome::Open {
                    self.gather_again(node);
                    self.running.insert(node);
                    let root = self.execution.plan.graph.roots.contains(&node);
                    let needed = root || self.demands.contains_key(&node);
                    let _ = jobs.send(Job { node, needed });
                }
            }
            if self.running.is_empty() && self.committing.is_empty() {
                return;
            }
            // All senders are gone only if all threads are.
            let Ok(message) = messages.recv() else { return };
            self.receive(message, commits);
        }
    }

    fn receive(&mut self, message: Message, commits: &Sender<ToCommit>) {
        match message {
            Message::Settled { node, how, seconds, made } => {
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
                    How::Adopted => drop(self.committing.insert(node, Outcome::Adopted)),
                    How::CutOff => self.conclude(node, Outcome::CutOff),
                    How::Found => self.conclude(node, Outcome::Found),
                }
                // It goes to the committer before anybody who loads it starts, so that no record
                // is seen before those of its inputs. The committer outlives the coordinator.
                if let Some(staged) = made.staged {
                    let _ = commits.send(*staged);
                }
                self.release(node, made.value);
            }
            Message::Failed { node, error, seconds } => {
                self.running.remove(&node);
                self.unpin_for(node);
                self.fail(node, error, seconds);
            }
            Message::Demand { node, inputs } => {
                self.running.remove(&node);
                // By the time it runs, another input has been made last.
                self.unpin_for(node);
                self.demand(node, inputs);
            }
            Message::GivenUp { node } => {
                self.running.remove(&node);
                self.unpin_for(node);
                self.outcomes[node.index()] = Outcome::Stopped;
                self.stop();
            }
            Message::Committed { node, result } => {
                let outcome =
                    self.committing.remove(&node).expect("only what was made is committed");
                match result {
                    Ok(()) => self.conclude(node, outcome),
                    Err(error) => self.fail(node, error, 0.0),
                }
            }
        }
    }

    /// Lets go what waited for this one.
    fn release(&mut self, node: NodeIndex, value: Option<AnyValue>) {
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

    /// Drops a value that was pinned for this consumer and no other.
    fn unpin_for(&mut self, consumer: NodeIndex) {
        let Some(node) = self.pinned_for.remove(&consumer) else { return };
        let pins = self.pins.get_mut(&node).expect("a pin for each consumer");
        *pins -= 1;
        if *pins == 0 {
            self.pins.remove(&node);
            self.execution.held.unpin(node);
        }
    }

    fn fail(&mut self, node: NodeIndex, error: String, seconds: f32) {
        let place = self.errors.len() as u32;
        self.errors.push(error);
        self.conclude(node, Outcome::Failed { seconds, error: place });
        self.block_waiters(node, node);
    }

    /// Concludes that an instance, and what waits for it, cannot run.
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

    /// Whether an instance is to be settled and nobody has begun to.
    fn is_idle(&self, node: NodeIndex) -> bool {
        self.outcomes[node.index()] == Outcome::Open
            && !self.running.contains(&node)
            && !self.committing.contains_key(&node)
    }

    /// Gives up all that is not with a worker yet, for good.
    fn stop(&mut self) {
        if std::mem::replace(&mut self.stopped, true) {
            return;
        }
        self.ready.clear();
        for node in self.execution.plan.graph.nodes() {
            if self.is_idle(node) {
                self.unpin_for(node);
                self.outcomes[node.index()] = Outcome::Stopped;
            }
        }
    }

    fn conclude(&mut self, node: NodeIndex, outcome: Outcome) {
        self.outcomes[node.index()] = outcome;
        self.settled += 1;
        let what = match outcome {
            Outcome::Ran { seconds } => format!("ran in {}", Seconds(f64::from(seconds))),
            Outcome::Adopted => "adopted a kept output".to_owned(),
            Outcome::CutOff => "cut off: output unchanged".to_owned(),
            Outcome::Failed { error, .. } => format!("failed: {}", self.errors[error as usize]),
            _ => return,
        };
        let (settled, of) = (self.settled, self.open);
        self.execution.progress.tell(|| Event::Settled {
            instance: self.execution.plan.graph.label(node, Show::Clipped),
            what,
            settled,
            of,
        });
    }
}
