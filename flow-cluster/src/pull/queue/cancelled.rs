//! Ends jobs that the run does not want any more, or that another process has asked to cancel.

use std::collections::BTreeMap;

use flow_core::executor::{JobEvent, JobEvents};

use super::state::{Held, JobId, Phase, State, Step, Submitted};
use super::{Queue, skips};
use crate::names::BundleName;
use crate::pull::requests::Asked;

impl Queue {
    /// Ends jobs, whether they wait or run. Returns the receivers of their events.
    pub(super) fn end_jobs(&self, state: &mut State, ids: &[JobId]) -> Vec<JobEvents> {
        let mut ended = Vec::new();
        let mut bundles: BTreeMap<BundleName, Vec<usize>> = BTreeMap::new();
        for id in ids {
            let Some(Submitted { at, events, .. }) = state.jobs.remove(id) else { continue };
            ended.push(events);
            // One that waits is not posted: see `post`.
            let Some((name, place)) = at else { continue };
            if let Some(held) = state.bundles.get_mut(&name) {
                held.places[place].job = None;
                bundles.entry(name).or_default().push(place);
            }
        }
        for (name, places) in bundles {
            let is_posted = |held: &Held| matches!(held.phase, Phase::Posted);
            if state.bundles.get(&name).is_some_and(is_posted) {
                match self.transport.withdraw(&name) {
                    Ok(true) => {
                        state.release(&name, "");
                        continue;
                    }
                    // A worker has taken it just now.
                    Ok(false) => self.find_taken(state),
                    Err(error) => state.tell_error(&error),
                }
            }
            self.cancel_taken(state, &name, &places);
        }
        ended
    }

    /// Cancels the jobs that other processes have asked to cancel, also those that are submitted later.
    pub(super) fn take_requests(&self, state: &mut State) {
        let asked = match state.requests.take(&*self.transport, &self.run) {
            Ok(asked) => asked,
            Err(error) => return state.tell_error(&error),
        };
        for request in asked {
            let jobs = state.jobs.iter().filter(|(_, submitted)| request.cancels(&submitted.job));
            let ids: Vec<_> = jobs.map(|(id, _)| *id).collect();
            // Afterwards, nothing of them can be committed.
            for events in self.end_jobs(state, &ids) {
                events.send(JobEvent::Cancelled(request.by().to_owned()));
            }
            self.end_left(state, &request);
        }
    }

    /// Ends jobs of earlier runs that this run has adopted, and has not submitted so far.
    fn end_left(&self, state: &mut State, request: &Asked) {
        let mut bundles: BTreeMap<BundleName, Vec<usize>> = BTreeMap::new();
        for (name, held) in &mut state.bundles {
            if !matches!(held.phase, Phase::Taken(_)) {
                continue;
            }
            for (at, place) in held.places.iter_mut().enumerate() {
                let is_asked = |(key, _): &(String, String)| request.has(&place.task, key);
                if place.step != Step::Ended && place.identity.as_ref().is_some_and(is_asked) {
                    place.identity = None;
                    bundles.entry(name.clone()).or_default().push(at);
                }
            }
        }
        for (name, places) in bundles {
            self.cancel_taken(state, &name, &places);
        }
    }

    /// Ends jobs of a bundle that was taken.
    ///
    /// The worker says that a job begins before it reads whether the job is to be left out. So either this finds that the
    /// job has begun, and ends the lease, or the worker finds that it is left out.
    pub(super) fn cancel_taken(&self, state: &mut State, name: &BundleName, places: &[usize]) {
        let lease = state.bundles.get(name).and_then(|held| match &held.phase {
            Phase::Taken(taken) => Some(taken.lease.clone()),
            Phase::Posted | Phase::Over => None,
        });
        let Some(lease) = lease else { return };
        let ordered = self.transport.order(&lease, &skips(places));
        let is_read = self.read(state, name);
        let is_to_end = |held: &Held| {
            places.iter().any(|&place| match held.places[place].step {
                Step::Begun => true,
                // The worker does not find the order, or it is not known whether the job has begun.
                Step::NotBegun => ordered.is_err() || !is_read,
                Step::Ended => false,
            })
        };
        if state.bundles.get(name).is_some_and(is_to_end) {
            self.revoke(state, name, "the run has cancelled another job of its bundle");
        }
    }
}
