//! In which order the ready instances of a schedule are started, and how each attempt is run.

use std::sync::Arc;

use daggy::NodeIndex;

use super::Schedule;
use crate::engine::outcome::Outcome;
use crate::plan::Plan;
use crate::plan::cost::Cost;
use crate::plan::policy::{self, ResolvedPolicy};

impl Schedule {
    /// Adds an instance that can be settled.
    pub(in crate::engine) fn push_ready(&mut self, node: NodeIndex) {
        let path = self.paths.get(node.index()).copied().unwrap_or_default();
        let priority = match self.execution.plan.graph.has_policy(node) {
            // An error is reported when the instance is about to start.
            true => self.policy(node).map_or(0, |policy| policy.priority),
            false => 0,
        };
        self.ready.push(node, priority, path);
    }

    /// Returns how often the task of an instance is started with its next attempt, beginning with 1.
    pub(in crate::engine) fn starts(&self, node: NodeIndex) -> u32 {
        self.starts.get(&node).copied().unwrap_or(1)
    }

    /// Returns the number of the next attempt at an instance, beginning with 1. Losses do not count, up to a limit.
    pub(in crate::engine) fn attempt(&self, node: NodeIndex) -> u32 {
        policy::attempt(self.starts(node), self.losses(node))
    }

    /// Returns how the next attempt at an instance is to be run.
    ///
    /// # Errors
    ///
    /// An expression in an option of the task failed.
    pub(in crate::engine) fn policy(&self, node: NodeIndex) -> Result<Arc<ResolvedPolicy>, String> {
        let plan = &self.execution.plan;
        plan.policies.of(plan, node, self.attempt(node)).map(Arc::new)
    }

    /// Returns how often the task of an instance was lost with the process or machine that ran it.
    pub(in crate::engine) fn losses(&self, node: NodeIndex) -> u32 {
        self.losses.get(&node).copied().unwrap_or_default()
    }

    /// Prepares another start of an instance whose task has failed, or was lost.
    pub(in crate::engine) fn retry(&mut self, node: NodeIndex, is_lost: bool) {
        if is_lost {
            *self.losses.entry(node).or_insert(0) += 1;
        }
        self.running.remove(&node);
        self.unpin_for(node);
        *self.starts.entry(node).or_insert(1) += 1;
        self.held_back.insert(node);
    }

    /// Makes an instance ready that was held back, if it still waits.
    pub(in crate::engine) fn let_go(&mut self, node: NodeIndex) {
        if self.held_back.remove(&node) && self.outcomes[node.index()] == Outcome::Open {
            self.push_ready(node);
        }
    }
}

/// Returns the duration of the longest path of open instances from each one to one that nothing waits for, in seconds.
///
/// The durations are those of the last runs. If none is known, the result is empty.
pub(super) fn paths(plan: &Plan, outcomes: &[Outcome]) -> Vec<f32> {
    let mut seconds: Vec<Option<f64>> = vec![None; outcomes.len()];
    Cost::each(plan, |node, known| seconds[node.index()] = known);
    if seconds.iter().all(Option::is_none) {
        return Vec::new();
    }
    let mut paths = vec![0.0_f32; outcomes.len()];
    // An instance comes after those that it requires, so that the consumers of an instance are visited before it.
    for node in plan.graph.nodes().collect::<Vec<_>>().into_iter().rev() {
        if outcomes[node.index()] == Outcome::Open {
            let after = plan.graph.consumers(node).map(|consumer| paths[consumer.index()]);
            let own = seconds[node.index()].unwrap_or_default() as f32;
            paths[node.index()] = own + after.fold(0.0, f32::max);
        }
    }
    paths
}
