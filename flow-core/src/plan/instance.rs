//! One instance of a plan, as users see it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::plan::Plan;
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::verdicts::Status;

/// A task with its parameters resolved, as a plan has it: its name, its parameters, and whether
/// it was complete when the plan was made.
///
/// It is printed as `Train {model: Logistic}`.
#[derive(Clone)]
pub struct Instance {
    pub(crate) plan: Arc<Plan>,
    pub(crate) node: NodeIndex,
}

impl Instance {
    /// The name of the task.
    pub fn task(&self) -> &str {
        &self.plan.graph.task(self.node).decl.name
    }

    /// The parameters that it shows, by name: its own and, as `Task.parameter`, those that its
    /// requirements draw from outside it and that differ from their defaults.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let shown = self.plan.graph.shown(self.node).into_iter();
        shown.map(|(name, value)| (name, value.to_string())).collect()
    }

    /// What identifies it.
    pub fn key(&self) -> Key {
        self.plan.graph.node(self.node).key
    }

    /// Whether it was complete when the plan was made.
    pub fn status(&self) -> Status {
        self.plan.verdicts.status(self.node)
    }

    /// Whether its output was there, and what running it would have given.
    pub fn is_complete(&self) -> bool {
        self.status().is_complete()
    }

    /// Why it was not complete.
    pub fn reasons(&self) -> &[Reason] {
        self.plan.verdicts.reasons(self.node)
    }

    /// The folder that holds its output, or would.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn folder(&self) -> Result<PathBuf, StoreError> {
        Ok(self.plan.output_place(self.node)?.path())
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plan.graph.label(self.node, Show::Clipped))
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plan.graph.label(self.node, Show::Full))
    }
}
