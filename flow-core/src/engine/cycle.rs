//! Instances that wait for each other.
//!
//! An instance that requires others while it runs waits for their schedule. A schedule waits for what
//! is running in it, and for what is settled in another one and parked here meanwhile. Nothing else
//! waits, except instances in the schedule of the run that wait for one with their fingerprint, and no
//! schedule waits for that of the run. So a schedule that is about to wait for a claimed instance would wait
//! for ever if and only if a chain of waits leads from that instance back to the schedule.

use std::collections::HashSet;

use crate::engine::coordinator::{At, Coordinator};
use crate::plan::label::Show;

impl Coordinator<'_, '_> {
    /// The instances of which each requires the next, the first one also as the last, if `owner` waits
    /// for the schedule `of`, directly or through others.
    pub(super) fn cycle(&self, owner: At, of: u32) -> Option<Vec<String>> {
        let mut seen = HashSet::from([owner]);
        // The way to each, by the place of the one before it.
        let mut found: Vec<(At, usize)> = vec![(owner, 0)];
        let mut next = 0;
        while next < found.len() {
            let (at, _) = found[next];
            for &schedule in self.waits.get(&at).into_iter().flatten() {
                if schedule == of {
                    return Some(self.labels(&found, next, of));
                }
                let schedule_of = &self.schedules[&schedule];
                let running = schedule_of.running.iter().map(|&node| (schedule, node));
                let graph = &schedule_of.execution.plan.graph;
                let parked = schedule_of.parked.iter();
                let parked = parked.filter_map(|&node| self.claims.get(&graph.node(node).key));
                for at in running.chain(parked.copied()).filter(|at| seen.insert(*at)) {
                    found.push((at, next));
                }
            }
            next += 1;
        }
        None
    }

    fn labels(&self, found: &[(At, usize)], last: usize, of: u32) -> Vec<String> {
        let mut way = vec![last];
        while way[way.len() - 1] != 0 {
            way.push(found[way[way.len() - 1]].1);
        }
        let mut labels: Vec<_> =
            way.iter().rev().map(|&place| self.label(found[place].0)).collect();
        let first = labels[0].clone();
        let root = self.schedules[&of].execution.plan.graph.roots[0];
        labels.push(self.label((of, root)));
        if labels[labels.len() - 1] != first {
            labels.push(first);
        }
        labels
    }

    fn label(&self, (of, node): At) -> String {
        self.schedules[&of].execution.plan.graph.label(node, Show::Clipped)
    }
}
