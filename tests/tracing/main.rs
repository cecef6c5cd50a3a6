//! With the cargo feature `tracing`, events of the crates `tracing` and `log` that are emitted while a task runs go to
//! the log of its instance, and spans show what the library does.

use std::sync::{Arc, Mutex, OnceLock};

use flow::prelude::*;
use flow::remote::RemoteFolder;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as Cx2, SubscriberExt};

/// The names of the spans of this library that were entered, for each thread that asks for them.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Cx2<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target() == "flow" {
            self.0.lock().expect("no panic").push(metadata.name().to_owned());
        }
    }
}

/// Installs the layer and the logger once in this process. Returns the spans so far.
fn install() -> Spans {
    static SPANS: OnceLock<Spans> = OnceLock::new();
    let installed = SPANS.get_or_init(|| {
        let spans = Spans::default();
        let subscriber =
            tracing_subscriber::registry().with(spans.clone()).with(flow::log::layer());
        tracing::subscriber::set_global_default(subscriber).expect("the only subscriber");
        let logger = flow::log::logger().and(flow::log::logger());
        log::set_boxed_logger(Box::new(logger)).expect("the only logger");
        log::set_max_level(log::LevelFilter::Info);
        spans
    });
    installed.clone()
}

fn flow() -> (Flow, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let flow = Flow::open(folder.path().join("data")).expect("a store").quiet();
    (flow, folder)
}

#[task(target = Json<u64>)]
fn part(#[param(default = 1)] n: u64) -> Result<u64> {
    tracing::info!(n, half = n as f64 / 2.0, "computing");
    tracing::debug!(target: "elsewhere", "in detail: {:?}", "\u{1b}[2J");
    log::info!("an old event of {n}");
    log::debug!("below the level");
    ensure!(n < 5, "too large");
    Ok(n)
}

#[task(requires = [part { n } for n in 1..4u64], target = Json<u64>)]
fn total(cx: &Cx<total>, parts: &[u64]) -> Result<u64> {
    let scope = cx.log_scope();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            tracing::info!("on a thread that runs no task");
            let _entered = scope.enter();
            tracing::info!("on a thread that has entered");
        });
    });
    Ok(parts.iter().sum())
}

/// Returns the lines of a log without the times.
fn lines(log: &flow::log::TaskLog) -> Vec<String> {
    let line = |line: &str| line.split_once('Z').expect("a time").1.to_owned();
    log.text().lines().map(line).collect()
}

#[test]
fn events_go_to_the_log_of_the_task_that_emits_them() -> Result<()> {
    install();
    let (flow, _folder) = flow();
    tracing::info!("no task runs here");
    flow.workers(3).run::<total>()?;
    for n in 1..4u64 {
        let log = flow.graph::<total>().at(part::N, n).log::<part>()?.context("a log")?;
        let old = format!("  INFO tracing: an old event of {n}");
        assert_eq!(
            lines(&log),
            [
                format!("  INFO tracing: computing n={n} half={:?}", n as f64 / 2.0),
                " DEBUG elsewhere: in detail: \"\\u{1b}[2J\"".to_owned(),
                old.clone(),
                // There are two loggers.
                old,
            ]
        );
    }
    let log = flow.log::<total>()?.context("a log")?;
    assert_eq!(lines(&log), ["  INFO tracing: on a thread that has entered"]);

    // A failed task keeps them.
    let large = flow.with(part::N, 7);
    large.run::<part>().expect_err("too large");
    assert_eq!(lines(&large.log::<part>()?.context("a log")?).len(), 4);
    Ok(())
}

#[test]
fn spans_show_what_the_library_does() -> Result<()> {
    let spans = install();
    let (flow, folder) = flow();
    let remote = RemoteFolder::new(folder.path().join("remote"));
    flow.run::<part>()?;
    flow.push::<part>(&remote)?;
    let other = Flow::open(folder.path().join("other"))?.quiet();
    other.pull::<part>(&remote)?;
    let seen = spans.0.lock().expect("no panic").clone();
    for name in ["plan", "judge", "task", "commit", "push", "pull"] {
        assert!(seen.iter().any(|span| span == name), "{name} is not in {seen:?}");
    }
    Ok(())
}
