//! Checks that tasks which are isolated can run in a child process of this program.
//!
//! A child process has its own memory. So the output of an isolated task and its inputs must be files, and what it
//! [uses](crate::Uses) must have a constructor. The child finds the type of the task by the registry of its own program.
//! What is missing is an error before anything runs.

use daggy::NodeIndex;

use crate::plan::Plan;
use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::verdicts::Status;
use crate::task::{Kind, provider, registry};

impl Plan {
    /// Returns an error if a pending instance is isolated and cannot run in a child process.
    pub(super) fn check_all_isolated(&self) -> Result<(), Box<PlanError>> {
        // Plans without such tasks pay nothing for each instance.
        let mut types = self.graph.types.all.iter();
        if !self.policies.isolate && types.all(|entry| entry.task.policy.is_none()) {
            return Ok(());
        }
        let mut nodes = self.graph.nodes();
        nodes.try_for_each(|node| match self.verdicts.status(node) {
            Status::Pending => self.check_isolated(node),
            _ => Ok(()),
        })
    }

    /// Returns whether an instance runs in a child process.
    fn is_isolated(&self, node: NodeIndex) -> bool {
        let graph = &self.graph;
        // An option that cannot be evaluated is reported when the instance starts.
        let declares = || graph.policy(node, 1).is_ok_and(|policy| policy.isolate);
        graph.kind(node) == Kind::Made
            && graph.stand_in(node).is_none()
            && (self.policies.isolate || graph.has_policy(node) && declares())
    }

    /// Returns an error if an instance is isolated and cannot run in a child process.
    pub(super) fn check_isolated(&self, node: NodeIndex) -> Result<(), Box<PlanError>> {
        if !self.policies.isolate && !self.graph.has_policy(node) || !self.is_isolated(node) {
            return Ok(());
        }
        let Some(reason) = self.not_isolated(node) else { return Ok(()) };
        let task = self.graph.task(node).decl.name.to_string();
        let kind = PlanErrorKind::NotIsolated { task, reason };
        Err(Box::new(PlanError::new(kind, self.graph.way(node))))
    }

    /// Returns why an instance cannot run in a child process.
    fn not_isolated(&self, node: NodeIndex) -> Option<String> {
        let entry = self.graph.task(node);
        if cfg!(not(unix)) {
            return Some("this is not supported on this system: leave out `isolate`".to_owned());
        }
        if entry.task.in_memory {
            let reason = "its output is kept in the memory of this process: give it a target that writes a file, such \
                          as `Json`, or leave out `isolate`";
            return Some(reason.to_owned());
        }
        let mut inputs = self.graph.gathered_inputs(node).into_iter();
        if let Some(input) = inputs.find(|&input| self.graph.task(input).task.in_memory) {
            let input = &self.graph.task(input).decl.name;
            return Some(format!(
                "its input `{input}` is kept in the memory of this process: give `{input}` a target that writes a \
                 file, such as `Json`, or leave out `isolate`"
            ));
        }
        let mut uses = (entry.task.uses)().into_iter();
        if let Some((_, ty)) = uses.find(|(id, _)| !provider::is_registered(*id)) {
            return Some(format!(
                "it uses a `{ty}`, and the child process has to construct its own: register a constructor with \
                 `flow::provider!({ty}, || ...)`"
            ));
        }
        if registry::reachable(&registry::type_id(entry.task)).is_none() {
            let name = &entry.decl.name;
            return Some(format!(
                "the child process could not find its type, because it has type parameters: say \
                 `#[task(may_require({name}))]` above a task without type parameters"
            ));
        }
        None
    }
}
