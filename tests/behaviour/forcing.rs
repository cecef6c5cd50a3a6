//! Forcing: a forced task runs once although it is complete; downstream tasks run only if its output changes.

use std::sync::atomic::{AtomicU64, Ordering};

use flow::prelude::*;

use crate::support::{failure, flow, preview, ran, unchanged};

static CALLS: AtomicU64 = AtomicU64::new(0);

/// Returns another value each time if `live` is set.
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
fn a_forced_task_with_equal_output_runs_nothing_downstream() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Report>()?;
    let forced = flow.force::<Fetch>();
    assert_eq!(
        preview::<Report>(&forced),
        "Report PENDING waits for Twice\n\
         └─ Twice PENDING waits for Fetch\n   \
            └─ Fetch {live: false} PENDING forced"
    );
    // Forcing affects runs only: the output is still complete and can be loaded.
    assert!(forced.is_complete::<Report>()?);
    assert_eq!(*forced.load::<Report>()?, 201);
    let summary = forced.run::<Report>()?;
    assert_eq!(ran(&summary), ["Fetch"]);
    assert_eq!(unchanged(&summary), ["Report", "Twice"]);
    // Each run of the forced flow runs the task; runs of the original flow do not.
    assert_eq!(ran(&forced.run::<Report>()?), ["Fetch"]);
    assert_eq!(ran(&flow.run::<Report>()?), [""; 0]);
    Ok(())
}

#[test]
fn a_forced_task_with_another_output_runs_downstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    let live = flow.with(Fetch::LIVE, true);
    live.run::<Report>()?;
    let before = *live.load::<Report>()?;
    assert_eq!(ran(&live.force::<Fetch>().run::<Report>()?), ["Fetch", "Report", "Twice"]);
    assert!(*live.load::<Report>()? > before);
    Ok(())
}

#[test]
fn roots_or_all_tasks_can_be_forced() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Report>()?;
    assert_eq!(ran(&flow.force_roots().run::<Report>()?), ["Report"]);
    assert_eq!(ran(&flow.force_roots().run::<(Report, Twice)>()?), ["Report", "Twice"]);
    assert_eq!(ran(&flow.force_all().run::<Report>()?), ["Fetch", "Report", "Twice"]);
    // Outputs of another setting are not reused either.
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
fn forcing_an_aggregate_forces_its_members() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Outer>()?;
    assert_eq!(ran(&flow.force::<Both>().run::<Outer>()?), ["Fetch", "Twice"]);
    assert_eq!(ran(&flow.force_roots().run::<Outer>()?), ["Fetch", "Twice"]);
    assert!(ran(&flow.run::<Outer>()?).is_empty());
    Ok(())
}

#[test]
fn forcing_a_task_outside_the_graph_is_a_warning() -> Result<()> {
    let (flow, _folder) = flow();
    let preview = flow.force::<Report>().preview::<Twice>()?;
    let warnings: Vec<_> = preview.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["`Report` is forced, but nothing here requires it"]);
    assert!(flow.force::<Twice>().preview::<Report>()?.warnings().is_empty());
    Ok(())
}
