//! Previews and completeness of a flow, which run nothing.

use crate::flow::error::Error;
use crate::flow::plan::{RefreshMode, roots_of};
use crate::flow::{Flow, Roots};
use crate::plan::force::Force;
use crate::plan::tree::Preview;
use crate::plan::variant::Root;

impl Flow {
    /// Returns what a run of these roots would do, and why, as a tree that can be printed.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn preview<R: Roots>(&self) -> Result<Preview, Error> {
        let plan = self.plan_to_run::<R>()?;
        plan.check_executor()?;
        Ok(Preview::new(plan))
    }

    /// Returns whether these roots are complete.
    ///
    /// A root is complete if its output exists and equals what running its task now would produce.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub fn is_complete<R: Roots>(&self) -> Result<bool, Error> {
        self.are_complete(&roots_of::<R>())
    }

    /// Returns whether `roots` are complete.
    pub(crate) fn are_complete(&self, roots: &[Root<'_>]) -> Result<bool, Error> {
        let plan = self.judged(roots, &Force::default(), self.trust, RefreshMode::Evaluate)?;
        Ok(plan.graph.roots.iter().all(|&root| plan.verdicts.status(root).is_complete()))
    }
}
