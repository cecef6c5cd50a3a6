//! Runs what is not complete.

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
    when_idle(shared, sent, run).await
}

fn run(shared: &Arc<Shared>, sent: &Fields, since: Since) -> Result<Answer, ViewError> {
    let task = task_of(shared, sent)?;
    let graph = shared.graph_of(&shared.flow);
    let (graph, title) = match task {
        None => (graph, format!("Run {}", root_names(shared))),
        Some(task) => (graph.until_task(task), format!("Run {task} and what it requires")),
    };
    let (address, fields) = ("/actions/run", task_field(task));
    let wanted = Wanted { title, address, fields, graph, other: None, since };
    let preview = wanted.graph.preview()?;
    plan::run(shared, wanted, &preview, sent)
}
