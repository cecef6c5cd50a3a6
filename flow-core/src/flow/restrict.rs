//! Restricting a subgraph to some of its tasks: [`Subgraph::until`] and [`Subgraph::only`].

use std::sync::Arc;

use crate::flow::error::{Error, SelectError};
use crate::flow::{Flow, Subgraph};
use crate::plan::label::Show;
use crate::plan::restrict::Restriction;
use crate::plan::variant::Root;
use crate::plan::{Graph, Plan};
use crate::task::info::TaskInfo;
use crate::task::{Task, TaskType};

impl<R> Subgraph<R> {
    /// Restricts the graph to the instances of `A` and everything upstream of them.
    ///
    /// The instances keep the parameters that they have in this graph, and become its roots: a run executes them and their
    /// upstream instances, and nothing downstream of them. Further calls add tasks. Values that were selected with
    /// [`at`](Self::at) do not restrict the run.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn number(#[param(default = 3)] n: u64) -> u64 {
    ///     n
    /// }
    ///
    /// #[task(requires = number, target = Json<u64>)]
    /// fn square(number: &u64) -> u64 {
    ///     number * number
    /// }
    ///
    /// #[task(requires = square, target = Json<u64>)]
    /// fn report(square: &u64) -> u64 {
    ///     square + 1
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let summary = flow.graph::<report>().until::<square>().run()?;
    /// assert_eq!(summary.ran().len(), 2); // `number` and `square`
    /// assert_eq!(*flow.graph::<report>().load::<square>()?, 9);
    ///
    /// // Only `report` runs, because its inputs are complete.
    /// assert_eq!(flow.graph::<report>().only::<report>().run()?.ran().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Operations fail if the graph has no instance of `A`.
    #[must_use]
    pub fn until<A: Task>(self) -> Self {
        self.restricted(TaskType::of::<A>(), false)
    }

    /// Restricts the graph, as [`until`](Self::until) does, to a task that is known at run time.
    #[must_use]
    pub fn until_task(self, task: TaskInfo) -> Self {
        self.restricted(task.task, false)
    }

    /// Restricts runs to the instances of `A`: no upstream and no downstream instance runs.
    ///
    /// The inputs of these instances must be complete. Values that were only in the memory of another process are not
    /// complete. A task that `A` [requires](crate::Cx::require) while it runs is run as usual. See [`until`](Self::until)
    /// for an example.
    ///
    /// # Errors
    ///
    /// Operations fail if the graph has no instance of `A`. Runs and previews fail if an input of a pending instance is
    /// not complete ([`SelectError::Incomplete`]).
    #[must_use]
    pub fn only<A: Task>(self) -> Self {
        self.restricted(TaskType::of::<A>(), true)
    }

    /// Restricts runs, as [`only`](Self::only) does, to a task that is known at run time.
    #[must_use]
    pub fn only_task(self, task: TaskInfo) -> Self {
        self.restricted(task.task, true)
    }

    fn restricted(mut self, task: &'static TaskType, alone: bool) -> Self {
        let restriction = Restriction::with(self.flow.restriction.as_deref(), task, alone);
        self.flow.restriction = Some(Arc::new(restriction));
        self
    }
}

impl Flow {
    /// Returns this flow for the runs and previews of a sweep, with the restriction of the sweep.
    pub(crate) fn restricted_to(&self, restriction: Option<&Arc<Restriction>>) -> Self {
        Self { restriction: restriction.cloned(), ..self.clone() }
    }
}

/// Returns the name of the variant that a root belongs to.
fn variant<'a>(root: &Root<'a>) -> Option<&'a str> {
    root.variant.map(|(name, _)| name)
}

/// Returns the graph of the selected tasks and their upstream instances. `planned` are the roots of the whole graph.
pub(super) fn restricted(
    graph: Graph,
    restriction: &Restriction,
    planned: &[Root<'_>],
) -> Result<Graph, Error> {
    if planned.is_empty() {
        // A sweep has chosen no variant.
        return Ok(graph);
    }
    let nodes = match planned.first().and_then(variant) {
        None => restriction.nodes(&graph),
        first => {
            let of_each = planned.iter().take_while(|root| variant(root) == first).count();
            restriction.nodes_of_variants(&graph, of_each)
        }
    };
    match nodes {
        Ok(nodes) => Ok(graph.restricted_to(&nodes)),
        Err(missing) => {
            let mut roots: Vec<_> =
                graph.roots.iter().map(|&root| graph.label(root, Show::Hidden)).collect();
            roots.dedup();
            let task = (missing.decl)().name.into_owned();
            let (root, selected) = (roots.join(", "), Vec::new());
            Err(SelectError::None { root, task, selected }.into())
        }
    }
}

/// Returns an error if only the roots may run, and one of their inputs is not complete.
pub(super) fn check_inputs(plan: &Plan, restriction: &Restriction) -> Result<(), Error> {
    let inputs = restriction.incomplete_inputs(plan);
    if inputs.is_empty() {
        return Ok(());
    }
    let tasks = restriction.tasks.iter().map(|task| (task.decl)().name.into_owned());
    let task = tasks.collect::<Vec<_>>().join(", ");
    Err(SelectError::Incomplete { task, inputs }.into())
}
