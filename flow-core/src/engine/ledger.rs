//! The ledger: which threads and resources the running tasks use, and which instances wait for them.
//!
//! An instance starts when the threads and resources that it demands are free. Until then it is *blocked*. Blocked
//! instances with equal demands form a queue, so that a release looks at one instance for each different demand, and
//! not at all instances.
//!
//! Small demands must not keep a large one waiting forever: an instance that [`PATIENCE`] others have overtaken has what
//! it lacks reserved. No other instance that demands any of it starts before.
//!
//! Invariant: the amount in use of a resource never exceeds the offer. Threads are the exception: one instance with a
//! single thread more than there are workers is handed out, so that no worker waits for its next job, and a task that
//! continues after it has waited for others takes its threads at once. The slots of the session bound what really runs.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use crate::engine::message::At;
use crate::engine::ready::Rank;

/// How many competing instances may start before a blocked one.
const PATIENCE: u32 = 8;

/// What an instance needs while it runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Demand {
    pub(super) threads: usize,
    pub(super) resources: BTreeMap<Cow<'static, str>, u64>,
}

impl Default for Demand {
    fn default() -> Self {
        Self { threads: 1, resources: BTreeMap::new() }
    }
}

/// An instance that waits until its demand fits.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    at: At,
    rank: Rank,
    /// How many competing instances have started since.
    overtaken: u32,
}

/// The threads and resources in use.
pub(super) struct Ledger {
    workers: usize,
    /// How many more threads than workers may be handed out: one, or none if the calling thread is the only worker.
    ahead: usize,
    threads: usize,
    offers: BTreeMap<Cow<'static, str>, u64>,
    used: BTreeMap<Cow<'static, str>, u64>,
    blocked: BTreeMap<Demand, VecDeque<Blocked>>,
}

impl Ledger {
    pub(super) fn new(workers: usize, offers: BTreeMap<Cow<'static, str>, u64>) -> Self {
        let (workers, ahead) = (workers.max(1), workers.min(1));
        Self { workers, ahead, threads: 0, offers, used: BTreeMap::new(), blocked: BTreeMap::new() }
    }

    /// Whether another instance may be handed out: one more than there are workers, so that none waits for its next.
    ///
    /// The calling thread gets none ahead: while a task waits for others, it settles only those.
    pub(super) fn has_free_worker(&self) -> bool {
        self.threads < self.workers + self.ahead
    }

    /// Whether a demand is free now.
    pub(super) fn fits(&self, demand: &Demand) -> bool {
        self.threads_fit(demand.threads) && self.resources_fit(demand)
    }

    fn threads_fit(&self, threads: usize) -> bool {
        match threads {
            0 | 1 => self.has_free_worker(),
            several => self.threads + several <= self.workers.max(several),
        }
    }

    /// Whether the resources of a demand are free now.
    pub(super) fn resources_fit(&self, demand: &Demand) -> bool {
        demand.resources.iter().all(|(name, amount)| self.free(name) >= *amount)
    }

    /// Returns the free amount of a resource. What the flow neither offers nor limits is unlimited.
    fn free(&self, name: &str) -> u64 {
        let used = self.used.get(name).copied().unwrap_or_default();
        self.offers.get(name).map_or(u64::MAX, |offer| offer.saturating_sub(used))
    }

    pub(super) fn take(&mut self, demand: &Demand) {
        self.threads += demand.threads;
        for (name, amount) in &demand.resources {
            let used = self.used.entry(name.clone()).or_default();
            *used = used.saturating_add(*amount);
        }
    }

    pub(super) fn give(&mut self, demand: &Demand) {
        self.threads = self.threads.saturating_sub(demand.threads);
        for (name, amount) in &demand.resources {
            if let Some(used) = self.used.get_mut(name) {
                *used = used.saturating_sub(*amount);
            }
        }
    }

    /// Whether an instance may start now: its demand is free, and nothing of it is reserved for a blocked instance.
    pub(super) fn may_start(&self, demand: &Demand) -> bool {
        self.fits(demand) && (self.blocked.is_empty() || !self.is_reserved(demand))
    }

    /// Whether a blocked instance has run out of patience and lacks something that `demand` takes.
    fn is_reserved(&self, demand: &Demand) -> bool {
        let impatient = self.blocked.iter().filter(|(other, queue)| {
            *other != demand && queue.front().is_some_and(|front| front.overtaken >= PATIENCE)
        });
        impatient.into_iter().any(|(other, _)| !self.fits(other) && self.competes(other, demand))
    }

    /// Whether `demand` takes something that `other` lacks.
    fn competes(&self, other: &Demand, demand: &Demand) -> bool {
        let lacks_threads = !self.threads_fit(other.threads);
        let mut lacking =
            other.resources.iter().filter(|(name, amount)| self.free(name) < **amount);
        lacks_threads || lacking.any(|(name, _)| demand.resources.contains_key(name))
    }

    /// Lets an instance wait until its demand fits.
    pub(super) fn block(&mut self, at: At, rank: Rank, demand: Demand) {
        self.blocked.entry(demand).or_default().push_back(Blocked { at, rank, overtaken: 0 });
    }

    /// Returns the blocked instance that goes first among those that may start now.
    pub(super) fn first_blocked(&self) -> Option<(At, Rank, &Demand)> {
        let fronts = self.blocked.iter().filter_map(|(demand, queue)| {
            let front = queue.front()?;
            self.may_start(demand).then_some((front.at, front.rank, demand))
        });
        fronts.max_by_key(|(at, rank, _)| (at.0, *rank))
    }

    /// Removes the first blocked instance with this demand.
    pub(super) fn unblock(&mut self, demand: &Demand) {
        if let Some(queue) = self.blocked.get_mut(demand) {
            queue.pop_front();
            if queue.is_empty() {
                self.blocked.remove(demand);
            }
        }
    }

    /// Counts that an instance with this demand has started before the blocked ones that compete with it.
    pub(super) fn overtake(&mut self, demand: &Demand) {
        if self.blocked.is_empty() {
            return;
        }
        let competing: Vec<_> = self
            .blocked
            .keys()
            .filter(|other| *other != demand && !self.fits(other) && self.competes(other, demand))
            .cloned()
            .collect();
        for other in competing {
            if let Some(front) = self.blocked.get_mut(&other).and_then(VecDeque::front_mut) {
                front.overtaken = front.overtaken.saturating_add(1);
            }
        }
    }

    /// Forgets all blocked instances, because no more are started.
    pub(super) fn clear(&mut self) {
        self.blocked.clear();
    }
}

#[cfg(test)]
mod tests {
    use daggy::NodeIndex;

    use super::*;

    fn demand(threads: usize, resources: &[(&'static str, u64)]) -> Demand {
        let resources = resources.iter().map(|(name, amount)| (Cow::Borrowed(*name), *amount));
        Demand { threads, resources: resources.collect() }
    }

    fn ledger(workers: usize, offers: &[(&'static str, u64)]) -> Ledger {
        Ledger::new(workers, demand(1, offers).resources)
    }

    fn at(node: usize) -> At {
        (0, NodeIndex::new(node))
    }

    #[test]
    fn a_resource_is_never_used_beyond_its_offer() {
        let mut ledger = ledger(8, &[("api", 2)]);
        let one = demand(1, &[("api", 1)]);
        ledger.take(&one);
        assert!(ledger.may_start(&one));
        ledger.take(&one);
        assert!(!ledger.may_start(&one));
        assert!(ledger.may_start(&demand(1, &[("gpu", 9)])), "nothing limits it");
        ledger.give(&one);
        assert!(ledger.may_start(&one));
    }

    #[test]
    fn a_large_demand_is_not_overtaken_forever() {
        let mut ledger = ledger(8, &[("memory", 4)]);
        let (small, large) = (demand(1, &[("memory", 1)]), demand(1, &[("memory", 4)]));
        ledger.take(&small);
        ledger.block(at(0), Rank::default(), large.clone());
        let mut started = 0;
        while ledger.may_start(&small) {
            ledger.take(&small);
            ledger.overtake(&small);
            ledger.give(&small);
            started += 1;
            assert!(started < 100, "the large demand starves");
        }
        assert_eq!(started, PATIENCE);
        assert!(ledger.may_start(&demand(1, &[])), "another resource is not reserved");
        ledger.give(&small);
        assert_eq!(ledger.first_blocked().map(|(at, ..)| at), Some(at(0)));
        ledger.unblock(&large);
        assert!(ledger.may_start(&small));
    }

    #[test]
    fn several_threads_wait_until_as_many_workers_are_free() {
        let mut ledger = ledger(4, &[]);
        let (one, three) = (demand(1, &[]), demand(3, &[]));
        ledger.take(&one);
        assert!(ledger.may_start(&three));
        ledger.take(&one);
        assert!(!ledger.may_start(&three));
        assert!(ledger.may_start(&one));
    }
}
