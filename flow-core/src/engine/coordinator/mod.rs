//! The coordinator: owns the schedules of all executions of a run, and sends ready instances to the workers.
//!
//! It is one thread that waits for messages and timers. [`start`] decides which ready instance goes next, [`required`]
//! serves running tasks that require others, and [`failure`] retries failed tasks and ends those that take too long.

mod failure;
mod required;
mod start;

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};
use daggy::NodeIndex;

use self::required::Resuming;
use self::start::Running;
use crate::base::key::{Digest, Key};
use crate::base::panics;
use crate::base::pause::{running_time, seconds_since};
use crate::engine::Execution;
use crate::engine::busy::Busy;
use crate::engine::committer::CommitMessage;
use crate::engine::ledger::Ledger;
use crate::engine::message::{At, End, Message};
use crate::engine::outcome::{Outcome, Outcomes, Part};
use crate::engine::schedule::Schedule;
use crate::engine::session::Session;
use crate::engine::timers::Timers;
use crate::engine::{committer, worker};
use crate::plan::judge::Upstream;
use crate::plan::policy::ResolvedPolicy;
use crate::plan::warning::Warning;

/// Runs a plan with at most `workers` tasks at a time, and returns the outcome of each instance.
///
/// Without workers, the calling thread runs the tasks, one at a time.
///
/// # Errors
///
/// The operating system refuses to start the committer or the first worker.
pub(crate) fn run(execution: &Arc<Execution>, workers: usize) -> std::io::Result<Outcomes> {
    let begun = running_time();
    let session = &execution.session;
    session.is_coordinated.store(true, Ordering::Release);
    let wake = session.messages.clone();
    let _in_progress = execution.stopper.begin_run(move || {
        // A coordinator that has ended needs no message.
        let _ = wake.send(Message::Wake);
    });
    let (commits, staged) = unbounded();
    let committer = {
        let (execution, messages) = (Arc::clone(execution), session.messages.clone());
        Builder::new()
            .name("flow-committer".to_owned())
            .spawn(move || committer::commit_all(&execution, &staged, &messages))?
    };
    let mut coordinator = Coordinator::new(execution, commits, workers);
    execution.report_planned();
    let ended = if workers == 0 {
        std::thread::scope(|scope| {
            let coordinate = Builder::new().name("flow-coordinator".to_owned());
            let coordinate = coordinate.spawn_scoped(scope, || coordinator.coordinate())?;
            worker::work_on_caller(&session.jobs, &session.messages);
            coordinate.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    } else {
        coordinator.coordinate()
    };
    coordinator.join_workers();
    session.refuse_requests();
    // After an error, jobs may be left that no thread has taken.
    session.jobs.try_iter().for_each(panics::discard);
    let Coordinator { schedules, parts, commits, .. } = coordinator;
    drop(commits);
    let _ = committer.join();
    session.children.end();
    end_executor(execution);
    ended?;
    let schedule = schedules.into_values().next().expect("schedule 0 ends last");
    let (outdated, stopped_by) = (schedule.outdated, schedule.stopped_by.clone());
    let (nodes, errors) = schedule.into_outcomes();
    let seconds = seconds_since(begun);
    Ok(Outcomes { nodes, errors, outdated, seconds, in_run: parts, stopped_by })
}

/// Ends the jobs of the executor of the flow, and keeps what it could not do as warnings of the run.
fn end_executor(execution: &Execution) {
    let Some(executor) = &execution.plan.policies.executor else { return };
    let session = &execution.session;
    let warnings = session.submitted.end().into_iter().map(|message| {
        let executor = executor.0.name().to_owned();
        Warning::Executor { executor, message }
    });
    session.warnings.lock().expect("lock poisoned").extend(warnings);
}

/// Closes the channel of jobs on drop, so that no worker waits for a coordinator that has ended.
struct CloseOnDrop(Arc<Session>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        let Self(session) = self;
        session.close_jobs();
        // The calling thread may be running a task that was abandoned, and nothing receives its requests any more. Other
        // threads are joined first.
        if session.on_caller {
            session.refuse_requests();
        }
    }
}

pub(super) struct Coordinator {
    execution: Arc<Execution>,
    /// The policy of tasks that declare no options.
    without_options: Arc<ResolvedPolicy>,
    commits: Sender<CommitMessage>,
    /// Whether the last message to the committer was to commit what it has gathered.
    is_flushed: bool,
    workers: usize,
    /// The unfinished schedules by number. Instances of earlier schedules wait for later ones.
    pub(super) schedules: BTreeMap<u32, Schedule>,
    /// The worker threads by number.
    threads: HashMap<usize, JoinHandle<()>>,
    /// The number of worker threads started so far.
    spawned: usize,
    /// The number of worker threads whose job was not abandoned.
    working: usize,
    /// The jobs that are with the workers.
    running: HashMap<At, Running>,
    /// The number of jobs sent so far.
    jobs: u64,
    /// The number of these jobs whose task waits for others. Each of them keeps its thread.
    waiting: usize,
    /// The instances that wait for another attempt, with their keys. Meanwhile they keep the claims of these keys.
    pub(super) retrying: HashMap<At, Key>,
    ledger: Ledger,
    pub(super) timers: Timers,
    /// The instances that wait for other processes.
    pub(super) busy: Busy,
    /// The replies to running tasks whose resources are in use by others.
    resuming: Vec<Resuming>,
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

impl Coordinator {
    fn new(execution: &Arc<Execution>, commits: Sender<CommitMessage>, workers: usize) -> Self {
        let schedule = Schedule::new(Arc::clone(execution));
        let policies = &execution.plan.policies;
        Self {
            execution: Arc::clone(execution),
            without_options: Arc::new(policies.without_options()),
            commits,
            is_flushed: true,
            workers: workers.max(1),
            schedules: BTreeMap::from([(0, schedule)]),
            threads: HashMap::new(),
            spawned: 0,
            working: 0,
            running: HashMap::new(),
            jobs: 0,
            waiting: 0,
            retrying: HashMap::new(),
            ledger: Ledger::new(workers, policies.all_offers()),
            timers: Timers::default(),
            busy: Busy::default(),
            resuming: Vec::new(),
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

    /// Runs all schedules to their end. Afterwards the channel of jobs is closed, also after an error or a panic.
    fn coordinate(&mut self) -> std::io::Result<()> {
        let _closes = CloseOnDrop(Arc::clone(&self.execution.session));
        let ended = self.coordinate_all();
        if ended.is_err() {
            self.abort();
        }
        ended
    }

    /// Ends all tasks after an error of the operating system, so that the workers can be joined.
    fn abort(&mut self) {
        self.execution.stopper.stop();
        self.stop_all();
        // Without a reply, a task that waits for others continues as stopped.
        self.resuming.clear();
        self.schedules.values_mut().for_each(|schedule| schedule.request = None);
    }

    fn coordinate_all(&mut self) -> std::io::Result<()> {
        let messages = self.execution.session.received.clone();
        loop {
            if self.execution.is_stopped() {
                self.stop_all();
            }
            // A task that has waited for others takes its resources before a further instance does.
            self.finish_schedules();
            self.hand_out()?;
            self.finish_schedules();
            if self.schedules.len() == 1 && self.schedules[&0].is_over() {
                return Ok(());
            }
            self.flush();
            // The session holds a sender, so the channel stays open.
            let message = match self.timers.next() {
                Some(at) => messages.recv_timeout(at.saturating_sub(running_time())),
                None => messages.recv().map_err(RecvTimeoutError::from),
            };
            match message {
                Ok(message) => self.receive(message)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let now = running_time();
            while let Some(timer) = self.timers.expired(now) {
                self.expire(timer)?;
            }
        }
    }

    /// Lets the committer commit the outputs that it has gathered if no task is working, or if a running task waits
    /// for them.
    fn flush(&mut self) {
        if !self.is_flushed && (self.running.len() == self.waiting || self.awaits_commit()) {
            self.is_flushed = true;
            // The committer outlives the coordinator, so sending cannot fail.
            let _ = self.commits.send(CommitMessage::Flush);
        }
    }

    /// Returns whether a running task waits for instances that it has required and that only have to be committed.
    fn awaits_commit(&self) -> bool {
        self.schedules.range(1..).any(|(_, schedule)| {
            let is_committing = |node: &NodeIndex| {
                let key = schedule.execution.plan.graph.node(*node).key;
                let claimed_by = self.claims.get(&key);
                claimed_by.is_some_and(|(id, node)| {
                    self.schedules.get(id).is_some_and(|of| of.committing.contains_key(node))
                })
            };
            schedule.has_nothing_to_run()
                && (!schedule.committing.is_empty() || schedule.parked.iter().any(is_committing))
        })
    }

    /// Waits until all workers have ended, except those whose job was abandoned: they may go on for a long time.
    fn join_workers(&mut self) {
        while self.working > 0 {
            let Ok(message) = self.execution.session.received.recv() else { return };
            if let Message::Gone { thread } = message {
                self.working -= 1;
                let thread = self.threads.remove(&thread);
                thread.map(JoinHandle::join);
            }
        }
    }

    /// Starts no more instances.
    fn stop_all(&mut self) {
        self.schedules.values_mut().for_each(Schedule::stop);
        self.parked.clear();
        self.retrying.clear();
        self.ledger.clear();
        self.forget_all_busy();
    }

    fn receive(&mut self, message: Message) -> std::io::Result<()> {
        match message {
            Message::Require(request) => self.start_required(request),
            Message::Started { at, number } => self.watch_time(at, number),
            Message::Ended { at, number, end } => {
                if self.take_running(at, number) {
                    self.end(at, end);
                }
            }
            Message::Committed { at: (id, node), result } => {
                if let Some(schedule) = self.schedules.get_mut(&id) {
                    schedule.committed(node, result);
                    self.after((id, node));
                }
            }
            // Workers end after the last message.
            Message::Wake | Message::Gone { .. } => {}
        }
        Ok(())
    }

    /// Takes the result of a job.
    fn end(&mut self, at: At, end: End) {
        let (id, node) = at;
        if !self.schedules.contains_key(&id) {
            return;
        }
        let Some(end) = self.retry(at, end) else { return };
        let is_busy = matches!(end, End::Busy);
        let is_given_up = matches!(end, End::GivenUp);
        let first = match &end {
            End::Wait(first) => Some(*first),
            _ => None,
        };
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        self.is_flushed = false;
        schedule.end(node, end, &self.commits);
        self.after(at);
        if is_given_up {
            self.release_concluded();
        }
        if let Some(first) = first {
            self.wait_for_first(at, first);
        }
        match is_busy {
            true => self.wait_for_other_process(at),
            false => self.forget_busy(at),
        }
    }

    /// Draws the consequences of a changed outcome for the other schedules.
    fn after(&mut self, at: At) {
        let (id, node) = at;
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        let key = schedule.execution.plan.graph.node(node).key;
        let mut made = None;
        let has_several = schedule.execution.session.has_several();
        match schedule.outcomes[node.index()] {
            Outcome::Failed { error, .. } => {
                self.failed.insert(key, schedule.error(error).to_owned());
                let is_cancelled = schedule.is_cancelled(error);
                // An instance that requires it may have waited for another attempt, if its commit failed.
                self.release_concluded();
                if !is_cancelled {
                    self.after_failure(at);
                }
            }
            // With a single schedule, no other schedule would look the output up.
            Outcome::Ran { .. } | Outcome::Given | Outcome::Reused | Outcome::OtherProcess
                if has_several =>
            {
                self.settled_in.insert(key, id);
                made = schedule.execution.digest(node);
            }
            _ => {}
        }
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        if has_several {
            schedule.execution.session.known.forget(key);
        }
        if !schedule.running.contains(&node) && !schedule.committing.contains_key(&node) {
            self.release_claim(key, at);
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
}
