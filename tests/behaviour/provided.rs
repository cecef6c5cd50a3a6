//! Values that the flow provides to the tasks that declare `uses`.

use std::sync::atomic::{AtomicUsize, Ordering};

use flow::prelude::*;

use crate::support::{flow, key, plan_error, preview, ran};

struct Client(u64);

struct Calls(AtomicUsize);

#[derive(Task)]
#[task(target = Json<u64>, uses(Client, Calls))]
struct Fetched {
    #[param(default = 1)]
    n: u64,
}

runs!(Fetched: u64 = |self, cx| {
    cx.provided::<Calls>().0.fetch_add(1, Ordering::SeqCst);
    Ok(cx.provided::<Client>().0 * self.n)
});

#[derive(Task)]
#[task(requires = Fetched, target = Json<u64>)]
struct Doubled;

runs!(Doubled: u64 = |self, cx| Ok(*cx.input().load()? * 2));

#[derive(Task)]
#[task(requires(Doubled, Local), target = Json<u64>)]
struct Both;

runs!(Both: u64 = |self, cx| Ok(*cx.input().0.load()?));

#[derive(Task)]
#[task(target = Json<u64>)]
struct Local;

runs!(Local: u64 = |self, _cx| Ok(1));

fn with_clients(flow: &Flow) -> Flow {
    flow.provide(Client(5)).provide(Calls(AtomicUsize::new(0)))
}

#[test]
fn a_missing_value_is_an_error_before_any_task_runs() -> Result<()> {
    let (flow, _folder) = flow();
    for flow in [flow.clone(), flow.provide(Calls(AtomicUsize::new(0)))] {
        let error = plan_error::<Both>(&flow);
        assert!(error.contains("`Fetched` uses a `Client`"), "{error}");
        assert!(error.contains("give it one with `flow.provide(...)`"), "{error}");
    }
    assert!(!flow.folder().join("Local").exists());
    // A task that does not use the missing value runs.
    assert_eq!(ran(&flow.run::<Local>()?), ["Local"]);
    Ok(())
}

#[test]
fn a_value_is_not_needed_if_no_task_that_uses_it_runs() -> Result<()> {
    let (flow, _folder) = flow();
    assert_eq!(ran(&with_clients(&flow).run::<Both>()?), ["Both", "Doubled", "Fetched", "Local"]);
    assert!(flow.is_complete::<Both>()?);
    assert!(flow.run::<Both>()?.ran().is_empty());
    flow.reset::<Doubled>()?;
    assert_eq!(ran(&flow.run::<Both>()?), ["Doubled"]);
    assert_eq!(*flow.load::<Fetched>()?, 5);
    // The value is required as soon as a task that uses it has to run.
    plan_error::<Both>(&flow.force::<Fetched>());
    std::fs::remove_file(flow.output::<Fetched>()?.path()?)?;
    assert!(flow.run::<Both>()?.ran().is_empty());
    flow.reset::<Doubled>()?;
    plan_error::<Both>(&flow);
    with_clients(&flow).run::<Both>()?;
    Ok(())
}

#[test]
fn provided_values_are_no_part_of_keys_and_fingerprints() -> Result<()> {
    let (flow, _folder) = flow();
    let other = with_clients(&flow).provide(Client(7));
    assert_eq!(key::<Both>(&with_clients(&flow)), key::<Both>(&other));
    with_clients(&flow).run::<Both>()?;
    assert!(other.run::<Both>()?.ran().is_empty());
    assert!(!preview::<Both>(&other).contains("Client"));
    // The last value given counts, and flows cloned earlier keep theirs.
    assert_eq!(ran(&other.force::<Fetched>().run::<Both>()?), ["Both", "Doubled", "Fetched"]);
    assert_eq!(*flow.load::<Both>()?, 14);
    Ok(())
}

#[test]
fn one_value_is_shared_by_all_tasks() -> Result<()> {
    use std::sync::Arc;

    #[derive(Task)]
    #[task(target = Json<u64>, uses(Arc<AtomicUsize>))]
    struct Call {
        n: u64,
    }

    runs!(Call: u64 = |self, cx| Ok({
        cx.provided::<Arc<AtomicUsize>>().fetch_add(1, Ordering::SeqCst);
        self.n
    }));

    #[derive(Task)]
    #[task(aggregate, requires = [Call { n } for n in 0..20u64])]
    struct AllCalls;

    let (flow, _folder) = flow();
    let calls = Arc::new(AtomicUsize::new(0));
    flow.provide(Arc::clone(&calls)).workers(4).run::<AllCalls>()?;
    assert_eq!(calls.load(Ordering::SeqCst), 20);
    assert_eq!(Arc::strong_count(&calls), 1, "it goes with the flow");
    Ok(())
}
