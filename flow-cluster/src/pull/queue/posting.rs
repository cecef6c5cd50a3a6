//! Makes bundles of the jobs that wait, and knows whether there are workers for them.

use std::time::{Duration, Instant};

use super::Queue;
use super::state::{Held, JobId, Phase, Place, State, Submitted};
use crate::bundling::{bundles, most_posted, slots_to_fill};
use crate::format::{Bundle, BundledJob};
use crate::names::BundleName;

/// How long jobs wait before a message says that there is no worker.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most bytes that describe one of several jobs of a bundle.
const LONG_PAYLOAD: usize = 32 << 10;

impl Queue {
    /// Posts jobs that wait, as long as there are not too many bundles that no worker has taken.
    pub(super) fn post(&self, state: &mut State, now: Instant) {
        let State { waiting, jobs, .. } = &mut *state;
        // Those that were cancelled.
        waiting.retain(|id| jobs.contains_key(id));
        let slots = state.workers.slots(&self.build, now);
        let posted = state.bundles.values().filter(|held| matches!(held.phase, Phase::Posted));
        let room = most_posted(slots).saturating_sub(posted.count());
        let ids: Vec<_> = state.waiting.iter().copied().collect();
        let expected = ids.iter().map(|id| {
            let job = &state.jobs.get(id)?.job;
            // One whose description is long is alone, so that a bundle is not too large.
            job.expected_seconds.filter(|_| job.payload.len() <= LONG_PAYLOAD)
        });
        let expected: Vec<_> = expected.collect();
        let to_fill = slots_to_fill(&expected, slots, self.settings.most_workers);
        for range in bundles(&expected, to_fill, self.settings.limits).into_iter().take(room) {
            let ids = &ids[range];
            let jobs: Vec<_> = ids.iter().filter_map(job_of(state)).collect();
            let name = BundleName::new(&self.build, &self.run, state.posted);
            state.posted += 1;
            let lease = self.settings.lease;
            let bundle = Bundle::new(&self.build, lease.as_secs_f64(), jobs);
            let bundle = bundle.of_program(&self.program);
            if let Err(error) = self.transport.post(&name, &bundle) {
                // The next poll tries again.
                state.tell_error(&error);
                break;
            }
            state.waiting.drain(..ids.len());
            for (place, id) in ids.iter().enumerate() {
                if let Some(submitted) = state.jobs.get_mut(id) {
                    submitted.at = Some((name.clone(), place));
                }
            }
            let place = |&id: &JobId| Place { job: Some(id), ..Place::default() };
            let places = ids.iter().map(place).collect();
            state.bundles.insert(name, Held::new(places, Phase::Posted, lease));
        }
        state.is_full = !state.waiting.is_empty();
        state.waiting_since = state.is_full.then_some(now);
    }

    /// Reads which workers there are, and tells the user if there are none for this program.
    pub(super) fn look_for_workers(&self, state: &mut State, now: Instant) {
        let found = match self.transport.workers() {
            Ok(found) => found,
            Err(error) => return state.tell_error(&error),
        };
        let due = state.workers.due(found, now);
        for (name, presence) in due.iter().zip(self.transport.presences(&due)) {
            state.workers.read(name, presence, now);
        }
        for gone in state.workers.gone(now) {
            self.transport.forget(&gone);
        }
        state.others.extend(state.workers.jobs_of_other_builds(&self.build, now));
        let others = state.workers.of_other_builds(&self.build, now);
        for (program, shown) in &others {
            state.tell(&other_worker(&self.program, program, shown));
        }
        // The user knows already why workers that refuse jobs do not run them.
        let is_alone = !state.workers.has_any(&self.build, now);
        if !is_alone || !state.has_idle_job() {
            state.alone_since = None;
        } else if let Some(command) = &self.command
            && now.duration_since(*state.alone_since.get_or_insert(now)) >= PATIENCE
        {
            state.tell(&none_is_running(!others.is_empty(), command));
        }
    }
}

/// Returns what is said of a worker that takes no jobs of this run.
fn other_worker(own: &str, program: &str, shown: &str) -> String {
    match program == own {
        true => format!(
            "a worker of this build: {shown} is of another build of this program, and takes no jobs of this run: start it \
             again from the same executable file"
        ),
        false => format!(
            "a worker of this program: {shown} is of another program, and takes no jobs of this run"
        ),
    }
}

/// Returns what is said if there is no worker for this run, although there may be others.
fn none_is_running(has_others: bool, command: &str) -> String {
    let what = match has_others {
        false => "a worker: none is running",
        true => "a worker of this program and build: only workers of others are running",
    };
    format!("{what}. Start some with `{command}`")
}

/// Returns a function that describes a job for a bundle.
fn job_of(state: &State) -> impl Fn(&JobId) -> Option<BundledJob> {
    move |id| {
        let Submitted { job, .. } = state.jobs.get(id)?;
        Some(BundledJob {
            key: job.key.to_string(),
            fingerprint: job.fingerprint.to_string(),
            task: job.task.clone(),
            label: job.label.clone(),
            attempt: job.attempt,
            expected_seconds: job.expected_seconds,
            payload: job.payload.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_program_and_another_build_are_told_apart_and_not_denied_later() {
        let shown = "`fan` on vm (process 7)";
        let expected = "a worker of this program: `fan` on vm (process 7) is of another program, and takes no jobs of this run";
        assert_eq!(other_worker("iris", "fan", shown), expected);
        let build = other_worker("fan", "fan", shown);
        assert!(build.contains("is of another build of this program"), "{build}");
        assert!(build.contains("from the same executable file"), "{build}");
        let command = "./iris worker --data d";
        assert_eq!(
            none_is_running(false, command),
            "a worker: none is running. Start some with `./iris worker --data d`"
        );
        assert_eq!(
            none_is_running(true, command),
            "a worker of this program and build: only workers of others are running. Start some with `./iris worker --data d`"
        );
    }
}
