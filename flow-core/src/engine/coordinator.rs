//! The coordinator: owns the schedules of all executions of a run, and sends ready instances to the workers.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, Scope};
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use daggy::NodeIndex;

use crate::base::key::{Digest, Key};
use crate::engine::Execution;
use crate::engine::committer::ToCommit;
use crate::engine::message::Message;
use crate::engine::outcome::{Outcome, Outcomes, Part};
use crate::engine::schedule::Schedule;
use crate::engine::session::{Reply, Request, Unmade};
use crate::engine::worker::Job;
use crate::engine::{committer, worker};
use crate::plan::judge::Upstream;
use crate::task::Kind;

/// The stack size of a worker, in bytes: that of a main thread, because tasks may be recursive.
const STACK: usize = 8 << 20;

/// Runs a plan with at most `workers` tasks at a time, and returns the outcome of each instance.
///
/// # Errors
///
/// The operating system refuses to start the committer or the first worker.
pub(crate) fn run(execution: &Arc<Execution>, workers: usize) -> std::io::Result<Outcomes> {
    let begun = Instant::now();
    let session = &execution.session;
    let messages = session.messages.clone();
    session.is_coordinated.store(true, Ordering::Release);
    let over = std::thread::scope(|scope| {
        let (jobs, job_queue) = unbounded();
        let (commits, staged) = unbounded();
        let mut coordinator =
            Coordinator::new(execution, scope, (jobs, job_queue), commits, workers);
        Builder::new()
            .name("flow-committer".to_owned())
            .spawn_scoped(scope, move || committer::commit_all(execution, &staged, &messages))?;
        coordinator.coordinate(&session.received)?;
        std::io::Result::Ok((coordinator.schedules.remove(&0), coordinator.parts))
    });
    session.is_coordinated.store(false, Ordering::Release);
    let (schedule, in_run) = over?;
    let schedule = schedule.expect("schedule 0 ends last");
    let outdated = schedule.outdated;
    let (nodes, errors) = schedule.into_outcomes();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Outcomes { nodes, errors, outdated, seconds, in_run })
}

/// An instance of one of the executions: the execution's number, and the node in its plan.
pub(super) type At = (u32, NodeIndex);

pub(super) struct Coordinator<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    jobs: (Sender<Job>, Receiver<Job>),
    commits: Sender<ToCommit>,
    workers: usize,
    /// The unfinished schedules by number. Instances of earlier schedules wait for later ones.
    pub(super) schedules: BTreeMap<u32, Schedule>,
    /// The number of worker threads.
    threads: usize,
    /// The number of jobs that are with the workers.
    running: usize,
    /// The number of requests that running tasks wait for.
    waiting: usize,
    /// For each key that is being settled, the instance that settles it: the first one of all schedules that was
    /// ready.
    pub(super) claims: HashMap<Key, At>,
    /// The instances that wait until a key has been settled: instances of other schedules with the same key, or
    /// instances with the same fingerprint.
    pub(super) parked: HashMap<Key, Vec<At>>,
    /// For each running instance that waits, the schedules that it waits for.
    pub(super) waits: HashMap<At, Vec<u32>>,
    /// The errors of failed instances, for schedules that require the same key later.
    failed: HashMap<Key, String>,
    /// The schedules that produced an output, for schedules that require the same key later.
    settled_in: HashMap<Key, u32>,
    /// The content digests of these outputs.
    contents: HashMap<Key, Digest>,
    /// The nodes of the run's own plan by key, computed when first needed.
    main_nodes: OnceCell<HashMap<Key, NodeIndex>>,
    /// The outcomes of the finished schedules, except the run's own.
    parts: Vec<Part>,
}

impl<'scope, 'env> Coordinator<'scope, 'env> {
    fn new(
        execution: &Arc<Execution>,
        scope: &'scope Scope<'scope, 'env>,
        jobs: (Sender<Job>, Receiver<Job>),
        commits: Sender<ToCommit>,
        workers: usize,
    ) -> Self {
        let schedule = Schedule::new(Arc::clone(execution));
        Self {
            scope,
            jobs,
            commits,
            workers: workers.max(1),
            schedules: BTreeMap::from([(0, schedule)]),
            threads: 0,
            running: 0,
            waiting: 0,
            claims: HashMap::new(),
            parked: HashMap::new(),
            waits: HashMap::new(),
            failed: HashMap::new(),
            settled_in: HashMap::new(),
            contents: HashMap::new(),
            main_nodes: OnceCell::new(),
            parts: Vec::new(),
        }
    }

    fn coordinate(&mut self, messages: &Receiver<Message>) -> std::io::Result<()> {
        loop {
            if self.schedules[&0].execution.stopper.is_stopped() {
                self.schedules.values_mut().for_each(Schedule::stop);
                self.parked.clear();
            }
            self.hand_out()?;
            self.finish_schedules();
            if self.schedules.len() == 1 && self.schedules[&0].is_over() {
                return Ok(());
            }
            // The session holds a sender, so the channel stays open.
            let Ok(message) = messages.recv() else { return Ok(()) };
            self.receive(message);
        }
    }

    /// Sends ready instances to the workers: one more than there are workers, so that none waits for its next job.
    ///
    /// The latest schedules go first, because running tasks wait for them.
    fn hand_out(&mut self) -> std::io::Result<()> {
        while self.running.saturating_sub(self.waiting) <= self.workers {
            let ready = self.schedules.iter_mut().rev().find_map(|(&id, schedule)| {
                let node = schedule.ready.pop()?;
                Some((id, node))
            });
            let Some(at) = ready else { return Ok(()) };
            self.start(at)?;
        }
        Ok(())
    }

    fn start(&mut self, at: At) -> std::io::Result<()> {
        let (id, node) = at;
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        // A failed commit may have blocked an instance that was ready.
        if schedule.outcomes[node.index()] != Outcome::Open {
            return Ok(());
        }
        let graph = &schedule.execution.plan.graph;
        let key = graph.node(node).key;
        // Only tasks that are run could run twice; external and aggregate tasks need no claim.
        if graph.kind(node) == Kind::Made {
            if let Some(&owner) = self.claims.get(&key).filter(|&&owner| owner != at) {
                self.park(at, key, owner);
                return Ok(());
            }
            let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
            if let Some(error) = self.failed.get(&key) {
                schedule.fail_from_other_schedule(node, error.clone());
                return Ok(());
            }
            if self.settled_in.get(&key).is_some_and(|&elsewhere| elsewhere != id) {
                schedule.mark_settled_in_other_schedule(node);
            }
            self.claims.insert(key, at);
        }
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        schedule.gather_again(node);
        schedule.running.insert(node);
        let root = schedule.execution.plan.graph.is_root(node);
        let needed = root || schedule.demands.contains_key(&node);
        let job = Job { execution: Arc::clone(&schedule.execution), node, needed };
        self.running += 1;
        let _ = self.jobs.0.send(job);
        let busy = self.running.saturating_sub(self.waiting).min(self.workers);
        if self.threads.saturating_sub(self.waiting) < busy
            && let Err(error) = self.spawn()
            && self.threads.saturating_sub(self.waiting) == 0
        {
            return Err(error);
        }
        Ok(())
    }

    fn spawn(&mut self) -> std::io::Result<()> {
        let messages = self.schedules[&0].execution.session.messages.clone();
        let jobs = self.jobs.1.clone();
        Builder::new()
            .name(format!("flow-worker-{}", self.threads))
            .stack_size(STACK)
            .spawn_scoped(self.scope, move || worker::work(&jobs, &messages))?;
        self.threads += 1;
        Ok(())
    }

    /// Lets an instance wait until the instance that has claimed its key is settled.
    ///
    /// If that instance waits for this schedule, the required task requires itself, and the instance fails.
    fn park(&mut self, at: At, key: Key, owner: At) {
        let (id, node) = at;
        let cycle = self.cycle(owner, id);
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        match cycle {
            None => {
                schedule.park(node);
                self.parked.entry(key).or_default().push(at);
            }
            Some(cycle) => {
                let text = format!("it requires itself while it runs: {}", cycle.join(" → "));
                schedule.cycle = Some(cycle);
                schedule.fail_from_other_schedule(node, text);
            }
        }
    }

    fn receive(&mut self, message: Message) {
        let request = match message {
            Message::Require(request) => return self.start_required(request),
            other => other,
        };
        let (id, node) = request.about();
        let Some(schedule) = self.schedules.get_mut(&id) else { return };
        let key = schedule.execution.plan.graph.node(node).key;
        if !matches!(request, Message::Committed { .. }) {
            self.running -= 1;
        }
        let first = match &request {
            Message::Wait { first, .. } => Some(*first),
            _ => None,
        };
        schedule.receive(request, &self.commits);
        let mut made = None;
        match schedule.outcomes[node.index()] {
            Outcome::Failed { error, .. } => {
                self.failed.insert(key, schedule.error(error).to_owned());
            }
            // With a single schedule, no other schedule would look the output up.
            Outcome::Ran { .. } | Outcome::Given | Outcome::Reused
                if schedule.execution.session.has_several() =>
            {
                self.settled_in.insert(key, id);
                made = schedule.execution.digest(node);
            }
            _ => {}
        }
        if schedule.execution.session.has_several() {
            schedule.execution.session.known.forget(key);
        }
        if !schedule.running.contains(&node) && !schedule.committing.contains_key(&node) {
            self.release_claim(key, (id, node));
        }
        if let Some(first) = first {
            self.wait_for_first((id, node), first);
        }
        if let Some(digest) = made {
            let is_outdated = self.has_other_content(key, id, digest);
            self.schedules.get_mut(&0).expect("schedule 0 ends last").outdated |= is_outdated;
        }
    }

    /// Whether an output that was just produced has other content than the run found or produced before.
    ///
    /// Outputs that were made from the earlier content have to be judged again then.
    fn has_other_content(&mut self, key: Key, id: u32, digest: Digest) -> bool {
        let before = self.contents.insert(key, digest);
        if id == 0 || before.is_some() {
            return before.is_some_and(|before| before != digest);
        }
        let main = &self.schedules[&0].execution;
        let graph = &main.plan.graph;
        let main_nodes = self
            .main_nodes
            .get_or_init(|| graph.nodes().map(|node| (graph.node(node).key, node)).collect());
        let before = main_nodes.get(&key).and_then(|&node| main.digest(node));
        before.is_some_and(|before| before != digest)
    }

    /// Releases the claim of a settled instance, and makes the instances ready that wait for it.
    fn release_claim(&mut self, key: Key, at: At) {
        if self.claims.get(&key) != Some(&at) {
            return;
        }
        self.claims.remove(&key);
        for (id, node) in self.parked.remove(&key).into_iter().flatten() {
            let Some(schedule) = self.schedules.get_mut(&id) else { continue };
            if schedule.parked.remove(&node) && schedule.outcomes[node.index()] == Outcome::Open {
                schedule.ready.push(node);
            }
        }
    }

    /// Starts the schedule that a running instance requests.
    ///
    /// The instance keeps its thread while it waits, so another thread may have to take its place.
    fn start_required(&mut self, request: Request) {
        let Request { by, execution, reply } = request;
        let refuse = |unmade: Unmade| {
            let roots = vec![Err(unmade); execution.plan.graph.roots.len()];
            let _ = reply.send(Reply { roots, outdated: false });
        };
        if execution.stopper.is_stopped() {
            return refuse(Unmade::Stopped);
        }
        self.waiting += 1;
        if self.threads <= self.waiting
            && let Err(error) = self.spawn()
            && self.threads == self.waiting
        {
            self.waiting -= 1;
            return refuse(Unmade::Thread(error.to_string()));
        }
        let id = execution.id;
        let mut schedule = Schedule::new(execution);
        schedule.request = Some((by, reply));
        self.waits.entry(by).or_default().push(id);
        self.schedules.insert(id, schedule);
    }

    /// Removes the finished schedules, and replies to the instances that wait for them.
    fn finish_schedules(&mut self) {
        let over = self.schedules.iter().filter(|(id, schedule)| **id > 0 && schedule.is_over());
        for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
            let mut schedule = self.schedules.remove(&id).expect("the schedule exists");
            if let Some((by, reply)) = schedule.request.take() {
                if let Some(waits) = self.waits.get_mut(&by) {
                    waits.retain(|other| *other != id);
                    if waits.is_empty() {
                        self.waits.remove(&by);
                    }
                }
                self.waiting -= 1;
                let _ = reply.send(schedule.reply());
            }
            let main = self.schedules.get_mut(&0).expect("schedule 0 ends last");
            main.outdated |= schedule.outdated;
            let plan = Arc::clone(&schedule.execution.plan);
            let (nodes, errors) = schedule.into_outcomes();
            let part = Part { plan, nodes, errors };
            self.parts.extend(part.tells().then_some(part));
        }
    }
}
