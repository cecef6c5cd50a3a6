//! Settings of a flow: each setting returns a new flow and leaves the original unchanged.

use std::sync::{Arc, Mutex};

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran};

#[derive(Task, Clone)]
#[task(target = Json<u32>)]
struct Get {
    #[param(default = 1)]
    n: u32,
}

runs!(Get: u32 = |self, cx| {
    cx.progress(format_args!("at {}", self.n));
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

/// Returns the events of a run as text, without times.
fn events(flow: &Flow) -> Vec<String> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ears = Arc::clone(&heard);
    let observed = flow.workers(1).allow_failures().observe(move |event| {
        let text = event.to_string();
        let text = text.split(" in ").next().expect("a text").to_owned();
        ears.lock().expect("no panic").push(text);
    });
    observed.run::<Double>().expect("a summary");
    heard.lock().expect("no panic").clone()
}

#[test]
fn an_observer_receives_the_events_of_a_run() {
    let (flow, _folder) = flow();
    assert_eq!(events(&flow), ["Get: at 1", "[1/2] Get {n: 1} ran", "[2/2] Double ran"]);
    assert_eq!(events(&flow), [""; 0]);
    assert_eq!(events(&flow.with(Get::N, 9)), ["Get: at 9", "[1/2] Get {n: 9} failed: nine"]);
    flow.reset::<Get>().expect("a reset");
    // `Double` may be settled before the output of `Get` is committed.
    let mut heard = events(&flow);
    heard.iter_mut().for_each(|text| *text = text.split("] ").last().expect("a text").to_owned());
    heard.sort_unstable();
    assert_eq!(heard, ["Double inputs unchanged (early cutoff)", "Get {n: 1} ran", "Get: at 1"]);
}
