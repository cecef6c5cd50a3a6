//! Time-outs: a task that takes too long has failed, and its late result is never committed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran};

/// Waits until `go`, at most ten seconds.
fn wait_for(go: &AtomicBool) {
    let begun = Instant::now();
    while !go.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
}

static RELEASE: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);

struct SetEnded;

impl Drop for SetEnded {
    fn drop(&mut self) {
        ENDED.store(true, Ordering::SeqCst);
    }
}

/// Ends long after its time-out.
#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.05)]
struct Hangs;

#[tracked]
impl Run for Hangs {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let _ended = SetEnded;
        wait_for(&RELEASE);
        Ok(7)
    }
}

#[derive(Task)]
#[task(requires = Hangs, target = Json<u64>)]
struct AfterHangs;

#[tracked]
impl Run for AfterHangs {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Other {
    n: u64,
}

#[tracked]
impl Run for Other {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Other { n } for n in 0..5u64], aggregate)]
struct Others;

#[test]
fn a_hung_task_fails_and_its_late_result_is_discarded() -> Result<()> {
    let (flow, _folder) = flow();
    let begun = Instant::now();
    // With one worker, the other tasks need the one of the hung task.
    let summary = failure(flow.workers(1).run::<(AfterHangs, Others)>());
    assert!(begun.elapsed() < Duration::from_secs(8), "the run waited for the task");
    assert_eq!(
        (failed(&summary), not_run(&summary)),
        (vec!["Hangs".into()], vec!["AfterHangs".into()])
    );
    assert_eq!(ran(&summary), ["Other"; 5]);
    let error = summary.failed()[0].error.clone().expect("an error");
    assert_eq!(error, "timed out after 50.0 ms");
    let why = flow.why::<Hangs>()?.to_string();
    assert!(why.contains("timed out after 50.0 ms"), "{why}");

    RELEASE.store(true, Ordering::SeqCst);
    wait_for(&ENDED);
    thread::sleep(Duration::from_millis(100));
    assert!(!flow.is_complete::<Hangs>()?);
    assert!(flow.load::<Hangs>().is_err());
    // Its files are gone.
    let garbage = flow.store().gc().older_than(Duration::ZERO).find()?;
    let is_output = |path: &std::path::PathBuf| {
        let is_json = path.extension().is_some_and(|it| it == "json");
        is_json && path.components().any(|part| part.as_os_str() == "Hangs")
    };
    let left = garbage.paths().into_iter().filter(is_output);
    assert_eq!(left.count(), 0, "{garbage}");
    Ok(())
}

static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

/// Takes too long at the first attempt.
#[derive(Task)]
#[task(target = Json<u32>, retries = 1, timeout = Duration::from_millis(u64::from(attempt) * 100))]
struct Improves;

#[tracked]
impl Run for Improves {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        let attempt = ATTEMPTS.fetch_add(1, Ordering::SeqCst) + 1;
        if attempt > 1 {
            return Ok(attempt);
        }
        loop {
            cx.checkpoint()?;
            thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn a_time_out_ends_at_a_checkpoint_and_is_tried_again() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Improves>()?), ["Improves"]);
    assert_eq!(*flow.load::<Improves>()?, 2);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct Sleeps;

#[tracked]
impl Run for Sleeps {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        cx.command("sleep").arg("60").run()?;
        Ok(1)
    }
}

#[cfg(unix)]
#[test]
fn the_flow_sets_a_time_out_and_programs_are_killed() {
    let (flow, _folder) = flow();
    let begun = Instant::now();
    let summary = failure(flow.timeout(Duration::from_millis(100)).run::<Sleeps>());
    assert_eq!(failed(&summary), ["Sleeps"]);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.1)]
struct Requires;

#[tracked]
impl Run for Requires {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.require::<Required>()?.load()?)
    }
}

/// Has no time-out of its own.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Required;

#[tracked]
impl Run for Required {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) {
            cx.checkpoint()?;
            thread::sleep(Duration::from_millis(2));
        }
        Ok(1)
    }
}

#[test]
fn a_time_out_counts_the_time_of_required_tasks_and_stops_them() {
    let (flow, _folder) = flow();
    let begun = Instant::now();
    let summary = failure(flow.workers(1).run::<Requires>());
    assert_eq!(failed(&summary), ["Requires"]);
    assert!(begun.elapsed() < Duration::from_secs(4), "the required task was not stopped");
    assert!(ran(&summary).is_empty(), "{summary}");
}

static REQUIRED_AGAIN: AtomicU32 = AtomicU32::new(0);

/// Waits too long at the first attempt.
#[derive(Task)]
#[task(target = Json<u32>, timeout = 0.2, retries = 1)]
struct RequiresAgain;

#[tracked]
impl Run for RequiresAgain {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        Ok(*cx.require::<SlowAtFirst>()?.load()?)
    }
}

#[derive(Task)]
#[task(target = Json<u32>)]
struct SlowAtFirst;

#[tracked]
impl Run for SlowAtFirst {
    fn run(&self, cx: &Cx<Self>) -> Result<u32> {
        let run = REQUIRED_AGAIN.fetch_add(1, Ordering::SeqCst) + 1;
        if run == 1 {
            loop {
                cx.checkpoint()?;
                thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(run)
    }
}

#[test]
fn the_next_attempt_requires_again_what_was_stopped() -> Result<()> {
    for workers in [0, 1, 2] {
        let (flow, _folder) = flow();
        REQUIRED_AGAIN.store(0, Ordering::SeqCst);
        let flow = flow.workers(workers);
        assert_eq!(ran(&flow.run::<RequiresAgain>()?), ["RequiresAgain", "SlowAtFirst"]);
        assert_eq!(*flow.load::<RequiresAgain>()?, 2);
    }
    Ok(())
}

#[test]
fn a_fast_task_is_not_affected() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.timeout(Duration::from_secs(600)).with(Other::N, 3);
    assert_eq!(ran(&flow.run::<Other>()?), ["Other"]);
    assert_eq!(*flow.load::<Other>()?, 3);
    Ok(())
}

static LATE: AtomicBool = AtomicBool::new(false);
static BEGUN: AtomicU32 = AtomicU32::new(0);
static LATE_ENDED: AtomicU32 = AtomicU32::new(0);

/// Logs before its time-out and after it.
#[derive(Task)]
#[task(requires(other = Other), target = Json<u64>, timeout = 0.2, retries = 1)]
struct LogsAndHangs;

#[tracked]
impl Run for LogsAndHangs {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let attempt = BEGUN.fetch_add(1, Ordering::SeqCst) + 1;
        cx.log(format_args!("attempt {attempt} begins"));
        cx.meta("rows", *cx.input().other.load()?)?;
        wait_for(&LATE);
        cx.log(format_args!("attempt {attempt} is late"));
        LATE_ENDED.fetch_add(1, Ordering::SeqCst);
        Ok(7)
    }
}

#[test]
fn what_was_logged_until_a_time_out_is_part_of_the_failure() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Other::N, 3);
    let summary = failure(flow.run::<LogsAndHangs>());
    assert_eq!(failed(&summary), ["LogsAndHangs"]);
    let instance = flow.graph::<LogsAndHangs>().instances()?.pop().context("a root")?;
    let recorded = || -> Result<_> { instance.failure()?.context("a failure") };
    let last = recorded()?;
    assert_eq!((last.attempts, &last.metadata["rows"]), (2, &3.into()));
    assert!(last.log.is_some(), "{last}");
    assert_eq!((&summary.failed()[0].log, summary.failed()[0].attempts), (&last.log, 2));
    let log = flow.log::<LogsAndHangs>()?.context("a log")?;
    assert_eq!(Some(log.path()), last.log.as_deref());
    assert!(log.text().ends_with(" attempt 2 begins\n"), "{log}");
    let earlier = instance.earlier_logs()?;
    let earlier: Vec<_> = earlier.iter().map(|log| (log.attempt(), log.text())).collect();
    let [(Some(1), first)] = earlier[..] else { panic!("the first attempt: {earlier:?}") };
    assert!(first.ends_with(" attempt 1 begins\n"), "{first}");
    // The recorded input is known, too.
    let debug = flow.debug::<LogsAndHangs>()?.to_string();
    assert!(debug.contains("timed out after 200.0 ms") && debug.contains("Other"), "{debug}");
    assert!(debug.contains(" attempt 2 begins"), "{debug}");

    // What the tasks log later is dropped.
    LATE.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    while LATE_ENDED.load(Ordering::SeqCst) < 2 && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(LATE_ENDED.load(Ordering::SeqCst), 2);
    assert_eq!(flow.log::<LogsAndHangs>()?.context("a log")?.text(), log.text());
    assert_eq!(instance.earlier_logs()?.len(), 1);
    assert_eq!(recorded()?, last);
    Ok(())
}
