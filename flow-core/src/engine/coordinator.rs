//! The coordinator: hands out what is ready, and owns the schedules of all executions.

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

/// The stack of a worker, in bytes: that of a main thread, for tasks may be recursive.
const STACK: usize = 8 << 20;

/// Runs a plan on at most this many worker threads at a time, and says what became of each instance.
pub(crate) fn run(execution: &Arc<Execution>, workers: usize) -> std::io::Result<Outcomes> {
    let begun = Instant::now();
    let session = &execution.session;
    let messages = session.messages.clone();
    session.is_coordinated.store(true, Ordering::Release);
    let over = std::thread::scope(|scope| {
        let (jobs, of_workers) = unbounded();
        let (commits, staged) = unbounded();
        let mut coordinator =
            Coordinator::new(execution, scope, (jobs, of_workers), commits, workers);
        Builder::new()
            .name("flow-committer".to_owned())
            .spawn_scoped(scope, move || committer::commit_all(execution, &staged, &messages))?;
        coordinator.coordinate(&session.received)?;
        std::io::Result::Ok((coordinator.schedules.remove(&0), coordinator.parts))
    });
    session.is_coordinated.store(false, Ordering::Release);
    let (schedule, in_run) = over?;
    let schedule = schedule.expect("the first execution ends last");
    let outdated = schedule.outdated;
    let (nodes, errors) = schedule.into_outcomes();
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Outcomes { nodes, errors, outdated, seconds, in_run })
}

/// An instance of one of the executions.
pub(super) type At = (u32, NodeIndex);

pub(super) struct Coordinator<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    jobs: (Sender<Job>, Receiver<Job>),
    commits: Sender<ToCommit>,
    workers: usize,
    /// The schedules that are not over, the later ones for what the earlier ones wait for.
    pub(super) schedules: BTreeMap<u32, Schedule>,
    /// How many threads there are, how many instances they have been given, and how many of those
    /// wait for others.
    threads: usize,
    running: usize,
    waiting: usize,
    /// Where each instance is settled that is being settled.
    pub(super) claims: HashMap<Key, At>,
    /// Those that wait until an instance has been settled: the same elsewhere, or one with the same
    /// fingerprint.
    pub(super) parked: HashMap<Key, Vec<At>>,
    /// For each instance that waits, the schedules that it waits for.
    pub(super) waits: HashMap<At, Vec<u32>>,
    /// What has failed, and what was made, for those that require the same later.
    failed: HashMap<Key, String>,
    made: HashMap<Key, u32>,
    /// What that had as its content, and where instances stand in the plan of the run.
    contents: HashMap<Key, Digest>,
    places: OnceCell<HashMap<Key, NodeIndex>>,
    /// The schedules that are over.
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
            made: HashMap::new(),
            contents: HashMap::new(),
            places: OnceCell::new(),
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
            self.end_courses();
            if self.schedules.len() == 1 && self.schedules[&0].is_over() {
                return Ok(());
            }
            // Somebody has a sender: the session.
            let Ok(message) = messages.recv() else { return Ok(()) };
            self.receive(message);
        }
    }

    /// Gives the workers what is ready, one job more than there are workers, so that none has to wait
    /// for the next. What somebody waits for goes first.
    fn hand_out(&mut self) -> std::io::Result<()> {
        while self.running.saturating_sub(self.waiting) <= self.workers {
            let ready = self.schedules.iter_mut().rev().find_map(|(&of, schedule)| {
                let node = schedule.ready.pop()?;
                Some((of, node))
            });
            let Some(at) = ready else { return Ok(()) };
            self.start(at)?;
        }
        Ok(())
    }

    fn start(&mut self, at: At) -> std::io::Result<()> {
        let (of, node) = at;
        let schedule = self.schedules.get_mut(&of).expect("it has something ready");
        // What failed to be committed has blocked some that were ready.
        if schedule.outcomes[node.index()] != Outcome::Open {
            return Ok(());
        }
        let graph = &schedule.execution.plan.graph;
        let key = graph.node(node).key;
        // Whatever else is made elsewhere has nothing to be made twice.
        if graph.kind(node) == Kind::Made {
            if let Some(&owner) = self.claims.get(&key).filter(|&&owner| owner != at) {
                self.park(at, key, owner);
                return Ok(());
            }
            let schedule = self.schedules.get_mut(&of).expect("it has something ready");
            if let Some(error) = self.failed.get(&key) {
                schedule.fail_elsewhere(node, error.clone());
                return Ok(());
            }
            if self.made.get(&key).is_some_and(|&elsewhere| elsewhere != of) {
                schedule.is_made_elsewhere(node);
            }
            self.claims.insert(key, at);
        }
        let schedule = self.schedules.get_mut(&of).expect("it has something ready");
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

    /// Lets an instance wait until it has been settled where it is claimed.
    fn park(&mut self, at: At, key: Key, owner: At) {
        let (of, node) = at;
        let cycle = self.cycle(owner, of);
        let schedule = self.schedules.get_mut(&of).expect("it has something ready");
        match cycle {
            None => {
                schedule.park(node);
                self.parked.entry(key).or_default().push(at);
            }
            Some(cycle) => {
                let text = format!("it requires itself while it runs: {}", cycle.join(" → "));
                schedule.cycle = Some(cycle);
                schedule.fail_elsewhere(node, text);
            }
        }
    }

    fn receive(&mut self, message: Message) {
        let request = match message {
            Message::Require(request) => return self.begin(request),
            other => other,
        };
        let (of, node) = request.about();
        let Some(schedule) = self.schedules.get_mut(&of) else { return };
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
            // With one schedule, no other schedule looks it up.
            Outcome::Ran { .. } | Outcome::Given | Outcome::Adopted
                if schedule.execution.session.has_several() =>
            {
                self.made.insert(key, of);
                made = schedule.execution.digest(node);
            }
            _ => {}
        }
        if schedule.execution.session.has_several() {
            schedule.execution.session.known.forget(key);
        }
        if !schedule.running.contains(&node) && !schedule.committing.contains_key(&node) {
            self.free(key, (of, node));
        }
        if let Some(first) = first {
            self.wait_for_first((of, node), first);
        }
        if let Some(digest) = made {
            let is_other = self.is_other(key, of, digest);
            self.schedules.get_mut(&0).expect("it ends last").outdated |= is_other;
        }
    }

    /// Whether what was just made has other content than the run has found or made before, where it
    /// is required by others: what was made of that has to be judged again.
    fn is_other(&mut self, key: Key, of: u32, digest: Digest) -> bool {
        let before = self.contents.insert(key, digest);
        if of == 0 || before.is_some() {
            return before.is_some_and(|before| before != digest);
        }
        let main = &self.schedules[&0].execution;
        let graph = &main.plan.graph;
        let places = self
            .places
            .get_or_init(|| graph.nodes().map(|node| (graph.node(node).key, node)).collect());
        let before = places.get(&key).and_then(|&node| main.digest(node));
        before.is_some_and(|before| before != digest)
    }

    /// Lets go those that wait until an instance has been settled.
    fn free(&mut self, key: Key, at: At) {
        if self.claims.get(&key) != Some(&at) {
            return;
        }
        self.claims.remove(&key);
        for (of, node) in self.parked.remove(&key).into_iter().flatten() {
            let Some(schedule) = self.schedules.get_mut(&of) else { continue };
            if schedule.parked.remove(&node) && schedule.outcomes[node.index()] == Outcome::Open {
                schedule.ready.push(node);
            }
        }
    }

    /// Begins with what a running instance requires.
    fn begin(&mut self, request: Request) {
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

    /// Tells those that wait what came of the schedules that are over.
    fn end_courses(&mut self) {
        let over = self.schedules.iter().filter(|(id, schedule)| **id > 0 && schedule.is_over());
        for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
            let mut schedule = self.schedules.remove(&id).expect("it was there");
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
            let main = self.schedules.get_mut(&0).expect("it ends last");
            main.outdated |= schedule.outdated;
            let plan = Arc::clone(&schedule.execution.plan);
            let (nodes, errors) = schedule.into_outcomes();
            let part = Part { plan, nodes, errors };
            self.parts.extend(part.tells().then_some(part));
        }
    }
}
