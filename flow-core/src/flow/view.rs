//! What a flow tells without running anything.

use crate::flow::error::Error;
use crate::flow::plan::{Asks, roots_of};
use crate::flow::{Flow, Roots};
use crate::plan::force::Force;
use crate::plan::tree::Preview;
use crate::plan::variant::Root;

impl Flow {
    /// Returns what a run of these roots would do, and why.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the store cannot be read.
    pub fn preview<R: Roots>(&self) -> Result<Preview, Error> {
        Ok(Preview::new(self.plan_to_run::<R>()?))
    }

    /// Returns whether the outputs of these roots exist and equal what running their tasks now would give.
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
}
