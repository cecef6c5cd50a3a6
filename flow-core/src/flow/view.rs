//! What a flow tells without running anything.

use std::sync::Arc;

use crate::flow::error::Error;
use crate::flow::plan::{Asks, roots_of};
use crate::flow::select::between;
use crate::flow::{Flow, Of, Roots};
use crate::plan::force::Force;
use crate::plan::instance::Instance;
use crate::plan::tree::Preview;
use crate::plan::variant::Root;
use crate::task::{Task, TaskType};

impl Flow {
    /// What a run of these roots would do, and why.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn preview<R: Roots>(&self) -> Result<Preview, Error> {
        Ok(Preview::new(self.plan_to_run::<R>()?))
    }

    /// Whether the outputs of these roots are there, and are what running them now would give.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn is_complete<R: Roots>(&self) -> Result<bool, Error> {
        self.are_complete(&roots_of::<R>())
    }

    /// The same for these roots.
    pub(crate) fn are_complete(&self, roots: &[Root<'_>]) -> Result<bool, Error> {
        let plan = self.judged(roots, &Force::default(), self.trust, Asks::Refresh)?;
        Ok(plan.graph.roots.iter().all(|&root| plan.verdicts.status(root).is_complete()))
    }

    /// The roots and everything that they require, each after what it requires itself.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn upstream<R: Roots>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run::<R>()?;
        let instance = |node| Instance { plan: Arc::clone(&plan), node };
        Ok(plan.graph.nodes().map(instance).collect())
    }

    /// The instances of `A` in the graph of `R`, and everything between them and the roots: what
    /// a change of `A` may affect, each after what it requires itself.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn downstream<A: Task, R: Roots>(&self) -> Result<Vec<Instance>, Error> {
        let plan = self.plan_to_run::<R>()?;
        let between = between(&plan, TaskType::of::<A>());
        Ok(between.into_iter().map(|node| Instance { plan: Arc::clone(&plan), node }).collect())
    }

    /// The task with its parameters resolved.
    ///
    /// # Errors
    ///
    /// The flow is wrong.
    pub fn instance<T: Task>(&self) -> Result<T, Error> {
        let (mut graph, _) = self.graph(&roots_of::<T>())?;
        let root = graph.roots[0];
        Ok(graph.take_instance(root))
    }

    /// The graph of a root, for asking about the tasks that it requires: with the parameters that
    /// they have there.
    pub fn of<R: Roots>(&self) -> Of<'_, R> {
        Of::new(self)
    }
}
