//! Removes outputs, so that their tasks run again.

use std::sync::Arc;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::Response;
use flow_core::Removed;
use maud::{Markup, html};

use super::fields::Fields;
use super::plan::{PLAN, confirmation, digest};
use super::{busy, root_names, task_field, task_of, when_idle};
use crate::elements::more;
use crate::error::ViewError;
use crate::frame::{Answer, Place, View};
use crate::state::{Shared, Since};
use crate::text;

const ADDRESS: &str = "/actions/reset";

/// The name of the field that also removes the outputs upstream.
pub(super) const UPSTREAM: &str = "upstream";

/// The name of the check mark without which nothing is removed.
const SURE: &str = "sure";

/// The number of instances, and of files, that are listed.
const LISTED: usize = 500;

pub(crate) async fn post(Extract(shared): Extract<Arc<Shared>>, sent: Fields) -> Response {
    when_idle(shared, sent, reset).await
}

fn reset(shared: &Arc<Shared>, sent: &Fields, since: Since) -> Result<Answer, ViewError> {
    let task = task_of(shared, sent)?;
    let is_upstream = sent.get(UPSTREAM).is_some();
    let graph = shared.graph_of(&shared.flow);
    let (graph, name) = match task {
        None => (graph, root_names(shared)),
        Some(task) => (graph.until_task(task), task.to_string()),
    };
    let mut fields = task_field(task);
    if is_upstream {
        fields.push((UPSTREAM.to_owned(), "yes".to_owned()));
    }
    let removed =
        if is_upstream { graph.reset_all_dry_run()? } else { graph.reset_roots_dry_run()? };
    let digest = digest(ADDRESS, &fields, &(&removed.instances, &removed.files));
    let shown = sent.get(PLAN);
    let is_same = shown == Some(digest.as_str());
    if is_same && sent.get(SURE).is_some() && !removed.instances.is_empty() {
        let is_done = shared.reset(since, || {
            let removed = if is_upstream { graph.reset_all()? } else { graph.reset_roots()? };
            Ok(removed.to_string())
        })?;
        return Ok(if is_done { Answer::Done("/actions") } else { busy() });
    }
    let what = if is_upstream { " and of everything upstream" } else { "" };
    let title = format!("Reset the outputs of {name}{what}");
    let status = match shown {
        None => StatusCode::OK,
        Some(_) if is_same => StatusCode::UNPROCESSABLE_ENTITY,
        Some(_) => StatusCode::CONFLICT,
    };
    let buttons = html! {
        @if is_same { p.error { "Nothing was removed: set the check mark first." } }
        label.sure {
            input type="checkbox" name=(SURE) value="yes" required;
            " Remove these outputs. This cannot be undone."
        }
        button.stop type="submit" { "Remove the outputs" }
    };
    let body = html! {
        @if shown.is_some() && !is_same {
            p.warning { "Nothing was removed: the outputs have changed since you saw the plan. This is the plan now." }
        }
        (listed(shared, &removed))
        @if removed.instances.is_empty() {
            p { a href="/actions" { "Back to the actions" } }
        } @else {
            (confirmation(ADDRESS, &fields, &digest, &buttons))
        }
    };
    Ok(Answer::Page(status, View::new(title, Place::Actions, body)))
}

/// Shows what would be removed.
fn listed(shared: &Shared, removed: &Removed) -> Markup {
    let (instances, files) = (&removed.instances, &removed.files);
    let short = |path: &std::path::Path| {
        let path = path.strip_prefix(shared.flow.folder()).unwrap_or(path);
        text::clipped(&path.display().to_string(), 500)
    };
    html! {
        @if instances.is_empty() {
            p { "There is nothing to remove." }
        } @else {
            p {
                "This removes the outputs of " (text::count(instances.len(), "instance"))
                ", with their logs and earlier versions:"
            }
            ul { @for instance in instances.iter().take(LISTED) { li { (text::clipped(instance, 500)) } } }
            (more(instances.len(), LISTED))
            details {
                summary { (text::count(files.len(), "file")) " of their outputs; a file that another output has, too, stays" }
                ul { @for file in files.iter().take(LISTED) { li { code { (short(file)) } } } }
                (more(files.len(), LISTED))
            }
        }
    }
}
