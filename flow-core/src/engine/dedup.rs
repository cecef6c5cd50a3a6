//! Instances that would be made from the same.
//!
//! Two instances of a run may turn out to have one fingerprint, as variants of a sweep have whose
//! upstream gave the same. The second one waits until the first has been committed, and takes over
//! what that made. It waits once: if the first one failed, or its output cannot be taken over, it
//! runs.
//!
//! Only instances of the run's own plan wait. One that is required while another one runs may be
//! what that other one waits for, and so does not; nor does one that runs whatever is there.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::engine::coordinator::{At, Coordinator};
use crate::engine::outcome::Outcome;
use crate::plan::Plan;
use crate::plan::types::TypeIndex;
use crate::task::refresh::Refresh;

/// What the instances of a run are being made from, or were.
#[derive(Default)]
pub(super) struct BeingMade(Mutex<Fingerprints>);

#[derive(Default)]
struct Fingerprints {
    /// The first instance that was to run with each.
    first: HashMap<(TypeIndex, Digest), NodeIndex>,
    /// Those that have waited for another one.
    waited: HashSet<NodeIndex>,
}

impl BeingMade {
    fn all(&self) -> MutexGuard<'_, Fingerprints> {
        self.0.lock().expect("no panic while a fingerprint is noted")
    }

    /// Notes that an instance is about to run; or says for which one it has to wait.
    pub(super) fn enter(
        &self,
        plan: &Plan,
        node: NodeIndex,
        fingerprint: Digest,
    ) -> Option<NodeIndex> {
        let graph = &plan.graph;
        let runs_anyway = graph.is_forced(node)
            || graph.stand_in(node).is_some()
            || graph.task(node).task.refresh != Refresh::Never;
        if runs_anyway {
            return None;
        }
        let mut all = self.all();
        let first = *all.first.entry((graph.node(node).task, fingerprint)).or_insert(node);
        (first != node && all.waited.insert(node)).then_some(first)
    }
}

impl Coordinator<'_, '_> {
    /// Lets an instance wait until the first one with its fingerprint has been committed, or goes on
    /// with it if nobody is about to commit that.
    pub(super) fn wait_for_first(&mut self, at: At, first: NodeIndex) {
        let (of, node) = at;
        let Some(schedule) = self.schedules.get_mut(&of) else { return };
        if schedule.outcomes[node.index()] != Outcome::Open {
            // It was stopped.
            return;
        }
        let key = schedule.execution.plan.graph.node(first).key;
        if self.claims.get(&key) == Some(&(of, first)) {
            schedule.parked.insert(node);
            self.parked.entry(key).or_default().push(at);
        } else {
            schedule.ready.push(node);
        }
    }
}
