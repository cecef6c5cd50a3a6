//! Restricting a graph to some tasks: [`Subgraph::until`](crate::Subgraph::until) and
//! [`only`](crate::Subgraph::only).
//!
//! The planner first builds the graph of the roots, so that each instance has the parameters and the key of that graph. Then
//! the instances of the selected tasks become the roots, and only they and their upstream instances remain. Verdicts and
//! execution work on the smaller graph, and need no special case.

use std::any::TypeId;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};

use daggy::{Dag, NodeIndex};

use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::plan::{Graph, Node, Plan};
use crate::task::TaskType;

/// The tasks to which plans are restricted.
#[derive(Clone)]
pub(crate) struct Restriction {
    pub(crate) tasks: Vec<&'static TaskType>,
    /// Whether only these tasks may run. The instances that they require must be complete.
    pub(crate) alone: bool,
}

impl Restriction {
    /// Returns a restriction with one more task.
    pub(crate) fn with(before: Option<&Self>, task: &'static TaskType, alone: bool) -> Self {
        let mut tasks = before.map(|before| before.tasks.clone()).unwrap_or_default();
        tasks.push(task);
        Self { tasks, alone: alone || before.is_some_and(|before| before.alone) }
    }

    /// Returns the nodes of the tasks.
    ///
    /// # Errors
    ///
    /// Returns the first task of which the graph has no instance.
    pub(crate) fn nodes(&self, graph: &Graph) -> Result<Vec<NodeIndex>, &'static TaskType> {
        let types: HashSet<TypeId> = self.tasks.iter().map(|task| (task.id)()).collect();
        let of = |node: NodeIndex| (graph.task(node).task.id)();
        let nodes: Vec<_> = graph.nodes().filter(|&node| types.contains(&of(node))).collect();
        let found: HashSet<TypeId> = nodes.iter().map(|&node| of(node)).collect();
        match self.tasks.iter().find(|task| !found.contains(&(task.id)())) {
            Some(missing) => Err(*missing),
            None => Ok(nodes),
        }
    }

    /// Returns the nodes of the tasks for each variant of a sweep, which has `of_each` roots.
    ///
    /// All variants get the same number of nodes, so that the roots of a plan are divided among them evenly: the last node
    /// of a variant is repeated. Of a task that requires itself, `until` needs only the last instances.
    ///
    /// # Errors
    ///
    /// Returns the first task of which a variant has no instance.
    pub(crate) fn nodes_of_variants(
        &self,
        graph: &Graph,
        of_each: usize,
    ) -> Result<Vec<NodeIndex>, &'static TaskType> {
        let types: HashSet<TypeId> = self.tasks.iter().map(|task| (task.id)()).collect();
        let of = |node: NodeIndex| (graph.task(node).task.id)();
        // The selected nodes among each node and its upstream. Inputs come before their consumers.
        let mut reached: Vec<Arc<[NodeIndex]>> = Vec::with_capacity(graph.len());
        for node in graph.nodes() {
            let upstream = union(&reached, graph.inputs(node));
            let id = of(node);
            reached.push(match types.contains(&id) {
                false => upstream,
                true => {
                    let others = upstream.iter().copied();
                    let others = others.filter(|&other| self.alone || of(other) != id);
                    others.chain([node]).collect()
                }
            });
        }
        let variants = graph.roots.chunks(of_each.max(1));
        let variants: Vec<_> = variants.map(|roots| union(&reached, roots)).collect();
        for nodes in &variants {
            let is_missing = |task: &&&TaskType| !nodes.iter().any(|&node| of(node) == (task.id)());
            if let Some(missing) = self.tasks.iter().find(is_missing) {
                return Err(*missing);
            }
        }
        let count = variants.iter().map(|nodes| nodes.len()).max().unwrap_or_default();
        let repeated = variants.iter().flat_map(|nodes| {
            let last = nodes.last().into_iter().cycle();
            nodes.iter().chain(last).take(count).copied()
        });
        Ok(repeated.collect())
    }

    /// Returns the incomplete inputs of pending roots, each with the reason, if only the roots may run.
    pub(crate) fn incomplete_inputs(&self, plan: &Plan) -> Vec<String> {
        if !self.alone {
            return Vec::new();
        }
        let (graph, verdicts) = (&plan.graph, &plan.verdicts);
        let pending = graph.roots.iter().filter(|&&root| verdicts.status(root) == Status::Pending);
        let mut seen = HashSet::new();
        let mut incomplete = Vec::new();
        for &root in pending {
            for input in graph.gathered_inputs(root) {
                if graph.is_root(input)
                    || verdicts.status(input).is_complete()
                    || !seen.insert(input)
                {
                    continue;
                }
                let label = graph.label(input, Show::Clipped);
                incomplete.push(match plan.incomplete_reason(input).as_str() {
                    "" => label,
                    reason => format!("{label}: {reason}"),
                });
            }
        }
        incomplete
    }
}

/// Returns what any of these nodes reaches. Nodes with equal sets share one.
fn union(reached: &[Arc<[NodeIndex]>], nodes: &[NodeIndex]) -> Arc<[NodeIndex]> {
    let mut sets = nodes.iter().map(|node| &reached[node.index()]).filter(|set| !set.is_empty());
    let Some(first) = sets.next() else { return Arc::default() };
    let others: Vec<_> = sets.filter(|set| !Arc::ptr_eq(set, first)).collect();
    if others.is_empty() {
        return Arc::clone(first);
    }
    let all = first.iter().chain(others.into_iter().flat_map(|set| set.iter()));
    all.copied().collect::<BTreeSet<_>>().into_iter().collect()
}

impl Graph {
    /// Returns the graph of other roots and their upstream instances, which keep their order and their keys.
    pub(crate) fn restricted_to(self, roots: &[NodeIndex]) -> Self {
        let mut kept = vec![false; self.len()];
        roots.iter().for_each(|root| kept[root.index()] = true);
        self.mark_upstream(&mut kept);
        let Self { dag: old_dag, inputs: old_inputs, externals, stand_ins, .. } = self;
        // The new place of each node. Inputs come before their consumers, so their places are known first.
        let mut places: Vec<Option<NodeIndex>> = vec![None; kept.len()];
        let place = |places: &[Option<NodeIndex>], node: NodeIndex| {
            places[node.index()].expect("everything upstream is kept")
        };
        let (mut dag, mut inputs) = (Dag::new(), Vec::new());
        let (nodes, _) = old_dag.into_graph().into_nodes_edges();
        for (old, node) in nodes.into_iter().enumerate() {
            if !kept[old] {
                continue;
            }
            let node = node.weight;
            let range = node.inputs.start as usize..node.inputs.end as usize;
            let start = inputs.len();
            inputs.extend(old_inputs[range].iter().map(|&input| place(&places, input)));
            let node = Node { inputs: start as u32..inputs.len() as u32, ..node };
            let new = dag.add_node(node);
            let edges = inputs[start..].iter().map(|&input| (input, new, ()));
            dag.add_edges(edges).expect("a new node is in no cycle");
            places[old] = Some(new);
        }
        let moved = |node: NodeIndex| places[node.index()];
        let roots: Vec<_> = roots.iter().map(|&root| place(&places, root)).collect();
        Self {
            is_root: roots.iter().copied().collect(),
            roots,
            dag,
            inputs,
            externals: externals
                .into_iter()
                .filter_map(|(node, path)| Some((moved(node)?, path)))
                .collect(),
            stand_ins: stand_ins
                .into_iter()
                .filter_map(|(node, stand_in)| Some((moved(node)?, stand_in)))
                .collect(),
            forced: Vec::new(),
            asked: None,
            is_in_run: self.is_in_run,
            view: OnceLock::new(),
            types: self.types,
            instances: self.instances,
            draws: self.draws,
            entries: self.entries,
        }
    }
}
