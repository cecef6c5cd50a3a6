//! Retries: a failed task is tried again, after a delay, as often as its options or the flow say.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use flow::prelude::*;
use flow::{Backoff, Event};

use crate::support::{failed, failure, flow, not_run, ran};

static FLAKY: AtomicU32 = AtomicU32::new(0);

/// Fails twice, and then gives its seed.
#[derive(Task)]
#[task(target = Json<u64>, retries = 2, backoff = Duration::from_millis(1))]
struct Flaky;

#[tracked]
impl Run for Flaky {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.meta("attempt", FLAKY.load(Ordering::SeqCst))?;
        match FLAKY.fetch_add(1, Ordering::SeqCst) {
            0 => bail!("the service is not available"),
            1 => panic!("the service sent nonsense"),
            _ => Ok(cx.seed()),
        }
    }
}

#[derive(Task)]
#[task(requires = Flaky, target = Json<u64>)]
struct After;

#[tracked]
impl Run for After {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[test]
fn a_task_that_fails_and_panics_succeeds_at_the_third_attempt() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<After>()?), ["After", "Flaky"]);
    assert_eq!(FLAKY.load(Ordering::SeqCst), 3);
    // Of the failed attempts nothing remains.
    let output = flow.output::<Flaky>()?;
    assert_eq!(output.meta::<u32>("attempt")?, 2);
    assert_eq!(ran(&flow.run::<After>()?), [""; 0]);
    Ok(())
}

static HOPELESS: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u64>, retries = 3)]
struct Hopeless;

#[tracked]
impl Run for Hopeless {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        bail!("attempt {} failed", HOPELESS.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

#[derive(Task)]
#[task(requires = Hopeless, target = Json<u64>)]
struct AfterHopeless;

#[tracked]
impl Run for AfterHopeless {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[test]
fn the_error_is_that_of_the_last_attempt() {
    let (flow, _folder) = flow();
    let summary = failure(flow.run::<AfterHopeless>());
    assert_eq!(HOPELESS.load(Ordering::SeqCst), 4);
    assert_eq!(failed(&summary), ["Hopeless"]);
    assert_eq!(not_run(&summary), ["AfterHopeless"]);
    let error = summary.failed()[0].error.clone().expect("an error");
    assert!(error.contains("attempt 4 failed"), "{error}");
}

static BY_FLOW: AtomicU32 = AtomicU32::new(0);
static OWN: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u64>)]
struct ByFlow;

#[tracked]
impl Run for ByFlow {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        BY_FLOW.fetch_add(1, Ordering::SeqCst);
        bail!("no")
    }
}

#[derive(Task)]
#[task(target = Json<u64>, retries = 0)]
struct Own;

#[tracked]
impl Run for Own {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        OWN.fetch_add(1, Ordering::SeqCst);
        bail!("no")
    }
}

#[test]
fn the_flow_sets_retries_for_tasks_that_declare_none() {
    let (flow, _folder) = flow();
    failure(flow.retries(2).run::<(ByFlow, Own)>());
    assert_eq!((BY_FLOW.load(Ordering::SeqCst), OWN.load(Ordering::SeqCst)), (3, 1));
}

static TIMES: Mutex<Vec<Instant>> = Mutex::new(Vec::new());

#[derive(Task)]
#[task(target = Json<u64>, retries = 2, backoff = Backoff::exponential(Duration::from_millis(20)))]
struct Slow;

#[tracked]
impl Run for Slow {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        TIMES.lock().expect("lock poisoned").push(Instant::now());
        bail!("no")
    }
}

/// Writes down when it runs, to show that a worker is free while another task waits for its next attempt.
#[derive(Task)]
#[task(target = Json<u64>, priority = -1)]
struct Meanwhile;

#[tracked]
impl Run for Meanwhile {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(TIMES.lock().expect("lock poisoned").len() as u64)
    }
}

#[test]
fn delays_grow_and_do_not_occupy_a_worker() -> Result<()> {
    let (flow, _folder) = flow();
    failure(flow.workers(1).run::<(Slow, Meanwhile)>());
    let times = TIMES.lock().expect("lock poisoned").clone();
    assert_eq!(times.len(), 3);
    assert!(times[1] - times[0] >= Duration::from_millis(20));
    assert!(times[2] - times[1] >= Duration::from_millis(40));
    // It ran after the first attempt.
    assert_eq!(*flow.load::<Meanwhile>()?, 1);
    Ok(())
}

static INPUT: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(external, path = "no such file.txt", target = Text)]
struct Absent;

#[derive(Task)]
#[task(requires = Absent, target = Json<u64>, retries = 5)]
struct NeedsFile;

#[tracked]
impl Run for NeedsFile {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        INPUT.fetch_add(1, Ordering::SeqCst);
        Ok(1)
    }
}

#[test]
fn a_missing_file_is_not_waited_for() {
    let (flow, _folder) = flow();
    let begun = Instant::now();
    let flow = flow.backoff(Duration::from_secs(60)).retries(3);
    assert_eq!(failed(&failure(flow.run::<NeedsFile>())), ["Absent"]);
    assert_eq!(INPUT.load(Ordering::SeqCst), 0);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_stopped_run_does_not_wait_for_the_next_attempt() {
    let (flow, _folder) = flow();
    let (stopper, begun) = (flow.stopper(), Instant::now());
    let flow = flow.retries(9).backoff(Duration::from_secs(600));
    let flow = flow.observe(move |event| {
        if let Event::Retried { .. } = event {
            stopper.stop();
        }
    });
    let summary = failure(flow.run::<Stopped>());
    assert_eq!(not_run(&summary), ["Stopped"]);
    assert_eq!(BY_STOP.load(Ordering::SeqCst), 1);
    assert!(begun.elapsed() < Duration::from_secs(60));
}

static BY_STOP: AtomicU32 = AtomicU32::new(0);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Stopped;

#[tracked]
impl Run for Stopped {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        BY_STOP.fetch_add(1, Ordering::SeqCst);
        bail!("no")
    }
}
