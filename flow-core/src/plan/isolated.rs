//! Checks that tasks which are isolated can run in a child process of this program.
//!
//! A child process has its own memory. So the output of an isolated task and its inputs must be files, and what it
//! [uses](crate::Uses) must have a constructor. The child finds the type of the task by the registry of its own program.
//! What is missing is an error before anything runs.

use daggy::NodeIndex;

use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::policy::Policies;
use crate::plan::verdicts::Status;
use crate::plan::{Graph, Plan};
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

    /// Returns an error if an instance is isolated and cannot run in a child process.
    pub(super) fn check_isolated(&self, node: NodeIndex) -> Result<(), Box<PlanError>> {
        let checked = self.policies.check_isolated(&self.graph, node);
        checked.map_err(|kind| Box::new(PlanError::new(kind, self.graph.way(node))))
    }
}

impl Policies {
    /// Returns an error if an instance is isolated and cannot run in a child process.
    pub(crate) fn check_isolated(
        &self,
        graph: &Graph,
        node: NodeIndex,
    ) -> Result<(), PlanErrorKind> {
        if !self.is_isolated(graph, node) {
            return Ok(());
        }
        let Some(reason) = not_isolated(graph, node) else { return Ok(()) };
        Err(PlanErrorKind::NotIsolated { task: graph.task(node).decl.name.to_string(), reason })
    }

    /// Returns whether an instance runs in a child process.
    fn is_isolated(&self, graph: &Graph, node: NodeIndex) -> bool {
        // An option that cannot be evaluated is reported when the instance starts.
        let declares = || graph.policy(node, 1).is_ok_and(|policy| policy.isolate);
        (self.isolate || graph.has_policy(node))
            && graph.kind(node) == Kind::Made
            && graph.stand_in(node).is_none()
            && (self.isolate || declares())
    }
}

/// Returns why an instance cannot run in a child process.
fn not_isolated(graph: &Graph, node: NodeIndex) -> Option<String> {
    let entry = graph.task(node);
    if cfg!(not(unix)) {
        return Some("this is not supported on this system: leave out `isolate`".to_owned());
    }
    if entry.task.in_memory {
        let reason = "its output is kept in the memory of this process: give it a target that writes a file, such \
                      as `Json`, or leave out `isolate`";
        return Some(reason.to_owned());
    }
    let mut inputs = graph.gathered_inputs(node).into_iter();
    if let Some(input) = inputs.find(|&input| graph.task(input).task.in_memory) {
        let input = &graph.task(input).decl.name;
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
