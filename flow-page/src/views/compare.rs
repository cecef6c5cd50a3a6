//! Two runs compared: what ran, durations, outputs and metadata.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use flow_core::{InstanceChange, InstanceRun};
use maud::{Markup, html};

use super::{instance_link, run, runs, schema};
use crate::elements::{badge, more, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::query::Query;
use crate::state::Shared;
use crate::text;

/// The number of instances of each part that are shown.
const LISTED: usize = 500;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, query: &Query) -> Result<View, ViewError> {
    let (Some(before), Some(after)) = (query.get("before"), query.get("after")) else {
        return Err(ViewError::not_found("choose two runs in the list of runs"));
    };
    let history = shared.flow.store().runs()?;
    let (before, after) = (run::load(&history, before)?, run::load(&history, after)?);
    let compared = before.compare(&after);
    let headers = ["Instance", "Before", "After", "Times", "Differences"];
    let rows = html! { @for change in compared.both.iter().take(LISTED) { (both(change)) } };
    let side = |title: &str, run: &flow_core::RunInfo| {
        html! {
            dt { (title) }
            dd {
                a href={ "/run/" (run.id) } { (text::timestamp(run.started)) } " " (runs::outcome(run)) " "
                @if let Some(seconds) = run.seconds { "in " (text::seconds(seconds)) ": " }
                (runs::counts(run))
            }
        }
    };
    let body = html! {
        dl { (side("Before", &compared.before)) (side("After", &compared.after)) }
        @if compared.before.commit != compared.after.commit {
            p {
                "Commit: " (text::clipped(compared.before.commit.as_deref().unwrap_or("none"), 12)) " → "
                (text::clipped(compared.after.commit.as_deref().unwrap_or("none"), 12))
            }
        }
        @if compared.before.program != compared.after.program { p { "The program was built again, or is another one." } }
        h2 { "In both runs" }
        @if compared.both.is_empty() {
            p { "None." }
        } @else {
            (table(&text::count(compared.both.len(), "instance"), &headers, rows))
            (more(compared.both.len(), LISTED))
        }
        (schema::compared(shared, &compared.both))
        (only("Only in the first run", &compared.only_before))
        (only("Only in the second run", &compared.only_after))
    };
    Ok(View::new("Two runs compared", Place::Runs, body))
}

fn outcome(run: &InstanceRun) -> Markup {
    html! {
        (badge(&run.outcome.to_string()))
        @if run.seconds > 0.0 { " " (text::seconds(run.seconds)) }
    }
}

fn both(change: &InstanceChange) -> Markup {
    let value =
        |value: &Option<serde_json::Value>| value.as_ref().map_or("none".to_owned(), text::value);
    html! {
        tr {
            th scope="row" { (instance_link(change.after.key, &change.after.instance)) }
            td { (outcome(&change.before)) }
            td { (outcome(&change.after)) }
            td.number { @if let Some(ratio) = change.ratio() { (format!("{ratio:.2}")) } }
            td {
                @if change.is_other_output() { div { "another output" } }
                @for (name, change) in &change.metadata {
                    div {
                        (text::clipped(name, 100)) ": " span.removed { (value(&change.before)) } " → "
                        span.added { (value(&change.after)) }
                    }
                }
                @if let Some(error) = &change.after.error { div.error { (text::clipped(error, 300)) } }
            }
        }
    }
}

fn only(title: &str, runs: &[InstanceRun]) -> Markup {
    html! {
        @if !runs.is_empty() {
            h2 { (title) }
            ul {
                @for run in runs.iter().take(LISTED) {
                    li { (instance_link(run.key, &run.instance)) " " (outcome(run)) }
                }
            }
            (more(runs.len(), LISTED))
        }
    }
}
