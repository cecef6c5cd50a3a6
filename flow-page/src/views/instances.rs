//! The list of instances, in pages.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use maud::{Markup, html};

use super::{selection, states};
use crate::elements::{Paged, badge, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::links::Links;
use crate::query::Query;
use crate::snapshot::{Snapshot, State};
use crate::state::Shared;
use crate::text;

/// The number of instances on a page.
const EACH: usize = 100;

/// The number of reasons of an instance that are shown.
const REASONS: usize = 3;

/// The headers of the list.
pub(crate) const HEADERS: [&str; 4] = ["Instance", "Status", "Group", "Reasons"];

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, query: &Query) -> Result<View, ViewError> {
    let snapshot = shared.snapshot()?;
    let states = states(shared, &snapshot);
    let fits = selection::fits(&snapshot, &states, query);
    let found: Vec<_> = (0..fits.len()).filter(|place| fits[*place]).collect();
    let paged = Paged::new(query.page(), found.len(), EACH);
    let rows = html! {
        @for &place in &found[paged.from..paged.to] { (row(Links::Server, &snapshot, &states, place)) }
    };
    let body = html! {
        (selection::counts(Links::Server, &states))
        form.filters method="get" action="/instances" {
            (selection::search_field(query))
            (selection::status_field(query))
            (selection::group_field(&snapshot, query))
            (selection::task_field(&snapshot, query, "task", "Task"))
            button type="submit" { "Show" }
            a href="/instances" { "Reset" }
        }
        @if found.is_empty() {
            p { "No instance fits." }
        } @else {
            (table(&text::count(found.len(), "instance"), &HEADERS, rows))
            (paged.links(query, "page", "/instances"))
        }
    };
    Ok(View::new("Instances", Place::Instances, body))
}

/// Shows an instance as a row of the list.
pub(crate) fn row(links: Links<'_>, snapshot: &Snapshot, states: &[State], place: usize) -> Markup {
    let instance = &snapshot.instances[place];
    let group = snapshot.tasks[snapshot.task_of[place]].group.unwrap_or_default();
    html! {
        tr {
            th scope="row" { (links.to_instance(instance.key(), &instance.to_string())) }
            td { (badge(states[place].word())) }
            td { (text::clipped(group, 60)) }
            td {
                @for reason in instance.reasons().iter().take(REASONS) {
                    div { (text::clipped(&reason.to_string(), 200)) }
                }
                @if instance.reasons().len() > REASONS { div { "and more" } }
            }
        }
    }
}
