//! The workers that a run knows of, from the files that they write.
//!
//! A worker is alive as long as the number in its file grows, as this process sees it: the clocks of other machines and the
//! times of files do not count.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::format::Presence;
use crate::names::WorkerName;

/// How long a worker whose file stays as it is counts as alive.
const ALIVE: Duration = Duration::from_secs(15);

/// How long a worker is remembered after that.
const REMEMBERED: Duration = Duration::from_secs(120);

/// The workers of a queue.
#[derive(Default)]
pub(super) struct Workers(HashMap<WorkerName, Known>);

struct Known {
    presence: Presence,
    /// When its number grew last.
    heard: Instant,
}

impl Workers {
    /// Takes what the files of the workers say now. Returns those that are gone for long, whose files can be removed.
    pub(super) fn update(
        &mut self,
        found: Vec<(WorkerName, Presence)>,
        now: Instant,
    ) -> Vec<WorkerName> {
        let is_found = |name: &WorkerName| found.iter().any(|(found, _)| found == name);
        self.0.retain(|name, _| is_found(name));
        for (name, presence) in found {
            match self.0.get_mut(&name) {
                Some(known) if known.presence.beat == presence.beat => {}
                Some(known) => *known = Known { presence, heard: now },
                None => {
                    self.0.insert(name, Known { presence, heard: now });
                }
            }
        }
        let is_gone = |known: &Known| now.duration_since(known.heard) > ALIVE + REMEMBERED;
        let gone = self.0.iter().filter(|(_, known)| is_gone(known));
        gone.map(|(name, _)| name.clone()).collect()
    }

    fn alive(&self, now: Instant) -> impl Iterator<Item = &Presence> {
        let alive = self.0.values().filter(move |known| now.duration_since(known.heard) <= ALIVE);
        alive.map(|known| &known.presence)
    }

    /// Returns how many bundles of a build the workers can run at the same time.
    pub(super) fn slots(&self, build: &str, now: Instant) -> usize {
        self.alive(now).filter(|worker| worker.build == build).map(|worker| worker.slots).sum()
    }

    /// Returns the workers of other builds, as they are shown.
    pub(super) fn of_other_builds(&self, build: &str, now: Instant) -> Vec<String> {
        let others = self.alive(now).filter(|worker| worker.build != build);
        let mut shown: Vec<_> =
            others.map(|worker| format!("`{}` on {}", worker.program, worker.shown())).collect();
        shown.sort_unstable();
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_alive_as_long_as_its_number_grows() {
        let (mut workers, begun) = (Workers::default(), Instant::now());
        let (name, other) = (WorkerName::new("a"), WorkerName::new("b"));
        let mut presence = Presence::new(("a", 1), ("train", "one"), 4);
        let of_other = Presence::new(("b", 2), ("train", "two"), 8);
        let found = |presence: &Presence| {
            vec![(name.clone(), presence.clone()), (other.clone(), of_other.clone())]
        };
        assert!(workers.update(found(&presence), begun).is_empty());
        assert_eq!(workers.slots("one", begun), 4);
        assert_eq!(workers.of_other_builds("one", begun), ["`train` on b (process 2)"]);
        presence.beat += 1;
        let later = begun + ALIVE;
        assert!(workers.update(found(&presence), later).is_empty());
        let later = later + Duration::from_secs(1);
        assert_eq!(workers.slots("one", later), 4);
        assert!(workers.of_other_builds("one", later).is_empty(), "it is not heard of any more");
        let later = begun + ALIVE + REMEMBERED + Duration::from_secs(1);
        assert_eq!(workers.update(found(&presence), later), [other.clone()]);
        assert_eq!(workers.slots("one", later), 0);
    }
}
