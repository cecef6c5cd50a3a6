//! Schedules for the instances that running tasks require.
//!
//! While a task waits, it uses neither threads nor resources. It continues when its instances are settled and the
//! resources that it demands are free again; until then no other instance gets any of them. So no instance waits forever
//! for resources of a task that waits for it, and no task waits until all instances have run that use its resources.

use std::sync::Arc;

use crossbeam_channel::Sender;

use crate::engine::coordinator::Coordinator;
use crate::engine::message::At;
use crate::engine::outcome::Part;
use crate::engine::schedule::Schedule;
use crate::engine::session::{Reply, Request, Unmade};

/// A running task that continues as soon as its resources are free.
pub(super) struct Resuming {
    /// Its instance, and the number of its job.
    by: At,
    number: u64,
    reply: Reply,
    to: Sender<Reply>,
}

impl Coordinator {
    /// Starts the schedule that a running instance requests.
    ///
    /// The instance keeps its thread while it waits, so another thread may have to take its place.
    pub(super) fn start_required(&mut self, request: Request) {
        let Request { by, number, execution, reply } = request;
        let refuse = |unmade: Unmade| {
            let roots = vec![Err(unmade); execution.plan.graph.roots.len()];
            let _ = reply.send(Reply { roots, outdated: false });
        };
        let job = self.running.get_mut(&by).filter(|job| job.control.number == number);
        let Some(job) =
            job.filter(|job| !job.control.stopper.is_stopped() && !execution.is_stopped())
        else {
            return refuse(Unmade::Stopped);
        };
        if job.waits == 0 {
            self.ledger.give(&job.demand);
            self.waiting += 1;
        }
        job.waits += 1;
        if self.working <= self.waiting
            && let Err(error) = self.spawn()
            && self.working == self.waiting
        {
            self.continue_task(by, number);
            return refuse(Unmade::Thread(error.to_string()));
        }
        // Jobs that were sent ahead may run now. One thread is free, so that an error is no obstacle.
        let _ = self.spawn_missing();
        let id = execution.id;
        let mut schedule = Schedule::new(execution);
        schedule.request = Some((by, number, reply));
        self.waits.entry(by).or_default().push(id);
        self.schedules.insert(id, schedule);
    }

    /// Removes the finished schedules, and replies to the instances that wait for them.
    pub(super) fn finish_schedules(&mut self) {
        let over = self.schedules.iter().filter(|(id, schedule)| **id > 0 && schedule.is_over());
        for id in over.map(|(id, _)| *id).collect::<Vec<_>>() {
            let mut schedule = self.schedules.remove(&id).expect("the schedule exists");
            if let Some((by, number, to)) = schedule.request.take() {
                if let Some(waits) = self.waits.get_mut(&by) {
                    waits.retain(|other| *other != id);
                    if waits.is_empty() {
                        self.waits.remove(&by);
                    }
                }
                let reply = schedule.reply();
                self.resuming.push(Resuming { by, number, reply, to });
            }
            let main = self.schedules.get_mut(&0).expect("schedule 0 ends last");
            main.outdated |= schedule.outdated;
            let plan = Arc::clone(&schedule.execution.plan);
            let (nodes, errors) = schedule.into_outcomes();
            let part = Part { plan, nodes, errors };
            self.parts.extend(part.tells().then_some(part));
        }
        self.resume();
    }

    /// Replies to the tasks whose resources are free again, and reserves what the others lack.
    pub(super) fn resume(&mut self) {
        if self.resuming.is_empty() {
            return;
        }
        let mut lacking = Vec::new();
        for Resuming { by, number, reply, to } in std::mem::take(&mut self.resuming) {
            let job = self.running.get(&by).filter(|job| job.control.number == number);
            let job = job.filter(|job| job.waits == 1 && !self.ledger.resources_fit(&job.demand));
            if let Some(job) = job {
                lacking.push(job.demand.clone());
                self.resuming.push(Resuming { by, number, reply, to });
            } else {
                self.continue_task(by, number);
                let _ = to.send(reply);
            }
        }
        self.ledger.reserve(lacking);
    }

    /// Counts that one request of a running task has ended.
    fn continue_task(&mut self, by: At, number: u64) {
        if let Some(job) = self.running.get_mut(&by).filter(|job| job.control.number == number) {
            job.waits -= 1;
            if job.waits == 0 {
                self.ledger.take(&job.demand);
                self.waiting -= 1;
            }
        }
    }
}
