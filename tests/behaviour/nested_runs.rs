//! Tasks that run a flow themselves: an instance that would wait for itself fails, and all others run.

use std::path::{Path, PathBuf};

use flow::prelude::*;

use crate::isolation::{Opened, open};
use crate::support::{failure, ran};

/// Opens the store that a running task is part of.
fn reopen(folder: &Path) -> Result<Flow> {
    Ok(Flow::open(folder)?.quiet())
}

#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Itself {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Itself {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(*reopen(&self.folder)?.with(Itself::FOLDER, &*self.folder).get::<Itself>()?)
    }
}

/// Its output is in memory, which no run claims.
#[derive(Task)]
#[task(target = Memory<u64>)]
struct Remembered {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Remembered {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(*reopen(&self.folder)?.with(Remembered::FOLDER, &*self.folder).get::<Remembered>()?)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Outer {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Outer {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(*reopen(&self.folder)?.with(Inner::FOLDER, &*self.folder).get::<Inner>()?)
    }
}

/// Runs in a child process, and there runs the task that has started it.
#[derive(Task)]
#[task(target = Json<u64>, isolate)]
struct Inner {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Inner {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(*reopen(&self.folder)?.with(Outer::FOLDER, &*self.folder).get::<Outer>()?)
    }
}

/// Runs another instance of itself: `n - 1`.
#[derive(Task)]
#[task(target = Json<u64>)]
pub(crate) struct Countdown {
    #[param(insignificant, default = "")]
    folder: PathBuf,
    n: u64,
}

#[tracked]
impl Run for Countdown {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        if self.n == 0 {
            return Ok(0);
        }
        let flow = reopen(&self.folder)?.with(Countdown::FOLDER, &*self.folder);
        Ok(*flow.with(Countdown::N, self.n - 1).get::<Countdown>()? + 1)
    }
}

/// Starts a run of itself in the background, and waits for it.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Background {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Background {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let flow = reopen(&self.folder)?.with(Background::FOLDER, &*self.folder);
        flow.spawn::<Background>().join()?;
        Ok(1)
    }
}

/// Requires a task that runs it.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Requirer {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Requirer {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.with(Required::FOLDER, &*self.folder).require::<Required>()?.load()?)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Required {
    #[param(insignificant, default = "")]
    folder: PathBuf,
}

#[tracked]
impl Run for Required {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let flow = reopen(&self.folder)?.with(Requirer::FOLDER, &*self.folder);
        Ok(*flow.get::<Requirer>()?)
    }
}

fn data(opened: &Opened) -> PathBuf {
    opened.folder.join("data")
}

#[test]
fn an_instance_that_runs_itself_fails() {
    let opened = open();
    let flow = opened.flow.with(Itself::FOLDER, data(&opened));
    for flow in [flow.workers(0), flow.workers(2)] {
        let summary = failure(flow.run::<Itself>()).to_string();
        assert!(summary.contains("it requires itself while it runs: Itself → Itself"), "{summary}");
    }
}

#[test]
fn an_instance_in_memory_that_runs_itself_fails() {
    let opened = open();
    let flow = opened.flow.with(Remembered::FOLDER, data(&opened));
    let summary = failure(flow.run::<Remembered>()).to_string();
    let cycle = "it requires itself while it runs: Remembered → Remembered";
    assert!(summary.contains(cycle), "{summary}");
}

#[test]
fn an_instance_that_runs_itself_through_a_child_process_fails() {
    let opened = open();
    let flow = opened.flow.with(Outer::FOLDER, data(&opened));
    let summary = failure(flow.run::<Outer>()).to_string();
    let cycle = "it requires itself while it runs: Outer → Inner → Outer";
    assert!(summary.contains(cycle), "{summary}");
}

#[test]
fn a_task_may_run_other_instances_of_itself() -> Result<()> {
    let opened = open();
    let flow = opened.flow.with(Countdown::FOLDER, data(&opened)).with(Countdown::N, 5);
    for flow in [flow.workers(0), flow.with(Countdown::N, 7)] {
        assert_eq!(ran(&flow.run::<Countdown>()?), ["Countdown"]);
        assert!(ran(&flow.run::<Countdown>()?).is_empty());
    }
    assert_eq!(*flow.with(Countdown::N, 7).load::<Countdown>()?, 7);
    Ok(())
}

#[test]
fn an_instance_that_runs_itself_in_the_background_fails() {
    let opened = open();
    let flow = opened.flow.with(Background::FOLDER, data(&opened));
    let summary = failure(flow.run::<Background>()).to_string();
    let cycle = "it requires itself while it runs: Background → Background";
    assert!(summary.contains(cycle), "{summary}");
}

#[test]
fn an_instance_that_a_required_task_runs_fails() {
    let opened = open();
    let flow = opened.flow.with(Requirer::FOLDER, data(&opened));
    for flow in [flow.workers(0), flow.workers(2)] {
        let summary = failure(flow.run::<Requirer>()).to_string();
        let cycle = "it requires itself while it runs: Requirer → Required → Requirer";
        assert!(summary.contains(cycle), "{summary}");
    }
}

#[cfg(unix)]
#[test]
fn an_instance_that_runs_itself_in_the_same_store_by_another_path_fails() {
    let opened = open();
    let link = opened.folder.join("link");
    std::os::unix::fs::symlink(data(&opened), &link).expect("a link");
    let flow = opened.flow.with(Itself::FOLDER, &*link);
    let summary = failure(flow.run::<Itself>()).to_string();
    assert!(summary.contains("it requires itself while it runs: Itself → Itself"), "{summary}");
}
