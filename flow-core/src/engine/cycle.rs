//! Detection of tasks that require each other while they run, and would wait forever.
//!
//! There are two kinds of waits between schedules:
//!
//! - A running instance waits for the schedules that it requested.
//! - A schedule waits for its running instances, and for the instances of other schedules that have claimed the keys of
//!   its parked instances.
//!
//! Instances of the run's own schedule may also wait for one with the same fingerprint, but no schedule waits for the
//! run's own. So a schedule that is about to wait for a claimed instance would wait forever if and only if a
//! chain of waits leads from that instance back to the schedule.

use std::collections::HashSet;

use crate::engine::coordinator::Coordinator;
use crate::engine::message::At;
use crate::plan::label::Show;

impl Coordinator {
    /// Returns the cycle that arises if the schedule `id` waits for `owner`; `None` if there is none.
    ///
    /// There is one if `owner` waits for the schedule, directly or through others. The cycle is the labels of the
    /// instances, each of which requires the next; the first one is repeated at the end.
    pub(super) fn cycle(&self, owner: At, id: u32) -> Option<Vec<String>> {
        let mut seen = HashSet::from([owner]);
        // A breadth-first search: each instance with the index of its predecessor.
        let mut found: Vec<(At, usize)> = vec![(owner, 0)];
        let mut next = 0;
        while next < found.len() {
            let (at, _) = found[next];
            for &schedule in self.waits.get(&at).into_iter().flatten() {
                if schedule == id {
                    return Some(self.labels(&found, next, id));
                }
                let other = &self.schedules[&schedule];
                let running = other.running.iter().map(|&node| (schedule, node));
                let graph = &other.execution.plan.graph;
                let parked = other.parked.iter();
                let parked = parked.filter_map(|&node| self.claims.get(&graph.node(node).key));
                for at in running.chain(parked.copied()).filter(|at| seen.insert(*at)) {
                    found.push((at, next));
                }
            }
            next += 1;
        }
        None
    }

    /// Returns the labels along the path that ends in `found[last]`.
    fn labels(&self, found: &[(At, usize)], last: usize, id: u32) -> Vec<String> {
        let mut path = vec![last];
        while path[path.len() - 1] != 0 {
            path.push(found[path[path.len() - 1]].1);
        }
        let mut labels: Vec<_> =
            path.iter().rev().map(|&place| self.label(found[place].0)).collect();
        let first = labels[0].clone();
        let root = self.schedules[&id].execution.plan.graph.roots[0];
        labels.push(self.label((id, root)));
        if labels[labels.len() - 1] != first {
            labels.push(first);
        }
        labels
    }

    fn label(&self, (id, node): At) -> String {
        self.schedules[&id].execution.plan.graph.label(node, Show::Clipped)
    }
}
