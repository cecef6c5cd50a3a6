//! The history of runs.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use flow_core::{RunHistory, RunInfo, Runs};
use maud::{Markup, html};

use crate::elements::{Paged, badge, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::query::Query;
use crate::state::Shared;
use crate::text;

/// The number of runs on a page.
const EACH: usize = 50;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, query: &Query) -> Result<View, ViewError> {
    let runs = shared.flow.store().runs()?;
    let paged = Paged::new(query.page(), runs.len(), EACH);
    let listed: Vec<_> = runs.iter().skip(paged.from).take(EACH).collect();
    let (before, after) = (listed.get(1).or(listed.first()), listed.first());
    let is =
        |run: &RunInfo, other: Option<&&RunInfo>| other.is_some_and(|other| other.id == run.id);
    let rows = html! {
        @for &run in &listed {
            @let name = text::time(run.started);
            tr {
                th scope="row" { a href={ "/run/" (run.id) } { (text::timestamp(run.started)) } }
                td { (outcome(run)) }
                td.number { (run.seconds.map(text::seconds).unwrap_or_default()) }
                td { (counts(run)) }
                td { (roots(run)) }
                td { input type="radio" name="before" value=(run.id) checked[is(run, before)] aria-label={ "Before: " (name) }; }
                td { input type="radio" name="after" value=(run.id) checked[is(run, after)] aria-label={ "After: " (name) }; }
            }
        }
    };
    let headers = ["Run", "Outcome", "Took", "Instances", "Roots", "Before", "After"];
    let body = html! {
        @if listed.is_empty() {
            p { "There are no runs yet." }
        } @else {
            form method="get" action="/compare" {
                (table(&text::count(runs.len(), "run"), &headers, rows))
                @if listed.len() > 1 { button type="submit" { "Compare the two" } }
            }
            (paged.links(query, "page", "/runs"))
        }
        @if !runs.unreadable().is_empty() {
            details {
                summary { (text::count(runs.unreadable().len(), "run")) " that cannot be read" }
                ul {
                    @for (id, error) in runs.unreadable() { li { (text::clipped(id, 100)) ": " (text::clipped(error, 300)) } }
                }
            }
        }
    };
    Ok(View::new("Runs", Place::Runs, body))
}

/// Reads those of the last `most` runs that are selected.
///
/// A file of the history that is damaged, or was removed meanwhile, hides no other.
pub(super) fn last(
    runs: &Runs,
    most: usize,
    is_selected: impl Fn(&RunInfo) -> bool,
) -> impl Iterator<Item = (&RunInfo, RunHistory)> {
    let selected = runs.iter().take(most).filter(move |info| is_selected(info));
    selected.filter_map(move |info| Some((info, runs.load(&info.id).ok()?)))
}

/// Shows how a run ended.
pub(super) fn outcome(run: &RunInfo) -> Markup {
    badge(&run.outcome.to_string())
}

/// Returns how many instances had each outcome.
pub(super) fn counts(run: &RunInfo) -> String {
    let complete = run.planned.get("complete").filter(|count| **count > 0);
    let complete = complete.map(|count| format!("{count} complete already"));
    let counts = run.counts.iter().map(|(outcome, count)| format!("{count} {outcome}"));
    complete.into_iter().chain(counts).collect::<Vec<_>>().join(", ")
}

/// Returns the first root, and how many others there are.
pub(super) fn roots(run: &RunInfo) -> String {
    match run.roots.as_slice() {
        [] => String::new(),
        [root] if run.root_count <= 1 => text::clipped(root, 100),
        [root, ..] => {
            format!("{} and {} more", text::clipped(root, 100), run.root_count.saturating_sub(1))
        }
    }
}
