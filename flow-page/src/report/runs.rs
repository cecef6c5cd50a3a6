//! The last runs in a report, each as a timeline with what ran and why.

use flow_core::{RunHistory, RunInfo};
use maud::{Markup, html};

use super::budget::Budget;
use super::instances::failed;
use super::source::Source;
use crate::elements::{more, table};
use crate::error::ViewError;
use crate::links::Links;
use crate::snapshot::Snapshot;
use crate::text;
use crate::views::run::{HEADERS, row, summary, timing};
use crate::views::timeline::Timeline;

/// The number of runs that are shown.
const RUNS: usize = 5;

/// The number of instances of a run that are listed.
const LISTED: usize = 100;

/// Shows the last runs.
///
/// # Errors
///
/// The history cannot be read.
pub(super) fn last(
    source: &Source<'_>,
    links: Links<'_>,
    budget: &mut Budget,
) -> Result<Markup, ViewError> {
    let runs = source.flow.store().runs()?;
    let mut share = budget.share(8);
    let mut shown = Vec::new();
    for info in runs.iter().take(RUNS) {
        let body = match runs.load(&info.id) {
            Ok(history) => run(&history, &source.snapshot, links),
            // A file of the history that is damaged hides no other.
            Err(error) => failed(source.flow.folder(), &error.into()),
        };
        let body = html! { (heading(info)) (body) };
        shown.push(match budget.take(&mut share, body.0.len()) {
            true => body,
            false => html! { (heading(info)) p.note { "The report has no room for this run." } },
        });
    }
    Ok(html! {
        @if runs.is_empty() { p { "There are no runs yet." } }
        @for run in &shown { (run) }
        @if runs.len() > RUNS { p { "The store has " (runs.len() - RUNS) " more." } }
    })
}

fn heading(info: &RunInfo) -> Markup {
    html! { h3 { "Run of " (text::timestamp(info.started)) } }
}

fn run(history: &RunHistory, snapshot: &Snapshot, links: Links<'_>) -> Markup {
    let timeline = Timeline::new(history, Some(snapshot));
    let count = history.instances.len();
    let rows = html! { @for one in history.instances.iter().take(LISTED) { (row(links, one)) } };
    html! {
        (summary(&history.info))
        (timing(links, &timeline))
        (table(&text::count(count, "instance"), &HEADERS, rows))
        (more(count, LISTED))
    }
}
