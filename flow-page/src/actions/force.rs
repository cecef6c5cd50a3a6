//! Runs tasks even if they are complete.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::response::Response;

use super::fields::Fields;
use super::plan::{self, Wanted};
use super::{root_names, task_field, task_of, when_idle};
use crate::error::ViewError;
use crate::frame::Answer;
use crate::state::{Shared, Since};

pub(crate) async fn post(Extract(shared): Extract<Arc<Shared>>, sent: Fields) -> Response {
    when_idle(shared, sent, force).await
}

fn force(shared: &Arc<Shared>, sent: &Fields, since: Since) -> Result<Answer, ViewError> {
    let task = task_of(shared, sent)?;
    let (flow, title) = match task {
        None => (shared.flow.force_roots(), format!("Force {}", root_names(shared))),
        Some(task) => (shared.flow.force_task(task), format!("Force {task}")),
    };
    let graph = shared.graph_of(&flow);
    let (address, fields) = ("/actions/force", task_field(task));
    let wanted = Wanted { title, address, fields, graph, other: None, since };
    let preview = wanted.graph.preview()?;
    plan::run(shared, wanted, &preview, sent)
}
