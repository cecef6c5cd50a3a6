//! The workers that a run knows of, from the files that they write.
//!
//! A worker is alive as long as the number in its file grows, as this process sees it: the clocks of other machines and the
//! times of files do not count.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::format::{Presence, plain};
use crate::names::WorkerName;

/// How long a worker whose file stays as it is counts as alive.
const ALIVE: Duration = Duration::from_secs(15);

/// How often the file of a worker is read, and how many files at most at a time: the lock of the queue is held meanwhile.
const EVERY: Duration = Duration::from_secs(5);
const MOST_READ: usize = 256;

/// How long its file stays after that. A worker that was only suspended writes it again.
const REMEMBERED: Duration = Duration::from_secs(15);

/// The workers of a queue.
#[derive(Default)]
pub(super) struct Workers {
    known: HashMap<WorkerName, Known>,
    /// Those that take no jobs of this run, as they are shown.
    refusing: HashSet<String>,
}

struct Known {
    /// What its file said; `None` as long as it could not be read.
    presence: Option<Presence>,
    /// When its number grew last.
    heard: Instant,
    /// When its file was read last.
    read: Option<Instant>,
}

impl Workers {
    /// Takes the names of the workers that have a file now. Returns those whose files are to be read: new ones first, and then
    /// those that were not read for the longest time.
    pub(super) fn due(&mut self, found: Vec<WorkerName>, now: Instant) -> Vec<WorkerName> {
        let found: HashSet<_> = found.into_iter().collect();
        self.known.retain(|name, _| found.contains(name));
        for name in found {
            self.known.entry(name).or_insert(Known { presence: None, heard: now, read: None });
        }
        let is_due =
            |read: Option<Instant>| read.is_none_or(|read| now.duration_since(read) >= EVERY);
        let due = self.known.iter().filter(|(_, known)| is_due(known.read));
        let mut due: Vec<_> = due.map(|(name, known)| (known.read, name.clone())).collect();
        due.sort_unstable();
        due.truncate(MOST_READ);
        due.into_iter().map(|(_, name)| name).collect()
    }

    /// Takes what the file of a worker says now.
    pub(super) fn read(&mut self, name: &WorkerName, presence: Option<Presence>, now: Instant) {
        let Some(known) = self.known.get_mut(name) else { return };
        known.read = Some(now);
        let Some(presence) = presence else { return };
        if known.presence.as_ref().is_none_or(|known| known.beat != presence.beat) {
            known.heard = now;
        }
        known.presence = Some(presence);
    }

    /// Returns the workers that are gone for long, or were never understood, whose files can be removed.
    pub(super) fn gone(&self, now: Instant) -> Vec<WorkerName> {
        let is_gone = |known: &Known| now.duration_since(known.heard) > ALIVE + REMEMBERED;
        let gone = self.known.iter().filter(|(_, known)| is_gone(known));
        gone.map(|(name, _)| name.clone()).collect()
    }

    fn alive(&self, now: Instant) -> impl Iterator<Item = &Presence> {
        // Of many workers, each is read less often than it is to be heard of.
        let is_alive = move |known: &&Known| {
            known.read == Some(known.heard) || now.duration_since(known.heard) <= ALIVE
        };
        self.known.values().filter(is_alive).filter_map(|known| known.presence.as_ref())
    }

    fn alive_of(&self, build: &str, now: Instant) -> impl Iterator<Item = &Presence> {
        self.alive(now).filter(move |worker| worker.build == build)
    }

    /// Takes note that a worker takes no jobs of this run.
    pub(super) fn refuse(&mut self, shown: String) {
        self.refusing.insert(shown);
    }

    /// Returns whether there is a worker of a build, also one that takes no jobs of this run.
    pub(super) fn has_any(&self, build: &str, now: Instant) -> bool {
        self.alive_of(build, now).next().is_some()
    }

    /// Returns how many bundles of a build the workers can run at the same time.
    pub(super) fn slots(&self, build: &str, now: Instant) -> usize {
        let is_refusing = |worker: &Presence| {
            !self.refusing.is_empty() && self.refusing.contains(&worker.shown())
        };
        let own = self.alive_of(build, now).filter(|worker| !is_refusing(worker));
        own.fold(0_usize, |slots, worker| slots.saturating_add(worker.slots))
    }

    /// Returns the jobs of a scheduler that have started workers of other builds.
    pub(super) fn jobs_of_other_builds(&self, build: &str, now: Instant) -> Vec<String> {
        let others = self.alive(now).filter(|worker| worker.build != build);
        others.filter_map(|worker| worker.job.clone()).collect()
    }

    /// Returns the workers of other builds: the name of the program of each, and the worker as it is shown.
    pub(super) fn of_other_builds(&self, build: &str, now: Instant) -> Vec<(String, String)> {
        let others = self.alive(now).filter(|worker| worker.build != build);
        let named = others.map(|worker| {
            let shown = format!("`{}` on {}", plain(&worker.program), worker.shown());
            (worker.program.clone(), shown)
        });
        let mut named: Vec<_> = named.collect();
        named.sort_unstable();
        named
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
        let read = |workers: &mut Workers, presence: &Presence, now| {
            for due in workers.due(vec![name.clone(), other.clone()], now) {
                let presence = if due == name { presence } else { &of_other };
                workers.read(&due, Some(presence.clone()), now);
            }
        };
        read(&mut workers, &presence, begun);
        assert_eq!(workers.slots("one", begun), 4);
        let other_worker = ("train".to_owned(), "`train` on b (process 2)".to_owned());
        assert_eq!(workers.of_other_builds("one", begun), [other_worker]);
        presence.beat += 1;
        let later = begun + ALIVE;
        read(&mut workers, &presence, later);
        let later = later + Duration::from_secs(1);
        assert_eq!(workers.slots("one", later), 4);
        assert!(workers.of_other_builds("one", later).is_empty(), "it is not heard of any more");
        let later = begun + ALIVE + REMEMBERED + Duration::from_secs(1);
        read(&mut workers, &presence, later);
        assert_eq!(workers.gone(later), std::slice::from_ref(&other));
        assert_eq!(workers.slots("one", later), 0);
    }

    #[test]
    fn a_worker_that_refuses_jobs_is_there_and_has_no_slot_for_them() {
        let (mut workers, now) = (Workers::default(), Instant::now());
        let names: Vec<_> = (0..2).map(|_| WorkerName::new("node")).collect();
        for (process, due) in (1..).zip(workers.due(names, now)) {
            let presence = Presence::new(("node", process), ("train", "one"), 4);
            workers.read(&due, Some(presence), now);
        }
        assert_eq!(workers.slots("one", now), 8);
        workers.refuse("node (process 2)".to_owned());
        assert_eq!(workers.slots("one", now), 4);
        workers.refuse("node (process 1)".to_owned());
        assert!(workers.slots("one", now) == 0 && workers.has_any("one", now));
        assert!(!workers.has_any("two", now));
    }

    #[test]
    fn of_many_workers_some_are_read_at_a_time_and_all_count() {
        let (mut workers, begun) = (Workers::default(), Instant::now());
        let all: Vec<_> = (0..1000).map(|_| WorkerName::new("node")).collect();
        let mut presence = Presence::new(("node", 1), ("train", "one"), 2);
        let mut read = HashMap::new();
        for second in 0..60 {
            let now = begun + Duration::from_secs(second);
            presence.beat += 1;
            let due = workers.due(all.clone(), now);
            assert!(due.len() <= MOST_READ, "{}", due.len());
            for name in due {
                workers.read(&name, Some(presence.clone()), now);
                *read.entry(name).or_insert(0) += 1;
            }
        }
        let (fewest, most) = (read.values().min(), read.values().max());
        assert!(
            read.len() == 1000 && fewest >= Some(&10) && most <= Some(&12),
            "{fewest:?} {most:?}"
        );
        assert_eq!(workers.slots("one", begun + Duration::from_secs(60)), 2000);
    }

    #[test]
    fn what_a_hostile_file_says_is_shown_and_counted_without_harm() {
        let (mut workers, now) = (Workers::default(), Instant::now());
        let names: Vec<_> = (0..2).map(|_| WorkerName::new("node")).collect();
        let hostile = Presence::new(("no\x1b[2Jde", 1), ("tr\nain", "one"), usize::MAX);
        for name in workers.due(names, now) {
            workers.read(&name, Some(hostile.clone()), now);
        }
        assert_eq!(workers.slots("one", now), usize::MAX);
        let shown = ("tr\nain".to_owned(), "`tr?ain` on no?[2Jde (process 1)".to_owned());
        assert_eq!(workers.of_other_builds("two", now), [shown.clone(), shown]);
    }

    #[test]
    fn a_file_that_is_never_understood_can_be_removed_after_a_while() {
        let (mut workers, begun) = (Workers::default(), Instant::now());
        let name = WorkerName::new("node");
        let mut seconds = 0;
        while workers.gone(begun + Duration::from_secs(seconds)).is_empty() {
            let now = begun + Duration::from_secs(seconds);
            workers
                .due(vec![name.clone()], now)
                .iter()
                .for_each(|due| workers.read(due, None, now));
            seconds += 1;
            assert!(seconds < 1000, "it stays forever");
        }
        assert_eq!(seconds, (ALIVE + REMEMBERED).as_secs() + 1);
    }
}
