//! Loading the outputs of all variants.

use std::collections::HashMap;
use std::sync::Arc;

use daggy::NodeIndex;

use super::Sweep;
use super::by_variant::ByVariant;
use super::upstream::{Instances, instances_of_each};
use crate::flow::error::{Error, SelectError};
use crate::flow::handle;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::task::input::Input;
use crate::task::loaded::Loaded;
use crate::task::{Output, Task, TaskType};

/// # Loading outputs
impl<R> Sweep<R> {
    /// Loads the output of `A` for each variant, by name and in the order of the variants.
    ///
    /// `A` is the root or any task upstream of it. An output that several variants share is loaded once.
    ///
    /// # Errors
    ///
    /// A variant has no instance of `A`, more than one, or one that is not complete; or as
    /// [`Flow::load`](crate::Flow::load).
    pub fn load<A: Task>(&self) -> Result<ByVariant<Loaded<Output<A>>>, Error> {
        all(self.load_each::<A>()?)
    }

    /// Loads the output of `A` for each variant, with a result for each.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    #[expect(clippy::type_complexity, reason = "results by variant")]
    pub fn load_each<A: Task>(&self) -> Result<ByVariant<Result<Loaded<Output<A>>, Error>>, Error> {
        let mut loaded: HashMap<NodeIndex, Loaded<Output<A>>> = HashMap::new();
        self.each::<A, _>(|plan, node| {
            if let Some(loaded) = loaded.get(&node) {
                return Ok(loaded.clone());
            }
            let value = handle::<A>(Arc::clone(plan), node)?.load()?;
            loaded.insert(node, value.clone());
            Ok(value)
        })
    }

    /// Returns a handle on the output of `A` for each variant, by name and in the order of the variants.
    ///
    /// A handle gives access to the metadata, the path, or a part of the output.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load), but no file is read.
    pub fn outputs<A: Task>(&self) -> Result<ByVariant<Input<A>>, Error> {
        all(self.outputs_each::<A>()?)
    }

    /// Returns a handle on the output of `A` for each variant, with a result for each.
    ///
    /// # Errors
    ///
    /// The sweep or the flow is invalid, or the store cannot be read.
    pub fn outputs_each<A: Task>(&self) -> Result<ByVariant<Result<Input<A>, Error>>, Error> {
        self.each::<A, _>(|plan, node| handle(Arc::clone(plan), node))
    }

    /// Calls `load` with the instance of `A` of each variant, and returns the results by name.
    fn each<A: Task, V>(
        &self,
        mut load: impl FnMut(&Arc<Plan>, NodeIndex) -> Result<V, Error>,
    ) -> Result<ByVariant<Result<V, Error>>, Error> {
        let plan = self.flow.as_is(&self.roots()?)?;
        let graph = &plan.graph;
        let roots_of_each = self.tasks.len();
        let instances = match graph.types.find((TaskType::of::<A>().id)()) {
            Some(task) => instances_of_each(graph, task, roots_of_each),
            None => vec![Instances::None; self.len()?],
        };
        let mut each = Vec::with_capacity(instances.len());
        let roots = graph.roots.chunks(roots_of_each);
        for ((name, roots), instances) in self.names()?.into_iter().zip(roots).zip(instances) {
            let one = match instances {
                Instances::One(node) => load(&plan, node).map_err(|error| of_variant(error, name)),
                Instances::None => Err(none::<A>(&plan, roots).into()),
                Instances::Several => Err(several::<A>(&plan, roots).into()),
            };
            each.push((name.to_owned(), one));
        }
        Ok(each.into_iter().collect())
    }
}

/// Adds the name of the variant to an error that an instance is not complete.
fn of_variant(mut error: Error, name: &str) -> Error {
    if let Error::NotComplete { variant, .. } = &mut error {
        *variant = Some(name.to_owned());
    }
    error
}

fn all<V>(each: ByVariant<Result<V, Error>>) -> Result<ByVariant<V>, Error> {
    each.into_iter().map(|(name, value)| Ok((name, value?))).collect()
}

fn labels(plan: &Plan, nodes: &[NodeIndex], show: Show) -> Vec<String> {
    nodes.iter().map(|&node| plan.graph.label(node, show)).collect()
}

fn none<A: Task>(plan: &Plan, roots: &[NodeIndex]) -> SelectError {
    let root = labels(plan, roots, Show::Hidden).join(", ");
    SelectError::None { root, task: A::__decl().name.into_owned(), selected: Vec::new() }
}

/// Returns the error that a variant has several instances of `A`, with their labels.
fn several<A: Task>(plan: &Plan, roots: &[NodeIndex]) -> SelectError {
    let graph = &plan.graph;
    let mut seen = vec![false; graph.len()];
    roots.iter().for_each(|root| seen[root.index()] = true);
    graph.mark_upstream(&mut seen);
    let is_one = |node: &NodeIndex| {
        seen[node.index()] && (graph.task(*node).task.id)() == (TaskType::of::<A>().id)()
    };
    let nodes: Vec<_> = graph.nodes().filter(is_one).collect();
    SelectError::Several {
        root: labels(plan, roots, Show::Hidden).join(", "),
        task: A::__decl().name.into_owned(),
        instances: labels(plan, &nodes, Show::Clipped),
    }
}
