//! Actions: what the page does when a form asks for it.
//!
//! | address | does |
//! | --- | --- |
//! | `/actions/run` | runs what is not complete, of the roots or of one task and what it requires |
//! | `/actions/force` | runs the roots or a task even if they are complete |
//! | `/actions/retry` | runs the tasks that failed last time |
//! | `/actions/parameters` | runs the roots with other parameters, which a `form` takes |
//! | `/actions/reset` | removes outputs |
//!
//! # From a form to an action
//!
//! ```text
//! fields  what was sent
//!   ▼
//! verb    a module each: makes the graph and settings that the fields ask for
//!   ▼
//! plan    plans the graph, and makes a digest of what would be done
//!   │
//!   ├── the fields have no digest, or another one ──► a page with the plan; its form sends the fields with the digest
//!   └── the fields have this digest ──► the run starts, or the outputs are removed
//! ```
//!
//! So an action is done only if its plan was shown, and is the same when it is confirmed. If another action of the page begins between
//! the second plan and the action, the action is not done ([`Since`]). The guard has refused requests of other sites, requests without
//! the token, and all of them if the page is read-only.

pub(crate) mod fields;
pub(crate) mod force;
mod form;
mod input;
pub(crate) mod parameters;
mod plan;
pub(crate) mod reset;
pub(crate) mod retry;
pub(crate) mod run;

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use flow_core::TaskInfo;
use maud::{Markup, html};

use self::fields::Fields;
use crate::elements::choice;
use crate::error::{ViewError, chain};
use crate::frame::{Answer, Place, View, answer, respond};
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::state::{Shared, Since};
use crate::text;

/// The name of the field that names a task. Without it, the action is about the roots.
const TASK: &str = "task";

/// Shows all actions.
pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| Ok(view(shared, &Query::parse(query.as_deref())))).await
}

/// Leads to all actions, if the address of one is opened without a form, as from the history of a browser.
pub(crate) async fn leave() -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, "/actions")]).into_response()
}

/// Answers a form, unless a run is in progress: its plan would be outdated at once.
async fn when_idle(
    shared: Arc<Shared>,
    sent: Fields,
    verb: fn(&Arc<Shared>, &Fields, Since) -> Result<Answer, ViewError>,
) -> Response {
    answer(shared, move |shared| {
        // The plan is made later than this, so that nothing that begins meanwhile is overlooked.
        let since = shared.since();
        match shared.has_run() {
            true => Ok(busy()),
            false => verb(shared, &sent, since),
        }
    })
    .await
}

/// Answers that something is in progress.
fn busy() -> Answer {
    let body = html! {
        p.warning {
            "A run or a reset of this page is in progress or has just begun, and the page does one thing at a time. Nothing was done. "
            a href="/live" { "Watch or stop the run" } ", or try again when it has ended."
        }
    };
    Answer::Page(StatusCode::CONFLICT, View::new("Busy", Place::Actions, body))
}

/// Returns the task that a form names, which has to be in the graph.
fn task_of(shared: &Shared, sent: &Fields) -> Result<Option<TaskInfo>, ViewError> {
    let Some(name) = sent.get(TASK) else { return Ok(None) };
    let snapshot = shared.snapshot()?;
    let found = snapshot.task(name).and_then(|task| info_of(&snapshot, task));
    let unknown = || {
        let name: String = name.chars().take(100).collect();
        ViewError::not_found(format!("the graph has no task {name:?}"))
    };
    found.ok_or_else(unknown).map(Some)
}

/// Returns the task at a place of the list of tasks.
fn info_of(snapshot: &Snapshot, task: usize) -> Option<TaskInfo> {
    let first = snapshot.task_of.iter().position(|of| *of == task)?;
    Some(snapshot.instances[first].info())
}

/// Returns the field that names a task, to send it again.
fn task_field(task: Option<TaskInfo>) -> Vec<(String, String)> {
    task.map(|task| (TASK.to_owned(), task.name())).into_iter().collect()
}

/// Returns the names of the roots.
fn root_names(shared: &Shared) -> String {
    let names: Vec<_> = shared.roots.iter().map(TaskInfo::name).collect();
    text::clipped(&names.join(", "), 200)
}

fn view(shared: &Shared, query: &Query) -> View {
    let is_read_only = shared.options.is_read_only();
    let body = html! {
        @if let Some((at, removed)) = shared.last_reset() {
            section aria-label="Last reset" {
                p { "The last reset of this page, at " (text::timestamp(at)) ":" }
                pre { (text::block(&removed)) }
            }
        }
        @if shared.has_run() {
            p.warning { "A run is in progress. " a href="/live" { "Watch or stop it" } ": the page does one thing at a time." }
        }
        @if is_read_only {
            p { "This page is read-only: it was started with " code { "--read-only" } ", and does nothing to the store." }
        } @else {
            (forms(shared, query))
        }
    };
    View::new("Actions", Place::Actions, body)
}

/// Shows the forms of all actions.
fn forms(shared: &Shared, query: &Query) -> Markup {
    let parameters = html! {
        section {
            h2 { "Run with other parameters" }
            p { "Runs " (root_names(shared)) " with values that you type. The graph of this page keeps its own." }
            p { a href="/actions/parameters" { "Choose the parameters" } }
        }
    };
    let snapshot = match shared.snapshot() {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let error = text::block(&chain(&error));
            return html! { p { "The graph cannot be planned:" } pre.error { (error) } (parameters) };
        }
    };
    let failed = retry::failed(&snapshot);
    let roots = format!("the roots: {}", root_names(shared));
    let task = |label: &str| task_choice(&snapshot, query.get(TASK), label, &roots);
    let button = html! { button type="submit" { "Show the plan" } };
    html! {
        p.note { "Each action shows first what it would do. Nothing happens before you confirm that." }
        section {
            h2 { "Run" }
            p { "Runs what is not complete, and nothing else." }
            form.filters method="post" action="/actions/run" { (task("Up to")) (button) }
        }
        section {
            h2 { "Retry" }
            @if failed.is_empty() {
                p { "No task failed last time." }
            } @else {
                p { "Runs the tasks that failed last time, and what they require: " (names(&failed)) "." }
                form method="post" action="/actions/retry" { (button) }
            }
        }
        section {
            h2 { "Force" }
            p { "Runs tasks even if they are complete. Their outputs stay until a new one replaces them." }
            form.filters method="post" action="/actions/force" { (task("Force")) (button) }
        }
        (parameters)
        section {
            h2 { "Reset" }
            p { "Removes outputs, so that their tasks run again." }
            form.filters method="post" action="/actions/reset" {
                (task("Remove the outputs of"))
                label { input type="checkbox" name=(reset::UPSTREAM) value="yes"; " and of everything upstream" }
                (button)
            }
        }
    }
}

/// Shows the choice of the roots or of a task.
fn task_choice(snapshot: &Snapshot, chosen: Option<&str>, label: &str, roots: &str) -> Markup {
    let tasks = snapshot.tasks.iter().map(|task| (task.name.as_str(), task.name.as_str()));
    choice(label, TASK, chosen, std::iter::once(("", roots)).chain(tasks))
}

/// Returns the names of tasks.
fn names(tasks: &[TaskInfo]) -> String {
    let names: Vec<_> = tasks.iter().map(TaskInfo::name).collect();
    text::clipped(&names.join(", "), 500)
}
