//! Resources that many instances want: who gets them next.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flow::Event;
use flow::prelude::*;

use crate::support::flow;

static IS_PREPARED: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicU32 = AtomicU32::new(0);

/// The first one uses the resource until the other task is prepared.
#[derive(Task)]
#[task(target = Json<u64>, resources(api = 1))]
struct Call {
    n: u64,
}

runs!(Call: u64 = |self, cx| {
    CALLS.fetch_add(1, Ordering::SeqCst);
    let begun = Instant::now();
    while !IS_PREPARED.load(Ordering::SeqCst) && begun.elapsed() < Duration::from_secs(20) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(20));
    Ok(self.n)
});

#[derive(Task)]
#[task(target = Json<u64>)]
struct Prepare;

runs!(Prepare: u64 = |self, cx| Ok(1));

/// Waits for another task, and needs the resource afterwards. Returns how many calls have begun by then.
#[derive(Task)]
#[task(target = Json<u32>, resources(api = 1), priority = 1)]
struct CallPrepared;

runs!(CallPrepared: u32 = |self, cx| {
    // The first call gets the resource meanwhile.
    cx.require::<Prepare>()?;
    Ok(CALLS.load(Ordering::SeqCst))
});

#[derive(Task)]
#[task(requires(first = CallPrepared, calls = [Call { n } for n in 0..12u64]), aggregate)]
struct AllCalls;

#[test]
fn a_task_that_has_waited_gets_its_resources_before_others_start() -> Result<()> {
    let (flow, _folder) = flow();
    let is_prepared = |event: &Event| matches!(event, Event::Committed { instance, .. } if instance.task() == "Prepare");
    let observed = flow.observe(move |event| {
        IS_PREPARED.fetch_or(is_prepared(event), Ordering::SeqCst);
    });
    observed.workers(2).offer("api", 1).run::<AllCalls>()?;
    assert_eq!(CALLS.load(Ordering::SeqCst), 12);
    let before = *flow.load::<CallPrepared>()?;
    assert!(before <= 2, "{before} calls of 12 were made first");
    Ok(())
}

static ORDER: Mutex<Vec<&str>> = Mutex::new(Vec::new());

#[derive(Task)]
#[task(target = Json<u64>, resources(lock = 1))]
struct Low {
    n: u64,
}

runs!(Low: u64 = |self, cx| {
    thread::sleep(Duration::from_millis(20));
    ORDER.lock().expect("lock poisoned").push("low");
    Ok(self.n)
});

#[derive(Task)]
#[task(target = Json<u64>, priority = 1)]
struct Quick;

runs!(Quick: u64 = |self, cx| Ok(1));

/// Becomes ready while instances of `Low` wait for the resource.
#[derive(Task)]
#[task(requires = Quick, target = Json<u64>, resources(lock = 1), priority = 2)]
struct High;

runs!(High: u64 = |self, cx| {
    ORDER.lock().expect("lock poisoned").push("high");
    Ok(*cx.input().load()?)
});

#[derive(Task)]
#[task(requires(low = [Low { n } for n in 0..6u64], high = High), aggregate)]
struct LowAndHigh;

#[test]
fn a_free_resource_goes_to_the_instance_with_the_highest_priority() -> Result<()> {
    let (flow, _folder) = flow();
    flow.workers(2).offer("lock", 1).run::<LowAndHigh>()?;
    let order = ORDER.lock().expect("lock poisoned").clone();
    let place = order.iter().position(|name| *name == "high").context("it ran")?;
    assert!(place <= 2, "{order:?}");
    Ok(())
}
