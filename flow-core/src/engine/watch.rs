//! Watching what a running task reads from outside the store.
//!
//! A file that changes while a task runs may have been read before, after or halfway through the change.
//! Its output is then not what the recorded content gives, and must not be committed. So the files that a
//! task may read are watched from before it runs until it has ended: parameters with
//! `#[param(file)]`, external inputs, those of what it requires while it runs, and what it names to
//! [`Cx::file`](crate::Cx::file) and [`Cx::files`](crate::Cx::files). When it has ended, the content has
//! to be as recorded, and nothing may have been written meanwhile: a file that was rewritten with equal
//! content was half of it for a while.

use std::path::Path;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::engine::Execution;
use crate::engine::running::Running;
use crate::files::Named;
use crate::plan::Plan;
use crate::plan::judge::Upstream;
use crate::plan::reads::changed_outside;
use crate::store::record::{MadeFrom, Read};
use crate::task::Kind;
use crate::task::cx::{Reads, WatchError};

/// The files that one run of a task may read.
pub(super) struct Watch<'a> {
    made_from: &'a MadeFrom,
    running: Arc<Running>,
}

impl<'a> Watch<'a> {
    /// Begins to watch what an instance may read that is about to run.
    ///
    /// # Errors
    ///
    /// A file cannot be looked at.
    pub(super) fn begin(
        execution: &Arc<Execution>,
        node: NodeIndex,
        made_from: &'a MadeFrom,
    ) -> Result<Self, WatchError> {
        let running = Running::new(execution, node);
        let reads = running.reads();
        for file in made_from.files.values() {
            reads.watch(&execution.plan.contents, Path::new(&file.path), Named::AsPattern)?;
        }
        for node in execution.plan.graph.gathered_inputs_or_none(node) {
            execution.watch_external(node, reads)?;
        }
        Ok(Self { made_from, running })
    }

    /// The running instance.
    pub(super) fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Fails if anything that the task may have read was written since the watch began.
    pub(super) fn look_again(&self) -> anyhow::Result<()> {
        let Running { execution, node, .. } = &*self.running;
        let Plan { contents, graph, store, .. } = &*execution.plan;
        execution.look_at_externals(&graph.gathered_inputs_or_none(*node))?;
        for (execution, root) in self.running.executions() {
            let mut nodes = execution.plan.graph.gathered_inputs_or_none(root);
            nodes.push(root);
            execution.look_at_externals(&nodes)?;
        }
        for file in self.made_from.files.values() {
            if contents.meant(Path::new(&file.path))? != file.digest {
                return Err(changed(&file.path));
            }
        }
        for read in self.running.reads().all() {
            if changed_outside(&read, contents, store)?.is_some()
                && let Read::File { path: what, .. }
                | Read::Files { path: what, .. }
                | Read::Env { name: what, .. } = &read
            {
                return Err(changed(what));
            }
        }
        Ok(self.running.reads().look_again(contents)?)
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
        // What is wrong with one is found again, and told, when the task has ended.
        nodes.into_iter().for_each(|node| drop(self.watch_external(node, reads)));
    }

    fn watch_external(&self, node: NodeIndex, reads: &Reads) -> Result<(), WatchError> {
        match self.plan.graph.kind(node) {
            Kind::External => {
                reads.watch(&self.plan.contents, self.plan.graph.external(node), Named::Exactly)
            }
            Kind::Made | Kind::Aggregate => Ok(()),
        }
    }

    /// External files must have the content that the task was to read.
    fn look_at_externals(&self, nodes: &[NodeIndex]) -> anyhow::Result<()> {
        let graph = &self.plan.graph;
        for &node in nodes.iter().filter(|&&node| graph.kind(node) == Kind::External) {
            let path = graph.external(node);
            if self.plan.contents.digest(path)? != self.digest(node) {
                return Err(changed(&path.to_string_lossy()));
            }
        }
        Ok(())
    }
}
