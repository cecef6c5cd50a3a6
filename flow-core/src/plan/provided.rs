//! Checks that the flow provides the types that tasks declare with `uses(...)`.
//!
//! A missing type is an error before anything runs, if a task that has to run uses it.

use daggy::NodeIndex;

use crate::plan::Plan;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::verdicts::Status;

impl Plan {
    /// Returns an error if a pending task uses a type that the flow does not provide.
    pub(crate) fn check_provided(&self) -> Result<(), Box<PlanError>> {
        let mut checked = vec![false; self.graph.types.all.len()];
        for node in self.graph.nodes() {
            let open = matches!(self.verdicts.status(node), Status::Pending);
            let index = self.graph.node(node).task as usize;
            if open && !std::mem::replace(&mut checked[index], true) {
                self.check_node(node)?;
            }
        }
        Ok(())
    }

    /// Checks one instance that has turned out to be pending.
    pub(crate) fn check_node(&self, node: NodeIndex) -> Result<(), Box<PlanError>> {
        let entry = self.graph.task(node);
        if self.graph.stand_in(node).is_some() {
            return Ok(());
        }
        for (id, ty) in (entry.task.uses)() {
            if !self.provided.contains_key(&id) {
                let task = entry.decl.name.to_string();
                let kind = PlanErrorKind::NotProvided { task, ty };
                return Err(Box::new(PlanError::new(kind, Vec::new())));
            }
        }
        Ok(())
    }
}
