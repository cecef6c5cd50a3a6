//! What made a run longer than its tasks: instances that waited for a worker, and attempts that failed.

use maud::{Markup, html};

use super::timeline::{Bar, Timeline};
use crate::elements::{more, table};
use crate::links::Links;
use crate::text;

/// The number of instances that are listed, those that waited longest.
const LISTED: usize = 20;

/// The shortest wait that is listed, in seconds: a worker takes some time to begin with an instance.
const SHORTEST: f64 = 0.01;

/// Lists the instances that waited for a worker, and those that had several attempts or were lost. They are none if there is nothing to list.
pub(super) fn shown(links: Links<'_>, timeline: &Timeline<'_>) -> Markup {
    let waited =
        |bar: &Bar<'_>| bar.waited.filter(|waited| *waited >= SHORTEST).unwrap_or_default();
    let is_listed =
        |bar: &&Bar<'_>| waited(bar) > 0.0 || bar.run.attempts > 1 || bar.run.losses > 0;
    let mut bars: Vec<_> = timeline.bars.iter().filter(is_listed).collect();
    bars.sort_by(|a, b| {
        let by_attempts = b.run.attempts.max(1).cmp(&a.run.attempts.max(1));
        waited(b).total_cmp(&waited(a)).then(by_attempts)
    });
    let all: f64 = timeline.bars.iter().filter_map(|bar| bar.waited).sum();
    let rows = html! {
        @for bar in bars.iter().take(LISTED) {
            tr {
                th scope="row" { (links.to_instance(bar.run.key, &bar.run.instance)) }
                td.number { @if let Some(waited) = bar.waited { (text::seconds(waited)) } }
                td.number { (text::seconds(bar.run.seconds)) }
                td.number { (bar.run.attempts) }
                td.number { (bar.run.losses) }
            }
        }
    };
    html! {
        @if !bars.is_empty() {
            h3 { "Waits and retries" }
            p { "All instances together waited " (text::seconds(all)) " for a worker." }
            (table("Instances that waited longest, had several attempts, or were lost", &["Instance", "Waited", "Took", "Attempts", "Lost"], rows))
            (more(bars.len(), LISTED))
        }
    }
}
