//! Two runs whose tasks require each other while they run: neither waits for the other one forever.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use flow::Summary;
use flow::prelude::*;

use crate::support::failure;

/// Which of two tasks requires the other one, and where they meet before they do.
struct Way {
    first_requires: bool,
    second_requires: bool,
    meet: Arc<Barrier>,
    has_met: AtomicBool,
}

impl Way {
    /// Waits, in the first task of a run, until that of the other run has begun.
    fn meet(&self) {
        if !self.has_met.swap(true, Ordering::SeqCst) {
            self.meet.wait();
        }
    }
}

#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct First;

runs!(First: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    way.meet();
    Ok(if way.first_requires { *cx.require::<Second>()?.load()? + 1 } else { 1 })
});

#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct Second;

runs!(Second: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    way.meet();
    Ok(if way.second_requires { *cx.require::<First>()?.load()? + 1 } else { 1 })
});

/// Runs `First` in one flow and `Second` in another one. Both have begun before either requires the other.
fn run_both(ways: [(bool, bool); 2]) -> Result<[Result<Summary, flow::Error>; 2]> {
    let folder = tempfile::tempdir()?;
    let meet = Arc::new(Barrier::new(2));
    let flow = |(first_requires, second_requires)| {
        let (meet, has_met) = (Arc::clone(&meet), AtomicBool::new(false));
        let flow = Flow::open(folder.path().join("data"))?.quiet().workers(1);
        anyhow::Ok(flow.provide(Way { first_requires, second_requires, meet, has_met }))
    };
    let (one, other) = (flow(ways[0])?, flow(ways[1])?);
    Ok(std::thread::scope(|scope| {
        let runs = [scope.spawn(|| one.run::<First>()), scope.spawn(|| other.run::<Second>())];
        runs.map(|run| run.join().expect("no panic"))
    }))
}

#[test]
fn runs_that_require_each_other_end() -> Result<()> {
    // In each run alone, one task requires the other one.
    for run in run_both([(true, false), (false, true)])? {
        run?;
    }
    Ok(())
}

#[test]
fn a_task_that_requires_itself_through_another_run_is_an_error() -> Result<()> {
    for run in run_both([(true, true), (true, true)])? {
        let text = failure(run).to_string();
        assert!(text.contains("requires itself"), "{text}");
    }
    Ok(())
}
