//! Checks by types alone whether a task's target can store what the task returns.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::decl::TaskDecl;
use crate::base::panics;
use crate::plan::error::PlanErrorKind;
use crate::task::{Kind, TaskType};

/// Returns an error if the target can store no value that the task returns.
///
/// The check must hold for all values except empty ones: an `Option` may be `None`. Each type is checked once
/// in a process, because its answer never changes.
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
        // The lock is not held here, because the target is user code.
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
    // A panic is ignored here: it happens again when a value is stored, and fails the task then.
    panics::catch(task.check_type).ok()?.err().map(panics::render)
}
