//! When a parameter changes, its task and the tasks downstream run again, and no others.

use flow::prelude::*;

use crate::support::{flow, preview, ran, reused};

#[derive(Task)]
#[task(target = Json<Vec<u64>>)]
struct Numbers {
    #[param(default = 3)]
    n: u64,
}

#[tracked]
impl Run for Numbers {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
        Ok((1..=self.n).collect())
    }
}

#[derive(Task)]
#[task(requires = Numbers, target = Json<Vec<u64>>)]
struct Scaled {
    #[param(default = 10)]
    by: u64,
}

#[tracked]
impl Run for Scaled {
    fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
        Ok(cx.input().load()?.iter().map(|n| n * self.by).collect())
    }
}

#[derive(Task)]
#[task(requires = Scaled, target = Json<u64>)]
struct Sum;

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(cx.input().load()?.iter().sum())
    }
}

#[test]
fn a_second_run_runs_nothing() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&flow.run::<Sum>()?), ["Numbers", "Scaled", "Sum"]);
    assert_eq!(ran(&flow.run::<Sum>()?), [""; 0]);
    assert_eq!(*flow.load::<Sum>()?, 60);
    Ok(())
}

#[test]
fn a_changed_parameter_reruns_its_task_and_downstream_tasks() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    let more = flow.with(Scaled::BY, 100);
    assert_eq!(
        preview::<Sum>(&more),
        "Sum {Scaled.by: 100} PENDING never run\n\
         └─ Scaled {by: 100} PENDING never run\n   \
            └─ Numbers {n: 3} COMPLETE"
    );
    assert_eq!(ran(&more.run::<Sum>()?), ["Scaled", "Sum"]);
    assert_eq!((*flow.load::<Sum>()?, *more.load::<Sum>()?), (60, 600));
    Ok(())
}

#[test]
fn a_parameter_given_its_default_is_the_same_instance() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    assert!(flow.with(Scaled::BY, 10).is_complete::<Sum>()?);
    Ok(())
}

#[test]
fn an_output_with_an_equal_fingerprint_is_reused() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Sum>()?;
    // Zero numbers scaled by anything are zero numbers, so that the fingerprint of the sum is the
    // same.
    let none = flow.with(Numbers::N, 0);
    assert_eq!(ran(&none.run::<Sum>()?), ["Numbers", "Scaled", "Sum"]);
    let scaled = none.with(Scaled::BY, 7).run::<Sum>()?;
    assert_eq!((ran(&scaled), reused(&scaled)), (vec!["Scaled".into()], vec!["Sum".into()]));
    Ok(())
}
