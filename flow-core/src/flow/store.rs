//! The care of a store: what lies in it, whether it is whole, and what can be removed.

use std::path::PathBuf;

use crate::base::key::Key;
use crate::flow::error::Error;
use crate::flow::verify::label_of;
use crate::flow::{Flow, Removed};
use crate::plan::error::PlanError;
use crate::plan::types::{claim, task_folder};
use crate::store::RECORD;
use crate::store::output::OutputFile;
use crate::task::{Kind, Task, TaskType};

/// The store of a flow: what lies in it, whatever task or setting it is of. Made by [`Flow::store`].
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

/// An output in a store.
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
    /// When the run started that made it, in seconds since 1970.
    pub started: i64,
    /// How long that run took, in seconds.
    pub seconds: f64,
}

impl Flow {
    /// Returns the store of the flow, for its care: list, verify, collect garbage, clear.
    pub fn store(&self) -> FlowStore<'_> {
        FlowStore { flow: self }
    }
}

impl FlowStore<'_> {
    /// Returns the current output of each instance that the store has, in the order of their folders.
    /// Records that cannot be read are left out: [`verify`](Self::verify) reports them.
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

    /// Removes all outputs of `A`, whatever its parameters. A task that is external or an aggregate
    /// has none of its own.
    ///
    /// # Errors
    ///
    /// The files cannot be removed.
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

    /// Removes all outputs that are in the store.
    ///
    /// Files that are not of the store's own making are left where they are.
    ///
    /// # Errors
    ///
    /// The files cannot be removed.
    pub fn clear(&self) -> Result<Removed, Error> {
        let mut removed = Removed::default();
        for (folder, files) in self.flow.store.reset_all()? {
            removed.instances.push(folder.display().to_string());
            removed.files.extend(files);
        }
        Ok(removed)
    }

    /// Says that the outputs under the name of `A` are those of this program's task from now on.
    ///
    /// A store notes which task has a name. If another crate comes with a task of that name, and it
    /// has other parameters or another target, that is an error before anything runs: two programs
    /// that share a folder by accident would replace each other's outputs. A task that was moved to
    /// another crate and changed at the same time looks just so: then this is what to do, once.
    /// Nothing is removed, and nothing that was made before is taken for what it is not.
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
