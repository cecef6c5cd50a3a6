//! A job: one instance that a worker settles, and what the coordinator controls of it.
//!
//! The coordinator and the worker share the [`Control`] of a job. The worker takes slots when it begins and gives them
//! back when it ends; while its task waits for others, the slots are free. The coordinator may *abandon* a job whose
//! task has run for too long: its slots and its claim are free at once, and what the worker returns later is discarded. A
//! lock decides which of the two comes first: the result of an abandoned job is never committed, and a job that has ended
//! in time is not abandoned.
//!
//! What the worker knows of the attempt is in the control, too, so that the coordinator can record the failure of an
//! abandoned job with its log and its inputs, while the task still runs.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::base::process::Elsewhere;
use crate::base::stop::Stopper;
use crate::engine::Execution;
use crate::engine::busy::Others;
use crate::engine::session::Slots;
use crate::plan::policy::{self, ResolvedPolicy};
use crate::store::claims::Claimed;
use crate::store::record::MadeFrom;
use crate::task::cx::Attempt;

/// An instance to settle.
pub(crate) struct Job {
    pub(crate) execution: Arc<Execution>,
    pub(crate) node: NodeIndex,
    /// Whether the file of its output is needed: the instance is a root, or a consumer demanded it.
    pub(crate) needed: bool,
    /// How often the task is started with this attempt, beginning with 1.
    pub(crate) starts: u32,
    /// How often the task was lost before, with the process or machine that ran it.
    pub(crate) losses: u32,
    /// What is known of other processes that may be running the instance.
    pub(crate) others: Others,
    pub(crate) policy: Arc<ResolvedPolicy>,
    pub(crate) control: Arc<Control>,
}

impl Job {
    /// Returns the number of this attempt, beginning with 1. Losses do not count, up to a limit.
    pub(crate) fn attempt(&self) -> u32 {
        policy::attempt(self.starts, self.losses)
    }
}

/// What the coordinator and the worker of a job share.
pub(crate) struct Control {
    /// Distinguishes the jobs of a run, also those of one instance.
    pub(crate) number: u64,
    /// Stops this job; stopped with its execution.
    pub(crate) stopper: Stopper,
    threads: usize,
    /// The log and the metadata of the task, once it was started.
    attempt: OnceLock<Arc<Attempt>>,
    /// What a task with a time-out was about to compute, and the fingerprint of that.
    computes: OnceLock<(MadeFrom, Digest)>,
    /// Where the task runs that was submitted to an executor, and for how long it has waited.
    elsewhere: OnceLock<Elsewhere>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of slots that the job holds.
    held: usize,
    /// The number of the task's threads that wait for other tasks.
    waiting: usize,
    is_abandoned: bool,
    /// Whether the job has ended in time, so that it can no longer be abandoned.
    is_over: bool,
    /// The claim on the instance, as long as this job holds it.
    claim: Weak<Claimed>,
}

impl Control {
    pub(super) fn new(number: u64, stopper: Stopper, threads: usize) -> Arc<Self> {
        Arc::new(Self {
            number,
            stopper,
            threads: threads.max(1),
            attempt: OnceLock::new(),
            computes: OnceLock::new(),
            elsewhere: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    /// Returns the control of a task that runs without a coordinator, and so without slots.
    pub(super) fn detached(stopper: &Stopper) -> Arc<Self> {
        Self::new(0, stopper.child(), 1)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("lock poisoned")
    }

    /// Records the attempt of a task that is about to be started.
    pub(super) fn set_attempt(&self, attempt: &Arc<Attempt>) {
        // A job runs its task once.
        let _ = self.attempt.set(Arc::clone(attempt));
    }

    /// Returns what the task has left behind so far, if it was started.
    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.attempt.get().map(|attempt| &**attempt)
    }

    /// Records what a task with a time-out is about to compute.
    pub(super) fn set_computes(&self, made_from: MadeFrom, fingerprint: Digest) {
        let _ = self.computes.set((made_from, fingerprint));
    }

    /// Returns what the task was about to compute, if it has a time-out and was started.
    pub(super) fn computes(&self) -> Option<&(MadeFrom, Digest)> {
        self.computes.get()
    }

    /// Records where the task runs that was submitted to an executor. Later calls change nothing.
    pub(super) fn set_elsewhere(&self, elsewhere: Elsewhere) {
        let _ = self.elsewhere.set(elsewhere);
    }

    /// Returns where the task runs, if it was submitted to an executor and has begun or ended.
    pub(super) fn elsewhere(&self) -> Option<&Elsewhere> {
        self.elsewhere.get()
    }

    /// Waits for slots, and takes them.
    pub(super) fn begin(&self, slots: &Slots) {
        slots.take(self.threads);
        let mut state = self.state();
        state.held = self.threads;
    }

    /// Decides that the job has ended in time. Returns `false` if it was abandoned before: its result is discarded.
    ///
    /// The worker calls this before it reports how the job has ended.
    pub(super) fn conclude(&self) -> bool {
        let mut state = self.state();
        state.is_over = !state.is_abandoned;
        state.is_over
    }

    /// Gives the slots back. Returns whether the result of the job counts.
    pub(super) fn end(&self, slots: &Slots) -> bool {
        let mut state = self.state();
        slots.give(std::mem::take(&mut state.held));
        state.is_over = !state.is_abandoned;
        state.is_over
    }

    /// Passes on the claim on the instance, which is released when the job is abandoned.
    pub(super) fn hold(&self, claim: &Arc<Claimed>) {
        let mut state = self.state();
        match state.is_abandoned {
            true => claim.release(),
            false => state.claim = Arc::downgrade(claim),
        }
    }

    /// Frees the slots while a thread of the task waits for other tasks.
    ///
    /// A task may wait on several threads. The first one that waits gives the slots back, and the last one that ends
    /// waiting takes them again.
    pub(super) fn begin_waiting(&self, slots: &Slots) {
        let mut state = self.state();
        state.waiting += 1;
        slots.give(std::mem::take(&mut state.held));
    }

    pub(super) fn end_waiting(&self, slots: &Slots) {
        {
            let mut state = self.state();
            state.waiting -= 1;
            if state.waiting > 0 || state.is_abandoned {
                return;
            }
        }
        slots.take(self.threads);
        let mut state = self.state();
        // Another thread may have begun to wait, or have taken the slots, and the job may have been abandoned.
        if state.is_abandoned || state.waiting > 0 || state.held > 0 {
            slots.give(self.threads);
        } else {
            state.held = self.threads;
        }
    }

    /// Whether the result of the job is discarded.
    pub(super) fn is_abandoned(&self) -> bool {
        self.state().is_abandoned
    }

    /// Discards the result of the job, and frees its slots and its claim. Returns `false`, and does nothing, if the job
    /// has ended in time.
    pub(super) fn abandon(&self, slots: &Slots) -> bool {
        let mut state = self.state();
        if state.is_over {
            return false;
        }
        state.is_abandoned = true;
        slots.give(std::mem::take(&mut state.held));
        let claim = state.claim.upgrade();
        drop(state);
        // The task may hang forever, and others may wait for the claim.
        if let Some(claim) = claim {
            claim.release();
        }
        self.stopper.stop();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_of_an_abandoned_job_are_free_at_once_and_only_once() {
        let slots = Slots::new(4);
        let control = Control::new(1, Stopper::default(), 3);
        control.begin(&slots);
        assert_eq!(slots.free(), 1);
        assert!(control.abandon(&slots));
        assert_eq!(slots.free(), 4);
        assert!(control.stopper.is_stopped());
        assert!(!control.end(&slots), "its result does not count");
        assert_eq!(slots.free(), 4);
    }

    #[test]
    fn slots_are_free_while_a_task_waits() {
        let slots = Slots::new(2);
        let control = Control::new(1, Stopper::default(), 2);
        control.begin(&slots);
        control.begin_waiting(&slots);
        control.begin_waiting(&slots);
        assert_eq!(slots.free(), 2);
        control.end_waiting(&slots);
        assert_eq!(slots.free(), 2, "another thread still waits");
        control.end_waiting(&slots);
        assert_eq!(slots.free(), 0);
        assert!(control.end(&slots));
        assert_eq!(slots.free(), 2);
    }

    #[test]
    fn a_job_that_is_abandoned_while_it_waits_takes_no_slots_again() {
        let slots = Slots::new(2);
        let control = Control::new(1, Stopper::default(), 2);
        control.begin(&slots);
        control.begin_waiting(&slots);
        assert!(control.abandon(&slots));
        control.end_waiting(&slots);
        assert_eq!(slots.free(), 2);
    }

    #[test]
    fn a_job_that_has_ended_in_time_is_not_abandoned() {
        let slots = Slots::new(1);
        let control = Control::new(1, Stopper::default(), 1);
        control.begin(&slots);
        assert!(control.conclude());
        assert!(!control.abandon(&slots), "its end is reported already");
        assert!(!control.stopper.is_stopped());
        assert!(control.end(&slots), "its result counts");
        assert!(!control.abandon(&slots));
        assert_eq!(slots.free(), 1);
    }

    #[test]
    fn the_end_of_an_abandoned_job_does_not_count() {
        let slots = Slots::new(1);
        let control = Control::new(1, Stopper::default(), 1);
        control.begin(&slots);
        assert!(control.abandon(&slots));
        assert!(!control.conclude() && !control.end(&slots));
    }
}
