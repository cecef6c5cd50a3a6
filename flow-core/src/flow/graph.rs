//! The graph of some roots, with everything that can be asked of the tasks in it.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::flow::error::Error;
use crate::flow::select::{between, nodes_of, one_of};
use crate::flow::summary::Summary;
use crate::flow::{Flow, Removed, Roots, handle};
use crate::plan::Plan;
use crate::plan::instance::Instance;
use crate::plan::tree::Preview;
use crate::plan::why::Why;
use crate::plot::Plot;
use crate::store::Found;
use crate::task::input::Input;
use crate::task::loaded::Loaded;
use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::{Kind, Output, Task, TaskType};
use crate::value::AnyValue;

/// The metadata that a task recorded, by name.
pub type Metadata = BTreeMap<String, serde_json::Value>;

/// The graph of some roots: every task that they require, with the parameters that it has there. Made
/// by [`Flow::graph`].
///
/// Its methods take a task of the graph where [`Flow`] has those of the roots alone:
/// `flow.graph::<Report>().load::<Prices>()`.
///
/// If the graph has several instances of a task, [`at`](Self::at) selects one of them.
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
    selected: Vec<(&'static TaskType, usize, AnyValue)>,
    root: PhantomData<fn() -> R>,
}

impl Flow {
    /// Returns the graph of these roots, for everything that concerns the tasks that they require.
    pub fn graph<R: Roots>(&self) -> Subgraph<R> {
        Subgraph { flow: self.clone(), selected: Vec::new(), root: PhantomData }
    }
}

impl<R: Roots> Subgraph<R> {
    /// Considers only the instances of that task with this value and, of other tasks, those that
    /// require such an instance, or are required by one.
    #[must_use]
    pub fn at<K: Task, T: Parameter>(mut self, key: Param<K, T>, value: impl IntoParam<T>) -> Self {
        self.selected.push((TaskType::of::<K>(), key.index(), Arc::new(value.into_param())));
        self
    }

    /// The output of `A`.
    ///
    /// # Errors
    ///
    /// There is no instance of `A` in the graph, or several; or as [`Flow::load`].
    pub fn load<A: Task>(&self) -> Result<Loaded<Output<A>>, Error> {
        Ok(self.output::<A>()?.load()?)
    }

    /// A handle on the output of `A`.
    ///
    /// # Errors
    ///
    /// There is no instance of `A` in the graph, or several; or as [`Flow::output`].
    pub fn output<A: Task>(&self) -> Result<Input<A>, Error> {
        let (plan, node) = self.one::<A>()?;
        handle::<A, R>(plan, node)
    }

    /// The task `A` with its parameters resolved.
    ///
    /// # Errors
    ///
    /// There is no instance of `A` in the graph, or several.
    pub fn instance<A: Task>(&self) -> Result<A, Error> {
        let (plan, node) = self.one::<A>()?;
        let mut plan = Arc::into_inner(plan).expect("plan not shared");
        Ok(plan.graph.take_instance(node))
    }

    /// Handles on the outputs of all instances of `A`.
    ///
    /// # Errors
    ///
    /// One of them is not complete.
    pub fn outputs<A: Task>(&self) -> Result<Vec<Input<A>>, Error> {
        let plan = self.flow.plan::<R>()?;
        let nodes = self.matching::<A>(&plan)?;
        nodes.into_iter().map(|node| handle::<A, R>(Arc::clone(&plan), node)).collect()
    }

    /// Runs what is not complete, as [`Flow::run`] does.
    ///
    /// # Errors
    ///
    /// As [`Flow::run`].
    pub fn run(&self) -> Result<Summary, Error> {
        self.flow.run::<R>()
    }

    /// Returns what a run would do, as [`Flow::preview`] does.
    ///
    /// # Errors
    ///
    /// As [`Flow::preview`].
    pub fn preview(&self) -> Result<Preview, Error> {
        self.flow.preview::<R>()
    }

    /// Returns whether the roots are complete, as [`Flow::is_complete`] does.
    ///
    /// # Errors
    ///
    /// As [`Flow::is_complete`].
    pub fn is_complete(&self) -> Result<bool, Error> {
        self.flow.is_complete::<R>()
    }

    /// Returns why the roots are not complete, as [`Flow::why`] does.
    ///
    /// # Errors
    ///
    /// As [`Flow::why`].
    pub fn why(&self) -> Result<Why, Error> {
        self.flow.why::<R>()
    }

    /// Returns the graph as a picture, as [`Flow::plot`] does.
    ///
    /// # Errors
    ///
    /// As [`Flow::plot`].
    pub fn plot(&self) -> Result<Plot, Error> {
        self.flow.plot::<R>()
    }

    /// Makes [`run`](Self::run) run the instances of `A` even if they are complete, as [`Flow::force`]
    /// does.
    #[must_use]
    pub fn force<A: Task>(self) -> Self {
        Self { flow: self.flow.force::<A>(), ..self }
    }

    /// Returns all instances of the graph, each after those that it requires.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn instances(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.flow.plan_to_run::<R>()?;
        let nodes = plan.graph.nodes().collect();
        Ok(instances(&plan, nodes))
    }

    /// Returns the selected instances of `A` and everything that they require, each after those that it
    /// requires.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn upstream<A: Task>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.flow.plan_to_run::<R>()?;
        let mut is_upstream = vec![false; plan.graph.len()];
        self.matching::<A>(&plan)?.into_iter().for_each(|node| is_upstream[node.index()] = true);
        plan.graph.mark_upstream(&mut is_upstream);
        let nodes = plan.graph.nodes().filter(|node| is_upstream[node.index()]).collect();
        Ok(instances(&plan, nodes))
    }

    /// Returns the instances of `A` and everything between them and the roots, which is what a change of
    /// `A` may affect; each after those that it requires.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn downstream<A: Task>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.flow.plan_to_run::<R>()?;
        let nodes = between(&plan, TaskType::of::<A>());
        Ok(instances(&plan, nodes))
    }

    /// Returns the metadata that the tasks of the graph have recorded with
    /// [`Cx::meta`](crate::Cx::meta), by instance and name; of those that are complete and have recorded
    /// any.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn meta(&self) -> Result<Vec<(Instance, Metadata)>, Error> {
        let plan = self.flow.plan::<R>()?;
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
    /// As [`Flow::reset`].
    pub fn reset<A: Task>(&self) -> Result<Removed, Error> {
        let plan = self.flow.plan::<R>()?;
        let nodes = self.matching::<A>(&plan)?;
        self.flow.reset_nodes(&plan, &nodes)
    }

    /// Removes the outputs of `A` and of everything between it and the roots, which is what a change of
    /// `A` may affect.
    ///
    /// # Errors
    ///
    /// As [`Flow::reset`].
    pub fn reset_downstream<A: Task>(&self) -> Result<Removed, Error> {
        let plan = self.flow.plan::<R>()?;
        self.flow.reset_nodes(&plan, &plan.to_reset(TaskType::of::<A>()))
    }

    /// Removes the outputs of the roots and of everything that they require, also of what any of these
    /// has required while it ran, as far as that is known from its record.
    ///
    /// # Errors
    ///
    /// As [`Flow::reset`].
    pub fn reset_all(&self) -> Result<Removed, Error> {
        self.flow.reset_plan(&*self.flow.plan::<R>()?)
    }

    fn one<A: Task>(&self) -> Result<(Arc<Plan>, NodeIndex), Error> {
        let plan = self.flow.plan::<R>()?;
        let nodes = self.matching::<A>(&plan)?;
        let selected = self.selected.iter().map(|(task, place, value)| {
            let param = &task.params[*place];
            let value = (param.kind.to_value)(&**value);
            let value = value.map_or_else(|error| error.to_string(), |value| value.to_string());
            if (task.id)() == TypeId::of::<A>() {
                format!("{}: {value}", param.name)
            } else {
                format!("{}.{}: {value}", (task.decl)().name, param.name)
            }
        });
        let node = one_of(&plan, &nodes, &A::__decl().name, selected.collect())?;
        Ok((plan, node))
    }

    /// The nodes of `A` for which all selected values hold.
    fn matching<A: Task>(&self, plan: &Plan) -> Result<Vec<NodeIndex>, Error> {
        let mut nodes = nodes_of::<A>(plan);
        for (task, place, value) in &self.selected {
            let with_value = self.with_value(plan, task, *place, &**value)?;
            if (task.id)() == TypeId::of::<A>() {
                nodes.retain(|node| with_value[node.index()]);
            } else {
                let connected = connected(plan, &with_value);
                nodes.retain(|node| connected[node.index()]);
            }
        }
        Ok(nodes)
    }

    /// For each node, whether it is of that task and has this value.
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

/// For each node, whether it requires one of `these`, or is required by one.
fn connected(plan: &Plan, these: &[bool]) -> Vec<bool> {
    let (mut requires, mut required) = (these.to_vec(), these.to_vec());
    for node in plan.graph.nodes() {
        requires[node.index()] |= plan.graph.inputs(node).iter().any(|i| requires[i.index()]);
    }
    plan.graph.mark_upstream(&mut required);
    requires.into_iter().zip(required).map(|(a, b)| a || b).collect()
}

fn instances(plan: &Arc<Plan>, nodes: Vec<NodeIndex>) -> Vec<Instance> {
    nodes.into_iter().map(|node| Instance { plan: Arc::clone(plan), node }).collect()
}
