//! Stopping a run: running tasks end, no other task starts, and committed outputs remain.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::Stopper;
use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, preview};

static STARTED: AtomicU64 = AtomicU64::new(0);
static STOPPER: OnceLock<Stopper> = OnceLock::new();

#[derive(Task)]
#[task(target = Json<u64>)]
struct Step {
    n: u64,
}

#[tracked]
impl Run for Step {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        if STARTED.fetch_add(1, Ordering::SeqCst) == 2 {
            STOPPER.get().expect("a stopper").stop();
        }
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Step { n } for n in 0..50u64], target = Json<u64>)]
struct All;

#[tracked]
impl Run for All {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|input| Ok(*input.load()?)).sum()
    }
}

#[test]
fn nothing_starts_after_a_stop() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(1);
    let stopper = STOPPER.get_or_init(|| flow.stopper());
    let summary = failure(flow.run::<All>());
    assert_eq!(STARTED.load(Ordering::SeqCst), 3);
    assert_eq!((summary.ran().len(), summary.not_run().len()), (3, 48));
    for entry in summary.not_run() {
        assert_eq!(entry.error.as_deref(), Some("the execution was stopped"));
    }
    // The flow stays stopped until `reset`.
    assert_eq!(failure(flow.run::<All>()).not_run().len(), 48);

    stopper.reset();
    let rest = flow.run::<All>()?;
    assert_eq!(rest.ran().len(), 48);
    assert_eq!(*flow.load::<All>()?, (0..50).sum::<u64>());
    Ok(())
}

static LONG: OnceLock<Stopper> = OnceLock::new();

#[derive(Task)]
#[task(target = Json<u64>)]
struct Long;

#[tracked]
impl Run for Long {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let stopper = LONG.get().expect("a stopper");
        if !stopper.is_stopped() {
            stopper.stop();
        }
        cx.checkpoint()?;
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Long, target = Json<u64>)]
struct AfterLong;

#[tracked]
impl Run for AfterLong {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + 1)
    }
}

#[test]
fn a_task_ends_at_its_checkpoint() {
    let (flow, _folder) = flow();
    LONG.get_or_init(|| flow.stopper());
    let summary = failure(flow.run::<AfterLong>());
    assert_eq!(failed(&summary), [""; 0]);
    assert_eq!(not_run(&summary), ["AfterLong", "Long"]);
    assert_eq!(summary.not_run()[0].error.as_deref(), Some("the execution was stopped"));
    // A stop is no failure, so that no failure is recorded.
    assert_eq!(
        preview::<AfterLong>(&flow),
        "AfterLong PENDING never run\n└─ Long PENDING never run"
    );
}
