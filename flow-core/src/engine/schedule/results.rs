//! What follows from the result of a job: outcomes, values for consumers, instances that become ready or cannot run.

use crossbeam_channel::Sender;
use daggy::NodeIndex;

use super::{Pin, Schedule};
use crate::base::panics::Contained;
use crate::base::process::Spent;
use crate::engine::committer::CommitMessage;
use crate::engine::message::{End, How, NewlyMade};
use crate::engine::outcome::{Outcome, TaskError};
use crate::plan::judge::Upstream;
use crate::value::AnyValue;

impl Schedule {
    /// Takes the result of a job.
    pub(in crate::engine) fn end(
        &mut self,
        node: NodeIndex,
        end: End,
        commits: &Sender<CommitMessage>,
    ) {
        self.running.remove(&node);
        self.unpin_for(node);
        match end {
            End::Settled { how, spent, made } => self.settled(node, how, spent, *made, commits),
            End::Failed { error, spent } => {
                let seconds = spent.as_ref().map_or(0.0, |spent| spent.seconds as f32);
                self.spent.extend(spent.map(|spent| (node, spent)));
                self.fail(node, error, seconds);
            }
            // By the time the instance runs, another input was produced last.
            End::Demand(inputs) => self.demand(node, inputs),
            End::Wait(_) | End::Busy if self.stopped => self.conclude_stopped(node),
            End::Wait(_) | End::Busy => {}
            End::GivenUp => {
                self.conclude_stopped(node);
                self.stop();
            }
        }
    }

    fn settled(
        &mut self,
        node: NodeIndex,
        how: How,
        spent: Spent,
        made: NewlyMade,
        commits: &Sender<CommitMessage>,
    ) {
        let seconds = spent.seconds as f32;
        self.spent.insert(node, spent);
        if let Some(made) = made.made {
            self.execution.held.set_made(node, made);
        }
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
            How::Unchanged | How::OtherProcess if self.was_parked.contains(&node) => {
                self.conclude(node, Outcome::Elsewhere { error: None });
            }
            How::Unchanged => self.conclude(node, Outcome::Unchanged),
            How::OtherProcess => self.conclude(node, Outcome::OtherProcess),
            How::Found => self.conclude(node, Outcome::NowComplete),
        }
        // The record goes to the committer before any consumer starts, so that no record is visible before those
        // of its inputs. The committer outlives the coordinator, so sending cannot fail.
        if let Some(staged) = made.staged {
            let _ = commits.send(CommitMessage::Staged(staged));
        }
        self.release(node, made.value, made.bytes);
    }

    /// Takes the result of a commit.
    pub(in crate::engine) fn committed(&mut self, node: NodeIndex, result: Result<(), String>) {
        let outcome = self.committing.remove(&node).expect("only staged outputs are committed");
        match result {
            Ok(()) => self.conclude(node, outcome),
            Err(error) => {
                // It was reported as settled before.
                self.execution.report_uncommitted(node, &error);
                self.fail(node, TaskError { is_reported: true, ..error.into() }, 0.0);
            }
        }
    }

    /// Lets the waiters of a settled instance proceed, and pins its value for those that become ready.
    fn release(&mut self, node: NodeIndex, value: Option<Contained<AnyValue>>, bytes: u64) {
        let mut released = Vec::new();
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
                self.push_ready(consumer);
                released.push(consumer);
            }
        }
        let Some(value) = value.filter(|_| !released.is_empty()) else { return };
        // Over the budget the value is read again from its file.
        let remembered = self.execution.plan.store.memory().bytes();
        if self.execution.session.values.take(bytes, remembered) {
            self.execution.held.pin(node, value);
            self.pins.insert(node, Pin { consumers: released.len(), bytes });
            self.pinned_for.extend(released.into_iter().map(|consumer| (consumer, node)));
        }
    }

    /// Releases the value that is pinned for a consumer; the last release drops it.
    pub(super) fn unpin_for(&mut self, consumer: NodeIndex) {
        let Some(node) = self.pinned_for.remove(&consumer) else { return };
        let pins = self.pins.get_mut(&node).expect("each pinned consumer is counted");
        pins.consumers -= 1;
        if pins.consumers == 0 {
            self.execution.session.values.give(pins.bytes);
            self.pins.remove(&node);
            self.execution.held.unpin(node);
        }
    }

    pub(in crate::engine) fn fail(&mut self, node: NodeIndex, error: TaskError, seconds: f32) {
        let error = self.push_error(error);
        self.conclude(node, Outcome::Failed { seconds, error });
        self.block_waiters(node, node);
    }

    /// Concludes that an instance and everything that waits for it cannot run.
    pub(in crate::engine) fn block(&mut self, node: NodeIndex, because: NodeIndex) {
        self.conclude(node, Outcome::NotRun { because });
        self.block_waiters(node, because);
    }

    pub(super) fn block_waiters(&mut self, node: NodeIndex, because: NodeIndex) {
        let mut blocked = vec![node];
        while let Some(node) = blocked.pop() {
            for waiter in self.waiters(node) {
                if self.is_idle(waiter) {
                    // It may have waited for another attempt.
                    self.held_back.remove(&waiter);
                    self.unpin_for(waiter);
                    self.conclude(waiter, Outcome::NotRun { because });
                    blocked.push(waiter);
                }
            }
        }
    }
}
