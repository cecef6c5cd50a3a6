//! The run that this program does now: progress, running tasks, events, and a button that stops it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use flow_core::Key;
use futures_util::stream::{Stream, unfold};
use maud::{Markup, html};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::{instance_link, jobs};
use crate::elements::{badge, more, table};
use crate::error::ViewError;
use crate::frame::{Place, View, refusal, respond};
use crate::live::{LiveJob, LiveRun, RunningInstance};
use crate::state::Shared;
use crate::text;

/// The number of jobs in progress that are listed: those that run, and those that have waited longest.
const JOBS: usize = 100;

/// The shortest time between two messages, and the longest while a run is in progress.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(1);

pub(crate) async fn get(Extract(shared): Extract<Arc<Shared>>) -> Response {
    respond(shared, view).await
}

fn view(shared: &Shared) -> Result<View, ViewError> {
    let run = shared.live.run();
    let body = html! {
        div #live data-live="/live/events" { (fragment(&run, !shared.options.is_read_only())) }
    };
    Ok(View::new("Live run", Place::Live, body))
}

/// Shows the run; with `can_stop`, also the button.
fn fragment(run: &LiveRun, can_stop: bool) -> Markup {
    let mut running: Vec<_> = run.running.iter().collect();
    running.sort_by_key(|(_, one)| one.begun);
    html! {
        @if !run.title.is_empty() { p { (text::clipped(&run.title, 1_000)) } }
        p role="status" { (headline(run)) }
        @if run.of > 0 {
            progress max=(run.of) value=(run.settled.min(run.of)) aria-label="Settled instances" {
                (run.settled) " of " (run.of)
            }
        }
        @if run.instances > 0 { p.note { "The graph has " (text::count(run.instances, "instance")) "." } }
        @if run.is_running && can_stop {
            form method="post" action="/live/stop" {
                button.stop type="submit" disabled[run.is_stopping] {
                    @if run.is_stopping { "Stopping" } @else { "Stop the run" }
                }
            }
        }
        @if let Some(result) = &run.result {
            @match result {
                Ok(summary) => pre { (text::block(summary)) },
                Err(error) => pre.error { (text::block(error)) },
            }
        }
        @if !running.is_empty() {
            h2 { "Running" }
            ul.running {
                @for (key, one) in running { li { (instance_link(*key, &one.label)) (progress_of(one)) } }
            }
        }
        (jobs_of(run))
        @if !run.lines.is_empty() {
            h2 { "Events" }
            pre.events tabindex="0" role="region" aria-label="Events, the latest first" {
                @for line in run.lines.iter().rev() { (text::line(line)) "\n" }
            }
        }
    }
}

/// Shows the jobs of an executor, those in progress first.
fn jobs_of(run: &LiveRun) -> Markup {
    let mut open: Vec<_> = run.jobs.iter().collect();
    open.sort_by(|(_, a), (_, b)| {
        let by_state = b.worker.is_some().cmp(&a.worker.is_some());
        by_state.then(a.submitted.cmp(&b.submitted))
    });
    let running = open.iter().filter(|(_, job)| job.worker.is_some()).count();
    let ended = run.ended.iter().rev().map(|(key, job)| (key, job));
    let listed = open.iter().take(JOBS).copied().chain(ended);
    let row = |(key, job): (&Key, &LiveJob)| {
        html! {
            tr {
                th scope="row" { (instance_link(*key, &job.label)) }
                td { (badge(job.state())) }
                td { @if let Some(worker) = &job.worker { (text::clipped(worker, 100)) } }
                td.number { (text::seconds(job.queue_seconds())) }
                td.number { @if let Some(seconds) = job.seconds() { (text::seconds(seconds)) } }
            }
        }
    };
    let rows = html! { @for job in listed { (row(job)) } };
    html! {
        @if !open.is_empty() || !run.ended.is_empty() {
            h2 { "Jobs" }
            p.note { (running) " run on workers, " (open.len() - running) " wait in the queue." }
            (table("Jobs in progress, and those that have ended last", &jobs::HEADERS, rows))
            (more(open.len(), JOBS))
        }
    }
}

fn headline(run: &LiveRun) -> String {
    if run.begun.is_none() {
        return "No run of this program has begun. Runs of other programs are in the list of runs."
            .to_owned();
    }
    let mut line = match (run.is_running, run.seconds) {
        (true, _) => format!("Running: {} of {} instances settled", run.settled, run.of),
        (false, Some(seconds)) => {
            format!("Ended after {}: {} instances settled", text::seconds(seconds), run.settled)
        }
        (false, None) => "Ended".to_owned(),
    };
    if run.failed > 0 {
        line.push_str(&format!(", {} failed", run.failed));
    }
    if let Some(left) = run.seconds_left() {
        line.push_str(&format!(", about {} left", text::seconds(left)));
    }
    line
}

fn progress_of(one: &RunningInstance) -> Markup {
    html! {
        " for " (text::seconds(one.begun.elapsed().as_secs_f64()))
        @if one.attempt > 1 { ", attempt " (one.attempt) }
        @match one.progress {
            Some((done, 0)) => { ", " (done) " done" },
            Some((done, total)) => {
                " " progress max=(total) value=(done.min(total)) aria-label="Progress of the task" {}
                " " (done) " of " (total)
            },
            None => {},
        }
        @if let Some(status) = &one.status { ": " (text::clipped(status, 200)) }
    }
}

/// Streams the run to a page that is open.
pub(crate) async fn events(Extract(shared): Extract<Arc<Shared>>) -> Response {
    let Ok(permit) = Arc::clone(&shared.streams).try_acquire_owned() else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "Too many pages are open.");
    };
    let changes = shared.live.watch();
    let watched = Watched { shared, changes, is_first: true, _permit: permit };
    Sse::new(stream(watched)).keep_alive(KeepAlive::default()).into_response()
}

/// A page that watches the run.
struct Watched {
    shared: Arc<Shared>,
    changes: watch::Receiver<u64>,
    is_first: bool,
    _permit: OwnedSemaphorePermit,
}

fn stream(watched: Watched) -> impl Stream<Item = Result<Event, Infallible>> + Send + 'static {
    unfold(watched, |mut watched| async move {
        if !std::mem::take(&mut watched.is_first) {
            tokio::time::sleep(SHORTEST).await;
            let is_running = watched.shared.live.run().is_running;
            let change = watched.changes.changed();
            if is_running {
                // The durations change while nothing else does.
                let _ = tokio::time::timeout(LONGEST, change).await;
            } else {
                change.await.ok()?;
            }
        }
        let can_stop = !watched.shared.options.is_read_only();
        let html = watched.shared.live.rendered(|run| fragment(run, can_stop).into_string());
        Some((Ok(Event::default().event("live").data(&*html)), watched))
    })
}

/// Stops the run in progress. The guard has refused other sites and read-only pages.
pub(crate) async fn stop(Extract(shared): Extract<Arc<Shared>>) -> Response {
    shared.stop_run();
    (StatusCode::SEE_OTHER, [(LOCATION, "/live")]).into_response()
}
