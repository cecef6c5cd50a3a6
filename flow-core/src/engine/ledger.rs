//! The ledger: which threads and resources the running tasks use, and which instances wait for them.
//!
//! An instance starts when the threads and resources that it demands are free. Until then it is *blocked*. Blocked
//! instances with equal demands form a queue in the order of their ranks. A release looks at the first instance of each
//! queue, in the same order, and at no more than [`LOOKAHEAD`] queues: each instance may have a demand of its own.
//!
//! Small demands must not keep a large one waiting forever: an instance that [`PATIENCE`] others have overtaken has what
//! it lacks reserved, and so has a task that is to continue after it has waited for others. No other instance that
//! demands any of it starts before.
//!
//! Invariant: the amount in use of a resource never exceeds the offer. Threads are the exception: one instance with a
//! single thread more than there are workers is handed out, so that no worker waits for its next job, and a task that
//! continues after it has waited for others takes its threads at once. The slots of the session bound what really runs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use crate::engine::message::At;
use crate::engine::ready::Rank;

/// How many competing instances may start before a blocked one.
const PATIENCE: u32 = 8;

/// The number of different demands that are compared with what is free.
const LOOKAHEAD: usize = 256;

/// The number of impatient demands for which something is reserved at the same time.
const RESERVED: usize = 8;

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

/// An instance that waits until its demand fits. A greater one goes first: that of the later schedule, then by rank.
type Blocked = (u32, Rank, At);

/// The blocked instances with equal demands.
#[derive(Default)]
struct Queue {
    instances: BinaryHeap<Blocked>,
    /// How many competing instances have started since an instance of this queue did.
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
    queues: BTreeMap<Arc<Demand>, Queue>,
    /// The first instance of each queue.
    fronts: BTreeMap<Blocked, Arc<Demand>>,
    /// The demands of the queues that have run out of patience, in the order in which they did.
    impatient: Vec<Arc<Demand>>,
    /// The demands of tasks that are to continue and lack resources.
    returning: Vec<Demand>,
    /// Whether a blocked instance may fit that did not when they were looked at last.
    has_changed: bool,
}

impl Ledger {
    pub(super) fn new(workers: usize, offers: BTreeMap<Cow<'static, str>, u64>) -> Self {
        Self {
            workers: workers.max(1),
            ahead: workers.min(1),
            threads: 0,
            offers,
            used: BTreeMap::new(),
            queues: BTreeMap::new(),
            fronts: BTreeMap::new(),
            impatient: Vec::new(),
            returning: Vec::new(),
            has_changed: false,
        }
    }

    /// Whether another instance may be handed out: one more than there are workers, so that none waits for its next.
    ///
    /// The calling thread gets none ahead: while a task waits for others, it settles only those.
    pub(super) fn has_free_worker(&self) -> bool {
        self.threads < self.workers + self.ahead
    }

    /// Whether a demand is free now.
    fn fits(&self, demand: &Demand) -> bool {
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
        self.has_changed = true;
    }

    /// Whether an instance may start now: its demand is free, and nothing of it is reserved.
    pub(super) fn may_start(&self, demand: &Demand) -> bool {
        self.fits(demand) && !self.is_reserved(demand)
    }

    /// Whether a task that is to continue, or a blocked instance that has run out of patience, lacks something that
    /// `demand` takes.
    fn is_reserved(&self, demand: &Demand) -> bool {
        let mut impatient =
            self.impatient.iter().take(RESERVED).filter(|other| ***other != *demand);
        self.returning.iter().any(|other| self.lacks_resource_of(other, demand))
            || impatient.any(|other| !self.fits(other) && self.competes(other, demand))
    }

    /// Whether `demand` takes something that `other` lacks.
    fn competes(&self, other: &Demand, demand: &Demand) -> bool {
        !self.threads_fit(other.threads) || self.lacks_resource_of(other, demand)
    }

    /// Whether `demand` takes a resource that `other` lacks.
    fn lacks_resource_of(&self, other: &Demand, demand: &Demand) -> bool {
        let mut lacking =
            other.resources.iter().filter(|(name, amount)| self.free(name) < **amount);
        lacking.any(|(name, _)| demand.resources.contains_key(name))
    }

    /// Reserves what tasks lack that are to continue, in place of what was reserved for such tasks before.
    pub(super) fn reserve(&mut self, returning: Vec<Demand>) {
        self.returning = returning;
        self.has_changed = true;
    }

    /// Lets an instance wait until its demand fits.
    pub(super) fn block(&mut self, at: At, rank: Rank, demand: Demand) {
        let demand = Arc::new(demand);
        let queue = self.queues.entry(Arc::clone(&demand)).or_default();
        let blocked = (at.0, rank, at);
        let front = queue.instances.peek().copied();
        queue.instances.push(blocked);
        if front.is_none_or(|front| front < blocked) {
            if let Some(front) = front {
                self.fronts.remove(&front);
            }
            self.fronts.insert(blocked, demand);
        }
    }

    /// Returns the blocked instance that goes first among those that may start now.
    pub(super) fn first_blocked(&mut self) -> Option<(At, Rank, Arc<Demand>)> {
        if !self.has_changed || self.fronts.is_empty() {
            return None;
        }
        let mut fronts = self.fronts.iter().rev().take(LOOKAHEAD);
        let first = fronts.find(|(_, demand)| self.may_start(demand));
        let first = first.map(|(&(_, rank, at), demand)| (at, rank, Arc::clone(demand)));
        self.has_changed = first.is_some();
        first
    }

    /// Removes the first blocked instance with this demand.
    pub(super) fn unblock(&mut self, demand: &Arc<Demand>) {
        let Some(queue) = self.queues.get_mut(demand) else { return };
        queue.overtaken = 0;
        self.impatient.retain(|impatient| impatient != demand);
        if let Some(front) = queue.instances.pop() {
            self.fronts.remove(&front);
        }
        match queue.instances.peek().copied() {
            Some(front) => drop(self.fronts.insert(front, Arc::clone(demand))),
            None => drop(self.queues.remove(demand)),
        }
        self.has_changed = true;
    }

    /// Counts that an instance with this demand has started before the blocked ones that compete with it.
    pub(super) fn overtake(&mut self, demand: &Demand) {
        let fronts = self.fronts.values().rev().take(LOOKAHEAD);
        let competing = fronts.filter(|other| {
            ***other != *demand && !self.fits(other) && self.competes(other, demand)
        });
        for other in competing.cloned().collect::<Vec<_>>() {
            let Some(queue) = self.queues.get_mut(&other) else { continue };
            queue.overtaken = queue.overtaken.saturating_add(1);
            if queue.overtaken == PATIENCE {
                self.impatient.push(other);
            }
        }
    }

    /// Forgets all blocked instances, because no more are started.
    pub(super) fn clear(&mut self) {
        self.queues.clear();
        self.fronts.clear();
        self.impatient.clear();
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

    fn first(ledger: &mut Ledger) -> Option<At> {
        ledger.first_blocked().map(|(at, ..)| at)
    }

    fn rank(priority: i32) -> Rank {
        Rank { priority, ..Rank::default() }
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
        assert_eq!(first(&mut ledger), Some(at(0)));
        ledger.unblock(&Arc::new(large));
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

    #[test]
    fn blocked_instances_start_in_the_order_of_their_ranks() {
        let mut ledger = ledger(8, &[("api", 2)]);
        let (one, two) = (demand(1, &[("api", 1)]), demand(1, &[("api", 2)]));
        ledger.take(&two);
        for (node, priority, demand) in [(0, 0, &one), (1, 2, &one), (2, 1, &two), (3, 3, &one)] {
            ledger.block(at(node), rank(priority), demand.clone());
        }
        assert_eq!(first(&mut ledger), None);
        ledger.give(&two);
        let mut order = Vec::new();
        while let Some((at, _, demand)) = ledger.first_blocked() {
            ledger.unblock(&demand);
            order.push(at.1.index());
        }
        assert_eq!(order, [3, 1, 2, 0]);
        assert!(ledger.queues.is_empty() && ledger.fronts.is_empty());
    }

    #[test]
    fn a_later_schedule_goes_first() {
        let mut ledger = ledger(8, &[("api", 1)]);
        let one = demand(1, &[("api", 1)]);
        ledger.take(&one);
        ledger.block((0, NodeIndex::new(0)), rank(5), one.clone());
        ledger.block((2, NodeIndex::new(0)), rank(0), one.clone());
        ledger.give(&one);
        assert_eq!(first(&mut ledger), Some((2, NodeIndex::new(0))));
    }

    #[test]
    fn a_task_that_continues_gets_what_it_lacks_before_others() {
        let mut ledger = ledger(8, &[("memory", 4)]);
        let (small, large) = (demand(1, &[("memory", 1)]), demand(1, &[("memory", 4)]));
        ledger.take(&small);
        ledger.reserve(vec![large]);
        assert!(!ledger.may_start(&small));
        assert!(ledger.may_start(&demand(1, &[])), "it takes nothing of it");
        ledger.block(at(0), Rank::default(), small.clone());
        assert_eq!(first(&mut ledger), None);
        ledger.give(&small);
        // It fits now, and is about to take its resources.
        ledger.reserve(Vec::new());
        assert_eq!(first(&mut ledger), Some(at(0)));
    }

    #[test]
    fn many_different_demands_cost_little() {
        const INSTANCES: usize = 1_500;
        let mut ledger = ledger(8, &[("memory", INSTANCES as u64)]);
        let all = demand(1, &[("memory", INSTANCES as u64)]);
        ledger.take(&all);
        for node in 0..INSTANCES {
            let own = demand(1, &[("memory", 1 + node as u64)]);
            assert!(!ledger.may_start(&own));
            ledger.block(at(node), Rank::default(), own);
        }
        ledger.give(&all);
        let begun = std::time::Instant::now();
        for started in 0..INSTANCES {
            let Some((_, _, demand)) = ledger.first_blocked() else {
                panic!("{started} instances have started");
            };
            ledger.unblock(&demand);
            ledger.take(&demand);
            ledger.overtake(&demand);
            assert!(ledger.first_blocked().is_none_or(|(.., next)| ledger.fits(&next)));
            ledger.give(&demand);
        }
        assert!(begun.elapsed().as_secs() < 30, "it takes {:?}", begun.elapsed());
    }
}
