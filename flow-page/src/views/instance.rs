//! One instance: what it is, why it is in its state, and where its output came from.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::response::Response;
use flow_core::{CodeChange, Instance, LastFailure, Reason, RecordedOutput, StoredOutput};
use maud::{Markup, html};

use super::{Found, figures, metadata, output, sweep};
use crate::elements::{badge, more, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::links::Links;
use crate::query::Query;
use crate::snapshot::{Snapshot, State};
use crate::state::Shared;
use crate::text;

/// The number of inputs, and of consumers, that are listed.
const LISTED: usize = 100;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
) -> Response {
    respond(shared, move |shared| view(shared, &key)).await
}

fn view(shared: &Shared, key: &str) -> Result<View, ViewError> {
    let found = Found::of(shared, key)?;
    let recorded = found.recorded()?;
    let (states, is_planned) = match &found {
        Found::Planned(snapshot, _) => (super::states(shared, snapshot), true),
        Found::Stored(_) => (Vec::new(), false),
    };
    let actions = Query::default().with("task", Some(found.task())).href("/actions");
    let body = html! {
        (found.tabs(""))
        @if is_planned && !shared.options.is_read_only() {
            p { a href=(actions) { "Run, force or reset this task" } }
        }
        @if has_variants(shared, &found) {
            p { a href=(sweep::address(found.task())) { "Compare the variants of this task" } }
        }
        (overview(Links::Server, &found, &states, recorded.as_ref())?)
    };
    Ok(View::new(found.label(), Place::Instances, body))
}

/// Returns whether the graph or the store has another instance of the task, which has an output.
fn has_variants(shared: &Shared, found: &Found) -> bool {
    if let Found::Planned(snapshot, place) = found {
        let info = snapshot.instances[*place].info();
        if info.is_external() || info.is_aggregate() {
            return false;
        }
        if snapshot.tasks[snapshot.task_of[*place]].count > 1 {
            return true;
        }
    }
    let is_other = |stored: &StoredOutput| stored.task == found.task() && stored.key != found.key();
    // A store that cannot be listed hides no instance.
    shared.flow.store().list().is_ok_and(|stored| stored.iter().any(is_other))
}

/// Shows an instance without its data. `states` are those of all instances of its plan.
pub(crate) fn overview(
    links: Links<'_>,
    found: &Found,
    states: &[State],
    recorded: Option<&RecordedOutput>,
) -> Result<Markup, ViewError> {
    Ok(html! {
        @match found {
            Found::Planned(snapshot, place) => (planned(links, snapshot, states, *place)?),
            Found::Stored(_) => p {
                "This instance is not in the graph of the present parameters. The store has an output of it."
            },
        }
        @if let Some(recorded) = recorded {
            // A report has them as pieces, within its limit.
            @if links.is_server() {
                (figures::of_output(recorded, |place| format!("/instance/{}/figure/{place}", found.key())))
            }
            (output::shown(links, found.key(), recorded))
        }
        dl { dt { "Key" } dd { code { (found.key().to_string()) } } }
    })
}

/// Shows what the plan knows of an instance.
fn planned(
    links: Links<'_>,
    snapshot: &Snapshot,
    states: &[State],
    place: usize,
) -> Result<Markup, ViewError> {
    let instance = &snapshot.instances[place];
    let info = instance.info();
    let target = info.target();
    Ok(html! {
        p {
            (badge(states[place].word())) " "
            @if let Some(group) = info.group() { "Group " (text::clipped(group, 60)) ". " }
            @if info.is_external() { "External: another program produces its file. " }
            @if info.is_aggregate() { "Aggregate: it groups other tasks. " }
            "Planned at " (text::timestamp(snapshot.at)) "."
        }
        @if !info.doc().is_empty() { p.doc { (text::block(info.doc())) } }
        @if let Some(path) = instance.external_path() {
            p {
                "File: " code { (text::line(&path.display().to_string())) }
                ". It is not in the store, so the page does not show it."
            }
        }
        @if !target.is_empty() { p { "Target: " code { (text::line(target)) } } }
        (reasons(instance))
        @if let Some(failure) = instance.failure()? {
            (failure_markup(&failure))
            @if links.is_server() {
                (figures::of_failure(&failure, |place| format!("/instance/{}/failure/figure/{place}", instance.key())))
            }
        }
        (parameters(instance))
        (code(instance))
        (neighbors(links, snapshot, states, &snapshot.inputs[place], "Inputs"))
        (neighbors(links, snapshot, states, snapshot.consumers(place), "Consumers"))
    })
}

fn reasons(instance: &Instance) -> Markup {
    html! {
        @if !instance.reasons().is_empty() {
            h2 { "Reasons" }
            ul.reasons {
                @for reason in instance.reasons() { li { (text::clipped(&reason.to_string(), 1_000)) } }
            }
        }
    }
}

/// Shows the error of the last run, with its causes and location.
fn failure_markup(failure: &LastFailure) -> Markup {
    html! {
        section.failure {
            h2 { "Last failure" }
            pre.error {
                @for (place, cause) in failure.chain.iter().enumerate() {
                    @if place > 0 { "\ncaused by: " }
                    (text::block(cause))
                }
            }
            dl {
                @if let Some(at) = &failure.panicked_at { dt { "Panicked at" } dd { code { (text::line(at)) } } }
                dt { "Failed at" } dd { (text::second(failure.ended)) }
                @if failure.attempts > 1 { dt { "Attempts" } dd { (failure.attempts) } }
                @if let Some(seconds) = failure.seconds { dt { "Took" } dd { (text::seconds(seconds)) } }
                @if let Some(host) = &failure.host { dt { "Host" } dd { (text::line(host)) } }
            }
            @if let Some(backtrace) = &failure.backtrace {
                details { summary { "Backtrace" } pre { (text::block(backtrace)) } }
            }
            @if !failure.metadata.is_empty() {
                (table("Metadata recorded before the failure", &["Name", "Value"], metadata(&failure.metadata)))
            }
        }
    }
}

/// Shows the parameters, with their documentation.
fn parameters(instance: &Instance) -> Markup {
    let info = instance.info();
    let own: HashMap<_, _> = info.parameters().into_iter().map(|one| (one.name(), one)).collect();
    let shown = instance.parameters();
    let rows = html! {
        @for (name, value) in &shown {
            @let parameter = own.get(name.as_str());
            tr {
                th scope="row" { (text::line(name)) }
                td { code { (text::clipped(value, 2_000)) } }
                td { @if let Some(parameter) = parameter { code { (text::line(&parameter.type_name())) } } }
                td { @if let Some(parameter) = parameter { (text::clipped(parameter.doc(), 500)) } }
            }
        }
    };
    html! {
        h2 { "Parameters" }
        @if shown.is_empty() {
            p { "None." }
        } @else {
            (table("Parameters", &["Name", "Value", "Type", "Description"], rows))
        }
    }
}

/// Shows the items of the code, and which of them changed since the last output.
fn code(instance: &Instance) -> Markup {
    let mut changes = Vec::new();
    for reason in instance.reasons() {
        if let Reason::Code { what } = reason {
            changes.push(what);
        }
    }
    let items = instance.info().code();
    let change_of = |name: &str| {
        changes.iter().find_map(|change| match change {
            CodeChange::Changed { item, .. } if item == name => Some("changed"),
            CodeChange::New { item, .. } if item == name => Some("new"),
            CodeChange::Means { item, .. } if item == name => {
                Some("a name in it means another item")
            }
            _ => None,
        })
    };
    html! {
        @if !items.is_empty() || !changes.is_empty() {
            h2 { "Code" }
            @if !changes.is_empty() {
                ul.reasons { @for change in &changes { li { (text::clipped(&change.to_string(), 500)) } } }
            }
            details open[!changes.is_empty()] {
                summary { (text::count(items.len(), "item")) " of code" }
                (table("Items of code", &["Item", "File", "Change"], html! {
                    @for item in &items {
                        tr {
                            th scope="row" { code { (text::clipped(&item.name, 200)) } }
                            td { (text::clipped(&item.file, 200)) }
                            td { (change_of(&item.name).unwrap_or_default()) }
                        }
                    }
                }))
            }
        }
    }
}

fn neighbors(
    links: Links<'_>,
    snapshot: &Snapshot,
    states: &[State],
    places: &[usize],
    title: &str,
) -> Markup {
    html! {
        h2 { (title) }
        @if places.is_empty() {
            p { "None." }
        } @else {
            ul.neighbors {
                @for &place in places.iter().take(LISTED) {
                    @let instance = &snapshot.instances[place];
                    li { (badge(states[place].word())) " " (links.to_instance(instance.key(), &instance.to_string())) }
                }
            }
            (more(places.len(), LISTED))
        }
    }
}
