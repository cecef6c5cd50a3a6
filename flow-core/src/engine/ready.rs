//! The instances that are ready, in the order in which they are started.
//!
//! An instance with a higher `priority` goes first, then the one with the longest path of instances that wait for it,
//! in seconds of their last runs. Of equal ones the instance that became ready last goes first, so that values in
//! memory are consumed soon.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use daggy::NodeIndex;

/// What decides which of several ready instances is started first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rank {
    /// The priority that the task declares.
    pub(super) priority: i32,
    /// The duration of the longest path from the instance to one that nothing waits for, in seconds.
    pub(super) path: f32,
    /// Counts the instances that became ready.
    pub(super) order: u64,
}

impl Eq for Rank {}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        let path = || self.path.total_cmp(&other.path);
        let order = || self.order.cmp(&other.order);
        self.priority.cmp(&other.priority).then_with(path).then_with(order)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The ready instances of one schedule.
#[derive(Default)]
pub(super) struct Ready {
    heap: BinaryHeap<(Rank, NodeIndex)>,
    /// The number of instances that became ready so far.
    pushed: u64,
}

impl Ready {
    /// Adds an instance.
    pub(super) fn push(&mut self, node: NodeIndex, priority: i32, path: f32) {
        self.pushed += 1;
        self.heap.push((Rank { priority, path, order: self.pushed }, node));
    }

    /// Returns the instance that goes first.
    pub(super) fn peek(&self) -> Option<(Rank, NodeIndex)> {
        self.heap.peek().copied()
    }

    /// Removes and returns the instance that goes first.
    pub(super) fn pop(&mut self) -> Option<(Rank, NodeIndex)> {
        self.heap.pop()
    }

    /// Removes an instance, wherever it is in the order. Returns whether it was there.
    ///
    /// This looks at all ready instances.
    pub(super) fn remove(&mut self, node: NodeIndex) -> bool {
        let before = self.heap.len();
        self.heap.retain(|(_, other)| *other != node);
        self.heap.len() < before
    }

    pub(super) fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }

    /// Reverses the order in which the instances became ready.
    pub(super) fn reverse(&mut self) {
        let heap = std::mem::take(&mut self.heap).into_iter();
        let reversed =
            |(rank, node): (Rank, _)| (Rank { order: self.pushed - rank.order, ..rank }, node);
        self.heap = heap.map(reversed).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(mut ready: Ready) -> Vec<usize> {
        std::iter::from_fn(|| ready.pop()).map(|(_, node)| node.index()).collect()
    }

    #[test]
    fn priority_counts_before_the_path_and_the_path_before_the_order() {
        let mut ready = Ready::default();
        for (node, priority, path) in [(0, 0, 1.0), (1, 0, 3.0), (2, 1, 0.0), (3, 0, 1.0)] {
            ready.push(NodeIndex::new(node), priority, path);
        }
        assert_eq!(order(ready), [2, 1, 3, 0]);
    }

    #[test]
    fn the_first_instances_of_a_plan_start_in_its_order() {
        let mut ready = Ready::default();
        (0..3).for_each(|node| ready.push(NodeIndex::new(node), 0, 0.0));
        ready.reverse();
        // What becomes ready later goes first.
        ready.push(NodeIndex::new(9), 0, 0.0);
        assert_eq!(order(ready), [9, 0, 1, 2]);
    }
}
