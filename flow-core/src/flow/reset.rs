//! Resets: taking outputs away, so that their tasks run again.

use std::fmt;
use std::path::PathBuf;

use daggy::NodeIndex;

use crate::flow::error::Error;
use crate::flow::select::{between, is};
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::judge::{Judge, Judged, Verdict};
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::task::{Kind, TaskType};

/// How many instances are printed one by one.
const LISTED: usize = 10;

/// What a reset removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The instances that were reset, such as `Train {model: Logistic}`, or the folders of those
    /// that no plan names. One that would have reused the output of another instance has no files.
    pub instances: Vec<String>,
    /// The files that were removed.
    pub files: Vec<PathBuf>,
}

impl fmt::Display for Removed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.instances.as_slice() {
            [] => match self.files.len() {
                0 => f.write_str("nothing was removed"),
                1 => f.write_str("removed 1 file that belongs to no instance"),
                files => write!(f, "removed {files} files that belong to no instance"),
            },
            [instance] => write!(f, "removed the output of {instance}"),
            instances => {
                write!(f, "removed the outputs of {} instances:", instances.len())?;
                for instance in instances.iter().take(LISTED) {
                    write!(f, "\n  {instance}")?;
                }
                match instances.len().checked_sub(LISTED) {
                    Some(more @ 1..) => write!(f, "\n  … and {more} more"),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Flow {
    /// Removes the outputs of these roots and their kept versions, so that the tasks run again. An equal
    /// output that is the current one of another instance stays there, and is not reused.
    ///
    /// # Errors
    ///
    /// The flow is wrong, or the files cannot be removed.
    pub fn reset<R: Roots>(&self) -> Result<Removed, Error> {
        let plan = self.plan::<R>()?;
        self.reset_nodes(&plan, &plan.graph.roots)
    }

    /// Removes the outputs of all instances of a plan.
    pub(crate) fn reset_plan(&self, plan: &Plan) -> Result<Removed, Error> {
        let nodes: Vec<_> = plan.graph.nodes().collect();
        // Their records tell of it, and are removed before it is.
        let in_run = plan.required_in_run()?;
        let mut removed = self.reset_nodes(plan, &nodes)?;
        for plan in in_run {
            let nodes: Vec<_> = plan.graph.nodes().collect();
            let more = self.reset_nodes(&plan, &nodes)?;
            removed.instances.extend(more.instances);
            removed.files.extend(more.files);
        }
        Ok(removed)
    }

    pub(crate) fn reset_nodes(&self, plan: &Plan, nodes: &[NodeIndex]) -> Result<Removed, Error> {
        self.store.check_internal()?;
        let mut removed = Removed::default();
        // Consumers first: at no time is an output there without what it was made from.
        for node in with_gathered(plan, nodes).into_iter().rev() {
            let folder = plan.graph.folder(node, &self.store)?;
            let task = &plan.graph.task(node).folder;
            // What would be adopted was made from something else than the present record says.
            let replay = Replay::default();
            let judge = Judge::new(plan, &plan.verdicts, &replay);
            let kept = (plan.verdicts.status(node) == Status::Kept).then(|| judge.judge(node));
            let mut files = self.store.reset(task, &folder)?;
            let mut is_reset = !files.is_empty();
            if let Some(Judged { verdict: Verdict::Adopt(kept, _), .. }) = kept.transpose()? {
                let fingerprint = kept.record.fingerprint;
                files.extend(self.store.reset_kept(task, fingerprint)?);
                // What another store has stays there, and is not reused either.
                if kept.from.is_some() {
                    self.store.forget(task, fingerprint, true)?;
                }
                is_reset = true;
            }
            if is_reset {
                removed.instances.push(plan.graph.label(node, Show::Clipped));
                removed.files.extend(files);
            }
        }
        removed.instances.reverse();
        Ok(removed)
    }
}

impl Plan {
    /// What a change of a task may affect: its instances, and what lies between them and the roots.
    pub(crate) fn to_reset(&self, task: &TaskType) -> Vec<NodeIndex> {
        let mut nodes = between(self, task);
        // Of an aggregate on the way, what else it gathers is not affected.
        let is_aggregate = |node| self.graph.kind(node) == Kind::Aggregate;
        nodes.retain(|&node| !is_aggregate(node) || is(self, node, task));
        nodes
    }
}

/// The nodes that have an output of their own to be removed, in the order of the plan: for an
/// aggregate, those that it requires. What is made elsewhere is left alone.
pub(super) fn with_gathered(plan: &Plan, nodes: &[NodeIndex]) -> Vec<NodeIndex> {
    let graph = &plan.graph;
    let mut new = nodes.to_vec();
    let mut found = Vec::new();
    let mut seen = vec![false; graph.len()];
    while let Some(node) = new.pop() {
        if std::mem::replace(&mut seen[node.index()], true) {
            continue;
        }
        match graph.kind(node) {
            Kind::Made => found.push(node),
            Kind::Aggregate => new.extend(graph.inputs(node)),
            Kind::External => {}
        }
    }
    found.sort_unstable();
    found
}
