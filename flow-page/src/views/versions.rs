//! The versions of an output: what each differs in from the present code and inputs, and from the version before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::response::Response;
use flow_core::{InstanceOutcome, InstanceRun, Key, RecordedOutput, RecordedVersion};
use maud::{Markup, html};

use super::runs::last;
use super::{Found, schema};
use crate::elements::{more, table};
use crate::error::ViewError;
use crate::frame::{Place, View, respond};
use crate::state::Shared;
use crate::text;

/// The number of versions whose schemas are compared.
const COMPARED: usize = 10;

/// The number of last runs in which the instance is looked for.
const RUNS: usize = 10;

/// The number of columns and entries that a comparison lists.
const LISTED: usize = 200;

pub(crate) async fn get(
    Extract(shared): Extract<Arc<Shared>>,
    Path(key): Path<String>,
) -> Response {
    respond(shared, move |shared| view(shared, &key)).await
}

fn view(shared: &Shared, key: &str) -> Result<View, ViewError> {
    let found = Found::of(shared, key)?;
    let versions = match &found {
        Found::Planned(snapshot, place) => snapshot.instances[*place].versions()?,
        Found::Stored(_) => Vec::new(),
    };
    let rows = html! {
        @for version in &versions {
            tr {
                th scope="row" { (text::second(version.output.started)) }
                td { @if version.is_current { "current" } @else { "earlier" } }
                td.number { (text::seconds(version.output.seconds)) }
                td.number { (text::bytes(version.output.bytes())) }
                td {
                    @if version.differences.is_empty() { "nothing" }
                    @for difference in &version.differences { div { (text::clipped(&difference.to_string(), 300)) } }
                }
            }
        }
    };
    let body = html! {
        (found.tabs("/versions"))
        @if versions.is_empty() {
            p { "There is no stored version, or the instance is not in the graph." }
        } @else {
            (table("Versions, the current one first", &["Ran", "Version", "Took", "Size", "Differs from now in"], rows))
        }
        @for pair in versions.windows(2).take(COMPARED) {
            (differences(shared, &pair[1], &pair[0]))
        }
        (durations(shared, found.key())?)
    };
    Ok(View::new(format!("Versions of {}", found.label()), Place::Instances, body))
}

/// Shows how a version differs from the one before it: in its metadata, schema and content.
fn differences(shared: &Shared, before: &RecordedVersion, after: &RecordedVersion) -> Markup {
    let (was, now) = (&before.output, &after.output);
    let metadata = changes(&was.metadata, &now.metadata, text::value);
    let schema = changes(&schema::of(shared, was), &schema::of(shared, now), |kind| {
        text::clipped(kind, 100)
    });
    let digests = |output: &RecordedOutput| -> Vec<_> {
        output.files.iter().map(|file| (file.part.clone(), file.digest)).collect()
    };
    html! {
        section {
            h2 { "From " (text::second(was.started)) " to " (text::second(now.started)) }
            p { @if digests(was) == digests(now) { "The content is equal." } @else { "The content differs." } }
            @if !schema.is_empty() { (change_table("Changes of the schema", "Column", &schema)) }
            @if !metadata.is_empty() { (change_table("Changes of the metadata", "Name", &metadata)) }
        }
    }
}

/// A name with its text before and after; `None` where it was not there.
pub(super) type Change = (String, Option<String>, Option<String>);

/// Returns the entries that differ.
pub(super) fn changes<V: PartialEq>(
    before: &BTreeMap<String, V>,
    after: &BTreeMap<String, V>,
    shown: impl Fn(&V) -> String,
) -> Vec<Change> {
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let differs = |name: &&String| before.get(*name) != after.get(*name);
    let change =
        |name: &String| (name.clone(), before.get(name).map(&shown), after.get(name).map(&shown));
    names.into_iter().filter(differs).map(change).collect()
}

/// Shows entries that differ.
pub(super) fn change_table(caption: &str, name: &str, changes: &[Change]) -> Markup {
    let side = |text: &Option<String>| match text {
        Some(text) => html! { (text) },
        None => html! { span.null { "none" } },
    };
    let rows = html! {
        @for (name, before, after) in changes.iter().take(LISTED) {
            tr { th scope="row" { (text::clipped(name, 200)) } td.removed { (side(before)) } td.added { (side(after)) } }
        }
    };
    html! {
        (table(caption, &[name, "Before", "After"], rows))
        (more(changes.len(), LISTED))
    }
}

/// Shows how long the instance took in the last runs.
fn durations(shared: &Shared, key: Key) -> Result<Markup, ViewError> {
    let runs = shared.flow.store().runs()?;
    let mut found = Vec::new();
    for (info, run) in last(&runs, RUNS, |_| true) {
        found.extend(run.instances.into_iter().filter(|one| one.key == key).map(|one| (info, one)));
    }
    let longest = found.iter().map(|(_, one)| one.seconds).fold(0.0, f64::max);
    let width =
        |seconds: f64| text::px(if longest > 0.0 { 100.0 * seconds / longest } else { 0.0 });
    let rows = html! {
        @for (info, one) in &found {
            tr {
                th scope="row" { a href={ "/run/" (info.id) } { (text::timestamp(info.started)) } }
                td { (one.outcome.to_string()) }
                td.number { (text::seconds(one.seconds)) }
                td {
                    svg.bar viewBox="0 0 100 8" width="100" height="8" aria-hidden="true" {
                        rect x="0" y="0" width=(width(one.seconds)) height="8" {}
                    }
                }
                td.number { (one.attempts) }
            }
        }
    };
    Ok(html! {
        h2 { "The last runs" }
        @if found.is_empty() {
            p { "The instance was settled in none of the last " (RUNS) " runs." }
        } @else {
            @let seconds: Vec<_> = found.iter().filter_map(|(_, one)| ran(one)).collect();
            @if let Some(times) = against_earlier(&seconds) {
                p {
                    "The last time, it took " (format!("{times:.2}"))
                    " times as long as in the median of the earlier runs that are listed."
                }
            }
            (table("Durations in the last runs", &["Run", "Outcome", "Took", "Compared", "Attempts"], rows))
        }
    })
}

/// Returns how long an instance took, if its task ran to its end.
fn ran(run: &InstanceRun) -> Option<f64> {
    (run.outcome == InstanceOutcome::Ran).then_some(run.seconds)
}

/// Returns how many times as long as the median of the others the first duration is.
fn against_earlier(seconds: &[f64]) -> Option<f64> {
    let (last, earlier) = seconds.split_first()?;
    let mut earlier = earlier.to_vec();
    earlier.sort_by(f64::total_cmp);
    let upper = *earlier.get(earlier.len() / 2)?;
    let median = match earlier.len() % 2 {
        0 => (earlier[earlier.len() / 2 - 1] + upper) / 2.0,
        _ => upper,
    };
    (median > 0.0).then_some(last / median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_duration_is_compared_with_the_median_of_the_earlier_ones() {
        assert_eq!(against_earlier(&[3.0, 1.0, 100.0, 2.0]), Some(1.5));
        assert_eq!(against_earlier(&[3.0, 1.0, 5.0]), Some(1.0));
        assert_eq!(against_earlier(&[3.0]), None);
        assert_eq!(against_earlier(&[]), None);
        assert_eq!(against_earlier(&[3.0, 0.0]), None);
    }
}
