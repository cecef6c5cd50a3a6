//! What is complete runs all the same if it is forced: once, and what follows only if it must.

use std::sync::atomic::{AtomicU64, Ordering};

use flow::prelude::*;

use crate::support::{cut_off, failure, flow, preview, ran};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Fetches what changes each time, if it is told so.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Fetch {
    #[param(default = false)]
    live: bool,
}

#[tracked]
impl Run for Fetch {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(if self.live { 1 + CALLS.fetch_add(1, Ordering::Relaxed) } else { 100 })
    }
}

#[derive(Task)]
#[task(requires = Fetch, target = Json<u64>)]
struct Twice;

#[tracked]
impl Run for Twice {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(2 * *cx.input().load()?)
    }
}

#[derive(Task)]
#[task(requires = Twice, target = Json<u64>)]
struct Report;

#[tracked]
impl Run for Report {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? + 1)
    }
}

#[test]
fn a_forced_task_runs_and_the_same_bytes_stop_there() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Report>()?;
    let forced = flow.force::<Fetch>();
    assert_eq!(
        preview::<Report>(&forced),
        "Report PENDING upstream: Twice first\n\
         └─ Twice PENDING upstream: Fetch first\n   \
            └─ Fetch {live: false} PENDING forced"
    );
    // Forcing is about running: the output is there, and is what a run would give.
    assert!(forced.is_complete::<Report>()?);
    assert_eq!(*forced.load::<Report>()?, 201);
    let summary = forced.run::<Report>()?;
    assert_eq!(ran(&summary), ["Fetch"]);
    assert_eq!(cut_off(&summary), ["Report", "Twice"]);
    // Each run of the flow forces; the flow it was made from does not.
    assert_eq!(ran(&forced.run::<Report>()?), ["Fetch"]);
    assert_eq!(ran(&flow.run::<Report>()?), [""; 0]);
    Ok(())
}

#[test]
fn other_bytes_of_a_forced_task_reach_what_follows() -> Result<()> {
    let (flow, _folder) = flow();
    let live = flow.with(Fetch::LIVE, true);
    live.run::<Report>()?;
    let before = *live.load::<Report>()?;
    assert_eq!(ran(&live.force::<Fetch>().run::<Report>()?), ["Fetch", "Report", "Twice"]);
    assert!(*live.load::<Report>()? > before);
    Ok(())
}

#[test]
fn roots_or_all_can_be_forced() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Report>()?;
    assert_eq!(ran(&flow.force_roots().run::<Report>()?), ["Report"]);
    assert_eq!(ran(&flow.force_roots().run::<(Report, Twice)>()?), ["Report", "Twice"]);
    assert_eq!(ran(&flow.force_all().run::<Report>()?), ["Fetch", "Report", "Twice"]);
    // What was made before under another setting is not adopted either.
    let other = flow.with(Fetch::LIVE, true);
    other.run::<Report>()?;
    assert_eq!(ran(&flow.force_all().run::<Report>()?), ["Fetch", "Report", "Twice"]);
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Once;

static ONCE: AtomicU64 = AtomicU64::new(0);

#[tracked]
impl Run for Once {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let calls = ONCE.fetch_add(1, Ordering::Relaxed);
        ensure!(calls != 1, "the second call fails");
        Ok(calls)
    }
}

#[test]
fn a_forced_run_that_fails_loses_nothing() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Once>()?;
    failure(flow.force::<Once>().run::<Once>());
    assert!(flow.is_complete::<Once>()?);
    assert_eq!(*flow.load::<Once>()?, 0);
    flow.force::<Once>().run::<Once>()?;
    assert_eq!(*flow.load::<Once>()?, 2);
    Ok(())
}

#[derive(Task)]
#[task(aggregate, requires(Fetch, Twice))]
struct Both;

#[derive(Task)]
#[task(aggregate, requires = Both)]
struct Outer;

#[test]
fn an_aggregate_is_forced_by_what_it_requires() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Outer>()?;
    assert_eq!(ran(&flow.force::<Both>().run::<Outer>()?), ["Fetch", "Twice"]);
    assert_eq!(ran(&flow.force_roots().run::<Outer>()?), ["Fetch", "Twice"]);
    assert!(ran(&flow.run::<Outer>()?).is_empty());
    Ok(())
}

#[test]
fn what_forces_nothing_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let preview = flow.force::<Report>().preview::<Twice>()?;
    let warnings: Vec<_> = preview.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["`Report` is forced, but nothing here requires it"]);
    assert!(flow.force::<Twice>().preview::<Report>()?.warnings().is_empty());
    Ok(())
}
