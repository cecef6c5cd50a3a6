//! When a task fails, downstream tasks are not run and all others are. The next run continues from there.

use std::sync::atomic::{AtomicBool, Ordering};

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, preview, ran, without_ages};

static BROKEN: AtomicBool = AtomicBool::new(true);

#[derive(Task)]
#[task(target = Json<u32>)]
struct Good;

#[tracked]
impl Run for Good {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Good, target = Json<u32>)]
struct Bad;

#[tracked]
impl Run for Bad {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        ensure!(!BROKEN.load(Ordering::Relaxed), "division by zero");
        Ok(2)
    }
}

#[derive(Task)]
#[task(requires(Good, Bad), target = Json<u32>)]
struct Both;

#[tracked]
impl Run for Both {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        let (good, bad) = cx.input();
        Ok(*good.load()? + *bad.load()?)
    }
}

#[derive(Task)]
#[task(requires = Good, target = Json<u32>)]
struct Aside;

#[tracked]
impl Run for Aside {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        Ok(*cx.input().load()? * 10)
    }
}

#[test]
fn only_tasks_downstream_of_a_failed_task_are_not_run() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<(Both, Aside)>());
    assert_eq!(ran(&summary), ["Aside", "Good"]);
    assert_eq!(failed(&summary), ["Bad"]);
    assert_eq!(not_run(&summary), ["Both"]);
    assert_eq!(summary.failed()[0].error.as_deref(), Some("division by zero"));
    assert_eq!(summary.not_run()[0].error.as_deref(), Some("Bad failed"));
    let shown = preview::<Both>(&flow);
    assert!(
        without_ages(&shown).contains("Bad PENDING failed last time: division by zero (AGE ago)"),
        "{shown}"
    );
    let error = flow.load::<Both>().expect_err("it is not complete").to_string();
    assert_eq!(error, "Both is not complete (never run): run it with `flow.run::<Both>()`");

    BROKEN.store(false, Ordering::Relaxed);
    assert_eq!(ran(&flow.run::<(Both, Aside)>()?), ["Bad", "Both"]);
    assert_eq!((*flow.load::<Both>()?, *flow.load::<Aside>()?), (3, 10));
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Panics;

#[tracked]
impl Run for Panics {
    fn run(&self, _cx: &Cx<Self>) -> Result<u32> {
        let empty: Vec<u32> = Vec::new();
        Ok(empty[1])
    }
}

#[test]
fn a_panic_is_a_failed_task() {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<(Panics, Good)>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Good".into()], vec!["Panics".into()]));
    let error = summary.failed()[0].error.clone().expect("an error");
    let (place, message) = error.split_once(": ").expect("a place");
    // The line is that of `empty[1]`.
    let line = place.strip_prefix(&format!("it panicked at {}:", file!()));
    assert!(line.is_some_and(|line| line.parse::<u32>().is_ok()), "{error}");
    assert!(message.starts_with("index out of bounds"), "{error}");
    assert!(summary.to_string().contains(&format!("Panics: {place}: index out")), "{summary}");
    assert!(preview::<Panics>(&flow).contains(&format!("failed last time: {place}: index out")));
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Fails;

runs!(Fails: u32 = |self, _cx| bail!("no data"));

/// Runs a test in a child process, in which errors have backtraces: the standard library reads the variable once.
///
/// `test` must be a closure in the test function: see [`alone`](crate::support::alone).
pub(crate) fn with_backtraces<F: FnOnce() -> Result<()>>(test: F) -> Result<()> {
    const INSIDE: &str = "FLOW_TEST_BACKTRACE";
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let name = std::any::type_name::<F>().split_once("::").map(|(_, name)| name);
    let name = name.and_then(|name| name.strip_suffix("::{{closure}}")).expect("a closure");
    let output = std::process::Command::new(std::env::current_exe()?)
        .args([name, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .env("RUST_BACKTRACE", "1")
        .env_remove("RUST_LIB_BACKTRACE")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && printed.contains("1 passed");
    ensure!(passed, "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn a_captured_backtrace_is_shown_and_stored() -> Result<()> {
    with_backtraces(|| {
        let (flow, _folder) = flow();
        let summary = failure(flow.run::<(Fails, Panics)>());
        let entries = summary.failed();
        let fails = entries.iter().find(|entry| entry.task() == "Fails").context("it fails")?;
        assert_eq!(fails.error.as_deref(), Some("no data"));
        let backtrace = fails.backtrace.as_deref().context("it was captured")?;
        assert!(backtrace.contains("Fails"), "{backtrace}");
        let text = summary.to_string();
        assert!(text.contains("Fails: no data\n      backtrace:\n"), "{text}");
        assert_eq!(
            text.matches("\n      backtrace:\n").count(),
            1,
            "that of a panic is printed by the hook"
        );
        let stored = crate::support::one_file(&flow.folder().join("Fails"), "failure", ".json");
        let stored: serde_json::Value = serde_json::from_slice(&std::fs::read(stored)?)?;
        assert_eq!(stored["backtrace"].as_str(), Some(backtrace));
        let shown = preview::<Fails>(&flow);
        assert!(
            shown.contains("failed last time: no data (") && !shown.contains("backtrace"),
            "{shown}"
        );
        Ok(())
    })
}
