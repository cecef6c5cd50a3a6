//! Selection of the instances of a plan by their task.

use daggy::NodeIndex;

use crate::flow::error::SelectError;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::task::TaskType;

/// Returns the nodes of a task and all nodes downstream of them.
pub(super) fn with_downstream(plan: &Plan, task: &TaskType) -> Vec<NodeIndex> {
    let mut selected = vec![false; plan.graph.len()];
    for node in plan.graph.nodes() {
        let inputs = plan.graph.inputs(node);
        selected[node.index()] =
            is_of(plan, node, task) || inputs.iter().any(|input| selected[input.index()]);
    }
    plan.graph.nodes().filter(|node| selected[node.index()]).collect()
}

/// Returns the nodes of a task.
pub(super) fn nodes_of(plan: &Plan, task: &TaskType) -> Vec<NodeIndex> {
    plan.graph.nodes().filter(|&node| is_of(plan, node, task)).collect()
}

/// Returns whether a node is an instance of `task`.
pub(super) fn is_of(plan: &Plan, node: NodeIndex, task: &TaskType) -> bool {
    (plan.graph.task(node).task.id)() == (task.id)()
}

/// Returns the only node of `nodes`, or an error that lists the candidates.
pub(super) fn one_of(
    plan: &Plan,
    nodes: &[NodeIndex],
    task: &str,
    selected: Vec<String>,
) -> Result<NodeIndex, SelectError> {
    let names = |nodes: &[NodeIndex], show| {
        nodes.iter().map(|&node| plan.graph.label(node, show)).collect::<Vec<_>>()
    };
    let root = names(&plan.graph.roots, Show::Hidden).join(", ");
    match nodes {
        [one] => Ok(*one),
        [] => Err(SelectError::None { root, task: task.to_owned(), selected }),
        several => {
            let instances = names(several, Show::Clipped);
            Err(SelectError::Several { root, task: task.to_owned(), instances })
        }
    }
}
