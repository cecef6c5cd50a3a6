//! Two runs whose tasks require each other while they run: neither waits for the other one forever.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

use flow::Summary;
use flow::prelude::*;
use tempfile::TempDir;

use crate::support::{ends, failure};

/// Which of two tasks requires the other one, and where they meet before they do.
struct Way {
    /// The folder of the store.
    data: PathBuf,
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

    /// Opens the store once more, for a run inside a task: its tasks do not meet those of other runs.
    fn reopened(&self) -> Result<Flow> {
        let way = Self {
            data: self.data.clone(),
            first_requires: self.first_requires,
            second_requires: self.second_requires,
            meet: Arc::clone(&self.meet),
            has_met: AtomicBool::new(true),
        };
        Ok(Flow::open(&self.data)?.quiet().workers(1).provide(way))
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

/// Runs the other one in a flow of its own.
#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct FirstRuns;

runs!(FirstRuns: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    way.meet();
    Ok(*way.reopened()?.get::<SecondRuns>()? + 1)
});

#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct SecondRuns;

runs!(SecondRuns: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    way.meet();
    Ok(*way.reopened()?.get::<FirstRuns>()? + 1)
});

/// Debugs the other one. It fails at first, because only an instance that has run can be debugged.
#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct FirstDebugs;

runs!(FirstDebugs: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    ensure!(way.first_requires, "it fails at first");
    way.meet();
    let run = way.reopened()?.debug::<SecondDebugs>()?.run_and_commit()?;
    Ok(*run.into_result()? + 1)
});

#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct SecondDebugs;

runs!(SecondDebugs: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    ensure!(way.second_requires, "it fails at first");
    way.meet();
    let run = way.reopened()?.debug::<FirstDebugs>()?.run_and_commit()?;
    Ok(*run.into_result()? + 1)
});

/// Runs a flow that requires it, if it is told to.
#[derive(Task)]
#[task(uses(Way), target = Json<u64>)]
struct RunsItself;

runs!(RunsItself: u64 = |self, cx| {
    let way = cx.provided::<Way>();
    ensure!(way.first_requires, "it fails at first");
    Ok(*way.reopened()?.get::<AfterItself>()? + 1)
});

#[derive(Task)]
#[task(requires = RunsItself, target = Json<u64>)]
struct AfterItself;

runs!(AfterItself: u64 = |self, cx| Ok(*cx.input().load()? + 1));

/// Runs `A` in one flow and `B` in another one. Both have begun before either requires the other.
fn run_both<A: Run, B: Run>(
    ways: [(bool, bool); 2],
    workers: usize,
) -> Result<[Result<Summary, flow::Error>; 2]> {
    run_both_in::<A, B>(tempfile::tempdir()?, ways, workers)
}

fn run_both_in<A: Run, B: Run>(
    folder: TempDir,
    ways: [(bool, bool); 2],
    workers: usize,
) -> Result<[Result<Summary, flow::Error>; 2]> {
    let meet = Arc::new(Barrier::new(2));
    let flow = |(first_requires, second_requires)| {
        let (meet, has_met) = (Arc::clone(&meet), AtomicBool::new(false));
        let data = folder.path().join("data");
        let flow = Flow::open(&data)?.quiet().workers(workers);
        anyhow::Ok(flow.provide(Way { data, first_requires, second_requires, meet, has_met }))
    };
    let (one, other) = (flow(ways[0])?, flow(ways[1])?);
    Ok(ends(move || {
        let runs = std::thread::scope(|scope| {
            let runs = [scope.spawn(|| one.run::<A>()), scope.spawn(|| other.run::<B>())];
            runs.map(|run| run.join().expect("no panic"))
        });
        drop(folder);
        runs
    }))
}

#[test]
fn runs_that_require_each_other_end() -> Result<()> {
    // In each run alone, one task requires the other one.
    for run in run_both::<First, Second>([(true, false), (false, true)], 1)? {
        run?;
    }
    Ok(())
}

#[test]
fn a_task_that_requires_itself_through_another_run_is_an_error() -> Result<()> {
    for workers in [1, 4] {
        for run in run_both::<First, Second>([(true, true), (true, true)], workers)? {
            let text = failure(run).to_string();
            let chains = ["First → Second → First", "Second → First → Second"];
            let names =
                |chain| text.contains(&format!("it requires itself while it runs: {chain}"));
            assert!(chains.into_iter().any(names), "{text}");
        }
    }
    Ok(())
}

#[test]
fn tasks_that_run_each_other_in_two_runs_are_an_error() -> Result<()> {
    for run in run_both::<FirstRuns, SecondRuns>([(true, true), (true, true)], 1)? {
        let text = failure(run).to_string();
        let chains = ["FirstRuns → SecondRuns → FirstRuns", "SecondRuns → FirstRuns → SecondRuns"];
        let names = |chain| text.contains(&format!("it requires itself while it runs: {chain}"));
        assert!(chains.into_iter().any(names), "{text}");
    }
    Ok(())
}

/// Returns a flow with this store in which both tasks do the same.
fn flow_in(folder: &TempDir, requires: bool) -> Result<Flow> {
    let (data, meet) = (folder.path().join("data"), Arc::new(Barrier::new(1)));
    let flow = Flow::open(&data)?.quiet().workers(1);
    let (first_requires, second_requires, has_met) = (requires, requires, AtomicBool::new(false));
    Ok(flow.provide(Way { data, first_requires, second_requires, meet, has_met }))
}

#[test]
fn tasks_that_debug_each_other_in_two_runs_are_an_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let before = flow_in(&folder, false)?;
    failure(before.run::<FirstDebugs>());
    failure(before.run::<SecondDebugs>());
    for run in run_both_in::<FirstDebugs, SecondDebugs>(folder, [(true, true), (true, true)], 1)? {
        let text = failure(run).to_string();
        let chains = [
            "FirstDebugs → SecondDebugs → FirstDebugs",
            "SecondDebugs → FirstDebugs → SecondDebugs",
        ];
        let names = |chain| text.contains(&format!("it requires itself while it runs: {chain}"));
        assert!(chains.into_iter().any(names), "{text}");
    }
    Ok(())
}

#[test]
fn a_debugged_task_that_runs_itself_is_an_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    failure(flow_in(&folder, false)?.run::<RunsItself>());
    let flow = flow_in(&folder, true)?;
    let run = ends(move || {
        let run = flow.debug::<RunsItself>().and_then(|debug| debug.run_and_commit());
        run.map(|run| run.into_result().map(|value| *value).map_err(|error| format!("{error:#}")))
    })?;
    let text = run.expect_err("it cannot run");
    assert!(text.contains("it requires itself while it runs: RunsItself → RunsItself"), "{text}");
    Ok(())
}
