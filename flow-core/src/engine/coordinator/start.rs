//! Which ready instance is started next, and on which thread.

use std::io;
use std::sync::Arc;
use std::thread::Builder;

use crate::base::key::Key;
use crate::engine::coordinator::Coordinator;
use crate::engine::job::{Control, Job};
use crate::engine::ledger::Demand;
use crate::engine::message::{At, Message};
use crate::engine::outcome::Outcome;
use crate::engine::ready::Rank;
use crate::engine::worker;
use crate::plan::policy::ResolvedPolicy;
use crate::task::Kind;

/// The stack size of a worker, in bytes: that of a main thread, because tasks may be recursive.
const STACK: usize = 8 << 20;

/// A job that is with the workers.
pub(super) struct Running {
    pub(super) control: Arc<Control>,
    pub(super) policy: Arc<ResolvedPolicy>,
    pub(super) demand: Demand,
    /// The number of requests that its task waits for. Meanwhile it uses neither threads nor resources.
    pub(super) waits: usize,
}

impl Coordinator {
    /// Sends ready instances to the workers: one more than there are workers, so that none waits for its next job.
    pub(super) fn hand_out(&mut self) -> io::Result<()> {
        while self.ledger.has_free_worker() {
            let Some((at, policy)) = self.next() else { return Ok(()) };
            self.start(at, policy)?;
        }
        Ok(())
    }

    /// Removes and returns the instance that is started next, with its policy, if there is one that may start.
    ///
    /// The latest schedules go first, because running tasks wait for them.
    fn next(&mut self) -> Option<(At, Arc<ResolvedPolicy>)> {
        let first = self.first_schedule();
        if first > 0
            && let Some(next) = self.next_awaited(first)
        {
            return Some(next);
        }
        let mut blocked = self.first_blocked(first);
        loop {
            let ready = self.schedules.range(first..).rev().find_map(|(&id, schedule)| {
                let (rank, node) = schedule.ready.peek()?;
                Some(((id, node), rank))
            });
            let goes_first = |at: At, rank: Rank| {
                ready.is_none_or(|((id, _), ready): (At, Rank)| (at.0, rank) > (id, ready))
            };
            if let Some((at, _, demand)) = blocked.take_if(|(at, rank, _)| goes_first(*at, *rank)) {
                self.ledger.unblock(&demand);
                if let Some(policy) = self.let_go_blocked(at) {
                    return Some((at, policy));
                }
                blocked = self.first_blocked(first);
                continue;
            }
            let (at, rank) = ready?;
            let (id, node) = at;
            let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
            schedule.ready.pop();
            // A failed commit may have blocked an instance that was ready.
            if schedule.outcomes[node.index()] != Outcome::Open {
                continue;
            }
            if !schedule.execution.plan.graph.has_policy(node) {
                let policy = Arc::clone(&self.without_options);
                if self.ledger.may_start(&Demand::default()) {
                    return Some((at, policy));
                }
                self.block(at, rank, Demand::default());
                continue;
            }
            match schedule.policy(node) {
                Ok(policy) => {
                    let demand = self.demand(&policy);
                    if self.ledger.may_start(&demand) {
                        return Some((at, policy));
                    }
                    self.block(at, rank, demand);
                }
                Err(error) => self.fail(at, error),
            }
        }
    }

    /// Returns the blocked instance that goes first, if its schedule is not before `first`.
    fn first_blocked(&mut self, first: u32) -> Option<(At, Rank, Arc<Demand>)> {
        self.ledger.first_blocked().filter(|(at, ..)| at.0 >= first)
    }

    /// Returns the policy of an instance that was blocked, if it can start.
    fn let_go_blocked(&mut self, at: At) -> Option<Arc<ResolvedPolicy>> {
        let schedule = self.schedules.get_mut(&at.0)?;
        schedule.held_back.remove(&at.1);
        schedule.policy(at.1).map_err(|error| self.fail(at, error)).ok()
    }

    /// Removes and returns an instance of a schedule before `first` that the task on top of the stack waits for: it has
    /// claimed a key for which an instance of a later schedule is parked, and is ready for another attempt.
    fn next_awaited(&mut self, first: u32) -> Option<(At, Arc<ResolvedPolicy>)> {
        let is_awaited = |parked: &[At]| parked.iter().any(|(id, _)| *id >= first);
        let awaited = self.parked.iter().filter(|(_, parked)| is_awaited(parked));
        let owners = awaited.filter_map(|(key, _)| self.claims.get(key));
        let owners = owners.filter(|at| at.0 < first && self.retrying.contains_key(at));
        for at in owners.copied().collect::<Vec<_>>() {
            let Some(schedule) = self.schedules.get_mut(&at.0) else { continue };
            // The delay before the attempt may not be over.
            if !schedule.ready.remove(at.1) {
                continue;
            }
            match schedule.policy(at.1) {
                Ok(policy) => return Some((at, policy)),
                Err(error) => self.fail(at, error),
            }
        }
        None
    }

    /// Returns the first schedule whose instances may be started.
    ///
    /// If the calling thread is the only worker, a task that waits is on its stack, below what is started next. Only what
    /// that task waits for may be started: anything else might wait for the task itself. [`next_awaited`](Self::next_awaited)
    /// finds what it waits for in earlier schedules.
    fn first_schedule(&self) -> u32 {
        if !self.execution.session.on_caller || self.waiting == 0 {
            return 0;
        }
        let waiting = self.running.iter().filter(|(_, job)| job.waits > 0);
        let latest = waiting.max_by_key(|(_, job)| job.control.number);
        let waits = latest.and_then(|(at, _)| self.waits.get(at)?.iter().min().copied());
        waits.unwrap_or_default()
    }

    fn block(&mut self, at: At, rank: Rank, demand: Demand) {
        if let Some(schedule) = self.schedules.get_mut(&at.0) {
            schedule.held_back.insert(at.1);
            self.ledger.block(at, rank, demand);
        }
    }

    /// Returns what a job with this policy uses. More threads than workers are not possible.
    fn demand(&self, policy: &ResolvedPolicy) -> Demand {
        let threads = policy.threads.clamp(1, self.workers);
        Demand { threads, resources: policy.resources.clone() }
    }

    /// Fails an instance that was not started.
    fn fail(&mut self, at: At, error: String) {
        if let Some(schedule) = self.schedules.get_mut(&at.0) {
            schedule.fail(at.1, error.into(), 0.0);
            self.after(at);
        }
    }

    fn start(&mut self, at: At, policy: Arc<ResolvedPolicy>) -> io::Result<()> {
        let (id, node) = at;
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
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
        self.send(at, policy);
        self.spawn_missing()
    }

    /// Starts worker threads until each job that may run has one.
    ///
    /// # Errors
    ///
    /// The operating system refuses a thread, and there is none to take the jobs that were sent.
    pub(super) fn spawn_missing(&mut self) -> io::Result<()> {
        let busy = (self.running.len() - self.waiting).min(self.workers);
        while !self.execution.session.on_caller && self.working < self.waiting + busy {
            if let Err(error) = self.spawn() {
                return if self.working > self.waiting { Ok(()) } else { Err(error) };
            }
        }
        Ok(())
    }

    /// Sends an instance to the workers.
    fn send(&mut self, at: At, policy: Arc<ResolvedPolicy>) {
        let (id, node) = at;
        let demand = self.demand(&policy);
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        schedule.gather_again(node);
        schedule.running.insert(node);
        self.jobs += 1;
        let execution = Arc::clone(&schedule.execution);
        let control = Control::new(self.jobs, execution.stopper.child(), demand.threads);
        let job = Job {
            needed: execution.plan.graph.is_root(node) || schedule.demands.contains_key(&node),
            starts: schedule.starts(node),
            losses: schedule.losses(node),
            others: self.busy.others(at),
            policy: Arc::clone(&policy),
            control: Arc::clone(&control),
            execution,
            node,
        };
        self.ledger.take(&demand);
        self.ledger.overtake(&demand);
        self.retrying.remove(&at);
        self.running.insert(at, Running { control, policy, demand, waits: 0 });
        self.execution.session.send_job(job);
    }

    /// Starts a worker, unless the calling thread is the only one.
    pub(super) fn spawn(&mut self) -> io::Result<()> {
        let session = &self.execution.session;
        if session.on_caller {
            return Ok(());
        }
        let (jobs, messages) = (session.jobs.clone(), session.messages.clone());
        let number = self.spawned;
        let thread = Builder::new().name(format!("flow-worker-{number}")).stack_size(STACK).spawn(
            move || {
                if worker::work(&jobs, &messages).is_continue() {
                    let _ = messages.send(Message::Gone { thread: number });
                }
            },
        )?;
        self.spawned += 1;
        self.threads.insert(number, thread);
        self.working += 1;
        Ok(())
    }

    /// Removes a job that has ended, and frees what it used. Returns whether its result counts.
    pub(super) fn take_running(&mut self, at: At, number: u64) -> bool {
        match self.running.get(&at) {
            Some(job) if job.control.number == number => {
                match job.waits {
                    0 => self.ledger.give(&job.demand),
                    // A thread of the task has outlived it, and still waits.
                    _ => self.waiting -= 1,
                }
                self.running.remove(&at);
                true
            }
            // The job was abandoned.
            _ => false,
        }
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

    /// Releases the claim of a settled instance, and makes the instances ready that wait for it.
    pub(super) fn release_claim(&mut self, key: Key, at: At) {
        if self.claims.get(&key) != Some(&at) {
            return;
        }
        self.claims.remove(&key);
        for (id, node) in self.parked.remove(&key).into_iter().flatten() {
            let Some(schedule) = self.schedules.get_mut(&id) else { continue };
            if schedule.parked.remove(&node) && schedule.outcomes[node.index()] == Outcome::Open {
                schedule.push_ready(node);
            }
        }
    }
}
