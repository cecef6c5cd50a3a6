//! The end of a run.

use std::time::{Duration, Instant};

use flow_core::executor::JobEvent;

use super::Queue;
use super::leases::LINGER;
use super::state::{Held, Phase, Step};

/// How long the end of a run waits for workers to end the bundles of its last jobs.
const END: Duration = Duration::from_millis(500);

impl Queue {
    /// Ends the queue after the last job.
    pub(crate) fn end(&self) {
        let begun = Instant::now();
        loop {
            let mut state = self.state();
            state.is_ended = true;
            let is_open = |held: &Held| {
                let lingers = held.over.is_some_and(|over| over.elapsed() < LINGER);
                matches!(held.phase, Phase::Taken(_)) && (!held.is_adopted || lingers)
            };
            let open = state.bundles.iter().filter(|(_, held)| is_open(held));
            let open: Vec<_> = open.map(|(name, _)| name.clone()).collect();
            if open.is_empty() || begun.elapsed() > END {
                break;
            }
            // The worker has sent the last result, and is about to say that the bundle is over.
            self.transport.begin_poll();
            for name in &open {
                self.read(&mut state, name);
            }
            drop(state);
            std::thread::sleep(self.settings.poll.min(END / 20));
        }
        let mut state = self.state();
        for (name, held) in std::mem::take(&mut state.bundles) {
            let is_over = held.places.iter().all(|place| place.step == Step::Ended);
            // What cannot be removed is removed by the next run. What an earlier run has begun, and this one does not need,
            // runs to its end.
            let _ = match held.phase {
                Phase::Posted => self.transport.withdraw(&name).map(drop),
                Phase::Taken(taken) if is_over || !held.is_adopted => {
                    self.transport.revoke(&taken.lease)
                }
                Phase::Taken(_) | Phase::Over => Ok(()),
            };
        }
        // A worker may have taken a bundle just now.
        for lease in self.transport.leases().unwrap_or_default() {
            if lease.bundle.run() == self.run {
                let _ = self.transport.revoke(&lease);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Gives up all jobs, because the thread that watches the queue has panicked.
    pub(crate) fn give_up(&self) {
        let mut state = self.state();
        state.is_ended = true;
        for submitted in std::mem::take(&mut state.jobs).into_values() {
            submitted.events.send(JobEvent::Lost("the queue of jobs has ended".to_owned()));
        }
    }
}
