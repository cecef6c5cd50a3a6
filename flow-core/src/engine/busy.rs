//! Instances that another process runs, or another run of this process: this run waits for their outputs.
//!
//! A worker that cannot [claim](crate::store::claims) an instance reports it as busy. The instance is then parked
//! without a worker. Again and again the coordinator looks whether the claim is free, which is one system call. When
//! it is free, the instance is ready. A worker judges it once more, and finds the output of the other process, or
//! claims the instance and runs it, because the other process has failed, was killed or ran other code.
//!
//! # No deadlock
//!
//! A claim is taken for a task that is about to run, and ends when its output is committed or it has failed. Neither
//! a ready or parked instance nor one that waits for its inputs holds a claim. The committer waits for nothing but the
//! disk. So a run that holds claims proceeds, except where a running task requires instances or runs a flow itself
//! ([`nested`](crate::engine::nested)): it holds its own claim, and waits for one that another run may hold. These
//! waits are part of the graph of who requires whom, which has no circle if all runs have the same code and no task
//! requires itself. For the other cases, such waits are [published](crate::store::waits). A run that finds itself in a
//! circle computes the instance without a claim: at worst it is computed twice and, if a task does require itself, the
//! [`cycle`](crate::engine::cycle) is within one run and its nested ones now, which report it.
//!
//! A stopped run waits for no process.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use crate::base::key::Key;
use crate::base::pause::running_time;
use crate::engine::coordinator::Coordinator;
use crate::engine::message::At;
use crate::engine::outcome::Outcome;
use crate::engine::timers::Timer;
use crate::store::waits::{Circle, Wait};

/// The time until the coordinator first looks whether a claim is free. It doubles each time.
pub(super) const FIRST: Duration = Duration::from_millis(50);

/// The longest time between two such looks.
pub(super) const LONGEST: Duration = Duration::from_millis(500);

/// The number of looks after which the run searches for a circle of waits.
pub(super) const PATIENCE: u32 = 2;

/// What a run knows of other processes that may be running an instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Others {
    /// The instance has not waited for another process.
    #[default]
    Unknown,
    /// It has waited for another process.
    Waited,
    /// To wait any longer would take forever: it runs without a claim.
    Circle,
}

/// The instances of a run that wait, or have waited, for other processes.
#[derive(Default)]
pub(super) struct Busy {
    /// The instances that have waited, until they are settled.
    instances: HashMap<At, Waiting>,
    /// The waits of running tasks that were published last.
    published: BTreeSet<Wait>,
}

struct Waiting {
    /// The number of looks since a worker reported that the instance is busy.
    looks: u32,
    /// The circle of waits that the last search found.
    circle: Option<Circle>,
    others: Others,
}

impl Busy {
    /// Returns what is known of other processes that may be running this instance.
    pub(super) fn others(&self, at: At) -> Others {
        self.instances.get(&at).map_or(Others::Unknown, |waiting| waiting.others)
    }
}

impl Coordinator {
    /// Lets an instance wait until another process has run it, and says so once.
    pub(super) fn wait_for_other_process(&mut self, at: At) {
        let (id, node) = at;
        let Some(schedule) = self.schedules.get_mut(&id) else { return };
        if schedule.outcomes[node.index()] != Outcome::Open {
            // The execution was stopped.
            return;
        }
        schedule.parked.insert(node);
        if self.busy.others(at) == Others::Unknown {
            schedule.execution.report_waiting(node);
        }
        let waiting = Waiting { looks: 0, circle: None, others: Others::Waited };
        self.busy.instances.insert(at, waiting);
        if self.is_waited_for(id) {
            self.publish_waits();
        }
        self.look_after(at, FIRST);
    }

    /// Looks at a parked instance again after this time.
    fn look_after(&mut self, at: At, after: Duration) {
        self.timers.set(running_time().saturating_add(after), Timer::look(at));
    }

    /// Makes a parked instance ready if its claim is free, and looks again later otherwise.
    pub(super) fn look(&mut self, at: At) {
        let (id, node) = at;
        let Some(schedule) = self.schedules.get_mut(&id) else { return self.forget_busy(at) };
        // A failed commit may have blocked it.
        if schedule.outcomes[node.index()] != Outcome::Open {
            schedule.parked.remove(&node);
            return self.forget_busy(at);
        }
        let key = schedule.execution.plan.graph.node(node).key;
        let claims = self.schedules[&0].execution.session.claims.as_ref();
        let is_held = claims.is_some_and(|claims| claims.is_held_by_other(key));
        let Some(waiting) = self.busy.instances.get_mut(&at) else { return };
        waiting.looks += 1;
        let looks = waiting.looks;
        if is_held && !(looks >= PATIENCE && self.is_in_circle(at, key)) {
            let doubled = FIRST.saturating_mul(1 << looks.min(8));
            return self.look_after(at, doubled.min(LONGEST));
        }
        let schedule = self.schedules.get_mut(&id).expect("the schedule exists");
        schedule.parked.remove(&node);
        schedule.push_ready(node);
    }

    /// Forgets that a settled instance has waited.
    pub(super) fn forget_busy(&mut self, at: At) {
        if self.busy.instances.remove(&at).is_some() && self.is_waited_for(at.0) {
            self.publish_waits();
        }
    }

    /// Forgets all instances that wait, because the run was stopped, and withdraws their waits: it may take long until the
    /// running tasks have ended.
    pub(super) fn forget_all_busy(&mut self) {
        self.busy.instances.clear();
        if !self.busy.published.is_empty() {
            self.publish_waits();
        }
    }

    /// Whether running tasks wait for a schedule: for one that they require, or for the whole run, which they enclose.
    fn is_waited_for(&self, id: u32) -> bool {
        id > 0 || !self.schedules[&0].execution.session.enclosing.is_empty()
    }

    /// Publishes for which instances the running tasks of this run wait, if that has changed.
    fn publish_waits(&mut self) {
        let session = &self.schedules[&0].execution.session;
        let (Some(claims), Some(run_lock)) = (&session.claims, &session.run_lock) else { return };
        let mut waits = BTreeSet::new();
        let enclosing = self.enclosing();
        for &(id, node) in self.busy.instances.keys().filter(|(id, _)| self.is_waited_for(*id)) {
            let Some(schedule) = self.schedules.get(&id) else { continue };
            let key = schedule.execution.plan.graph.node(node).key;
            let requesters = self.requesters(id).into_iter();
            // The claims of enclosing tasks are those of their runs.
            let claimed = requesters.filter(|by| claims.is_held(*by) || enclosing.contains(by));
            waits.extend(claimed.map(|by| (by, key)));
        }
        if waits != self.busy.published {
            run_lock.publish(&waits);
            self.busy.published = waits;
        }
    }

    /// Returns the instances of other runs whose tasks wait for this run.
    fn enclosing(&self) -> HashSet<Key> {
        let execution = &self.schedules[&0].execution;
        execution.session.enclosing.keys_in(&execution.plan.store).collect()
    }

    /// Returns the running instances that wait for a schedule, directly or through others.
    fn requesters(&self, id: u32) -> HashSet<Key> {
        let mut keys = self.enclosing();
        let (mut seen, mut next) = (HashSet::from([id]), vec![id]);
        while let Some(id) = next.pop() {
            let request = self.schedules.get(&id).and_then(|schedule| schedule.request.as_ref());
            let Some(&((by, node), ..)) = request else { continue };
            let key = self.schedules[&by].execution.plan.graph.node(node).key;
            keys.insert(key);
            // The schedule of the instance waits for it, and so do those in which its key is parked.
            let parked = self.parked.get(&key).into_iter().flatten().map(|(id, _)| *id);
            next.extend(parked.chain([by]).filter(|id| seen.insert(*id)));
        }
        keys
    }

    /// Whether waits of several runs form a circle through an instance that another process runs.
    ///
    /// They do if two searches, one after the other, find the same circle.
    fn is_in_circle(&mut self, at: At, key: Key) -> bool {
        let requesters = self.requesters(at.0);
        if requesters.is_empty() {
            return false;
        }
        self.publish_waits();
        let waits = self.schedules[&0].execution.plan.store.waits();
        let circle = waits.ok().and_then(|waits| waits.circle(key, &requesters));
        let Some(waiting) = self.busy.instances.get_mut(&at) else { return false };
        let is_sure = circle.is_some() && waiting.circle == circle;
        waiting.circle = circle;
        if is_sure {
            waiting.others = Others::Circle;
        }
        is_sure
    }
}
