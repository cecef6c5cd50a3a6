//! Checks that tasks which run in another process of this program can: isolated ones in a child process, and those of a flow
//! with an [executor](super::executor) elsewhere.
//!
//! Another process has its own memory. So the output of such a task and its inputs must be files, and what it
//! [uses](crate::Uses) must have a constructor. The process finds the type of the task by the registry of its own program.
//! A job that runs elsewhere is a file in the store, so it has no secrets. If the executor moves files, it has no files outside
//! the store. What is missing is an error before anything runs, and so is an [executor that can run nothing](Plan::check_executor).

use daggy::NodeIndex;

use crate::plan::error::{PlanError, PlanErrorKind};
use crate::plan::policy::Policies;
use crate::plan::verdicts::Status;
use crate::plan::{Graph, Plan};
use crate::task::{Kind, provider, registry};

impl Plan {
    /// Returns an error if a pending instance is to run in another process and cannot.
    pub(super) fn check_all_isolated(&self) -> Result<(), Box<PlanError>> {
        // Plans without such tasks pay nothing for each instance.
        let mut types = self.graph.types.all.iter();
        let are_all_here = !self.policies.isolate && self.policies.executor.is_none();
        if are_all_here && types.all(|entry| entry.task.policy.is_none()) {
            return Ok(());
        }
        let mut nodes = self.graph.nodes();
        nodes.try_for_each(|node| match self.verdicts.status(node) {
            Status::Pending => self.check_isolated(node),
            _ => Ok(()),
        })
    }

    /// Returns an error if a pending instance is to run elsewhere, and the executor of the flow can run nothing.
    ///
    /// It is for plans of runs, and for previews of them. Who only looks at a plan may do so on a machine without the scheduler.
    pub(crate) fn check_executor(&self) -> Result<(), Box<PlanError>> {
        if self.policies.executor.is_none() {
            return Ok(());
        }
        let runs_elsewhere = |node| {
            self.verdicts.status(node) == Status::Pending
                && self.policies.runs_elsewhere(&self.graph, node)
        };
        match self.graph.nodes().any(runs_elsewhere) {
            true => self
                .policies
                .check_executor()
                .map_err(|kind| Box::new(PlanError::new(kind, Vec::new()))),
            false => Ok(()),
        }
    }

    /// Returns an error if an instance is to run in another process and cannot.
    pub(super) fn check_isolated(&self, node: NodeIndex) -> Result<(), Box<PlanError>> {
        let checked = self.policies.check_isolated(&self.graph, node);
        checked.map_err(|kind| Box::new(PlanError::new(kind, self.graph.way(node))))
    }
}

impl Policies {
    /// Returns an error if the executor of the flow can run nothing.
    fn check_executor(&self) -> Result<(), PlanErrorKind> {
        let Some(executor) = self.executor.as_ref().map(|executor| &executor.0) else {
            return Ok(());
        };
        executor.check().map_err(|error| PlanErrorKind::NoExecutor {
            executor: executor.name().to_owned(),
            reason: format!("{error:#}"),
        })
    }

    /// Returns an error if an instance is to run in another process and cannot.
    pub(crate) fn check_isolated(
        &self,
        graph: &Graph,
        node: NodeIndex,
    ) -> Result<(), PlanErrorKind> {
        let task = || graph.task(node).decl.name.to_string();
        if self.runs_elsewhere(graph, node) {
            let executor = self.executor.as_ref().map(|executor| &executor.0);
            let Some(reason) = not_elsewhere(graph, node, self.moves_files()) else {
                return Ok(());
            };
            let executor = executor.map(|executor| executor.name().to_owned()).unwrap_or_default();
            return Err(PlanErrorKind::NotElsewhere { task: task(), executor, reason });
        }
        if !self.is_isolated(graph, node) {
            return Ok(());
        }
        let Some(reason) = not_in_child(graph, node, LEAVE_OUT_ISOLATE) else { return Ok(()) };
        Err(PlanErrorKind::NotIsolated { task: task(), reason })
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

/// How an isolated task can run in this process.
const LEAVE_OUT_ISOLATE: &str = "leave out `isolate`";

/// Returns why an instance cannot run in a process on another machine.
fn not_elsewhere(graph: &Graph, node: NodeIndex, moves_files: bool) -> Option<String> {
    let entry = graph.task(node);
    let here = format!("run it in this process, by `flow.in_process::<{}>()`", entry.decl.name);
    let reason = not_in_child(graph, node, &here);
    let reason = reason.or_else(|| outside(graph, node).filter(|_| moves_files).map(|(what, path)| {
        format!(
            "{what} is the file {path}, which is outside the store, and the machine of a worker does not have it: {here}"
        )
    }));
    reason.or_else(|| {
        let inputs = graph.gathered_inputs(node).into_iter();
        let secret = std::iter::once(node).chain(inputs).find_map(|of| {
            let task = graph.task(of);
            let mut params = task.task.params.iter().enumerate();
            let secret = params.find(|(place, param)| {
                let value = (param.kind.to_value)(graph.field(of, *place));
                value.is_ok_and(|value| value.has_secret())
            });
            secret.map(|(_, param)| format!("`{}.{}`", task.decl.name, param.name))
        });
        let secret = secret?;
        Some(format!("its job would be a file with the secret {secret}: {here}"))
    })
}

/// Returns the first file outside the store that an instance is known to read, with the input or parameter that names it.
fn outside(graph: &Graph, node: NodeIndex) -> Option<(String, String)> {
    let mut inputs = graph.gathered_inputs_or_none(node).into_iter();
    let external = inputs.find(|&input| graph.kind(input) == Kind::External).map(|input| {
        let path = graph.external(input).display().to_string();
        (format!("its input `{}`", graph.task(input).decl.name), path)
    });
    external.or_else(|| {
        let (name, path) = graph.file_parameters(node).into_iter().next()?;
        Some((format!("its parameter `{name}`"), path))
    })
}

/// Returns why an instance cannot run in another process of this program. `otherwise` says how it can run in this one.
fn not_in_child(graph: &Graph, node: NodeIndex, otherwise: &str) -> Option<String> {
    let entry = graph.task(node);
    if cfg!(not(unix)) {
        return Some(format!("this is not supported on this system: {otherwise}"));
    }
    if entry.task.in_memory {
        return Some(format!(
            "its output is kept in the memory of this process: give it a target that writes a file, such as `Json`, \
             or {otherwise}"
        ));
    }
    let mut inputs = graph.gathered_inputs(node).into_iter();
    if let Some(input) = inputs.find(|&input| graph.task(input).task.in_memory) {
        let input = &graph.task(input).decl.name;
        return Some(format!(
            "its input `{input}` is kept in the memory of this process: give `{input}` a target that writes a \
             file, such as `Json`, or {otherwise}"
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
