//! Runs the tasks that failed last time.
//!
//! A run is restricted by task. So an instance runs again if it failed, and so do other instances of its task and instances
//! upstream that are not complete; what is downstream does not run.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use flow_core::{Subgraph, TaskInfo};
use maud::html;

use super::fields::Fields;
use super::plan::{self, Wanted};
use super::{info_of, names, when_idle};
use crate::error::ViewError;
use crate::frame::{Answer, Place, View};
use crate::snapshot::{Snapshot, State};
use crate::state::{Shared, Since};

pub(crate) async fn post(Extract(shared): Extract<Arc<Shared>>, sent: Fields) -> Response {
    when_idle(shared, sent, retry).await
}

fn retry(shared: &Arc<Shared>, sent: &Fields, since: Since) -> Result<Answer, ViewError> {
    let snapshot = shared.snapshot()?;
    let failed = failed(&snapshot);
    if failed.is_empty() {
        let body = html! { p { "No task failed last time." } p { a href="/actions" { "Back to the actions" } } };
        let view = View::new("Nothing to retry", Place::Actions, body);
        return Ok(Answer::Page(StatusCode::OK, view));
    }
    let title = format!("Retry {}", names(&failed));
    let graph = failed.into_iter().fold(shared.graph_of(&shared.flow), Subgraph::until_task);
    let (address, fields) = ("/actions/retry", Vec::new());
    let wanted = Wanted { title, address, fields, graph, other: None, since };
    let preview = wanted.graph.preview()?;
    plan::run(shared, wanted, &preview, sent)
}

/// Returns the tasks with an instance that failed last time.
pub(super) fn failed(snapshot: &Snapshot) -> Vec<TaskInfo> {
    let mut has_failed = vec![false; snapshot.tasks.len()];
    for (state, &task) in snapshot.states.iter().zip(&snapshot.task_of) {
        has_failed[task] |= *state == State::Failed;
    }
    let failed = has_failed.iter().enumerate().filter(|(_, has_failed)| **has_failed);
    failed.filter_map(|(task, _)| info_of(snapshot, task)).collect()
}
