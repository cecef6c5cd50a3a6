//! Resetting the outputs of variants.

use daggy::NodeIndex;

use super::Sweep;
use super::upstream::{Owner, owners};
use crate::flow::error::Error;
use crate::flow::{Removed, Subgraph};
use crate::plan::Plan;
use crate::task::{Task, TaskType};

/// # Resetting outputs
impl<R> Sweep<R> {
    /// Removes the output of one variant's root, so that it runs again.
    ///
    /// All other outputs stay. If two variants are the same instance, they share the removed output.
    ///
    /// # Errors
    ///
    /// There is no such variant, the flow is invalid, or the files cannot be removed.
    pub fn reset(&self, name: &str) -> Result<Removed, Error> {
        Subgraph::<R>::new(self.named(name)?, self.tasks.clone()).reset_roots()
    }

    /// Removes the outputs of one variant's root and of its upstream that no other variant needs.
    ///
    /// # Errors
    ///
    /// As [`reset`](Self::reset).
    pub fn reset_alone(&self, name: &str) -> Result<Removed, Error> {
        self.named(name)?;
        let variant = self.variants()?.places[name];
        self.reset_where(|plan| {
            let owners = owners(&plan.graph, self.tasks.len());
            let is_its_own = |node: &NodeIndex| owners[node.index()] == Owner::One(variant);
            plan.graph.nodes().filter(is_its_own).collect()
        })
    }

    /// Removes the outputs of all variants' roots. Outputs upstream stay.
    ///
    /// # Errors
    ///
    /// As [`reset`](Self::reset).
    pub fn reset_roots(&self) -> Result<Removed, Error> {
        self.reset_where(|plan| plan.graph.roots.clone())
    }

    /// Removes the outputs of `A` and of all tasks between `A` and the roots, for all variants.
    ///
    /// These are the outputs that a change of `A` may affect.
    ///
    /// # Errors
    ///
    /// As [`reset`](Self::reset).
    pub fn reset_downstream<A: Task>(&self) -> Result<Removed, Error> {
        self.reset_where(|plan| plan.to_reset(TaskType::of::<A>()))
    }

    /// Removes the outputs of all variants' roots and of everything upstream.
    ///
    /// # Errors
    ///
    /// As [`reset`](Self::reset).
    pub fn reset_all(&self) -> Result<Removed, Error> {
        let plan = self.flow.as_is(&self.roots()?)?;
        self.flow.reset_plan(&plan)
    }

    fn reset_where(&self, choose: impl FnOnce(&Plan) -> Vec<NodeIndex>) -> Result<Removed, Error> {
        let plan = self.flow.as_is(&self.roots()?)?;
        let nodes = choose(&plan);
        self.flow.reset_nodes(&plan, &nodes)
    }
}
