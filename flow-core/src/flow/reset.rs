//! Resets: removing outputs, so that their tasks run again.
//!
//! A reset removes the fingerprint of each removed output from the index of its task, and all kept versions with that
//! fingerprint. Until the task has run, no output with that fingerprint is reused, neither from this store nor from
//! another one. A current output of another instance is not removed.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use daggy::NodeIndex;

use crate::base::key::Key;
use crate::flow::error::Error;
use crate::flow::select::{is_of, with_downstream};
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::judge::{Judge, Judged, Verdict};
use crate::plan::label::Show;
use crate::plan::verdicts::Status;
use crate::store::removal::Removal;
use crate::store::{Found, RECORD};
use crate::task::{Kind, TaskType};

/// The maximal number of instances that are printed.
const LISTED: usize = 10;

/// The outputs and files that a reset, a `clear` or a garbage collection removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Removed {
    /// The instances that were reset, such as `Train {model: Logistic}`, or their folders if the operation
    /// had no plan that names them. An instance that would have reused the output of another one is listed,
    /// but none of its files are.
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
    /// Removes the outputs of these roots with their earlier versions, so that the tasks run again.
    ///
    /// If another instance has the same output, that instance keeps it, and the roots do not reuse it: their tasks
    /// run again. Outputs upstream and downstream stay; see [`Subgraph`](crate::Subgraph) for resetting those.
    ///
    /// # Errors
    ///
    /// Planning fails, or a file cannot be removed.
    pub fn reset<R: Roots>(&self) -> Result<Removed, Error> {
        let plan = self.plan::<R>()?;
        self.reset_nodes(&plan, &plan.graph.roots)
    }

    /// Removes the outputs of all instances of a plan, and of those that its tasks required while they ran.
    pub(crate) fn reset_plan(&self, plan: &Plan) -> Result<Removed, Error> {
        let nodes: Vec<_> = plan.graph.nodes().collect();
        // Read before the reset, because it removes the records that list these instances.
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

    /// Returns what [`reset_plan`](Self::reset_plan) would remove, and removes nothing.
    pub(super) fn reset_plan_dry_run(&self, plan: &Plan) -> Result<Removed, Error> {
        let (mut removed, mut seen) = (Removed::default(), HashSet::new());
        let in_run = plan.required_in_run()?;
        for plan in std::iter::once(plan).chain(in_run.iter().map(|plan| &**plan)) {
            let nodes: Vec<_> = plan.graph.nodes().collect();
            self.add_to_reset(plan, &nodes, &mut seen, &mut removed)?;
        }
        Ok(removed)
    }

    /// Returns what [`reset_nodes`](Self::reset_nodes) would remove, and removes nothing.
    ///
    /// The files are those that the records name. Logs and earlier versions are not listed.
    pub(super) fn reset_nodes_dry_run(
        &self,
        plan: &Plan,
        nodes: &[NodeIndex],
    ) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        self.add_to_reset(plan, nodes, &mut HashSet::new(), &mut removed)?;
        Ok(removed)
    }

    /// Adds what [`reset_nodes`](Self::reset_nodes) would remove, each instance once.
    fn add_to_reset(
        &self,
        plan: &Plan,
        nodes: &[NodeIndex],
        seen: &mut HashSet<Key>,
        removed: &mut Removed,
    ) -> Result<(), Error> {
        for node in with_gathered(plan, nodes) {
            if !seen.insert(plan.graph.node(node).key) {
                continue;
            }
            let folder = plan.graph.folder(node, &self.store)?;
            let record = self.store.read_record(&self.store.path(&folder, RECORD))?;
            if record.is_none() && plan.verdicts.status(node) != Status::Kept {
                continue;
            }
            removed.instances.push(plan.graph.label(node, Show::Clipped));
            if let Some(Ok(record)) = record {
                let files = record.output.all_files();
                removed.files.extend(files.map(|file| self.store.path(&folder, &file.file)));
            }
        }
        Ok(())
    }

    pub(crate) fn reset_nodes(&self, plan: &Plan, nodes: &[NodeIndex]) -> Result<Removed, Error> {
        self.store.check_internal()?;
        let mut removed = Removed::default();
        let mut removal = Removal::new(&self.store);
        // Downstream first, so that an interrupted reset never leaves an output without its inputs.
        for node in with_gathered(plan, nodes).into_iter().rev() {
            let folder = plan.graph.folder(node, &self.store)?;
            let task = &plan.graph.task(node).folder;
            // The output that would be reused has another fingerprint than the present record.
            let replay = Replay::default();
            let judge = Judge::new(plan, &plan.verdicts, &replay);
            let kept = (plan.verdicts.status(node) == Status::Kept).then(|| judge.judge(node));
            // An output that stands by the columns that its task has read has the fingerprint of other content.
            let todays = match plan.verdicts.status(node) {
                Status::Complete | Status::Kept | Status::Evicted => judge.made_from(node)?,
                _ => None,
            };
            let todays = todays.map(|from| from.fingerprint(plan.graph.task(node).decl.identity()));
            let own = match self.store.record(&folder, plan.graph.node(node).key) {
                Ok(Found::Record(record)) if todays.is_some() => Some(record.fingerprint),
                _ => None,
            };
            let mut is_reset = self.store.reset(task, &folder, &mut removal)?;
            let mut forgotten = own;
            if let Some(Judged { verdict: Verdict::Adopt(kept, _), .. }) = kept.transpose()? {
                let fingerprint = kept.record.fingerprint;
                forgotten = Some(fingerprint);
                self.store.reset_kept(task, fingerprint, &mut removal)?;
                // An output of another store or a remote is not removed. `forget` keeps it from being reused.
                if kept.from.is_some() || kept.bring.is_some() {
                    self.store.forget(task, fingerprint, true, &mut removal)?;
                }
                is_reset = true;
            }
            // No other output may be reused in its place, either.
            if let Some(todays) = todays.filter(|todays| is_reset && forgotten != Some(*todays)) {
                self.store.reset_kept(task, todays, &mut removal)?;
                if !plan.reading.is_empty() || !plan.remotes.is_empty() {
                    self.store.forget(task, todays, true, &mut removal)?;
                }
            }
            if is_reset {
                removed.instances.push(plan.graph.label(node, Show::Clipped));
            }
        }
        removed.files = removal.finish()?;
        removed.instances.reverse();
        Ok(removed)
    }
}

impl Plan {
    /// Returns the instances of a task and all instances downstream of them, for `reset_downstream`.
    pub(crate) fn to_reset(&self, task: &TaskType) -> Vec<NodeIndex> {
        let mut nodes = with_downstream(self, task);
        // Resetting an aggregate resets all its dependencies, also those that `task` does not affect.
        let is_aggregate = |node| self.graph.kind(node) == Kind::Aggregate;
        nodes.retain(|&node| !is_aggregate(node) || is_of(self, node, task));
        nodes
    }
}

/// Returns the nodes that store an output, in topological order.
///
/// An aggregate is replaced by its dependencies. External nodes are left out, because external files are never
/// written.
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
