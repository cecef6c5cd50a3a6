//! Deduplication: of several instances with the same fingerprint, one runs.
//!
//! Two instances of a run may turn out to have the same fingerprint, for example two variants of a sweep whose
//! upstream produced equal outputs. The second instance waits until the first one is committed, and then reuses its
//! output. It waits only once: if the first one failed, or its output cannot be reused, the second one runs.
//!
//! Only instances of the run's own plan wait. An instance that a running task requires never does, because that
//! task may be the one that it would wait for. Instances that run regardless of kept outputs (forced, refreshed or
//! given by a test), or whose content is outside of the store, do not wait either.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};

use daggy::NodeIndex;

use crate::base::key::Digest;
use crate::engine::coordinator::Coordinator;
use crate::engine::message::At;
use crate::engine::outcome::Outcome;
use crate::plan::Plan;
use crate::plan::types::TypeIndex;
use crate::task::refresh::Refresh;

/// The fingerprints with which instances of a run are running, or have run.
#[derive(Default)]
pub(super) struct RunningFingerprints(Mutex<Fingerprints>);

#[derive(Default)]
struct Fingerprints {
    /// The first instance that had to run with each fingerprint.
    first: HashMap<(TypeIndex, Digest), NodeIndex>,
    /// The instances that have waited for another one.
    waited: HashSet<NodeIndex>,
}

impl RunningFingerprints {
    fn all(&self) -> MutexGuard<'_, Fingerprints> {
        self.0.lock().expect("lock poisoned")
    }

    /// Registers an instance that is about to run, or returns the instance that it has to wait for.
    pub(super) fn enter(
        &self,
        plan: &Plan,
        node: NodeIndex,
        fingerprint: Digest,
    ) -> Option<NodeIndex> {
        let graph = &plan.graph;
        let runs_anyway = graph.is_forced(node)
            || graph.stand_in(node).is_some()
            // Its content may belong to this instance alone.
            || graph.task(node).outside.is_some()
            || graph.task(node).task.refresh != Refresh::Never;
        if runs_anyway {
            return None;
        }
        let mut all = self.all();
        let first = *all.first.entry((graph.node(node).task, fingerprint)).or_insert(node);
        (first != node && all.waited.insert(node)).then_some(first)
    }
}

impl Coordinator {
    /// Lets an instance wait until the first one with its fingerprint is committed.
    ///
    /// If the first one is not running any more, the instance is ready at once.
    pub(super) fn wait_for_first(&mut self, at: At, first: NodeIndex) {
        let (id, node) = at;
        let Some(schedule) = self.schedules.get_mut(&id) else { return };
        if schedule.outcomes[node.index()] != Outcome::Open {
            // The execution was stopped.
            return;
        }
        let key = schedule.execution.plan.graph.node(first).key;
        if self.claims.get(&key) == Some(&(id, first)) {
            schedule.parked.insert(node);
            self.parked.entry(key).or_default().push(at);
        } else {
            schedule.push_ready(node);
        }
    }
}
