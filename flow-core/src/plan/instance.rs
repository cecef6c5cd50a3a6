//! The public view of one instance of a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::plan::Plan;
use crate::plan::failure::LastFailure;
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::verdicts::Status;
use crate::plan::versions::RecordedVersion;
use crate::store::Found;
use crate::store::log_text::{FollowedLog, TaskLog};
use crate::store::recorded::RecordedOutput;
use crate::target::Description;
use crate::task::Kind;
use crate::task::error::LoadError;
use crate::task::info::TaskInfo;
use crate::task::input::Handle;

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

    /// Returns the task.
    pub fn info(&self) -> TaskInfo {
        TaskInfo { task: self.plan.graph.task(self.node).task }
    }

    /// Returns the instances that it requires, in the order of `requires`.
    pub fn inputs(&self) -> Vec<Self> {
        let inputs = self.plan.graph.inputs(self.node).iter();
        inputs.map(|&node| Self { plan: Arc::clone(&self.plan), node }).collect()
    }

    /// Returns the instance in one line, with as much of its parameters as `show` says.
    pub fn label(&self, show: Show) -> String {
        self.plan.graph.label(self.node, show)
    }

    /// Returns what the record of its output says: files, parameters, inputs, metadata. `None` if it is not complete, or
    /// external, or an aggregate.
    ///
    /// # Errors
    ///
    /// The store cannot be read. A file has other content than its record says, if the flow
    /// [requires signatures](crate::Flow::require_signatures).
    pub fn recorded(&self) -> Result<Option<RecordedOutput>, StoreError> {
        if self.plan.graph.kind(self.node) != Kind::Made || !self.is_complete() {
            return Ok(None);
        }
        Ok(match self.plan.output_record(self.node)? {
            Found::Record(record) => {
                let place = self.plan.output_place(self.node)?;
                place.store.check_recorded(&place.folder, &record.output)?;
                Some(RecordedOutput::new(&record, &place.store, &place.folder))
            }
            Found::Damaged(_) | Found::Nothing => None,
        })
    }

    /// Returns what the records of the stored versions of its output say: the current one, then earlier ones, the latest
    /// first.
    ///
    /// [`Flow::versions`](crate::Flow::versions) is the same for a task whose type is known, and loads them. The list is
    /// empty for external and aggregate tasks. Damaged records are left out.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn versions(&self) -> Result<Vec<RecordedVersion>, StoreError> {
        let store = &self.plan.store;
        let versions = self.plan.versions(self.node)?.into_iter();
        Ok(versions.map(|version| RecordedVersion::new(version, store)).collect())
    }

    /// Returns the path of the file of an external task.
    pub fn external_path(&self) -> Option<&Path> {
        let graph = &self.plan.graph;
        (graph.kind(self.node) == Kind::External).then(|| graph.external(self.node))
    }

    /// Describes the files of its output, by part: the columns of tables, and how programs read them.
    ///
    /// The target of the task describes its files. A target without [`describe`](crate::Target::describe) gives an
    /// empty description.
    ///
    /// # Errors
    ///
    /// The output is not complete, or cannot be read.
    pub fn describe(&self) -> Result<BTreeMap<&'static str, Description>, LoadError> {
        let handle = Handle::outside(Arc::clone(&self.plan) as _, self.node);
        let describe = self.plan.graph.task(self.node).task.describe;
        Ok(handle.read("", describe)?.into_iter().collect())
    }

    /// Returns the failure of its last run, if that failed.
    ///
    /// A file of the store that is no failure of the instance is ignored.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn failure(&self) -> Result<Option<LastFailure>, StoreError> {
        self.plan.last_failure(self.node)
    }

    /// Returns the log of its last run, whether that failed or not; `None` if it logged nothing.
    ///
    /// The log is that of the last attempt. The present run of another process counts, too: its log is the part
    /// that was written so far.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn count(cx: &Cx<count>) -> Result<u64> {
    ///     cx.log("counting");
    ///     bail!("there is nothing to count")
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// flow.run::<count>().unwrap_err();
    /// let instances = flow.graph::<count>().instances()?;
    /// let log = instances[0].log()?.context("a log")?;
    /// assert!(log.text().ends_with(" counting\n"));
    /// assert_eq!(log.path(), instances[0].log_path()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The store or the log cannot be read.
    pub fn log(&self) -> Result<Option<TaskLog>, StoreError> {
        let Plan { graph, store, .. } = &*self.plan;
        match graph.kind(self.node) {
            Kind::Made => store.last_log(&graph.folder(self.node, store)?, self.key()),
            Kind::External | Kind::Aggregate => Ok(None),
        }
    }

    /// Returns the logs of the failed attempts of its last run, in order. The last nine are kept.
    ///
    /// # Errors
    ///
    /// The store or a log cannot be read.
    pub fn earlier_logs(&self) -> Result<Vec<TaskLog>, StoreError> {
        let Plan { graph, store, .. } = &*self.plan;
        match graph.kind(self.node) {
            Kind::Made => store.earlier_logs(&graph.folder(self.node, store)?, self.key()),
            Kind::External | Kind::Aggregate => Ok(Vec::new()),
        }
    }

    /// Returns the path of its log, which exists once a run has logged something: `tail -F` prints it while it grows.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn log_path(&self) -> Result<PathBuf, StoreError> {
        Ok(self.follow_log()?.path().to_owned())
    }

    /// Returns its log for reading what is written from now on, by a run in this or another process.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn follow_log(&self) -> Result<FollowedLog, StoreError> {
        let Plan { graph, store, .. } = &*self.plan;
        Ok(store.follow_log(&graph.folder(self.node, store)?))
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
