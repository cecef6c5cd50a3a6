//! Debugging: what is known of an instance that failed, and running it again by itself.
//!
//! [`Subgraph::debug`] selects an instance and collects what the store has recorded of its last run: the failure or, if
//! it has not failed, the record of its output. [`inputs`] finds the outputs that it has loaded. [`run`] runs its task
//! again on the caller's thread, in a shadow folder, or in the instance's own folder if the output is to be committed.
//! Nothing else runs. [`display`] prints all of it.

mod display;
mod error;
mod inputs;
mod outcome;
mod run;

use std::marker::PhantomData;
use std::sync::Arc;

use daggy::NodeIndex;

pub use self::error::DebugError;
pub use self::inputs::DebugInput;
use self::inputs::{Resolved, State};
pub use self::outcome::DebugOutcome;
pub use self::run::DebugRun;
use crate::flow::error::{Error, SelectError};
use crate::flow::plan::RefreshMode;
use crate::flow::select::one_of;
use crate::flow::{Flow, Subgraph};
use crate::plan::Plan;
use crate::plan::failure::LastFailure;
use crate::plan::force::Force;
use crate::plan::instance::Instance;
use crate::plan::label::Show;
use crate::store::Found;
use crate::store::log_text::TaskLog;
use crate::store::trust::Trust;
use crate::task::input::Origin;
use crate::task::{Run, TaskType};

/// An instance that is debugged: what is known of its last run, and a way to run it again by itself.
///
/// [`Flow::debug`] and [`Subgraph::debug`] return it. It is printed with its parameters, its inputs with their paths,
/// the error with its causes, the metadata, the end of the log and the backtrace.
pub struct DebugInstance<T> {
    selected: Selected,
    of: PhantomData<fn() -> T>,
}

/// The instance without the type of its task.
struct Selected {
    flow: Flow,
    plan: Arc<Plan>,
    node: NodeIndex,
    failure: Option<LastFailure>,
    /// The duration of the last run in seconds, if it did not fail.
    seconds: Option<f64>,
    /// Files of the store that cannot be used, with the reasons.
    unusable: Vec<String>,
    log: Option<TaskLog>,
    resolved: Resolved,
    accepts_changes: bool,
}

impl Flow {
    /// Returns what is known of the last run of a task, and runs its instance again by itself on request.
    ///
    /// The instance has failed, or it is complete. For tasks upstream of a root, use
    /// [`flow.graph::<Root>().debug::<Task>()`](Subgraph::debug).
    ///
    /// [`run_again`](DebugInstance::run_again) runs the task on the caller's thread, where a debugger stops at
    /// breakpoints, with the inputs of the recorded run. It commits nothing, and nothing else runs.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct TooFew(usize);
    ///
    /// # impl std::fmt::Display for TooFew {
    /// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    /// #         write!(f, "{} prices are too few", self.0)
    /// #     }
    /// # }
    /// # impl std::error::Error for TooFew {}
    /// #[task(target = Json<Vec<f64>>)]
    /// fn prices(#[param(default = 1)] days: usize) -> Vec<f64> {
    ///     vec![100.0; days]
    /// }
    ///
    /// #[task(requires = prices, target = Json<f64>)]
    /// fn trend(cx: &Cx<trend>, prices: &[f64]) -> Result<f64> {
    ///     cx.meta("prices", prices.len())?;
    ///     if prices.len() < 2 {
    ///         return Err(TooFew(prices.len()).into()); // an error with a type of its own
    ///     }
    ///     Ok(prices[prices.len() - 1] - prices[0])
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<trend>().unwrap_err();
    ///
    /// let debug = flow.debug::<trend>()?;
    /// let printed = debug.to_string();
    /// assert!(printed.contains("inputs:\n  prices {days: 1}: "), "{printed}");
    /// assert!(printed.contains("error: 1 prices are too few"), "{printed}");
    ///
    /// let again = debug.run_again()?; // only `trend`, with the same prices
    /// assert_eq!(again.metadata()["prices"], 1);
    /// let error = again.into_result().unwrap_err();
    /// assert_eq!(error.downcast_ref::<TooFew>(), Some(&TooFew(1)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The instance has never run ([`DebugError::NeverRun`]; the message names tasks upstream that failed), planning
    /// fails, or the store cannot be read.
    pub fn debug<T: Run>(&self) -> Result<DebugInstance<T>, Error> {
        self.graph::<T>().debug::<T>()
    }
}

impl<R> Subgraph<R> {
    /// Returns what is known of the last run of `A`, and runs its instance again by itself on request.
    ///
    /// If the graph has several instances of `A`, it is the one that failed; if several failed, select one
    /// with [`at`](Self::at). See [`Flow::debug`].
    ///
    /// # Errors
    ///
    /// The selection has no instance of `A`, or several; otherwise the same as [`Flow::debug`].
    pub fn debug<A: Run>(&self) -> Result<DebugInstance<A>, Error> {
        Ok(DebugInstance { selected: self.select_to_debug(TaskType::of::<A>())?, of: PhantomData })
    }

    /// Selects the instance of a task that failed or, if none did, the only instance.
    fn select_to_debug(&self, task: &'static TaskType) -> Result<Selected, Error> {
        let trust = match self.flow.trust {
            // The records of the inputs are needed.
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        let (force, refresh) = (Force::default(), RefreshMode::EvaluateIgnoringAge);
        let plan = Arc::new(self.flow.judged(&self.planned(), &force, trust, refresh)?);
        let nodes = self.matching_of(&plan, task)?;
        let node = match nodes.as_slice() {
            [one] => *one,
            several => {
                let mut failed = Vec::new();
                for &node in several {
                    failed.extend(plan.recorded_failure(node)?.map(|_| node));
                }
                match failed.as_slice() {
                    [one] => *one,
                    [] => {
                        let selected = self.selected_text_of(task);
                        one_of(&plan, several, &(task.decl)().name, selected)?
                    }
                    _ => {
                        let label = |node: &NodeIndex| plan.graph.label(*node, Show::Clipped);
                        let instances = failed.iter().map(label).collect();
                        let task = (task.decl)().name.into_owned();
                        return Err(SelectError::SeveralFailed { task, instances }.into());
                    }
                }
            }
        };
        Selected::new(self.flow.clone(), plan, node)
    }
}

impl Selected {
    fn new(flow: Flow, plan: Arc<Plan>, node: NodeIndex) -> Result<Self, Error> {
        let (graph, store) = (&plan.graph, &plan.store);
        let key = graph.node(node).key;
        let folder = graph.folder(node, store)?;
        let mut unusable: Vec<_> = store.read_failure(&folder, key).err().into_iter().collect();
        let failure = plan.recorded_failure(node)?;
        let (made_from, seconds) = match (&failure, plan.output_record(node)?) {
            (Some((_, failure)), _) => {
                (failure.instance.as_ref().map(|instance| instance.made_from.clone()), None)
            }
            (None, Found::Record(record)) => (Some(record.made_from), Some(record.seconds)),
            (None, Found::Damaged(reason)) => {
                unusable.push(reason.to_string());
                let (instance, root) = (graph.label(node, Show::Clipped), plan.graph.root_names());
                let reason = unusable.join("; ");
                return Err(DebugError::Record { instance, root, reason }.into());
            }
            (None, Found::Nothing) => return Err(nothing(&plan, node, unusable).into()),
        };
        let log = match store.last_log(&folder, key) {
            Ok(log) => log,
            Err(error) => {
                unusable.push(format!("the log: {error}"));
                None
            }
        };
        let failure = plan.last_failure(node)?;
        let resolved = Resolved::new(&plan, node, made_from.as_ref())?;
        let accepts_changes = false;
        Ok(Self { flow, plan, node, failure, seconds, unusable, log, resolved, accepts_changes })
    }

    fn label(&self) -> String {
        self.plan.graph.label(self.node, Show::Clipped)
    }
}

/// Returns the error for an instance of which no run is recorded.
fn nothing(plan: &Plan, node: NodeIndex, unusable: Vec<String>) -> DebugError {
    let graph = &plan.graph;
    let (instance, root) = (graph.label(node, Show::Clipped), plan.graph.root_names());
    if !unusable.is_empty() {
        return DebugError::Record { instance, root, reason: unusable.join("; ") };
    }
    let mut is_upstream = vec![false; graph.len()];
    is_upstream[node.index()] = true;
    graph.mark_upstream(&mut is_upstream);
    let upstream = graph.nodes().filter(|other| is_upstream[other.index()] && *other != node);
    let failed = upstream.filter(|&node| plan.recorded_failure(node).is_ok_and(|it| it.is_some()));
    let failed = failed.map(|node| {
        (graph.label(node, Show::Clipped), graph.task(node).decl.name.clone().into_owned())
    });
    DebugError::NeverRun { instance, root, failed: failed.collect() }
}

impl<T> DebugInstance<T> {
    /// Returns the instance.
    pub fn instance(&self) -> Instance {
        Instance { plan: Arc::clone(&self.selected.plan), node: self.selected.node }
    }

    /// Returns the failure of the last run; `None` if that did not fail.
    pub fn failure(&self) -> Option<&LastFailure> {
        self.selected.failure.as_ref()
    }

    /// Returns the log of the last run; `None` if it logged nothing.
    pub fn log(&self) -> Option<&TaskLog> {
        self.selected.log.as_ref()
    }

    /// Returns the inputs, with the paths of the outputs that [`run_again`](Self::run_again) loads.
    pub fn inputs(&self) -> &[DebugInput] {
        &self.selected.resolved.inputs
    }

    /// Returns how the inputs differ from those of the last run: those that cannot be had any more come first, then
    /// those of which the recorded output was kept and is used.
    ///
    /// If the inputs of the last run are not known, because it failed before its task was started, there are none.
    pub fn changes(&self) -> Vec<String> {
        let resolved = &self.selected.resolved;
        let mut changes = resolved.described(&[State::Missing, State::Changed]);
        changes.extend(resolved.changes.iter().cloned());
        changes.extend(resolved.described(&[State::Kept]));
        changes
    }

    /// Lets the task run although inputs have changed since: it gets the present ones.
    #[must_use]
    pub fn accept_changes(mut self) -> Self {
        self.selected.accepts_changes = true;
        self
    }
}

impl<T: Run> DebugInstance<T> {
    /// Returns the task with its parameters resolved.
    pub fn task(&self) -> &T {
        let task = Origin::task(&*self.selected.plan, self.selected.node);
        task.downcast_ref().expect("the node is an instance of the task")
    }

    /// Runs the task again on this thread, with the inputs of the last run, and commits nothing.
    ///
    /// Nothing else runs. If the task [requires](crate::Cx::require) others while it runs, complete ones are answered, and
    /// the others are errors. An input is the output that the last run has loaded, even if its task is
    /// pending now or gives other data, as long as the store has kept it. A panic of the task is contained: it is the
    /// error, with its place.
    ///
    /// The output, the files that the task writes at [`Cx::out_path`](crate::Cx::out_path), and the log are in a
    /// folder aside, which is removed with the result.
    ///
    /// # Errors
    ///
    /// Inputs are missing ([`DebugError::Missing`]), or have changed and this was not
    /// [accepted](Self::accept_changes) ([`DebugError::Changed`]); or the store cannot be read or written. The error
    /// of the task itself is [part of the result](DebugRun::result).
    pub fn run_again(&self) -> Result<DebugRun<T>, Error> {
        Ok(DebugRun::new(self.selected.run_again()?))
    }

    /// Runs the task again on this thread, with the present inputs, and commits its output.
    ///
    /// Nothing else runs. If the task fails again, the store records that failure and its log in place of
    /// the last one. A change of the code does not hinder: a run after a fix is what this is for.
    ///
    /// If another process is running the instance, this waits until that has ended, as a run does. If it has then computed
    /// the output, the task does not run again: that is the error [`DebugError::Computed`]. Values in memory are computed by
    /// each process.
    ///
    /// # Errors
    ///
    /// Inputs are not complete ([`DebugError::Missing`]), or differ from those of the last run and this was not
    /// [accepted](Self::accept_changes) ([`DebugError::Changed`]); the output cannot be committed; or the store cannot
    /// be read or written. The error of the task itself is [part of the result](DebugRun::result).
    pub fn run_and_commit(&self) -> Result<DebugRun<T>, Error> {
        Ok(DebugRun::new(self.selected.run_and_commit()?))
    }
}
