//! The upstream of each variant: which instance of a task it has, and which instances only it needs.
//!
//! Each query passes over the graph once for all variants, so that a shared instance is visited once and not once
//! for each variant.

use daggy::NodeIndex;

use crate::plan::Graph;
use crate::plan::types::TypeIndex;

/// The instances of a task that a variant requires, its roots included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instances {
    None,
    One(NodeIndex),
    Several,
}

impl Instances {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, other) | (other, Self::None) => other,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Several,
        }
    }
}

/// Returns for each variant the instances of a task among its roots and their upstream.
pub(super) fn instances_of_each(
    graph: &Graph,
    task: TypeIndex,
    roots_of_each: usize,
) -> Vec<Instances> {
    gather(graph, roots_of_each, |node| (graph.node(node).task == task).then_some(node))
}

/// Returns for each variant the nodes among its roots and their upstream that `select` returns.
///
/// `select` may return one node as a representative of several equivalent ones.
pub(super) fn gather(
    graph: &Graph,
    roots_of_each: usize,
    mut select: impl FnMut(NodeIndex) -> Option<NodeIndex>,
) -> Vec<Instances> {
    let mut all: Vec<Instances> = Vec::with_capacity(graph.len());
    for node in graph.nodes() {
        let own = select(node).map_or(Instances::None, Instances::One);
        let inputs = graph.inputs(node).iter().map(|input| all[input.index()]);
        all.push(inputs.fold(own, Instances::and));
    }
    let variants = graph.roots.chunks(roots_of_each.max(1));
    let of_roots = |roots: &[NodeIndex]| {
        roots.iter().map(|root| all[root.index()]).fold(Instances::None, Instances::and)
    };
    variants.map(of_roots).collect()
}

/// The variants that need a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    None,
    /// Only the variant with this index.
    One(usize),
    Several,
}

impl Owner {
    fn add(&mut self, owner: Self) {
        *self = match *self {
            Self::None => owner,
            known if known == owner => known,
            _ => Self::Several,
        }
    }
}

/// Returns for each node which variants need it.
pub(super) fn owners(graph: &Graph, roots_of_each: usize) -> Vec<Owner> {
    let mut owners = vec![Owner::None; graph.len()];
    for (place, roots) in graph.roots.chunks(roots_of_each.max(1)).enumerate() {
        roots.iter().for_each(|root| owners[root.index()].add(Owner::One(place)));
    }
    for node in graph.nodes().rev() {
        let owner = owners[node.index()];
        graph.inputs(node).iter().for_each(|input| owners[input.index()].add(owner));
    }
    owners
}
