//! The jobs of a run whose tasks ran elsewhere: on which worker each ran, and how long it was in the queue before.

use std::collections::BTreeSet;

use flow_core::InstanceRun;
use maud::{Markup, html};

use super::timeline::Timeline;
use crate::elements::{badge, more, table};
use crate::links::Links;
use crate::text;

/// The headers of a table of jobs.
pub(super) const HEADERS: [&str; 5] = ["Instance", "State", "Worker", "In the queue", "Ran"];

/// The number of jobs that are listed, those that were in the queue for the longest time.
const LISTED: usize = 100;

/// Returns whether an instance was a job of an executor.
pub(super) fn is_job(run: &InstanceRun) -> bool {
    run.worker.is_some() || run.queue_seconds.is_some()
}

/// Lists the jobs of a run that has recorded them. There is nothing to see if there are none.
pub(super) fn shown(links: Links<'_>, timeline: &Timeline<'_>) -> Markup {
    let mut jobs = timeline.jobs.clone();
    let queued = |run: &InstanceRun| run.queue_seconds.unwrap_or_default();
    jobs.sort_by(|a, b| queued(b).total_cmp(&queued(a)));
    let waited: f64 =
        jobs.iter().map(|run| queued(run)).filter(|seconds| seconds.is_finite()).sum();
    let workers: BTreeSet<_> = jobs.iter().filter_map(|run| run.worker.as_deref()).collect();
    let rows = html! {
        @for run in jobs.iter().take(LISTED) {
            tr {
                th scope="row" { (links.to_instance(run.key, &run.instance)) }
                td { (badge(&run.outcome.to_string())) }
                td { @if let Some(worker) = &run.worker { (text::clipped(worker, 100)) } }
                td.number { @if let Some(seconds) = run.queue_seconds { (text::seconds(seconds)) } }
                td.number { @if run.worker.is_some() { (text::seconds(run.seconds)) } }
            }
        }
    };
    html! {
        @if !jobs.is_empty() {
            h3 { "Jobs" }
            p {
                (text::count(jobs.len(), "job")) " on " (text::count(workers.len(), "worker"))
                ". Together they were in the queue for " (text::seconds(waited)) "."
            }
            (table("Jobs, those that were in the queue for the longest time first", &HEADERS, rows))
            (more(jobs.len(), LISTED))
        }
    }
}
