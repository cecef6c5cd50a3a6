//! The tasks of which the store has outputs with several settings of parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use maud::html;

use super::address;
use crate::elements::{Paged, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::query::Query;
use crate::state::Shared;
use crate::text;

/// The number of tasks on a page.
const EACH: usize = 100;

/// What the store has of a task.
#[derive(Default)]
struct Stored {
    /// The number of instances, which differ in their parameters.
    variants: usize,
    /// The latest start of a run that produced one of them, in seconds since 1970.
    latest: i64,
    seconds: f64,
}

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, query: &Query) -> Result<View, ViewError> {
    let mut tasks: BTreeMap<String, Stored> = BTreeMap::new();
    for output in shared.flow.store().list()? {
        let stored = tasks.entry(output.task).or_default();
        stored.variants += 1;
        stored.latest = stored.latest.max(output.started);
        stored.seconds += output.seconds;
    }
    let several: Vec<_> = tasks.iter().filter(|(_, stored)| stored.variants > 1).collect();
    let paged = Paged::new(query.page(), several.len(), EACH);
    let rows = html! {
        @for (task, stored) in &several[paged.from..paged.to] {
            tr {
                th scope="row" { a href=(address(task)) { (text::clipped(task, 200)) } }
                td.number { (stored.variants) }
                td { (text::second(stored.latest)) }
                td.number { (text::seconds(stored.seconds)) }
            }
        }
    };
    let body = html! {
        @if several.is_empty() {
            p {
                "The store has no task with several settings of parameters. Those of sweeps, and of runs with other \
                 parameters, are shown here."
            }
        } @else {
            (table(&text::count(several.len(), "task"), &["Task", "Variants", "Last ran", "Took together"], rows))
            (paged.links(query, "page", "/sweeps"))
        }
    };
    Ok(View::new("Sweeps", Place::Sweeps, body))
}
