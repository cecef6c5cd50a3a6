//! A run ends whatever its tasks wait for: a task that hangs, a later attempt, an instance that is not run any more.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;
use flow::{Event, OnFailure};

use crate::events::observed;
use crate::support::{failed, failure, flow, ran};

/// Calls a function on another thread. Panics if it takes much longer than a run of these tests should.
fn in_time<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, result) = mpsc::channel();
    thread::spawn(move || sender.send(run()));
    result.recv_timeout(Duration::from_secs(20)).expect("the run ends")
}

/// Waits until `go`, at most half a minute.
fn wait_for(go: &AtomicBool) {
    let begun = Instant::now();
    while !go.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(1));
    }
}

static RELEASE_STUCK: AtomicBool = AtomicBool::new(false);

/// Starts first, and hangs.
#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.05, priority = 1)]
struct Stuck;

runs!(Stuck: u64 = |self, cx| {
    wait_for(&RELEASE_STUCK);
    Ok(1)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Next;

runs!(Next: u64 = |self, cx| Ok(1));

#[test]
fn a_task_that_waits_for_the_only_worker_runs_after_its_time_out() {
    let (flow, _folder) = flow();
    // The second task was sent to the worker before the first one timed out, and nothing is sent after that.
    let summary = in_time(move || failure(flow.workers(1).run::<(Stuck, Next)>()));
    RELEASE_STUCK.store(true, Ordering::SeqCst);
    assert_eq!((failed(&summary), ran(&summary)), (vec!["Stuck".into()], vec!["Next".into()]));
}

static LATE: AtomicU32 = AtomicU32::new(0);

/// Requires another task long after its time-out, when the run has nothing else to do.
#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.02)]
struct RequiresLate;

runs!(RequiresLate: u64 = |self, cx| {
    thread::sleep(Duration::from_millis(300));
    let required = cx.require::<Next>();
    LATE.fetch_add(1, Ordering::SeqCst);
    Ok(*required?.load()?)
});

#[test]
fn a_late_request_on_the_calling_thread_is_refused() {
    let (flow, _folder) = flow();
    let summary = in_time(move || failure(flow.workers(0).run::<RequiresLate>()));
    assert_eq!((failed(&summary), ran(&summary)), (vec!["RequiresLate".into()], vec![]));
    assert_eq!(LATE.load(Ordering::SeqCst), 1);
}

static TRIES: AtomicU32 = AtomicU32::new(0);

/// Fails once.
#[derive(Task)]
#[task(target = Json<u64>, retries = 1, backoff = Duration::from_millis(50))]
struct TriedAgain;

runs!(TriedAgain: u64 = |self, cx| {
    ensure!(TRIES.fetch_add(1, Ordering::SeqCst) > 0, "the first attempt");
    Ok(5)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct RequiresTriedAgain;

runs!(RequiresTriedAgain: u64 = |self, cx| Ok(*cx.require::<TriedAgain>()?.load()?));

#[test]
fn without_workers_a_task_waits_for_the_next_attempt_of_another() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(0);
    let of_run = flow.clone();
    let summary = in_time(move || of_run.run::<(TriedAgain, RequiresTriedAgain)>())?;
    assert_eq!(ran(&summary), ["RequiresTriedAgain", "TriedAgain"]);
    assert_eq!(TRIES.load(Ordering::SeqCst), 2);
    assert_eq!(*flow.load::<RequiresTriedAgain>()?, 5);
    Ok(())
}

static DELAYED: AtomicU32 = AtomicU32::new(0);
static REQUIRES: AtomicBool = AtomicBool::new(false);

/// Fails once, and is tried again much later.
#[derive(Task)]
#[task(target = Json<u64>, retries = 1, backoff = Duration::from_secs(600), priority = 2)]
struct Delayed;

runs!(Delayed: u64 = |self, cx| {
    ensure!(DELAYED.fetch_add(1, Ordering::SeqCst) > 0, "the first attempt");
    Ok(6)
});

#[derive(Task)]
#[task(target = Json<u64>, priority = 1)]
struct RequiresDelayed;

runs!(RequiresDelayed: u64 = |self, cx| {
    while DELAYED.load(Ordering::SeqCst) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    // The coordinator knows of the failure.
    thread::sleep(Duration::from_millis(100));
    REQUIRES.store(true, Ordering::SeqCst);
    Ok(*cx.require::<Delayed>()?.load()?)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct FailsThen;

runs!(FailsThen: u64 = |self, cx| {
    wait_for(&REQUIRES);
    thread::sleep(Duration::from_millis(100));
    bail!("no")
});

#[test]
fn a_task_does_not_wait_for_an_attempt_that_never_comes() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(3).on_failure(OnFailure::FinishRunning);
    let of_run = flow.clone();
    let summary = in_time(move || failure(of_run.run::<(Delayed, RequiresDelayed, FailsThen)>()));
    assert_eq!(failed(&summary), ["FailsThen"]);
    // The running task continues, and so what it requires is run for it.
    assert_eq!(*flow.load::<RequiresDelayed>()?, 6);
    assert_eq!(DELAYED.load(Ordering::SeqCst), 2);
    Ok(())
}

static FIRST: AtomicBool = AtomicBool::new(true);
static RELEASE_FIRST: AtomicBool = AtomicBool::new(false);

/// Hangs in the first run.
#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.05)]
struct HangsOnce;

runs!(HangsOnce: u64 = |self, cx| {
    if FIRST.swap(false, Ordering::SeqCst) {
        wait_for(&RELEASE_FIRST);
    }
    Ok(1)
});

#[test]
fn the_next_run_does_not_wait_for_a_task_that_timed_out() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(failed(&failure(flow.run::<HangsOnce>())), ["HangsOnce"]);
    // The task is still running in this process.
    let of_run = flow.clone();
    let summary = in_time(move || of_run.run::<HangsOnce>());
    RELEASE_FIRST.store(true, Ordering::SeqCst);
    assert_eq!(ran(&summary?), ["HangsOnce"]);
    Ok(())
}

/// Reports something after its time-out, and ends at a checkpoint.
#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.05)]
struct ReportsLate;

runs!(ReportsLate: u64 = |self, cx| {
    while cx.checkpoint().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(50));
    cx.status("too late");
    cx.progress(1, 2);
    cx.checkpoint()?;
    Ok(1)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct TakesLonger;

runs!(TakesLonger: u64 = |self, cx| {
    thread::sleep(Duration::from_millis(400));
    Ok(1)
});

#[test]
fn a_task_that_timed_out_is_not_reported_any_more() {
    let (flow, _folder) = flow();
    let run = |flow: &Flow| failure(flow.run::<(ReportsLate, TakesLonger)>());
    let (_, events) = observed(&flow.workers(2), run);
    let of_task = |event: &&Event| event.instance().is_some_and(|it| it.task() == "ReportsLate");
    let texts: Vec<_> = events.iter().filter(of_task).map(ToString::to_string).collect();
    assert!(texts.last().is_some_and(|last| last.contains("timed out")), "{texts:?}");
    assert_eq!(texts.len(), 2, "{texts:?}");
}

static LOGGED: AtomicU32 = AtomicU32::new(0);
static TIMED_OUT: AtomicBool = AtomicBool::new(false);

/// Fails, takes too long, and succeeds.
#[derive(Task)]
#[task(target = Json<u64>, retries = 2, timeout = 0.2)]
struct Logs;

runs!(Logs: u64 = |self, cx| {
    let attempt = LOGGED.fetch_add(1, Ordering::SeqCst) + 1;
    cx.log(format_args!("attempt {attempt}"));
    ensure!(attempt > 1, "no");
    if attempt == 2 {
        while cx.checkpoint().is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        wait_for(&TIMED_OUT);
        cx.log("too late");
    }
    Ok(1)
});

#[test]
fn each_attempt_has_a_log_that_stays() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Logs>()?;
    TIMED_OUT.store(true, Ordering::SeqCst);
    thread::sleep(Duration::from_millis(50));
    let instance = flow.graph::<Logs>().instances()?.remove(0);
    let last = instance.log()?.context("a log")?;
    assert!(last.text().ends_with(" attempt 3\n"), "{}", last.text());
    let earlier = instance.earlier_logs()?;
    assert_eq!(earlier.iter().map(|log| log.attempt()).collect::<Vec<_>>(), [Some(1), Some(2)]);
    for (log, attempt) in earlier.iter().zip(1..) {
        assert!(log.text().ends_with(&format!(" attempt {attempt}\n")), "{}", log.text());
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>, timeout = 0.1)]
struct LogsAndHangs;

runs!(LogsAndHangs: u64 = |self, cx| {
    cx.log("waiting for the server");
    cx.meta("page", 7)?;
    while cx.checkpoint().is_ok() {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(1)
});

#[test]
fn the_log_and_the_metadata_of_a_task_that_timed_out_are_kept() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<LogsAndHangs>());
    assert_eq!(failed(&summary), ["LogsAndHangs"]);
    let failure = flow.debug::<LogsAndHangs>()?.to_string();
    assert!(failure.contains("waiting for the server"), "{failure}");
    assert!(failure.contains("page"), "{failure}");
    Ok(())
}

static IN_MEMORY: AtomicU32 = AtomicU32::new(0);
static RELEASE_LATE: AtomicBool = AtomicBool::new(false);
static LATE_ENDED: AtomicBool = AtomicBool::new(false);

struct SetLateEnded;

impl Drop for SetLateEnded {
    fn drop(&mut self) {
        LATE_ENDED.store(true, Ordering::SeqCst);
    }
}

/// Returns the number of the attempt, the first time long after its time-out.
#[derive(Task)]
#[task(target = Memory<u32>, timeout = 0.05, retries = 1)]
struct LateInMemory;

runs!(LateInMemory: u32 = |self, cx| {
    let attempt = IN_MEMORY.fetch_add(1, Ordering::SeqCst) + 1;
    if attempt == 1 {
        let _ended = SetLateEnded;
        wait_for(&RELEASE_LATE);
    }
    Ok(attempt)
});

#[test]
fn a_late_value_does_not_replace_that_of_the_next_attempt() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<LateInMemory>()?), ["LateInMemory"]);
    assert_eq!(*flow.load::<LateInMemory>()?, 2);
    RELEASE_LATE.store(true, Ordering::SeqCst);
    wait_for(&LATE_ENDED);
    thread::sleep(Duration::from_millis(100));
    assert_eq!(*flow.load::<LateInMemory>()?, 2);
    Ok(())
}
