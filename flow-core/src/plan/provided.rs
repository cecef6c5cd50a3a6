//! Checks that the flow provides what tasks declare: types with `uses(...)`, and amounts with `resources(...)`.
//!
//! A missing type or amount is an error before anything runs, if a task that has to run needs it. The amounts are
//! checked in [`policy`](super::policy), and what a child process needs in
//! [`isolated`](super::isolated).

use daggy::NodeIndex;

use crate::plan::Plan;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::verdicts::Status;
use crate::task::provider;

impl Plan {
    /// Returns an error if a pending task uses a type that the flow does not provide, or needs more of a resource than
    /// the flow offers.
    pub(crate) fn check_provided(&self) -> Result<(), Box<PlanError>> {
        let mut checked = vec![false; self.graph.types.all.len()];
        for node in self.graph.nodes() {
            let open = matches!(self.verdicts.status(node), Status::Pending);
            let index = self.graph.node(node).task as usize;
            if open && !std::mem::replace(&mut checked[index], true) {
                self.check_node(node)?;
            }
        }
        self.check_outside()?;
        self.check_all_isolated()?;
        self.check_demands()
    }

    /// Checks the types that an instance uses which has turned out to be pending.
    pub(crate) fn check_node(&self, node: NodeIndex) -> Result<(), Box<PlanError>> {
        let entry = self.graph.task(node);
        if self.graph.stand_in(node).is_some() {
            return Ok(());
        }
        for (id, ty) in (entry.task.uses)() {
            // A child process is checked by `check_isolated`.
            if !self.provided.contains_key(&id) && !provider::is_registered(id) {
                let task = entry.decl.name.to_string();
                let kind = PlanErrorKind::NotProvided { task, ty };
                return Err(Box::new(PlanError::new(kind, Vec::new())));
            }
        }
        self.check_isolated(node)
    }
}
