//! Whether a task's target can store what the task returns, by their types alone.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::decl::TaskDecl;
use crate::base::panics;
use crate::plan::error::PlanErrorKind;
use crate::task::{Kind, TaskType};

/// An error if no value that the task returns can be stored.
///
/// A type stays what it is, so that each is checked once in a process, however often it is planned.
pub(crate) fn check(task: &TaskType, decl: &TaskDecl) -> Result<(), PlanErrorKind> {
    static CHECKED: Mutex<Option<HashMap<TypeId, Option<String>>>> = Mutex::new(None);
    if task.kind != Kind::Made {
        return Ok(()); // nothing is stored
    }
    let known = || {
        let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
        checked.get_or_insert_default().get(&(task.id)()).cloned()
    };
    let reason = known().unwrap_or_else(|| {
        // Not under the lock: the target is code of the user.
        let reason = reason(task);
        let mut checked = CHECKED.lock().unwrap_or_else(PoisonError::into_inner);
        checked.get_or_insert_default().insert((task.id)(), reason.clone());
        reason
    });
    match reason {
        None => Ok(()),
        Some(reason) => Err(PlanErrorKind::Unstorable {
            task: decl.name.to_string(),
            target: decl.target,
            reason,
        }),
    }
}

fn reason(task: &TaskType) -> Option<String> {
    // A panic comes again when a value is stored, and fails the task then.
    panics::catch(task.check_type).ok()?.err().map(panics::render)
}
