//! Maintenance of a store: list, clear and claim. `verify`, `gc` and `bless` have modules of their own.

use std::path::PathBuf;

use crate::base::key::Key;
use crate::flow::error::Error;
use crate::flow::verify::label_of;
use crate::flow::{Flow, Removed};
use crate::plan::claim::{claim, task_folder};
use crate::plan::error::PlanError;
use crate::store::RECORD;
use crate::store::output::OutputFile;
use crate::task::{Kind, Task, TaskType};

/// Maintenance operations on the store of a flow. Created by [`Flow::store`].
///
/// They cover all outputs in the store, of any task and with any parameters, except where a method names a task.
///
/// ```
/// use flow::prelude::*;
///
/// #[derive(Task)]
/// #[task(target = Json<u64>)]
/// struct Square {
///     n: u64,
/// }
///
/// #[tracked]
/// impl Run for Square {
///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
///         Ok(self.n * self.n)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.with(Square::N, 3).run::<Square>()?;
/// flow.with(Square::N, 4).run::<Square>()?;
///
/// let stored = flow.store().list()?;
/// assert_eq!(stored.len(), 2);
/// assert_eq!((stored[0].task.as_str(), stored[0].bytes), ("Square", 1)); // `9`
/// assert!(flow.store().verify()?.is_whole());
/// assert_eq!(flow.store().clear()?.instances.len(), 2);
/// # Ok(())
/// # }
/// ```
pub struct FlowStore<'a> {
    pub(super) flow: &'a Flow,
}

/// An output in a store, as [`FlowStore::list`] returns it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StoredOutput {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic}`: the task with its own parameters.
    pub instance: String,
    /// The key of the instance.
    pub key: Key,
    /// The folder of the instance.
    pub folder: PathBuf,
    /// The size of its files in bytes.
    pub bytes: u64,
    /// The start of the run that produced it, in seconds since 1970 (UTC).
    pub started: i64,
    /// The duration of that run in seconds.
    pub seconds: f64,
}

impl Flow {
    /// Returns the store of the flow for maintenance: list, verify, collect garbage, clear.
    pub fn store(&self) -> FlowStore<'_> {
        FlowStore { flow: self }
    }
}

impl FlowStore<'_> {
    /// Returns the current output of each instance in the store, ordered by folder.
    ///
    /// Damaged records are left out; [`verify`](Self::verify) reports them.
    ///
    /// # Errors
    ///
    /// The store cannot be read.
    pub fn list(&self) -> Result<Vec<StoredOutput>, Error> {
        let store = &self.flow.store;
        let mut stored = Vec::new();
        for folder in store.instance_folders()? {
            let Some(Ok(record)) = store.read_record(&store.path(&folder, RECORD))? else {
                continue;
            };
            stored.push(StoredOutput {
                task: record.task.clone(),
                instance: label_of(&record),
                key: record.key,
                folder: store.root().join(&folder),
                bytes: record
                    .output
                    .files
                    .iter()
                    .flat_map(OutputFile::contents)
                    .map(|content| content.bytes)
                    .sum(),
                started: record.started.as_second(),
                seconds: record.seconds,
            });
        }
        Ok(stored)
    }

    /// Removes all outputs of `A`, with any parameters.
    ///
    /// It removes nothing if `A` is external or an aggregate.
    ///
    /// # Errors
    ///
    /// Another task has the name of `A` in this store, or a file cannot be removed.
    pub fn clear_task<A: Task>(&self) -> Result<Removed, Error> {
        let decl = A::__decl();
        let task = task_folder(&self.flow.store, TaskType::of::<A>(), &decl)
            .map_err(|kind| Box::new(PlanError::new(kind, Vec::new())))?;
        let mut removed = Removed::default();
        if TaskType::of::<A>().kind != Kind::Made {
            return Ok(removed);
        }
        for (folder, files) in self.flow.store.reset_task(&task, &[&decl.name, decl.identity()])? {
            removed.instances.push(folder.display().to_string());
            removed.files.extend(files);
        }
        Ok(removed)
    }

    /// Removes all outputs in the store.
    ///
    /// Files that the store did not create are not touched.
    ///
    /// # Errors
    ///
    /// A file cannot be removed.
    pub fn clear(&self) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        for (folder, files) in self.flow.store.reset_all()? {
            removed.instances.push(folder.display().to_string());
            removed.files.extend(files);
        }
        Ok(removed)
    }

    /// Assigns the name of `A` in this store to this program's task.
    ///
    /// A store records which task has a name. If another crate uses the store with a task of the same name but
    /// other parameters or another target, planning fails: two programs that share a folder by accident
    /// would replace each other's outputs. A task that was moved to another crate and changed at the same
    /// time looks the same. Call this method once after such a move. It removes no outputs, and does not change
    /// which outputs are complete.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub fn claim<A: Task>(&self) -> Result<(), Error> {
        let task = TaskType::of::<A>();
        let decl = (task.decl)();
        if let Some(claim) = claim(task, &decl) {
            self.flow.store.claim_anew(&decl, &claim)?;
        }
        Ok(())
    }
}
