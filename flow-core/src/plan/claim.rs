//! Claims: each name and each folder in a store belongs to one task.
//!
//! Otherwise, a task would take the outputs of another one for its own. A plan refuses two tasks of its own
//! with one name or one folder, and a task whose name the store has recorded as that of another task (see
//! [`owner`](crate::store::owner)).

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::decl::TaskDecl;
use crate::base::names::short;
use crate::plan::error::PlanErrorKind;
use crate::plan::types::{PlanType, Types};
use crate::store::folder::placed;
use crate::store::owner::{Claim, Owner, Taken};
use crate::store::{Store, TaskFolder};
use crate::task::{Kind, TaskType};

impl Types {
    /// Refuses two tasks with one name or one folder: each would take the other's outputs for its own.
    pub(super) fn check_names(&self) -> Result<(), PlanErrorKind> {
        let mut seen: HashMap<&str, &PlanType> = HashMap::new();
        for entry in &self.all {
            let mut names = vec![entry.decl.identity()];
            if entry.decl.was.is_some() {
                names.push(&entry.decl.name);
            }
            for name in names {
                if let Some(other) = seen.insert(name, entry) {
                    return Err(PlanErrorKind::SameName {
                        name: name.to_owned(),
                        modules: [other.decl.module.to_owned(), entry.decl.module.to_owned()],
                    });
                }
            }
        }
        let mut folders: HashMap<&str, &PlanType> = HashMap::new();
        for entry in self.all.iter().filter(|entry| entry.task.kind == Kind::Made) {
            if let Some(other) = folders.insert(&entry.folder.name, entry) {
                return Err(PlanErrorKind::SameFolder {
                    folder: entry.folder.name.clone(),
                    tasks: [other.decl.name.to_string(), entry.decl.name.to_string()],
                });
            }
        }
        Ok(())
    }
}

/// Returns the task's part of the store.
///
/// # Errors
///
/// Another task, of this program or recorded in the store, has the same name.
pub(crate) fn task_folder(
    store: &Store,
    task: &'static TaskType,
    decl: &TaskDecl,
) -> Result<Arc<TaskFolder>, PlanErrorKind> {
    let owner = Owner { id: (task.id)(), module: decl.module };
    let claim = claim(task, decl);
    let here = claim.clone();
    store.task(decl, owner, claim).map_err(|taken| match taken {
        Taken::Here(other) => PlanErrorKind::SameName {
            name: decl.name.to_string(),
            modules: [other.module.to_owned(), decl.module.to_owned()],
        },
        Taken::Elsewhere(other) => PlanErrorKind::Claimed {
            folder: store.root().display().to_string(),
            there: other.to_string(),
            here: here.map(|here| here.to_string()).unwrap_or_default(),
            task: short(&decl.name),
        },
        Taken::Unknown(error) => PlanErrorKind::Store(error),
    })
}

/// Returns what a store records to identify a task; `None` for tasks without outputs in the store.
pub(crate) fn claim(task: &'static TaskType, decl: &TaskDecl) -> Option<Claim> {
    let params = task.params.iter().filter(|param| param.significant);
    let parameters = params.map(|param| {
        let name = param.was.unwrap_or(param.name);
        (name.to_owned(), short((param.kind.name)()))
    });
    (task.kind == Kind::Made).then(|| Claim {
        task: decl.name.to_string(),
        module: decl.module.to_owned(),
        parameters: parameters.collect(),
        target: decl.target.to_owned(),
        folder: placed(decl, &decl.name),
    })
}
