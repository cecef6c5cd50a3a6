//! [`Subgraph`]: the graph of some roots, and operations on the tasks in it.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::flow::error::Error;
use crate::flow::select::{nodes_of, one_of, with_downstream};
use crate::flow::summary::Summary;
use crate::flow::versions::versions;
use crate::flow::{Flow, OutputVersion, Removed, Roots, handle};
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::plan::tree::Preview;
use crate::plan::variant::Root;
use crate::plan::why::Why;
use crate::plot::Plot;
use crate::store::Found;
use crate::task::input::Input;
use crate::task::loaded::Loaded;
use crate::task::param::{IntoParam, ParamKey};
use crate::task::{Kind, Output, Task, TaskType};
use crate::value::AnyValue;

/// The metadata that a task recorded, by name.
pub type Metadata = BTreeMap<String, serde_json::Value>;

/// The graph of some roots: the roots and all instances upstream of them. Created by [`Flow::graph`].
///
/// The methods of [`Flow`] operate on the roots. Those of a subgraph operate on any task in the graph, with the
/// parameters that it has there: `flow.graph::<Report>().load::<Prices>()` loads the prices that `Report` requires.
///
/// If the graph has several instances of a task, select one with [`at`](Self::at), by the value of a parameter.
///
/// A subgraph contains the dependencies that tasks declare. Those that a task requires while it runs are known
/// only from its record: [`preview`](Self::preview) shows them, and [`reset_all`](Self::reset_all) and
/// [`export`](Self::export) include them.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<u64>)]
/// struct Power {
///     exponent: u32,
/// }
///
/// #[tracked]
/// impl Run for Power {
///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
///         Ok(2_u64.pow(self.exponent))
///     }
/// }
///
/// #[derive(Task)]
/// #[task(requires = [Power { exponent } for exponent in 0..4], target = Json<u64>)]
/// struct Sum;
///
/// #[tracked]
/// impl Run for Sum {
///     fn run(&self, cx: &Cx<Self>) -> Result<u64> {
///         let mut sum = 0;
///         for power in cx.input() {
///             sum += *power.load()?;
///         }
///         Ok(sum)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<Sum>()?;
/// assert_eq!(*flow.graph::<Sum>().at(Power::EXPONENT, 3).load::<Power>()?, 8);
/// assert_eq!(flow.graph::<Sum>().outputs::<Power>()?.len(), 4);
///
/// let several = flow.graph::<Sum>().load::<Power>().unwrap_err().to_string();
/// assert!(several.starts_with("Sum requires 4 instances of Power: select one"));
/// # Ok(())
/// # }
/// ```
pub struct Subgraph<R> {
    pub(super) flow: Flow,
    pub(super) roots: Vec<&'static TaskType>,
    selected: Vec<(&'static TaskType, usize, AnyValue)>,
    of: PhantomData<fn() -> R>,
}

impl Flow {
    /// Returns the graph of these roots, for operations on the tasks that they require.
    pub fn graph<R: Roots>(&self) -> Subgraph<R> {
        Subgraph::new(self, R::types())
    }
}

impl<R> Subgraph<R> {
    /// Creates the graph of these roots. `R` is their type, or a marker if they are named at run time.
    pub(crate) fn new(flow: &Flow, roots: Vec<&'static TaskType>) -> Self {
        Self { flow: flow.clone(), roots, selected: Vec::new(), of: PhantomData }
    }

    pub(super) fn planned(&self) -> Vec<Root<'static>> {
        self.roots.iter().copied().map(Root::from).collect()
    }

    /// Builds a plan of the present state, with a verdict on each instance.
    pub(super) fn plan(&self) -> Result<Arc<Plan>, Error> {
        self.flow.as_is(&self.planned())
    }

    /// Builds a plan for a run, in which forced instances are pending.
    pub(super) fn plan_to_run(&self) -> Result<Arc<Plan>, Error> {
        self.flow.to_run(&self.planned())
    }

    /// Selects the instances of a task that have this value of a parameter.
    ///
    /// For every other task, it selects the instances that are upstream or downstream of a selected instance. Several
    /// calls narrow the selection.
    #[must_use]
    pub fn at<P: ParamKey>(mut self, key: P, value: impl IntoParam<P::Value>) -> Self {
        let task = TaskType::of::<P::Task>();
        self.selected.push((task, key.param().index(), Arc::new(value.into_param())));
        self
    }

    /// Loads the output of `A`.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; otherwise the same as [`Flow::load`].
    pub fn load<A: Task>(&self) -> Result<Loaded<Output<A>>, Error> {
        Ok(self.output::<A>()?.load()?)
    }

    /// Returns a handle to the output of `A`.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; otherwise the same as [`Flow::output`].
    pub fn output<A: Task>(&self) -> Result<Input<A>, Error> {
        let (plan, node) = self.one::<A>()?;
        handle(plan, node)
    }

    /// Returns the task `A` with its parameters resolved.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; or planning fails.
    pub fn instance<A: Task>(&self) -> Result<A, Error> {
        let (plan, node) = self.one::<A>()?;
        let mut plan = Arc::into_inner(plan).expect("plan not shared");
        Ok(plan.graph.take_instance(node))
    }

    /// Returns the stored versions of the output of `A`, as [`Flow::versions`] does.
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; otherwise the same as [`Flow::versions`].
    pub fn versions<A: Task>(&self) -> Result<Vec<OutputVersion<A>>, Error> {
        let (plan, node) = self.one::<A>()?;
        versions(plan, node)
    }

    /// Returns handles to the outputs of all selected instances of `A`.
    ///
    /// # Errors
    ///
    /// An instance is not complete, or planning fails.
    pub fn outputs<A: Task>(&self) -> Result<Vec<Input<A>>, Error> {
        let plan = self.plan()?;
        let nodes = self.matching::<A>(&plan)?;
        nodes.into_iter().map(|node| handle(Arc::clone(&plan), node)).collect()
    }

    /// Runs every instance of the graph that is not complete, as [`Flow::run`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::run`].
    pub fn run(&self) -> Result<Summary, Error> {
        self.flow.run_of(&self.planned())
    }

    /// Returns what a run would do, as [`Flow::preview`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::preview`].
    pub fn preview(&self) -> Result<Preview, Error> {
        let plan = self.plan_to_run()?;
        plan.check_executor()?;
        Ok(Preview::new(plan))
    }

    /// Returns whether the roots are complete, as [`Flow::is_complete`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::is_complete`].
    pub fn is_complete(&self) -> Result<bool, Error> {
        self.flow.are_complete(&self.planned())
    }

    /// Returns why the roots are not complete, as [`Flow::why`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::why`].
    pub fn why(&self) -> Result<Why, Error> {
        Ok(Why::new(self.plan_to_run()?)?)
    }

    /// Returns a plot of the graph, as [`Flow::plot`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::plot`].
    pub fn plot(&self) -> Result<Plot, Error> {
        Ok(Plot::new(self.plan_to_run()?))
    }

    /// Makes [`run`](Self::run) run the instances of `A` even if they are complete, as [`Flow::force`]
    /// does.
    #[must_use]
    pub fn force<A: Task>(self) -> Self {
        Self { flow: self.flow.force::<A>(), ..self }
    }

    /// Returns all instances of the graph in topological order, dependencies first.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn instances(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run()?;
        let nodes = plan.graph.nodes().collect();
        Ok(instances(&plan, nodes))
    }

    /// Returns the selected instances of `A` and all instances upstream of them, dependencies first.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn upstream<A: Task>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run()?;
        let mut is_upstream = vec![false; plan.graph.len()];
        self.matching::<A>(&plan)?.into_iter().for_each(|node| is_upstream[node.index()] = true);
        plan.graph.mark_upstream(&mut is_upstream);
        let nodes = plan.graph.nodes().filter(|node| is_upstream[node.index()]).collect();
        Ok(instances(&plan, nodes))
    }

    /// Returns the instances of `A` and all instances downstream of them, dependencies first.
    ///
    /// These are the instances that a change of `A` may affect. Values selected with [`at`](Self::at) are ignored.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn downstream<A: Task>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run()?;
        let nodes = with_downstream(&plan, TaskType::of::<A>());
        Ok(instances(&plan, nodes))
    }

    /// Returns the metadata that the tasks of the graph recorded with [`Cx::meta`](crate::Cx::meta).
    ///
    /// Instances that are not complete or have no metadata are left out.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn meta(&self) -> Result<Vec<(Instance, Metadata)>, Error> {
        let plan = self.plan()?;
        let mut found = Vec::new();
        for node in plan.graph.nodes() {
            if plan.graph.kind(node) != Kind::Made || !plan.verdicts.status(node).is_complete() {
                continue;
            }
            if let Found::Record(record) = plan.output_record(node)?
                && !record.meta.is_empty()
            {
                found.push((Instance { plan: Arc::clone(&plan), node }, record.meta));
            }
        }
        Ok(found)
    }

    /// Removes the outputs of the selected instances of `A`, so that they run again.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::reset`].
    pub fn reset<A: Task>(&self) -> Result<Removed, Error> {
        let plan = self.plan()?;
        let nodes = self.matching::<A>(&plan)?;
        self.flow.reset_nodes(&plan, &nodes)
    }

    /// Removes the outputs of `A` and of all instances downstream of it.
    ///
    /// These are the outputs that a change of `A` may affect. Values selected with [`at`](Self::at) are ignored.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::reset`].
    pub fn reset_downstream<A: Task>(&self) -> Result<Removed, Error> {
        let plan = self.plan()?;
        self.flow.reset_nodes(&plan, &plan.to_reset(TaskType::of::<A>()))
    }

    /// Removes the outputs of the roots and of all instances upstream of them.
    ///
    /// This includes the instances that a task required while it ran, as far as they are known from its record.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::reset`].
    pub fn reset_all(&self) -> Result<Removed, Error> {
        self.flow.reset_plan(&*self.plan()?)
    }

    pub(super) fn one<A: Task>(&self) -> Result<(Arc<Plan>, NodeIndex), Error> {
        let plan = self.plan()?;
        let nodes = self.matching::<A>(&plan)?;
        let node = one_of(&plan, &nodes, &A::__decl().name, self.selected_text::<A>())?;
        Ok((plan, node))
    }

    /// Returns the selected values as text, for an error about `A`.
    pub(super) fn selected_text<A: Task>(&self) -> Vec<String> {
        self.selected_text_of(TaskType::of::<A>())
    }

    /// Returns the selected values as text, for an error about `of`.
    pub(super) fn selected_text_of(&self, of: &TaskType) -> Vec<String> {
        let selected = self.selected.iter().map(|(task, place, value)| {
            let param = &task.params[*place];
            let value = (param.kind.to_value)(&**value);
            let value = value.map_or_else(|error| error.to_string(), |value| value.to_string());
            if (task.id)() == (of.id)() {
                format!("{}: {value}", param.name)
            } else {
                format!("{}.{}: {value}", (task.decl)().name, param.name)
            }
        });
        selected.collect()
    }

    /// Returns the nodes of `A` that match all selected values.
    pub(super) fn matching<A: Task>(&self, plan: &Plan) -> Result<Vec<NodeIndex>, Error> {
        self.matching_of(plan, TaskType::of::<A>())
    }

    /// Returns the nodes of a task that match all selected values.
    pub(super) fn matching_of(&self, plan: &Plan, of: &TaskType) -> Result<Vec<NodeIndex>, Error> {
        let mut nodes = nodes_of(plan, of);
        for (task, place, value) in &self.selected {
            let with_value = self.with_value(plan, task, *place, &**value)?;
            if (task.id)() == (of.id)() {
                nodes.retain(|node| with_value[node.index()]);
            } else {
                let connected = connected(plan, &with_value);
                nodes.retain(|node| connected[node.index()]);
            }
        }
        Ok(nodes)
    }

    /// Returns, for each node, whether it is an instance of `task` with this value of the parameter at `place`.
    fn with_value(
        &self,
        plan: &Plan,
        task: &'static TaskType,
        place: usize,
        value: &(dyn Any + Send + Sync),
    ) -> Result<Vec<bool>, Error> {
        let wanted = self.flow.digest(task, place, value)?;
        let mut with_value = vec![false; plan.graph.len()];
        for node in plan.graph.nodes() {
            let entry = plan.graph.task(node);
            if (entry.task.id)() == (task.id)() {
                let field = plan.graph.field(node, place);
                with_value[node.index()] = self.flow.digest(task, place, field)? == wanted;
            }
        }
        Ok(with_value)
    }
}

/// Returns, for each node, whether it is in `selected`, or upstream or downstream of a node in it.
fn connected(plan: &Plan, selected: &[bool]) -> Vec<bool> {
    let (mut downstream, mut upstream) = (selected.to_vec(), selected.to_vec());
    for node in plan.graph.nodes() {
        downstream[node.index()] |= plan.graph.inputs(node).iter().any(|i| downstream[i.index()]);
    }
    plan.graph.mark_upstream(&mut upstream);
    downstream.into_iter().zip(upstream).map(|(a, b)| a || b).collect()
}

fn instances(plan: &Arc<Plan>, nodes: Vec<NodeIndex>) -> Vec<Instance> {
    nodes.into_iter().map(|node| Instance { plan: Arc::clone(plan), node }).collect()
}
