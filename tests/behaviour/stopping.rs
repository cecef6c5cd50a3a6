//! A flow is stopped from outside: nothing is started any more, and what was done is kept.

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran};

#[derive(Task)]
#[task(target = Json<u32>)]
struct First;

runs!(First: u32 = |self, _cx| Ok(1));

#[derive(Task)]
#[task(requires = First, target = Json<u32>)]
struct Long;

runs!(Long: u32 = |self, cx| {
    cx.checkpoint()?;
    cx.progress("half");
    cx.checkpoint()?;
    Ok(*cx.input().load()? + 1)
});

#[derive(Task)]
#[task(requires = Long, target = Json<u32>)]
struct Last;

runs!(Last: u32 = |self, cx| Ok(*cx.input().load()? + 1));

#[test]
fn a_running_task_stops_at_its_checkpoint() -> Result<()> {
    let (flow, _folder) = flow();
    let stopper = flow.stopper();
    let observed = flow.observe(move |event| {
        if event.to_string() == "Long: half" {
            stopper.stop();
        }
    });
    let summary = failure(observed.run::<Last>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["First".into()], vec!["Long".into()]));
    assert_eq!(summary.failed()[0].error.as_deref(), Some("the execution was stopped"));
    assert_eq!(not_run(&summary), ["Last"]);
    // It stays stopped until it is reset.
    let summary = failure(flow.run::<Last>());
    assert_eq!(ran(&summary), [""; 0]);
    assert_eq!(not_run(&summary), ["Last", "Long"]);
    let why = summary.not_run()[0].error.clone();
    assert_eq!(why.as_deref(), Some("the execution was stopped"));
    assert!(flow.stopper().is_stopped());
    flow.stopper().reset();
    assert_eq!(ran(&flow.run::<Last>()?), ["Last", "Long"]);
    assert_eq!(*flow.load::<Last>()?, 3);
    Ok(())
}
