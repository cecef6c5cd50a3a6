//! Forcing: running instances that are complete.
//!
//! A forced instance is pending for `preview` and `run`, wherever it is required, and runs once in a run. Its
//! output stays until the forced run has committed another, so that a failing run loses nothing.

use std::any::TypeId;
use std::collections::HashSet;

use crate::plan::Graph;
use crate::plan::warning::Warning;
use crate::task::{Kind, TaskType};

/// Which complete instances run all the same.
#[derive(Clone, Default)]
pub(crate) struct Force {
    pub(crate) tasks: Vec<&'static TaskType>,
    pub(crate) roots: bool,
    pub(crate) all: bool,
}

impl Force {
    /// Returns the setting for dynamic dependencies, which are no roots.
    pub(crate) fn in_run(&self) -> Self {
        Self { roots: false, ..self.clone() }
    }

    /// Marks the forced instances of a graph.
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
        // An aggregate has no output of its own: its inputs are forced instead.
        for node in graph.nodes().rev() {
            if forced[node.index()] && graph.kind(node) == Kind::Aggregate {
                graph.inputs(node).iter().for_each(|input| forced[input.index()] = true);
            }
        }
        graph.forced = forced;
    }

    /// Returns the forced tasks that have instances in a graph.
    pub(crate) fn tasks_in(&self, graph: &Graph) -> Vec<&'static TaskType> {
        if self.tasks.is_empty() {
            return Vec::new();
        }
        let there: HashSet<TypeId> =
            graph.nodes().map(|node| (graph.task(node).task.id)()).collect();
        self.tasks.iter().copied().filter(|task| there.contains(&(task.id)())).collect()
    }

    /// Returns a warning for each forced task that had instances before a graph was restricted, and has none now.
    pub(crate) fn left_out(&self, before: &[&'static TaskType], graph: &Graph) -> Vec<Warning> {
        let now: HashSet<TypeId> =
            self.tasks_in(graph).into_iter().map(|task| (task.id)()).collect();
        before
            .iter()
            .filter(|task| !now.contains(&(task.id)()))
            .map(|task| Warning::ForcesNothing { task: (task.decl)().name.into_owned() })
            .collect()
    }

    /// Returns a warning for each forced task that is not in the graph.
    pub(crate) fn unused(&self, graph: &Graph) -> Vec<Warning> {
        let is_there = |task: &&&TaskType| graph.types.find((task.id)()).is_some();
        let missing = self.tasks.iter().filter(|task| !graph.roots.is_empty() && !is_there(task));
        missing
            .map(|task| Warning::ForcesNothing { task: (task.decl)().name.into_owned() })
            .collect()
    }
}
