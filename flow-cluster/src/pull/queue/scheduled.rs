//! What a scheduler needs to know of a queue whose workers it starts, and what the queue learns from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use flow_core::executor::{Job, JobEvent};

use super::Queue;
use super::state::{Held, Phase, Place, State, Step};

/// After which part of the time of a lease a worker that was not heard of may be gone. It renews the lease after a quarter.
const SUSPICIOUS: u32 = 2;

/// The work of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    /// The number of bundles that no worker has taken.
    pub(crate) open: usize,
    /// The number of bundles that workers work on.
    pub(crate) busy: usize,
    /// The number of bundles that the workers which are there can work on at the same time.
    pub(crate) alive: usize,
    /// Whether a worker has given a bundle back, or was not heard of for a while: the scheduler may know why.
    pub(crate) is_suspicious: bool,
}

/// Whether a job is the cause of the end of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// It is not.
    None,
    /// It is, if only one runs.
    Job,
    /// It is, if only one runs, and the worker has begun no other before.
    FirstJob,
}

/// How a worker has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkerEnd {
    /// What has happened, in words.
    pub(crate) reason: String,
    pub(crate) blame: Blame,
    /// Whether it has ended for sure. A scheduler may only have forgotten it.
    pub(crate) is_certain: bool,
}

/// Why no worker can run jobs, for one pool or for all of them.
///
/// The first task that fails by it has the whole error. The others name that one: of a sweep, each would say the same otherwise.
pub(crate) struct Refusal {
    error: String,
    /// The key of the first job that has failed by it, and its instance as it is shown.
    first: Mutex<Option<(String, String)>>,
}

impl Refusal {
    pub(crate) fn new(error: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { error: error.into(), first: Mutex::default() })
    }

    /// Returns the error of a job.
    pub(super) fn error_of(&self, job: &Job) -> String {
        self.error_for(&job.key.to_string(), &job.label)
    }

    fn error_for(&self, key: &str, label: &str) -> String {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let (first, shown) = first.get_or_insert_with(|| (key.to_owned(), label.to_owned()));
        match first.as_str() == key {
            true => self.error.clone(),
            false => format!("no worker can run it: see the error of `{shown}`"),
        }
    }
}

impl Queue {
    /// Returns how much work there is.
    pub(crate) fn demand(&self) -> Demand {
        let state = self.state();
        let alive = state.workers.slots(&self.build, Instant::now());
        let mut demand = Demand { alive, ..Demand::default() };
        for held in state.bundles.values() {
            match &held.phase {
                Phase::Posted => demand.open += 1,
                Phase::Taken(taken) if held.over.is_none() => {
                    demand.busy += 1;
                    demand.is_suspicious |= held.given_back.is_some()
                        || taken.heard.elapsed() > held.lease / SUSPICIOUS;
                }
                Phase::Taken(_) | Phase::Over => {}
            }
        }
        if state.is_full {
            // They are not in bundles, because there are as many as workers can take soon.
            demand.open += state.waiting.len();
        }
        demand
    }

    /// Returns whether an earlier run has submitted a job that does the same, and left it.
    pub(crate) fn has_left(&self, job: &Job) -> bool {
        let state = self.state();
        let identity = (job.key.to_string(), job.fingerprint.to_string());
        state.left.get(&identity).is_some_and(|places| !places.is_empty())
    }

    /// Returns whether the worker that a job of the scheduler has started has taken a bundle.
    pub(crate) fn has_seen(&self, job: &str) -> bool {
        self.state().seen.contains(job)
    }

    /// Returns whether the worker that a job of the scheduler has started is of another build, and takes nothing of this run.
    pub(crate) fn is_of_other_build(&self, job: &str) -> bool {
        self.state().others.contains(job)
    }

    /// Reads what all workers have written.
    pub(crate) fn read_all(&self) {
        let mut state = self.state();
        self.find_taken(&mut state);
        for name in &state.taken() {
            self.read(&mut state, name);
        }
    }

    /// Ends the leases of a worker, of which the scheduler says that it has ended.
    ///
    /// A worker of which the scheduler only does not know any more keeps its leases as long as it is heard of.
    ///
    /// What the worker has written counts before that: its last message may be the result of the job. So
    /// [`read_all`](Self::read_all) is called first. Returns whether there was a job that had begun.
    pub(crate) fn end_worker(&self, job: &str, end: &WorkerEnd) -> bool {
        let mut state = self.state();
        let is_own = |held: &Held| matches!(&held.phase, Phase::Taken(taken) if taken.job.as_deref() == Some(job));
        let own = state.bundles.iter().filter(|(_, held)| is_own(held));
        let own: Vec<_> = own.map(|(name, _)| name.clone()).collect();
        let mut has_begun = false;
        for name in &own {
            let Some(held) = state.bundles.get_mut(name) else { continue };
            let Phase::Taken(taken) = &held.phase else { continue };
            if !end.is_certain && taken.heard.elapsed() <= held.lease / SUSPICIOUS {
                continue;
            }
            let is_running = |place: &Place| place.step == Step::Begun && place.job.is_some();
            has_begun |= held.places.iter().any(is_running);
            held.is_blamed = own.len() == 1
                && match end.blame {
                    Blame::None => false,
                    Blame::Job => true,
                    Blame::FirstJob => taken.ran == 0,
                };
            self.revoke(&mut state, name, &end.reason);
        }
        has_begun
    }

    /// Takes note that this run has submitted an array of workers: they have its settings. If one of them has refused jobs before
    /// this was known, the jobs fail.
    pub(crate) fn note_started(&self, array: &str) {
        let mut state = self.state();
        state.started.insert(array.to_owned());
        if let Some(refusal) = state.refusals.remove(array) {
            self.fail_waiting(&mut state, &refusal);
        }
    }

    /// Fails all jobs that no worker has begun, and those that are submitted from now on, because no worker can run them.
    pub(crate) fn refuse(&self, refusal: &Arc<Refusal>) {
        self.fail_waiting(&mut self.state(), refusal);
    }

    /// Does what [`refuse`](Self::refuse) does, with the lock held.
    pub(super) fn fail_waiting(&self, state: &mut State, refusal: &Arc<Refusal>) {
        state.refused = Some(Arc::clone(refusal));
        // A worker that is there may take a bundle meanwhile: its jobs go on.
        let posted = state.bundles.iter().filter(|(_, held)| matches!(held.phase, Phase::Posted));
        let posted: Vec<_> = posted.map(|(name, _)| name.clone()).collect();
        for name in posted {
            match self.transport.withdraw(&name) {
                Ok(true) => state.release(&name, ""),
                Ok(false) => {}
                Err(error) => state.tell_error(&error),
            }
        }
        for id in std::mem::take(&mut state.waiting) {
            if let Some(submitted) = state.jobs.remove(&id) {
                let error = refusal.error_of(&submitted.job);
                submitted.events.send(JobEvent::Failed(error));
            }
        }
        state.waiting_since = None;
        state.is_full = false;
    }

    /// Fails the jobs that have come back since jobs are [refused](Self::refuse): a worker has given them back, or their bundle could
    /// not be withdrawn before.
    pub(super) fn fail_refused(&self, state: &mut State) {
        if let Some(refusal) = state.refused.clone()
            && (state.has_posted() || !state.waiting.is_empty())
        {
            self.fail_waiting(state, &refusal);
        }
    }

    /// Tells the user what the jobs that have not begun wait for, unless the subject was told before.
    pub(crate) fn tell_once(&self, subject: &str, reason: String) {
        self.state().tell_once(subject, reason);
    }

    /// Tells the user once what the jobs that have not begun wait for.
    pub(crate) fn tell(&self, reason: &str) {
        self.state().tell(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_task_has_the_whole_error_and_the_others_name_it() {
        let refusal = Refusal::new("Slurm refuses it");
        assert_eq!(refusal.error_for("1", "Train {c: 1}"), "Slurm refuses it");
        let other = "no worker can run it: see the error of `Train {c: 1}`";
        assert_eq!(refusal.error_for("2", "Train {c: 2}"), other);
        // It is submitted again.
        assert_eq!(refusal.error_for("1", "Train {c: 1}"), "Slurm refuses it");
    }
}
