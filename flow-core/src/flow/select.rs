//! Instances of a graph, by their task.

use daggy::NodeIndex;

use crate::flow::error::SelectError;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::task::{Task, TaskType};

/// The nodes of a task, and all that lies between them and the roots.
pub(super) fn between(plan: &Plan, task: &TaskType) -> Vec<NodeIndex> {
    let mut below = vec![false; plan.graph.len()];
    for node in plan.graph.nodes() {
        let inputs = plan.graph.inputs(node);
        below[node.index()] =
            is(plan, node, task) || inputs.iter().any(|input| below[input.index()]);
    }
    plan.graph.nodes().filter(|node| below[node.index()]).collect()
}

/// The nodes of `A`.
pub(super) fn nodes_of<A: Task>(plan: &Plan) -> Vec<NodeIndex> {
    plan.graph.nodes().filter(|&node| is(plan, node, TaskType::of::<A>())).collect()
}

pub(super) fn is(plan: &Plan, node: NodeIndex, task: &TaskType) -> bool {
    (plan.graph.task(node).task.id)() == (task.id)()
}

/// The one node of these, or why there is not one.
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
