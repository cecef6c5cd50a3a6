//! Tasks that are named at run time: [`Flow::graph_of`].
//!
//! A command line or a page knows tasks by name, as [`TaskInfo`]. Their graph is a [`Subgraph`] without a root type, with
//! all verbs that need no Rust type. This file has the verbs that a flow has for its roots.

use std::path::Path;

use serde::Serialize;

use crate::flow::error::Error;
use crate::flow::{ExportSummary, Flow, Removed, Subgraph, Transferred};
use crate::plan::error::PlanError;
use crate::plan::instance::Instance;
use crate::plan::param_value::{check_allowed, fit};
use crate::remote::Remote;
use crate::task::info::{ParameterInfo, TaskInfo};
use crate::task::setting::named;

impl Flow {
    /// Returns the graph of roots that are named at run time, for programs that do not know their types.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow::task::TaskInfo;
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// // As on a command line: `run square --n 3`.
    /// let flow = Flow::open(folder.path())?.quiet().with_named("square.n", "3");
    /// let graph = flow.graph_of([TaskInfo::named("square")?]);
    /// assert_eq!(graph.run()?.ran().len(), 1);
    ///
    /// let instance = &graph.instances()?[0];
    /// let recorded = instance.recorded()?.context("it has run")?;
    /// assert_eq!(std::fs::read_to_string(&recorded.files[0].path)?, "9");
    /// # Ok(())
    /// # }
    /// ```
    pub fn graph_of(&self, roots: impl IntoIterator<Item = TaskInfo>) -> Subgraph<TaskInfo> {
        Subgraph::new(self, roots.into_iter().map(|root| root.task).collect())
    }

    /// Makes runs run all instances of a task even if they are complete, as [`force`](Self::force) does.
    #[must_use]
    pub fn force_task(&self, task: TaskInfo) -> Self {
        let mut flow = self.clone();
        flow.force.tasks.push(task.task);
        flow
    }
}

impl ParameterInfo {
    /// Checks a value that is given by name, as planning does: whether it fits the type, the range and the choices.
    ///
    /// The value may be text, as on a command line; see [`Flow::with_named`].
    ///
    /// # Errors
    ///
    /// The value does not fit. The message has the type, and a text that fits.
    pub fn check(&self, value: impl Serialize) -> Result<(), Error> {
        let (task, name) = (self.task().name(), self.full_name());
        let value = fit(&task, self.decl(), &name, &named(&value));
        let checked = value.and_then(|value| check_allowed(&task, self.decl(), &value));
        checked.map_err(|kind| Box::new(PlanError::new(kind, Vec::new())).into())
    }
}

impl<R> Subgraph<R> {
    /// Returns the root tasks.
    pub fn roots(&self) -> Vec<TaskInfo> {
        self.roots.iter().map(|&task| TaskInfo { task }).collect()
    }

    /// Returns the instances of the roots.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn root_instances(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan()?;
        let nodes = plan.graph.roots.clone().into_iter();
        Ok(nodes.map(|node| Instance { plan: plan.clone(), node }).collect())
    }

    /// Returns the instances of a task in the graph, dependencies first.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn instances_of(&self, task: TaskInfo) -> Result<Vec<Instance>, Error> {
        Ok(self.instances()?.into_iter().filter(|instance| instance.info() == task).collect())
    }

    /// Removes the outputs of the roots, as [`Flow::reset`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::reset`].
    pub fn reset_roots(&self) -> Result<Removed, Error> {
        let plan = self.plan()?;
        self.flow.reset_nodes(&plan, &plan.graph.roots)
    }

    /// Returns what [`reset_roots`](Self::reset_roots) would remove, and removes nothing.
    ///
    /// The files are those that the records name: files that another output has, too, stay. Logs and earlier versions, which
    /// a reset also removes, are not listed.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let graph = flow.graph::<answer>();
    /// assert!(graph.reset_roots_dry_run()?.instances.is_empty());
    ///
    /// flow.run::<answer>()?;
    /// let removed = graph.reset_roots_dry_run()?;
    /// assert_eq!(removed.instances, ["answer"]);
    /// assert!(removed.files[0].exists() && flow.is_complete::<answer>()?);
    /// assert_eq!(graph.reset_roots()?.instances, removed.instances);
    /// assert!(!removed.files[0].exists());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn reset_roots_dry_run(&self) -> Result<Removed, Error> {
        let plan = self.plan()?;
        self.flow.reset_nodes_dry_run(&plan, &plan.graph.roots)
    }

    /// Returns what [`reset_all`](Self::reset_all) would remove, as [`reset_roots_dry_run`](Self::reset_roots_dry_run) does.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn reset_all_dry_run(&self) -> Result<Removed, Error> {
        self.flow.reset_plan_dry_run(&*self.plan()?)
    }

    /// Exports the outputs of the roots, as [`Flow::export`] does. [`export`](Self::export) exports all of the graph.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::export`].
    pub fn export_roots(&self, folder: impl AsRef<Path>) -> Result<ExportSummary, Error> {
        self.flow.export_roots(&self.planned(), folder.as_ref())
    }

    /// Copies the outputs of the graph to a remote, as [`Flow::push`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::push`].
    pub fn push(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.flow.push_roots(&self.planned(), remote)
    }

    /// Returns what [`push`](Self::push) would copy, as [`Flow::push_dry_run`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::push_dry_run`].
    pub fn push_dry_run(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.flow.push_roots_dry_run(&self.planned(), remote)
    }

    /// Copies the outputs of the graph from a remote, as [`Flow::pull`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::pull`].
    pub fn pull(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.flow.pull_roots(&self.planned(), remote)
    }

    /// Returns what [`pull`](Self::pull) would copy, as [`Flow::pull_dry_run`] does.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::pull_dry_run`].
    pub fn pull_dry_run(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.flow.pull_roots_dry_run(&self.planned(), remote)
    }
}
