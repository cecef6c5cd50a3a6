//! Commits the drafts that a run has left behind which died before it could commit them.
//!
//! See [`draft_record`](crate::store::draft_record). A draft is committed if its files are as it says, and the instance has
//! no newer record. Where signatures are required, it must be signed: a child process of this machine signs nothing, so that
//! its draft stays until `gc` removes it. Whether the output is complete today, the plan that follows decides, as for any other record.
//!
//! The drafts of a run in progress look the same. Such a run has claimed the instances that it computes, so a draft whose
//! instance is claimed is left alone. Where there are no claims, all drafts are, until `gc` removes them.

use std::path::Path;
use std::sync::Arc;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::base::names::key_of;
use crate::plan::claim::task_folder;
use crate::store::claims::Claim;
use crate::store::draft_record::DraftRecord;
use crate::store::output::Look;
use crate::store::trust::Trust;
use crate::store::{Found, Store, TaskFolder};
use crate::task::registry;

/// Commits the drafts of runs that have died. Returns whether there were any.
///
/// Errors are ignored: a draft that cannot be committed stays.
pub(crate) fn commit_drafts(store: &Arc<Store>) -> bool {
    let drafts = store.draft_records();
    if drafts.is_empty() {
        return false;
    }
    let Ok(Some(run_lock)) = store.begin_to_store() else { return false };
    let Some(claims) = run_lock.claims() else { return false };
    for (path, key) in drafts {
        let Claim::Taken(_claimed) = claims.try_claim(Key(u128::from(key.0) << 64)) else {
            continue;
        };
        let is_done = match store.read_draft_record(&path) {
            // The run that it belongs to has just ended.
            Ok(None) | Err(_) => false,
            Ok(Some(None)) => true,
            Ok(Some(Some(draft))) if draft.record.key.short() != key => true,
            Ok(Some(Some(draft))) => commit(store, draft).unwrap_or(false),
        };
        if is_done {
            store.discard_path(&path);
        }
    }
    true
}

/// Commits an output, if it is whole and there is no newer one. Returns whether the draft is not needed any more.
fn commit(store: &Arc<Store>, draft: DraftRecord) -> Result<bool, StoreError> {
    let DraftRecord { folder, module, record } = draft;
    // Another program on this store may have the task.
    let Some(task) = folder_of(store, &record.task, &module) else { return Ok(false) };
    let at = Path::new(&folder);
    let name = at.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if at.parent() != Some(Path::new(&task.name)) || key_of(name) != Some(record.key.short()) {
        return Ok(true);
    }
    // A flow that accepts it may commit it later.
    store.accept(&record)?;
    let folder = at.to_owned();
    if let Found::Record(other) = store.record(&folder, record.key)?
        && other.started >= record.started
    {
        return Ok(true);
    }
    let seen = store.look_at(&folder, &record.output, Trust::Content)?;
    if seen.look != Look::Whole || record.output.is_in_memory() {
        return Ok(true);
    }
    let staged = store.stage_record(&folder, &record, true)?;
    let mut committed = store.commit(vec![(task, staged)]);
    let (_, _, result) = committed.pop().expect("one result for one output");
    result.map(|()| true)
}

/// Returns the folder of a task of this program.
fn folder_of(store: &Store, name: &str, module: &str) -> Option<Arc<TaskFolder>> {
    let task = registry::reachable_called(name, module)?;
    task_folder(store, task, &(task.decl)()).ok()
}
