//! The graph.

use std::sync::Arc;

use axum::extract::{RawQuery, State as Extract};
use axum::response::Response;
use maud::{Markup, html};

use super::selection;
use crate::drawing::{By, Drawing, OPENED, Selected};
use crate::elements::choice;
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::links::Links;
use crate::query::Query;
use crate::snapshot::Snapshot;
use crate::state::Shared;
use crate::text;

/// The number of instances from which each task has one box.
pub(crate) const INSTANCES: usize = 60;

/// The number of tasks from which each group has one box.
const TASKS: usize = 60;

/// The number of instances that are drawn on request.
const MOST: usize = 500;

/// The number of boxes that are drawn at all.
pub(crate) const BOXES: usize = 3_000;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &Query::parse(query.as_deref()))).await
}

fn view(shared: &Shared, query: &Query) -> Result<View, ViewError> {
    let snapshot = shared.snapshot()?;
    let states = super::states(shared, &snapshot);
    let (from, to) = (task_of(&snapshot, query, "from")?, task_of(&snapshot, query, "to")?);
    let is_drawn = snapshot.between(from, to);
    let drawn = is_drawn.iter().filter(|is_drawn| **is_drawn).count();
    let by = by(&snapshot, query, drawn);
    let fits = match selection::is_given(query) {
        true => selection::fits(&snapshot, &states, query),
        false => vec![true; states.len()],
    };
    let found = fits.iter().zip(&is_drawn).filter(|(fits, is_drawn)| **fits && **is_drawn).count();
    let selected = Selected {
        snapshot: &snapshot,
        states: &states,
        by,
        is_drawn: &is_drawn,
        fits: &fits,
        query,
        links: Links::Server,
    };
    let drawing = Drawing::new(&selected);
    let boxes = [("", "automatic")].into_iter();
    let boxes = boxes.chain([By::Instance, By::Task, By::Group].map(|by| (by.word(), by.word())));
    let list = query.with("open", None).with("by", None).with("from", None).with("to", None);
    let body = html! {
        (selection::counts(Links::Server, &states))
        form.filters method="get" action="/" {
            (selection::search_field(query))
            (selection::status_field(query))
            (selection::group_field(&snapshot, query))
            (choice("Boxes", "by", query.get("by"), boxes))
            (selection::task_field(&snapshot, query, "from", "From"))
            (selection::task_field(&snapshot, query, "to", "To"))
            @for open in query.all("open") { input type="hidden" name="open" value=(open); }
            button type="submit" { "Show" }
            a href="/" { "Reset" }
        }
        @if selection::is_given(query) {
            p { (text::count(found, "instance")) " found. " a href=(list.href("/instances")) { "List them" } }
        }
        @if query.get("open").is_some() {
            p.opened {
                "Open: "
                @for open in query.all("open") {
                    a href=(query.toggled("open", open).href("/")) title="Close" {
                        (text::clipped(open.split_once(':').map_or(open, |(_, name)| name), 60)) " ×"
                    }
                    " "
                }
            }
        }
        @if drawn == 0 {
            p { "There is nothing to draw." }
        } @else if drawing.len() > BOXES {
            p { "The picture would have " (drawing.len()) " boxes. " a href="/instances" { "List the instances" } " instead." }
        } @else {
            (canvas(&drawing))
        }
        p.note {
            "Planned at " (text::timestamp(snapshot.at)) ". A box leads to its instance, opens its task or group, or lists the \
             instances of a task that has more than " (OPENED) "."
        }
    };
    Ok(View::new("Graph", Place::Graph, body))
}

/// Shows the picture in an area that scrolls.
pub(crate) fn canvas(drawing: &Drawing) -> Markup {
    html! {
        div.canvas tabindex="0" role="region" aria-label="Graph, scrollable" data-canvas="" {
            (drawing.svg())
        }
    }
}

/// Returns the task that a part of the query names.
fn task_of(snapshot: &Snapshot, query: &Query, name: &str) -> Result<Option<usize>, ViewError> {
    let Some(task) = query.get(name) else { return Ok(None) };
    let unknown = || ViewError::not_found(format!("the graph has no task {task:?}"));
    snapshot.task(task).ok_or_else(unknown).map(Some)
}

/// Returns what each box stands for: what the query says, unless these were too many.
fn by(snapshot: &Snapshot, query: &Query, drawn: usize) -> By {
    let automatic = match drawn {
        0..=INSTANCES => By::Instance,
        _ if snapshot.tasks.len() <= TASKS
            || snapshot.tasks.iter().all(|task| task.group.is_none()) =>
        {
            By::Task
        }
        _ => By::Group,
    };
    match query.get("by") {
        Some("instance") if drawn <= MOST => By::Instance,
        Some("instance" | "task") => By::Task,
        Some("group") => By::Group,
        _ => automatic,
    }
}
