//! The bundles that workers have taken, or that are missing.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::scheduled::Refusal;
use super::state::{Phase, State, Step, Taken};
use super::{Queue, skips};
use crate::names::BundleName;

/// How long a bundle of an earlier run stays after all its jobs have ended: another run may have adopted it, too, because it
/// wants other jobs of it, and has to read their ends.
pub(super) const LINGER: Duration = Duration::from_millis(400);

/// How long a bundle stays that a worker has given back, because it was stopped, until it is known from its scheduler why.
const VERDICT: Duration = Duration::from_secs(20);

/// After how many times the time of a lease a bundle that is found nowhere is given up, if lists may be late: a network file system
/// may list a folder as it was a minute ago.
const MISSING: u32 = 4;

impl Queue {
    /// Writes the orders that could not be written so far. The next poll tries again.
    pub(super) fn send_orders(&self, taken: &mut Taken) {
        if taken.unsent.is_empty() {
            return;
        }
        match self.transport.order(&taken.lease, &taken.unsent) {
            // Without its folder, the lease has no worker.
            Ok(()) => taken.unsent.clear(),
            Err(error) if error.is_gone() => taken.unsent.clear(),
            // The beginning may have been written: an empty line ends it.
            Err(_) if taken.unsent.first() != Some(&b'\n') => taken.unsent.insert(0, b'\n'),
            Err(_) => {}
        }
    }

    /// Finds the leases of bundles that were posted.
    pub(super) fn find_taken(&self, state: &mut State) {
        if !state.has_posted() {
            return;
        }
        let leases = match self.transport.leases() {
            Ok(leases) => leases,
            Err(error) => return state.tell_error(&error),
        };
        // Jobs that were cancelled while it was not known which worker has them.
        let mut cancelled = Vec::new();
        for lease in leases {
            match state.bundles.get_mut(&lease.bundle) {
                Some(held) if matches!(held.phase, Phase::Posted) => {
                    let places = held.places.iter().enumerate();
                    let places = places.filter(|(_, at)| at.job.is_none());
                    cancelled.extend(places.map(|(place, _)| (lease.bundle.clone(), place)));
                    held.phase = Phase::taken(lease);
                }
                // It was taken after its jobs were posted again: see `find_missing`.
                None if lease.bundle.run() == self.run => {
                    if let Err(error) = self.transport.revoke(&lease) {
                        state.tell_error(&error);
                    }
                }
                _ => {}
            }
        }
        for (name, place) in cancelled {
            self.cancel_taken(state, &name, &[place]);
        }
    }

    /// Gives up bundles that were posted, and are found nowhere for long. Their jobs wait again.
    ///
    /// A person may have removed them. A network file system may show late where they are. In a bucket, a worker may have died
    /// between the two objects by which it takes one. If it has not died, it finds that it has no lease.
    pub(super) fn find_missing(&self, state: &mut State, now: Instant) {
        if !state.has_posted() {
            return;
        }
        let posted: HashSet<_> = match self.transport.posted() {
            Ok(posted) => posted.into_iter().collect(),
            Err(error) => return state.tell_error(&error),
        };
        // Afterwards: one that is taken meanwhile is found here.
        self.find_taken(state);
        let (times, reason) = match self.transport.lists_late() {
            true => (MISSING, "its folder in the queue was removed"),
            false => (1, "the worker that has taken it was not heard of since, or it was removed"),
        };
        let mut missing = Vec::new();
        for (name, held) in &mut state.bundles {
            if !matches!(held.phase, Phase::Posted) || posted.contains(name) {
                held.missing = None;
            } else if now.duration_since(*held.missing.get_or_insert(now)) > times * held.lease {
                missing.push(name.clone());
            }
        }
        for name in missing {
            state.release(&name, reason);
            state.tell(&format!("another worker: {reason}"));
        }
    }

    /// Takes the jobs that have not begun out of a bundle whose job waits: it may wait for them.
    pub(super) fn unblock(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        if !std::mem::take(&mut held.is_blocked) {
            return;
        }
        let Phase::Taken(taken) = &held.phase else { return };
        let places = held.places.iter().enumerate();
        let idle: Vec<_> = places
            .filter(|(_, place)| place.step == Step::NotBegun)
            .filter(|(_, place)| place.job.is_some() || place.identity.is_some())
            .map(|(at, _)| at)
            .collect();
        if idle.is_empty() {
            return;
        }
        if let Err(error) = self.transport.order(&taken.lease, &skips(&idle)) {
            held.is_blocked = true;
            return state.tell_error(&error);
        }
        // As when a job is cancelled: one that has begun meanwhile stays.
        let is_read = self.read(state, name);
        let Some(held) = state.bundles.get_mut(name) else { return };
        if !is_read {
            // It is not known which jobs have begun. The next poll tries again.
            held.is_blocked = true;
            return;
        }
        for at in idle {
            let place = &mut held.places[at];
            if place.step != Step::NotBegun {
                continue;
            }
            place.identity = None;
            if let Some(id) = place.job.take()
                && let Some(submitted) = state.jobs.get_mut(&id)
            {
                submitted.at = None;
                state.waiting.push_back(id);
            }
        }
        if !state.waiting.is_empty() {
            state.waiting_since.get_or_insert_with(Instant::now);
        }
    }

    /// Ends the lease of a worker that was not heard of for too long, or that is to end for another reason.
    pub(super) fn expire(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        let Phase::Taken(taken) = &mut held.phase else { return };
        self.send_orders(taken);
        if let Some(reason) = held.ends.clone() {
            return self.revoke(state, name, &reason);
        }
        if let Some((since, reason)) = held.given_back.clone() {
            if since.elapsed() >= VERDICT {
                held.is_returned = true;
                self.revoke(state, name, &reason);
            }
            return;
        }
        if let Some(over) = held.over {
            if over.elapsed() >= LINGER.max(2 * self.settings.poll) {
                self.revoke(state, name, "its worker has left it out");
            }
            return;
        }
        if taken.heard.elapsed() > held.lease {
            let reason = format!(
                "{} has not been heard of for {:.1} s",
                taken.worker,
                taken.heard.elapsed().as_secs_f64()
            );
            self.revoke(state, name, &reason);
        }
    }

    /// Takes back a bundle that a worker refuses, and says so: another worker may take its jobs.
    pub(super) fn take_back(&self, state: &mut State, name: &BundleName, reason: &str) {
        let Some(held) = state.bundles.get(name) else { return };
        let Phase::Taken(taken) = &held.phase else { return };
        let (worker, job, is_adopted) = (taken.worker.clone(), taken.job.clone(), held.is_adopted);
        if is_adopted {
            // It does not sign as the run required that was killed. This run may require something else.
            return self.revoke(state, name, &format!("{worker} has refused it"));
        }
        let refusal = format!("{worker} refuses the jobs of this run: {reason}");
        self.revoke(state, name, &refusal);
        if self.command.is_none() {
            // Each further worker fails for the same reason.
            let first = state.refused.clone();
            let error = first.unwrap_or_else(|| Refusal::new(refusal.as_str()));
            let array = job.as_deref().and_then(|job| job.rsplit_once('_')).map(|(array, _)| array);
            if let Some(array) = array.filter(|array| !state.started.contains(*array)) {
                // Another run has started it, maybe with another profile, or it is not known so far that this run has.
                state.refusals.insert(array.to_owned(), error);
            } else {
                // The scheduler would start workers with the same settings without end.
                return self.fail_waiting(state, &error);
            }
        }
        state.tell(&format!("another worker: {refusal}"));
        state.workers.refuse(worker);
    }

    /// Ends a lease. Jobs that have begun are lost, and the others wait again.
    pub(super) fn revoke(&self, state: &mut State, name: &BundleName, reason: &str) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        let Phase::Taken(taken) = &held.phase else { return };
        // Before the jobs are said to be lost, their worker must not be able to leave anything behind.
        match self.transport.revoke(&taken.lease) {
            Ok(()) => state.release(name, reason),
            Err(error) => {
                // The next poll tries again.
                held.ends.get_or_insert_with(|| reason.to_owned());
                state.tell_error(&error);
            }
        }
    }
}
