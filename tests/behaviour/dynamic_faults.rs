//! Dynamic requirements under I/O faults: a single file operation fails, or all from one on.
//! Outputs that count as complete are right, nothing hangs, and the next run yields what a run in
//! an empty store yields.

use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use flow::prelude::*;

use crate::faulty::{Fault, Faulty};
use crate::support::{assert_consistent, faulty_flow, in_full};

/// The time after which an operation counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Number {
    #[param(file)]
    path: PathBuf,
}

runs!(Number: u64 = |self, _cx| Ok(fs::read_to_string(&self.path)?.trim().parse()?));

/// Has no value for `by == 3`, so that [`Live`] fails for it.
#[derive(Task)]
#[task(requires = Number, target = Json<Option<u64>>)]
struct Product {
    by: u64,
}

runs!(Product: Option<u64> = |self, cx| {
    let number = *cx.input().load()?;
    cx.meta("number", number)?;
    // Equal for many numbers, so that downstream tasks are often unchanged.
    Ok((self.by != 3).then(|| number / 10 * self.by))
});

/// Requires a product while it runs.
#[derive(Task)]
#[task(requires = Number, target = Memory<u64>)]
struct Live {
    by: u64,
}

runs!(Live: u64 = |self, cx| {
    let product = cx.with(Product::BY, self.by).require::<Product>()?.load()?;
    Ok(product.context("a product")? + 1)
});

/// Its requirements depend on loaded values. It continues without requirements that fail, and then
/// its output is not complete.
#[derive(Task)]
#[task(requires = Number, target = Json<Vec<Option<u64>>>)]
struct Search;

runs!(Search: Vec<Option<u64>> = |self, cx| {
    let first = cx.with(Product::BY, 1).require::<Product>()?;
    let number = first.load()?.context("a product")?;
    let live = cx.with(Live::BY, 1 + number % 2).require::<Live>()?;
    let mut found = vec![Some(*live.load()?), Some(first.meta("number")?)];
    for product in cx.over(Product::BY, [2, 3]).require_each::<Product>() {
        found.push(match product {
            Ok(product) => *product.load()?,
            Err(_) => None,
        });
    }
    Ok(found)
});

const BEFORE: u64 = 21;
const AFTER: u64 = 34;

/// Computes the output of [`Search`] without a flow.
fn oracle(number: u64) -> Vec<Option<u64>> {
    let first = number / 10;
    vec![Some(first * (1 + first % 2) + 1), Some(number), Some(first * 2), None]
}

fn write(folder: &Path, number: u64) -> Result<()> {
    Ok(fs::write(folder.join("number"), number.to_string())?)
}

fn open(folder: &Path, fs: &Faulty) -> Result<Flow> {
    Ok(faulty_flow(folder, fs)?.with(Number::PATH, folder.join("number")))
}

/// Runs `act` in another thread, and panics if it panics or takes longer than `PATIENCE`.
fn with_timeout(flow: &Flow, act: fn(&Flow), what: &str) {
    let (flow, (done, is_done)) = (flow.clone(), channel());
    std::thread::spawn(move || {
        let _ = done.send(catch_unwind(AssertUnwindSafe(|| act(&flow))));
    });
    match is_done.recv_timeout(PATIENCE) {
        Ok(Ok(())) => {}
        Ok(Err(_)) => panic!("a panic at {what}"),
        Err(_) => panic!("it hangs at {what}"),
    }
}

/// Asserts that a loaded output is right, if there is one.
fn assert_right(flow: &Flow, number: u64, what: &str) {
    match flow.load::<Search>() {
        Ok(loaded) => assert_eq!(*loaded, oracle(number), "{what}"),
        Err(error) => assert!(matches!(error, flow::Error::NotComplete { .. }), "{error}"),
    }
}

/// Lets operations of `act` fail, one after the other, in a store that `prepare` set up. First,
/// every `step`th operation fails alone. Then all operations that change something fail from every
/// `2 * step`th one on, as if the process were killed there.
fn every_operation(
    step: usize,
    prepare: fn(&Flow, &Path) -> Result<()>,
    act: fn(&Flow),
) -> Result<()> {
    for (crash, step) in [(false, step), (true, 2 * step)] {
        for n in (0..).step_by(step) {
            let folder = tempfile::tempdir()?;
            let folder = folder.path();
            write(folder, BEFORE)?;
            let faulty = Faulty::new();
            // Tasks that wait for each other have to make progress on one worker too.
            let flow = open(folder, &faulty)?.workers(1 + n as usize / step % 2);
            prepare(&flow, folder)?;
            let number = fs::read_to_string(folder.join("number"))?.parse()?;

            let counted = Arc::new(AtomicU64::new(0));
            let counter = Arc::clone(&counted);
            faulty.fail(move |_, op, _| {
                if crash && !op.changes() {
                    return None;
                }
                let at = counter.fetch_add(1, Ordering::SeqCst);
                let fails = if crash { at >= n } else { at == n };
                fails.then_some(Fault::Half(ErrorKind::StorageFull))
            });
            let what = format!("operation {n}, crash: {crash}");
            with_timeout(&flow, act, &what);
            let failed = counted.load(Ordering::SeqCst) > n;
            faulty.heal();
            assert_consistent(flow.folder());

            // Either another process continues, or the same one unless it was killed.
            let flow = if crash || (n as usize / step / 2).is_multiple_of(2) {
                open(folder, &Faulty::new())?
            } else {
                flow
            };
            assert_right(&flow, number, &what);
            flow.run::<Search>().unwrap_or_else(|error| panic!("{error} after {what}"));
            assert_eq!(*flow.load::<Search>()?, oracle(number), "{what}");
            if (n as usize / step).is_multiple_of(4) {
                assert!(flow.run::<Search>()?.ran().is_empty(), "{what}");
            }
            assert_consistent(flow.folder());
            if !failed {
                assert!(n > 20 || crash, "hardly anything was done");
                break;
            }
        }
    }
    Ok(())
}

/// Asserts that an error reports a failed operation or one of its consequences. If the note of a
/// failure cannot be read, the failure is not known to be a repetition.
fn assert_is_reported(error: &str) {
    let told =
        ["cannot ", "removed", "permission denied", "no storage", "times three is", "waits for"];
    assert!(told.iter().any(|told| error.contains(told)), "{error}");
}

fn run(flow: &Flow) {
    match flow.run::<Search>() {
        Ok(summary) => assert!(summary.is_success()),
        Err(flow::Error::Failed(summary)) => {
            summary
                .failed()
                .into_iter()
                .for_each(|e| assert_is_reported(&e.error.unwrap_or_default()));
        }
        Err(error) => assert_is_reported(&error.to_string()),
    }
}

fn empty_store(_: &Flow, _: &Path) -> Result<()> {
    Ok(())
}

fn after_a_run(flow: &Flow, _: &Path) -> Result<()> {
    // One of the products has no value, which `Search` expects.
    Ok(flow.run::<Search>().map(drop)?)
}

fn after_going_back(flow: &Flow, folder: &Path) -> Result<()> {
    after_a_run(flow, folder)?;
    write(folder, AFTER)?;
    after_a_run(flow, folder)?;
    write(folder, BEFORE)
}

fn after_losing_products(flow: &Flow, folder: &Path) -> Result<()> {
    after_a_run(flow, folder)?;
    Ok(flow.store().clear_task::<Product>().map(drop)?)
}

#[test]
fn faults_in_a_first_run() -> Result<()> {
    every_operation(2, empty_store, run)
}

#[test]
fn faults_in_a_run_that_reuses_outputs() -> Result<()> {
    // The other operations of this run are tested by the other tests.
    every_operation(4, after_going_back, run)
}

#[test]
fn faults_in_a_run_that_recomputes_requirements() -> Result<()> {
    every_operation(1, after_losing_products, run)
}

#[test]
fn faults_in_a_preview_and_a_load() -> Result<()> {
    every_operation(1, after_a_run, |flow| {
        if let Err(error) = flow.preview::<Search>() {
            assert_is_reported(&error.to_string());
        }
        match flow.load::<Search>() {
            Ok(loaded) => assert_eq!(*loaded, oracle(BEFORE)),
            Err(error) => assert_is_reported(&in_full(error)),
        }
    })
}
