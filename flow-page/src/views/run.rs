//! One run: what ran and why, and when.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State as Extract};
use axum::response::Response;
use flow_core::{InstanceRun, RunHistory, RunInfo, RunOutcome, Runs};
use maud::{Markup, html};

use super::timeline::Timeline;
use super::{jobs, runs, waits};
use crate::elements::{Paged, badge, class, more, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::links::Links;
use crate::query::Query;
use crate::state::Shared;
use crate::text;

/// The number of instances on a page.
const EACH: usize = 200;

/// The number of instances of the critical path that are listed.
const CRITICAL: usize = 200;

/// The number of reasons of an instance that are shown.
const REASONS: usize = 3;

/// The headers of the table of instances.
pub(crate) const HEADERS: [&str; 5] =
    ["Instance", "Outcome", "Took", "Attempts", "Why, and errors"];

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    respond(shared, move |shared| view(shared, &id, &Query::parse(query.as_deref()))).await
}

/// Loads a run that the history lists.
pub(super) fn load(runs: &Runs, id: &str) -> Result<RunHistory, ViewError> {
    if !runs.iter().any(|run| run.id == id) {
        return Err(ViewError::not_found("the history has no such run"));
    }
    Ok(runs.load(id)?)
}

fn view(shared: &Shared, id: &str, query: &Query) -> Result<View, ViewError> {
    let run = load(&shared.flow.store().runs()?, id)?;
    // Without a plan, there is no critical path.
    let snapshot = shared.snapshot().ok();
    let timeline = Timeline::new(&run, snapshot.as_deref());
    let is_chosen = |one: &&InstanceRun| {
        query.get("outcome").is_none_or(|outcome| one.outcome.to_string() == outcome)
    };
    let chosen: Vec<_> = run.instances.iter().filter(is_chosen).collect();
    let paged = Paged::new(query.page(), chosen.len(), EACH);
    let path = format!("/run/{}", run.info.id);
    let rows = html! {
        @for one in &chosen[paged.from..paged.to] { (row(Links::Server, one)) }
    };
    let body = html! {
        (summary(&run.info))
        h2 { "Timeline" }
        (timing(Links::Server, &timeline))
        h2 { "Instances" }
        p {
            a href=(query.with("outcome", None).with("page", None).href(&path)) { "all" }
            @for outcome in run.info.counts.keys().map(ToString::to_string) {
                " " a.badge.(class(&outcome)) href=(query.with("outcome", Some(&outcome)).with("page", None).href(&path)) { (outcome) }
            }
        }
        (table(&text::count(chosen.len(), "instance"), &HEADERS, rows))
        (paged.links(query, "page", &path))
        @if run.info.omitted > 0 { p { (run.info.omitted) " instances were too many for the history." } }
    };
    let title = format!("Run of {}", text::time(run.info.started));
    let mut view = View::new(title, Place::Runs, body);
    view.is_refreshed = run.info.outcome == RunOutcome::Running;
    Ok(view)
}

/// Shows a timeline, its critical path, what waited, and the jobs that ran elsewhere.
pub(crate) fn timing(links: Links<'_>, timeline: &Timeline<'_>) -> Markup {
    let critical: Vec<_> = timeline.bars.iter().filter(|bar| bar.is_critical).collect();
    html! {
        @if timeline.bars.is_empty() { p { "No worker was busy." } } @else { (timeline.svg(links)) }
        @if critical.len() > 1 {
            h3 { "Critical path" }
            ol {
                @for bar in critical.iter().take(CRITICAL) {
                    li {
                        (links.to_instance(bar.run.key, &bar.run.instance)) ": " (text::seconds(bar.run.seconds))
                        @if let Some(waited) = bar.waited { ", waited " (text::seconds(waited)) }
                    }
                }
            }
            (more(critical.len(), CRITICAL))
        }
        (waits::shown(links, timeline))
        (jobs::shown(links, timeline))
    }
}

/// Shows what a run was, and how it ended.
pub(crate) fn summary(run: &RunInfo) -> Markup {
    html! {
        p { (runs::outcome(run)) " " (runs::counts(run)) }
        dl {
            dt { "Roots" } dd { (runs::roots(run)) }
            @if let Some(seconds) = run.seconds { dt { "Took" } dd { (text::seconds(seconds)) } }
            dt { "Workers" } dd { (run.workers) }
            dt { "Program" } dd { (text::clipped(&run.program.name, 100)) }
            dt { "Host" } dd { (text::clipped(&run.host, 100)) ", process " (run.pid) }
            @if let Some(commit) = &run.commit { dt { "Commit" } dd { code { (text::clipped(commit, 64)) } } }
            @if let Some(bytes) = run.peak_bytes { dt { "Memory" } dd { (text::bytes(bytes)) " at most, of the whole program" } }
            dt { "Name" } dd { code { (text::clipped(&run.id, 100)) } }
        }
    }
}

/// Shows what a run did with an instance, as a row of a table.
pub(crate) fn row(links: Links<'_>, one: &InstanceRun) -> Markup {
    html! {
        tr {
            th scope="row" { (links.to_instance(one.key, &one.instance)) }
            td { (badge(&one.outcome.to_string())) }
            td.number { @if one.seconds > 0.0 { (text::seconds(one.seconds)) } }
            td.number { (attempts(one)) }
            td {
                @for reason in one.reasons.iter().take(REASONS) { div { (text::clipped(reason, 200)) } }
                @if one.reasons.len() > REASONS { div { "and " (one.reasons.len() - REASONS) " more reasons" } }
                @if let Some(error) = &one.error { div.error { (text::clipped(error, 300)) } }
                @if let Some(error) = &one.error_text { details { summary { "The whole error" } pre { (text::block(error)) } } }
            }
        }
    }
}

/// Returns the number of attempts to run an instance, and how often it was lost with its worker.
fn attempts(one: &InstanceRun) -> String {
    match (one.attempts, one.losses) {
        (0, 0) => String::new(),
        (attempts, 0) => attempts.to_string(),
        (0, losses) => format!("lost {losses}×"),
        (attempts, losses) => format!("{attempts}, lost {losses}×"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::attempts as attempts_of;

    #[test]
    fn losses_are_counted_beside_attempts() {
        let shown = |attempts: u32, losses: u32| {
            let run = json!({
                "task": "Sleep", "instance": "Sleep", "key": format!("{:032x}", losses + 1), "outcome": "ran", "seconds": 1.0,
                "attempts": attempts, "losses": losses,
            });
            attempts_of(&serde_json::from_value(run).expect("the run of an instance"))
        };
        assert_eq!([shown(0, 0), shown(2, 0)], ["", "2"]);
        assert_eq!([shown(0, 1), shown(1, 2)], ["lost 1×", "1, lost 2×"]);
    }
}
