//! The public view of one instance of a plan.

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

/// A task with its parameters resolved, and its state when the plan was built.
///
/// It is printed as `Train {model: Logistic}`.
#[derive(Clone)]
pub struct Instance {
    pub(crate) plan: Arc<Plan>,
    pub(crate) node: NodeIndex,
}

impl Instance {
    /// Returns the name of the task.
    pub fn task(&self) -> &str {
        &self.plan.graph.task(self.node).decl.name
    }

    /// Returns the parameters that it shows, with their values as text.
    ///
    /// These are its own parameters and, as `Task.parameter`, those that its dependencies draw from outside
    /// it and that differ from their defaults.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let shown = self.plan.graph.shown(self.node).into_iter();
        shown.map(|(name, value)| (name, value.to_string())).collect()
    }

    /// Returns the key that identifies the instance.
    pub fn key(&self) -> Key {
        self.plan.graph.node(self.node).key
    }

    /// Returns its status when the plan was built.
    pub fn status(&self) -> Status {
        self.plan.verdicts.status(self.node)
    }

    /// Returns whether its output existed and was what running it would produce.
    pub fn is_complete(&self) -> bool {
        self.status().is_complete()
    }

    /// Returns why it was not complete.
    pub fn reasons(&self) -> &[Reason] {
        self.plan.verdicts.reasons(self.node)
    }

    /// Returns the folder that holds its output, or would hold it.
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
