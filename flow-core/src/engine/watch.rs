//! Checks that external files do not change while a task that may read them runs.
//!
//! If a file changes while a task runs, the task may have read it before, after or halfway through the change. Its
//! output may then not be what follows from the recorded content, and must not be committed. So the files that a task
//! may read are watched from before the task runs until it has ended:
//!
//! - parameters with `#[param(file)]`,
//! - external inputs, and external files upstream of what the task requires while it runs,
//! - paths that the task passes to [`Cx::file`](crate::Cx::file) and [`Cx::files`](crate::Cx::files).
//!
//! When the task has ended, each file must have the recorded content and the same stamp (size, times, inode) as before.
//! The content alone does not suffice: a file that was rewritten with equal content was incomplete for a while.

use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::engine::Execution;
use crate::engine::job::Control;
use crate::engine::running::Running;
use crate::files::Named;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::reads::changed_outside;
use crate::store::record::{MadeFrom, Read};
use crate::task::Kind;
use crate::task::cx::{LookedAt, Reads, WatchError};

/// The files that one run of a task may read.
pub(super) struct Watch<'a> {
    made_from: &'a MadeFrom,
    running: Arc<Running>,
}

impl<'a> Watch<'a> {
    /// Begins to watch the files that an instance may read, before its task runs.
    ///
    /// # Errors
    ///
    /// The stamp of a file cannot be read.
    pub(super) fn begin(
        execution: &Arc<Execution>,
        node: NodeIndex,
        made_from: &'a MadeFrom,
        control: &Arc<Control>,
    ) -> Result<Self, WatchError> {
        let running = Running::new(execution, node, control);
        let reads = running.reads();
        for file in made_from.files.values() {
            reads.watch(&execution.plan.contents, Path::new(&file.path), Named::AsPattern)?;
        }
        for node in execution.plan.graph.gathered_inputs_or_none(node) {
            execution.watch_external(node, reads)?;
        }
        Ok(Self { made_from, running })
    }

    /// Returns the running instance.
    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Fails if anything that the task may have read was written since the watch began.
    pub(super) fn check_unchanged(&self) -> anyhow::Result<()> {
        let Running { execution, node, .. } = &*self.running;
        let Plan { contents, graph, store, .. } = &*execution.plan;
        let mut now = LookedAt::default();
        execution.check_externals(&graph.gathered_inputs_or_none(*node), &mut now)?;
        for (execution, root) in self.running.executions() {
            let mut nodes = execution.plan.graph.gathered_inputs_or_none(root);
            nodes.push(root);
            execution.check_externals(&nodes, &mut now)?;
        }
        for file in self.made_from.files.values() {
            let content = now.content(contents, Path::new(&file.path), Named::AsPattern)?;
            if content != file.digest {
                return Err(changed(&file.path));
            }
        }
        for read in self.running.reads().all() {
            if changed_outside(&read, contents, store)?.is_some()
                && let Read::File { path: what, .. }
                | Read::Files { path: what, .. }
                | Read::Env { name: what, .. } = &read
            {
                return Err(self.read_differs(&read, what));
            }
        }
        Ok(self.running.reads().check_unwritten(contents, &now)?)
    }

    /// Returns the error of a file or variable that has another content than the task has read.
    fn read_differs(&self, read: &Read, what: &str) -> anyhow::Error {
        let Running { execution, node, .. } = &*self.running;
        let Plan { graph, policies, .. } = &*execution.plan;
        if !policies.runs_elsewhere(graph, *node) {
            return changed(what);
        }
        let remedy = "or run the task in this process, by `flow.in_process` (`--in-process` on the command line)";
        // Values of variables are hashed with a key of the store.
        let has_own_store = policies.moves_files();
        match read {
            Read::Env { .. } if has_own_store => anyhow::anyhow!(
                "the variable {what:?} cannot be compared with that of a machine that has another store: give its value as a \
                 parameter, {remedy}"
            ),
            Read::Env { .. } => anyhow::anyhow!(
                "the variable {what:?} has another value where the task has run: set it there as here, {remedy}"
            ),
            _ => anyhow::anyhow!(
                "{what:?} changed while the task was running, or has another content where the task has run; run it again, \
                 {remedy}"
            ),
        }
    }
}

fn changed(what: &str) -> anyhow::Error {
    anyhow::anyhow!("{what:?} changed while the task was running; run it again")
}

impl Execution {
    /// Watches the external files that a task may read through one that it requires.
    pub(crate) fn watch_externals(&self, root: NodeIndex, reads: &Reads) {
        let mut nodes = self.plan.graph.gathered_inputs_or_none(root);
        nodes.push(root);
        // Errors are ignored here: they occur again, and are reported, when the task has ended.
        nodes.into_iter().for_each(|node| drop(self.watch_external(node, reads)));
    }

    fn watch_external(&self, node: NodeIndex, reads: &Reads) -> Result<(), WatchError> {
        match self.plan.graph.kind(node) {
            Kind::External => {
                let graph = &self.plan.graph;
                let named = graph.task(node).task.named();
                reads.watch(&self.plan.contents, graph.external(node), named)
            }
            Kind::Made | Kind::Aggregate => Ok(()),
        }
    }

    /// Returns an error if the content of an external file differs from what the plan or execution has seen.
    fn check_externals(&self, nodes: &[NodeIndex], now: &mut LookedAt) -> anyhow::Result<()> {
        let graph = &self.plan.graph;
        for &node in nodes.iter().filter(|&&node| graph.kind(node) == Kind::External) {
            let path = graph.external(node);
            let named = graph.task(node).task.named();
            if now.content(&self.plan.contents, path, named)? != self.digest(node) {
                return Err(changed(&path.to_string_lossy()));
            }
        }
        Ok(())
    }
}
