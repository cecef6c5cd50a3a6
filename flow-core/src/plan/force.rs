//! Forcing: running what is complete.

use std::any::TypeId;
use std::collections::HashSet;

use crate::plan::Graph;
use crate::plan::warning::Warning;
use crate::task::{Kind, TaskType};

/// Which instances are to run although they are complete.
#[derive(Clone, Default)]
pub(crate) struct Force {
    pub(crate) tasks: Vec<&'static TaskType>,
    pub(crate) roots: bool,
    pub(crate) all: bool,
}

impl Force {
    /// The same for what is required while a task runs, which is no root.
    pub(crate) fn in_run(&self) -> Self {
        Self { roots: false, ..self.clone() }
    }

    /// Marks the instances of a graph that are to run.
    pub(crate) fn mark(&self, graph: &mut Graph) {
        if !self.all && !self.roots && self.tasks.is_empty() {
            return;
        }
        let named: HashSet<TypeId> = self.tasks.iter().map(|task| (task.id)()).collect();
        let is_named = |task: TypeId| self.all || named.contains(&task);
        let mut forced: Vec<bool> =
            graph.nodes().map(|node| is_named((graph.task(node).task.id)())).collect();
        if self.roots {
            graph.roots.iter().for_each(|root| forced[root.index()] = true);
        }
        // An aggregate is what it requires.
        for node in graph.nodes().rev() {
            if forced[node.index()] && graph.kind(node) == Kind::Aggregate {
                graph.inputs(node).iter().for_each(|input| forced[input.index()] = true);
            }
        }
        graph.forced = forced;
    }

    /// A warning for each task that is to run and is not in the graph.
    pub(crate) fn unused(&self, graph: &Graph) -> Vec<Warning> {
        let is_there = |task: &&&TaskType| graph.types.find((task.id)()).is_some();
        let missing = self.tasks.iter().filter(|task| !graph.roots.is_empty() && !is_there(task));
        missing
            .map(|task| Warning::ForcesNothing { task: (task.decl)().name.into_owned() })
            .collect()
    }
}
