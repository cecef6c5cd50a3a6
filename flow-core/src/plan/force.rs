//! Forcing: running what is complete.

use std::any::TypeId;

use crate::plan::Graph;

/// Which instances are to run although they are complete.
#[derive(Clone, Default)]
pub(crate) struct Force {
    pub(crate) tasks: Vec<TypeId>,
    pub(crate) roots: bool,
    pub(crate) all: bool,
}

impl Force {
    /// Marks the instances of a graph that are to run.
    pub(crate) fn mark(&self, graph: &mut Graph) {
        if !self.all && !self.roots && self.tasks.is_empty() {
            return;
        }
        let named = |task: TypeId| self.all || self.tasks.contains(&task);
        let mut forced: Vec<bool> =
            graph.nodes().map(|node| named((graph.task(node).task.id)())).collect();
        if self.roots {
            graph.roots.iter().for_each(|root| forced[root.index()] = true);
        }
        graph.forced = forced;
    }
}
