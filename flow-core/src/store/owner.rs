//! Owners: which task of which program has a name in a store.
//!
//! Two programs may share a folder. If each has a task of one name, and they are not the same task,
//! each would show, reset and replace the other's outputs. So the name is claimed by the first that
//! commits an output: a small file says which task that is, and in which crate.
//!
//! The same task that has moved, to another module or to another crate, looks the same, and takes over
//! without a word; so does a task that was changed in its own crate.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde::{Deserialize, Serialize};

use crate::base::decl::TaskDecl;
use crate::base::error::{IoContext, StoreError};
use crate::files::is_absent;
use crate::store::folder::task_folder;
use crate::store::{Store, TaskFolder, bounds, json};

/// The folder of the claims.
const OWNERS: &str = "owners";

/// The task that has a name, as long as the store is open.
#[derive(Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) id: TypeId,
    /// Where it is declared.
    pub(crate) module: &'static str,
}

/// The task that has a name in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claim {
    pub(crate) task: String,
    /// The path of the module that it is declared in, the crate first.
    pub(crate) module: String,
    /// The types of its parameters that count, by name.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// How its target was written.
    pub(crate) target: String,
}

/// Why a name cannot be had.
pub(crate) enum Taken {
    /// By another task of this program.
    Here(Owner),
    /// By a task of another program.
    Elsewhere(Claim),
    /// That cannot be told.
    Unknown(StoreError),
}

impl Claim {
    fn package(&self) -> &str {
        self.module.split("::").next().unwrap_or_default()
    }

    /// Whether the name may go to this other one.
    fn gives_way_to(&self, other: &Self) -> bool {
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

    /// Whether the claim has still to be written; an error if the name is another's.
    pub(super) fn check_claim(&self, decl: &TaskDecl, claim: &Claim) -> Result<bool, Taken> {
        let path = self.claim_path(decl);
        let bytes = match self.fs.read(&path, bounds::NOTE) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(true),
            Err(error) => return Err(error).during("read", &path).map_err(Taken::Unknown),
        };
        // What cannot be understood claims nothing.
        let Ok(known) = json::parse::<Claim>(&bytes) else { return Ok(true) };
        if known.gives_way_to(claim) { Ok(known != *claim) } else { Err(Taken::Elsewhere(known)) }
    }

    /// Claims the name of a task that has committed an output, if that is to be written. Without it
    /// another program is not told.
    pub(super) fn claim(&self, task: &TaskFolder) {
        if let Some(claim) = &task.claim
            && task.is_unclaimed.swap(false, Ordering::Relaxed)
        {
            let name = task.index_path.file_name().unwrap_or_default();
            self.note(&self.internal(OWNERS).join(name), claim);
        }
    }

    /// Gives the name to this task, whoever had it.
    pub(crate) fn claim_anew(&self, decl: &TaskDecl, claim: &Claim) -> Result<(), StoreError> {
        let path = self.claim_path(decl);
        self.note(&path, claim);
        match self.check_claim(decl, claim) {
            Ok(false) => Ok(()),
            Err(Taken::Unknown(error)) => Err(error),
            _ => Err(std::io::Error::other("it was not written")).during("write", &path),
        }
    }

    /// Gives up the claims of this task, or of all.
    pub(super) fn release(&self, task: Option<&TaskFolder>) -> Result<(), StoreError> {
        let at = self.internal(OWNERS);
        match task {
            Some(task) => {
                task.is_unclaimed.store(true, Ordering::Relaxed);
                let name = task.index_path.file_name().unwrap_or_default();
                self.remove(&at.join(name), &mut Vec::new())
            }
            None => {
                let tasks = self.tasks.lock().expect("no panic while a task is looked up");
                tasks.values().for_each(|task| task.is_unclaimed.store(true, Ordering::Relaxed));
                self.remove(&at, &mut Vec::new())
            }
        }
    }
}
