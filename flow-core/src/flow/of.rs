//! The graph of a root, for asking about the tasks that it requires.

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::flow::error::Error;
use crate::flow::select::{nodes_of, one_of};
use crate::flow::{Flow, Roots, handle};
use crate::plan::Plan;
use crate::task::input::Input;
use crate::task::loaded::Loaded;
use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::{Output, Task, TaskType};
use crate::value::AnyValue;

/// The graph of a root, for asking about the tasks that it requires: with the parameters that
/// they have there. Made by [`Flow::of`].
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
/// assert_eq!(*flow.of::<Sum>().at(Power::EXPONENT, 3).load::<Power>()?, 8);
/// assert_eq!(flow.of::<Sum>().outputs::<Power>()?.len(), 4);
///
/// let several = flow.of::<Sum>().load::<Power>().unwrap_err().to_string();
/// assert!(several.starts_with("Sum requires 4 instances of Power: select one"));
/// # Ok(())
/// # }
/// ```
pub struct Of<'a, R> {
    flow: &'a Flow,
    selected: Vec<(&'static TaskType, usize, AnyValue)>,
    root: PhantomData<fn() -> R>,
}

impl<'a, R: Roots> Of<'a, R> {
    pub(crate) fn new(flow: &'a Flow) -> Self {
        Self { flow, selected: Vec::new(), root: PhantomData }
    }

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
        let mut plan = Arc::into_inner(plan).expect("nobody else has the plan");
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
                let field = entry.instances.field(plan.graph.node(node).instance, place);
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
    for node in plan.graph.nodes().rev() {
        if required[node.index()] {
            plan.graph.inputs(node).iter().for_each(|input| required[input.index()] = true);
        }
    }
    requires.into_iter().zip(required).map(|(a, b)| a || b).collect()
}
