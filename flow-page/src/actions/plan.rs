//! The plan of an action: what would be done and why, and the form that confirms it.
//!
//! The form has a digest of the plan. The confirmation sends the digest, and the plan is made again: if it has another digest
//! by then, because a file or the code of the graph has changed, or another program has run a task, the new plan is shown.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::http::StatusCode;
use flow_core::{Error, Instance, Key, Preview, Reason, Subgraph, TaskInfo};
use maud::{Markup, html};

use super::busy;
use super::fields::Fields;
use crate::elements::{more, table};
use crate::error::ViewError;
use crate::frame::{Answer, Place, View};
use crate::planned::Planned;
use crate::state::{Shared, Since};
use crate::text;

/// The name of the field with the digest of the plan that was shown.
pub(super) const PLAN: &str = "plan";

/// The name of the field that leads back to the form of the parameters.
pub(super) const EDIT: &str = "edit";

/// The number of instances that are listed.
const LISTED: usize = 500;

/// A run that a form asks for.
pub(super) struct Wanted {
    /// What it is, for the plan and for the view of the run.
    pub(super) title: String,
    /// The address of the form.
    pub(super) address: &'static str,
    /// The fields that confirm it, besides the digest.
    pub(super) fields: Vec<(String, String)>,
    pub(super) graph: Subgraph<TaskInfo>,
    /// The names and texts of the parameters that differ from those of the page, if it is a run with other parameters.
    pub(super) other: Option<Vec<(String, String)>>,
    /// What had begun before the plan was made.
    pub(super) since: Since,
}

/// Starts a run if its plan is confirmed. Otherwise shows the plan.
///
/// # Errors
///
/// The operating system refuses to start a thread.
pub(super) fn run(
    shared: &Arc<Shared>,
    wanted: Wanted,
    preview: &Preview,
    sent: &Fields,
) -> Result<Answer, ViewError> {
    let pending = preview.pending();
    let planned: Vec<_> = pending.iter().map(hashed).collect();
    let digest = digest(wanted.address, &wanted.fields, &planned);
    let shown = sent.get(PLAN);
    if shown != Some(digest.as_str()) || pending.is_empty() {
        let status = if shown.is_some() { StatusCode::CONFLICT } else { StatusCode::OK };
        let body = page(&wanted, preview, &pending, &digest, shown.is_some());
        return Ok(Answer::Page(status, View::new(wanted.title, Place::Actions, body)));
    }
    let Wanted { title, graph, other, since, .. } = wanted;
    let graph = Arc::new(Planned::new(graph));
    let other = other.map(|_| Arc::clone(&graph));
    let is_started = shared.start(graph.graph(), title, other, Some(since));
    let is_started = is_started.map_err(Error::Thread)?;
    Ok(if is_started { Answer::Done("/live") } else { busy() })
}

/// Returns what the digest of a plan covers of an instance that would run.
fn hashed(instance: &Instance) -> (Key, Vec<String>) {
    let reasons = instance.reasons().iter().map(|reason| match reason {
        // How long ago that was changes while people read the plan, and so may the value of an expression.
        Reason::FailedLastTime { error, .. } => format!("failed: {error}"),
        Reason::Refresh { .. } => "refresh".to_owned(),
        reason => reason.to_string(),
    });
    (instance.key(), reasons.collect())
}

/// Returns a digest of an action: its address and fields, and what it would do.
///
/// It shows whether two plans are the same, and protects nothing: a client that can send a form may ask for any plan.
pub(super) fn digest(address: &str, fields: &[(String, String)], done: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    (address, fields).hash(&mut hasher);
    done.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Shows the form that confirms a plan. It has these `buttons`, and sends the fields again.
pub(super) fn confirmation(
    address: &str,
    fields: &[(String, String)],
    digest: &str,
    buttons: &Markup,
) -> Markup {
    html! {
        form.confirm method="post" action=(address) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            input type="hidden" name=(PLAN) value=(digest);
            (buttons)
            a href="/actions" { "Cancel" }
        }
    }
}

fn page(
    wanted: &Wanted,
    preview: &Preview,
    pending: &[Instance],
    digest: &str,
    was_shown: bool,
) -> Markup {
    let buttons = html! {
        button type="submit" { "Run" }
        @if wanted.other.is_some() { button type="submit" name=(EDIT) value="yes" { "Change the values" } }
    };
    html! {
        @if was_shown {
            p.warning { "Nothing was started: the plan has changed since you saw it. This is the plan now." }
        }
        @if let Some(values) = &wanted.other { (parameters(values)) }
        @if pending.is_empty() {
            p { "Nothing would run: everything is complete." }
            p { a href="/actions" { "Back to the actions" } }
        } @else {
            p { "To run: " (text::line(&preview.cost().to_string())) "." }
            (table("What would run, and why", &["Instance", "Why"], rows(pending)))
            (more(pending.len(), LISTED))
            p.note { "An instance does not run if the tasks that it waits for give the same outputs as before." }
            (confirmation(wanted.address, &wanted.fields, digest, &buttons))
        }
        @if !preview.warnings().is_empty() {
            h2 { "Warnings" }
            ul { @for warning in preview.warnings() { li { (text::clipped(&warning.to_string(), 1_000)) } } }
        }
    }
}

fn rows(pending: &[Instance]) -> Markup {
    html! {
        @for instance in pending.iter().take(LISTED) {
            tr {
                th scope="row" { (text::clipped(&instance.to_string(), 500)) }
                td {
                    @for (place, reason) in instance.reasons().iter().enumerate() {
                        @if place > 0 { "; " }
                        (text::clipped(&reason.to_string(), 1_000))
                    }
                }
            }
        }
    }
}

/// Shows the values that a run with other parameters has.
fn parameters(values: &[(String, String)]) -> Markup {
    html! {
        @if values.is_empty() {
            p { "No value was typed: the parameters are those of this page." }
        } @else {
            (table("Values that were typed", &["Parameter", "Value"], html! {
                @for (name, value) in values {
                    tr { th scope="row" { (text::line(name)) } td { code { (text::clipped(value, 2_000)) } } }
                }
            }))
        }
    }
}
