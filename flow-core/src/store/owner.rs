//! Owners: the task of each program that owns a name in a store.
//!
//! Two programs may share a folder. If each had a different task with the same name, each would
//! show, reset and replace the outputs of the other. So the first task that commits an output
//! claims its name: a small file records the task's module and its shape. The commit writes the
//! claim, because a plan writes nothing.
//!
//! The shape of a task is its significant parameters and its target. A task may take over a claim:
//!
//! - the same shape in another crate or module means that the task was moved;
//! - another shape in the same crate means that the task was changed;
//! - another shape in another crate is an error.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::base::decl::TaskDecl;
use crate::base::error::{IoContext, StoreError};
use crate::files::is_absent;
use crate::store::folder::{is_placed, task_folder};
use crate::store::gc::is_unfinished;
use crate::store::{Store, TaskFolder, bounds, json};

/// The folder of the claims, in the store's internal folder.
const OWNERS: &str = "owners";

/// The task that owns a name as long as the store is open.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) id: TypeId,
    /// The module that declares the task.
    pub(crate) module: &'static str,
}

/// The recorded owner of a name in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) task: String,
    /// The path of the module that declares the task, starting with the crate.
    pub(crate) module: String,
    /// The types of its significant parameters, by name.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// The target as the user wrote it.
    pub(crate) target: String,
    /// The folder of its outputs, relative to the root. Empty in a claim of an earlier release.
    ///
    /// The outputs of a task with a `group` or `dir` are found by it if its index was lost.
    #[serde(default)]
    pub(crate) folder: String,
}

/// The reason why a task cannot have its name.
pub(crate) enum Taken {
    /// Another task of this program owns it.
    Here(Owner),
    /// A task of another program owns it.
    Elsewhere(Claim),
    /// The claim cannot be read.
    Unknown(StoreError),
}

impl Claim {
    fn package(&self) -> &str {
        self.module.split("::").next().unwrap_or_default()
    }

    /// Returns whether `other` may take over the name.
    fn can_be_taken_over_by(&self, other: &Self) -> bool {
        let same_shape = self.parameters == other.parameters && self.target == other.target;
        self.package() == other.package() || same_shape
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parameters = self.parameters.iter().map(|(name, ty)| format!("{name}: {ty}"));
        let parameters = parameters.collect::<Vec<_>>().join(", ");
        write!(f, "`{}` of `{}` ({{{parameters}}} → {})", self.task, self.module, self.target)
    }
}

impl Store {
    fn claim_path(&self, decl: &TaskDecl) -> PathBuf {
        self.internal(OWNERS).join(task_folder(decl.identity()))
    }

    /// Reads a claim. A file that is not there, or that is invalid, claims nothing.
    fn read_claim(&self, path: &Path) -> Result<Option<Claim>, StoreError> {
        match self.fs.read(path, bounds::NOTE) {
            Ok(bytes) => Ok(json::parse(&bytes).ok()),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error).during("read", path),
        }
    }

    /// Returns whether the claim has to be written. An error if another task owns the name.
    pub(super) fn check_claim(&self, decl: &TaskDecl, claim: &Claim) -> Result<bool, Taken> {
        let known = self.read_claim(&self.claim_path(decl)).map_err(Taken::Unknown)?;
        let Some(known) = known else { return Ok(true) };
        if known.can_be_taken_over_by(claim) {
            Ok(known != *claim)
        } else {
            Err(Taken::Elsewhere(known))
        }
    }

    /// Writes the claim of a task that committed an output, if it was not written yet.
    ///
    /// Errors are ignored: without the claim, another program with the same name gets no error.
    pub(super) fn claim(&self, task: &TaskFolder) {
        if let Some(claim) = &task.claim
            && task.is_unclaimed.swap(false, Ordering::Relaxed)
        {
            let name = task.index_path.file_name().unwrap_or_default();
            self.note(&self.internal(OWNERS).join(name), claim);
        }
    }

    /// Gives the name to this task, whichever task owns it.
    pub(crate) fn claim_anew(&self, decl: &TaskDecl, claim: &Claim) -> Result<(), StoreError> {
        let path = self.claim_path(decl);
        self.note(&path, claim);
        match self.check_claim(decl, claim) {
            Ok(false) => Ok(()),
            Err(Taken::Unknown(error)) => Err(error),
            _ => Err(std::io::Error::other("it was not written")).during("write", &path),
        }
    }

    /// Returns the folders of the tasks with claims whose files are selected by name.
    pub(super) fn claimed_folders(
        &self,
        is_selected: impl Fn(&str) -> bool,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let at = self.internal(OWNERS);
        let mut folders = Vec::new();
        for name in self.names_if_there(&at)? {
            if is_unfinished(&name) || !is_selected(&name) {
                continue;
            }
            let claim = self.read_claim(&at.join(name))?;
            folders.extend(claim.map(|claim| claim.folder).filter(|folder| is_placed(folder)));
        }
        Ok(folders.into_iter().map(PathBuf::from).collect())
    }

    /// Removes the claim of this task, or of all tasks.
    pub(super) fn release(&self, task: Option<&TaskFolder>) -> Result<(), StoreError> {
        let at = self.internal(OWNERS);
        match task {
            Some(task) => {
                task.is_unclaimed.store(true, Ordering::Relaxed);
                let name = task.index_path.file_name().unwrap_or_default();
                self.remove(&at.join(name), &mut Vec::new())
            }
            None => {
                let tasks = self.tasks.lock().expect("lock poisoned");
                tasks.values().for_each(|task| task.is_unclaimed.store(true, Ordering::Relaxed));
                self.remove(&at, &mut Vec::new())
            }
        }
    }
}
