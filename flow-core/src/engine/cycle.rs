//! Instances that wait for each other.
//!
//! An instance that requires others while it runs waits for their course. A course waits for what
//! is running in it, and for what is settled in another one and parked here meanwhile. Nothing else
//! waits, but for those in the course of the run that wait for one with their fingerprint, and nobody
//! waits for that course. So there is a way from the claimed instance, for which a course is about to
//! wait, back to that course if and only if they would wait for ever.

use std::collections::HashSet;

use crate::engine::coordinator::{At, Coordinator};
use crate::plan::label::Show;

impl Coordinator<'_, '_> {
    /// The instances of which each requires the next, the first one also as the last, if `owner` waits
    /// for the course `of`, directly or through others.
    pub(super) fn cycle(&self, owner: At, of: u32) -> Option<Vec<String>> {
        let mut seen = HashSet::from([owner]);
        // The way to each, by the place of the one before it.
        let mut found: Vec<(At, usize)> = vec![(owner, 0)];
        let mut next = 0;
        while next < found.len() {
            let (at, _) = found[next];
            for &course in self.waits.get(&at).into_iter().flatten() {
                if course == of {
                    return Some(self.labels(&found, next, of));
                }
                let course_of = &self.courses[&course];
                let running = course_of.running.iter().map(|&node| (course, node));
                let graph = &course_of.execution.plan.graph;
                let parked = course_of.parked.iter();
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
        let root = self.courses[&of].execution.plan.graph.roots[0];
        labels.push(self.label((of, root)));
        if labels[labels.len() - 1] != first {
            labels.push(first);
        }
        labels
    }

    fn label(&self, (of, node): At) -> String {
        self.courses[&of].execution.plan.graph.label(node, Show::Clipped)
    }
}
