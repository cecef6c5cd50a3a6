//! Settings of a flow: each setting returns a new flow and leaves the original unchanged.

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, cx| {
    cx.status(format_args!("at {}", self.n));
    ensure!(self.n != 9, "nine");
    Ok(self.n)
});

#[derive(Task)]
#[task(requires = Get, target = Json<u32>)]
struct Double;

runs!(Double: u32 = |self, cx| Ok(*cx.input().load()? * 2));

#[test]
fn a_given_value_leaves_the_original_flow_unchanged() -> Result<()> {
    let (flow, _folder) = flow();
    let two = flow.with(Get::N, 2);
    let three = two.with(Get::N, 3);
    let named = flow.with_named("n", 4);
    let values = [&flow, &two, &three, &named]
        .map(|flow| flow.graph::<Get>().instance::<Get>().map(|get| get.n));
    assert_eq!(values.into_iter().collect::<Result<Vec<_>, _>>()?, [1, 2, 3, 4]);
    Ok(())
}

#[test]
fn a_namespace_has_a_store_of_its_own() -> Result<()> {
    let (flow, _folder) = flow();
    let prod = flow.with(Get::N, 2).namespace("prod");
    assert_eq!(ran(&prod.run::<Double>()?), ["Double", "Get"]);
    assert_eq!(*prod.load::<Double>()?, 4);
    assert!(!flow.with(Get::N, 2).is_complete::<Double>()?);
    assert!(flow.namespace("prod").with(Get::N, 2).is_complete::<Double>()?);
    assert!(!flow.namespace("Prod").with(Get::N, 2).is_complete::<Double>()?);
    Ok(())
}

#[test]
fn any_number_of_workers_produces_the_same_outputs() -> Result<()> {
    for workers in [0, 1, 7] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        assert_eq!(ran(&flow.run::<Double>()?), ["Double", "Get"], "{workers}");
        assert_eq!(*flow.load::<Double>()?, 2);
    }
    Ok(())
}

#[test]
fn allow_failures_returns_the_summary() -> Result<()> {
    let (flow, _folder) = flow();
    let nine = flow.with(Get::N, 9);
    let summary = failure(nine.run::<Double>());
    assert_eq!((failed(&summary), not_run(&summary)), (vec!["Get".into()], vec!["Double".into()]));
    let summary = nine.allow_failures().run::<Double>()?;
    assert_eq!((failed(&summary), not_run(&summary)), (vec!["Get".into()], vec!["Double".into()]));
    assert!(!summary.is_success());
    Ok(())
}
