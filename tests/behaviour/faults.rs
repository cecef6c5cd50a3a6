//! Fault injection: one file-system operation fails, or all operations from one on, as after a crash.
//! The failure is reported, and the next run computes the same results as a run in an empty store.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::Flow;
use flow::prelude::*;

use crate::faulty::{Fault, Faulty, Op};
use crate::support::{assert_consistent, faulty_flow, step};
use crate::wheat::{Bread, Grains, Heaviest, Milled, assert_bread, bread, mill, sow};

const BEFORE: [u64; 3] = [3, 1, 2];
const AFTER: [u64; 4] = [40, 50, 60, 7];

/// Which operations fail, and how.
#[derive(Clone, Copy, Debug)]
struct Plan {
    n: u64,
    /// Whether all later operations fail as well.
    crash: bool,
    /// Whether only operations that change files are counted.
    changes: bool,
    fault: Fault,
}

impl Plan {
    fn arm(self, fs: &Faulty) {
        let counted = AtomicU64::new(0);
        fs.fail(move |_, op: Op, _: &Path| {
            if self.changes && !op.changes() {
                return None;
            }
            let n = counted.fetch_add(1, Ordering::SeqCst);
            (if self.crash { n >= self.n } else { n == self.n }).then_some(self.fault)
        });
    }
}

/// Calls `act` with a flow on a failing file system. `act` may fail, but must not panic.
fn under_fault(act: fn(&Flow), flow: &Flow, plan: Plan) {
    let done = catch_unwind(AssertUnwindSafe(|| act(flow)));
    assert!(done.is_ok(), "a panic with {plan:?}");
}

/// Makes each operation of `act` fail in turn, in a store that `prepare` has filled, and checks that the
/// next run computes the right result.
fn every_operation(prepare: fn(&Flow, &Path), act: fn(&Flow)) -> Result<()> {
    let faults = [
        (false, false, Fault::Refuse(ErrorKind::PermissionDenied)),
        (false, true, Fault::Half(ErrorKind::StorageFull)),
        (true, true, Fault::Half(ErrorKind::StorageFull)),
    ];
    for (first, (crash, changes, fault)) in (0..).zip(faults) {
        for n in (first..).step_by(step(11)) {
            let plan = Plan { n, crash, changes, fault };
            let folder = tempfile::tempdir()?;
            let grains = folder.path().join("grains.txt");
            sow(&grains, &BEFORE);
            prepare(&mill(&faulty_flow(folder.path(), &Faulty::new())?, folder.path()), &grains);

            // Opening may fail as well.
            let fs = Faulty::new();
            plan.arm(&fs);
            let opened = faulty_flow(folder.path(), &fs);
            match &opened {
                Ok(flow) => {
                    under_fault(act, &mill(flow, folder.path()).workers(1), plan);
                    assert_consistent(flow.folder());
                }
                Err(error) => assert!(error.to_string().contains("cannot "), "{error}"),
            }
            let done = fs.count();

            // The next run has no faults. The same flow executes it, except after a crash, and then
            // another flow.
            let mut flows = vec![faulty_flow(folder.path(), &Faulty::new())?];
            fs.heal();
            flows.extend(opened.ok().filter(|_| !crash));
            for (flow, by) in flows.iter().rev().zip([10, 11]) {
                let flow = mill(flow, folder.path()).with(Milled::BY, by);
                flow.run::<Bread>().unwrap_or_else(|error| panic!("{error} after {plan:?}"));
                let text = std::fs::read_to_string(&grains)?;
                let now: Vec<u64> = text.split(' ').map(str::parse).collect::<Result<_, _>>()?;
                assert_bread(&flow, &now, by);
                assert!(flow.run::<Bread>()?.ran().is_empty());
                if n % 4 == 0 {
                    // The earlier data gives the earlier result.
                    sow(&grains, &BEFORE);
                    flow.run::<Bread>()?;
                    assert_bread(&flow, &BEFORE, by);
                    sow(&grains, &now);
                }
                assert_consistent(flow.folder());
            }
            if n >= done {
                assert!(n > 1, "nothing was done");
                break;
            }
        }
    }
    Ok(())
}

fn run(flow: &Flow) {
    match flow.run::<Bread>() {
        Ok(summary) => assert!(summary.is_success()),
        Err(flow::Error::Failed(summary)) => {
            for entry in summary.failed() {
                let error = entry.error.unwrap_or_default();
                assert!(error.contains("cannot ") || error.contains("removed"), "{error}");
            }
        }
        Err(error) => assert!(error.to_string().contains("cannot "), "{error}"),
    }
}

fn nothing(_: &Flow, _: &Path) {}

fn run_before(flow: &Flow, _: &Path) {
    flow.run::<Bread>().expect("a run without faults");
}

fn run_before_with_other_data(flow: &Flow, grains: &Path) {
    run_before(flow, grains);
    sow(grains, &AFTER);
}

fn go_back(flow: &Flow, grains: &Path) {
    run_before_with_other_data(flow, grains);
    run_before(flow, grains);
    sow(grains, &BEFORE);
}

fn touch(flow: &Flow, grains: &Path) {
    run_before(flow, grains);
    for file in crate::support::files_below(flow.folder()) {
        let file = std::fs::File::options().append(true).open(file).expect("a file");
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("another time");
    }
}

#[test]
fn a_first_run_survives_every_fault() -> Result<()> {
    every_operation(nothing, run)
}

#[test]
fn a_run_with_changed_data_survives_every_fault() -> Result<()> {
    every_operation(run_before_with_other_data, run)
}

#[test]
fn a_run_that_reuses_outputs_survives_every_fault() -> Result<()> {
    every_operation(go_back, run)
}

#[test]
fn preview_and_load_survive_every_fault() -> Result<()> {
    every_operation(touch, |flow| {
        if let Err(error) = flow.preview::<Bread>() {
            assert!(error.to_string().contains("cannot "), "{error}");
        }
        match flow.load::<Bread>() {
            Ok(loaded) => assert_eq!(*loaded, bread(&BEFORE, 10)),
            Err(error) => assert!(error.to_string().contains("cannot "), "{error}"),
        }
        match flow.graph::<Bread>().load::<Grains>() {
            Ok(loaded) => assert_eq!(*loaded, BEFORE),
            Err(error) => assert!(error.to_string().contains("cannot "), "{error}"),
        }
    })
}

#[test]
fn a_reset_survives_every_fault() -> Result<()> {
    every_operation(run_before, |flow| {
        let resets = [
            flow.reset::<Bread>(),
            flow.graph::<Bread>().reset_downstream::<Heaviest>(),
            flow.store().clear_task::<Milled>(),
            flow.graph::<Bread>().reset_all(),
            flow.store().clear(),
        ];
        for error in resets.into_iter().filter_map(Result::err) {
            assert!(error.to_string().contains("cannot "), "{error}");
        }
    })
}

/// Leaves an earlier version, an instance that no root requires, and a file of a dead process.
fn leave_garbage(flow: &Flow, grains: &Path) {
    run_before_with_other_data(flow, grains);
    flow.with(Milled::BY, 3).run::<Bread>().expect("a run without faults");
    let output = "Bread/0123456789abcdef/data-0123456789abcdef-0123456789abcdef.json";
    let output = flow.folder().join(output);
    std::fs::create_dir_all(output.parent().expect("a folder")).expect("a folder");
    std::fs::write(output, "x").expect("a file");
}

#[test]
fn garbage_collection_survives_every_fault() -> Result<()> {
    every_operation(leave_garbage, |flow| {
        let flow = flow.limits(flow::Limits::default().versions(0));
        let gc = flow.store().gc().older_than(std::time::Duration::ZERO).keep::<Bread>(&flow);
        if let Err(error) = gc.and_then(|gc| gc.find()?.remove()) {
            assert!(error.to_string().contains("cannot "), "{error}");
        }
    })
}

#[test]
fn a_run_that_keeps_no_versions_survives_every_fault() -> Result<()> {
    every_operation(run_before_with_other_data, |flow| {
        run(&flow
            .limits(flow::Limits::default().versions(0))
            .limits(flow::Limits::default().bytes(0)))
    })
}

#[test]
fn versions_are_kept_as_copies_without_hard_links() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let grains = folder.path().join("grains.txt");
    sow(&grains, &BEFORE);
    let fs = Faulty::new();
    fs.fail(|_, op, _| (op == Op::Link).then_some(Fault::Refuse(ErrorKind::Unsupported)));
    let flow = mill(&faulty_flow(folder.path(), &fs)?, folder.path());
    for _ in 0..2 {
        for data in [&BEFORE[..], &AFTER] {
            sow(&grains, data);
            flow.run::<Bread>()?;
            assert_bread(&flow, data, 10);
        }
    }
    // Both versions were kept as copies.
    sow(&grains, &BEFORE);
    assert!(flow.run::<Bread>()?.ran().is_empty());
    Ok(())
}

#[derive(Task)]
#[task(target = Json<usize>)]
struct Fetched {
    token: Secret<String>,
}

#[tracked]
impl Run for Fetched {
    fn run(&self, _cx: &Cx<Self>) -> Result<usize> {
        Ok(1)
    }
}

#[test]
fn creating_the_key_of_a_store_survives_every_fault() -> Result<()> {
    for links in [true, false] {
        for n in 0.. {
            let folder = tempfile::tempdir()?;
            let fs = Faulty::new();
            let flow = faulty_flow(folder.path(), &fs)?;
            let flow = flow.with(Fetched::TOKEN, Secret::from("hush".to_owned()));
            let key = move |path: &Path| path.to_string_lossy().contains("/.flow");
            let counted = AtomicU64::new(0);
            fs.fail(move |_, op, path| {
                if !links && op == Op::Link {
                    return Some(Fault::Refuse(ErrorKind::Unsupported));
                }
                let now = if key(path) { counted.fetch_add(1, Ordering::SeqCst) } else { u64::MAX };
                (now == n).then_some(Fault::Half(ErrorKind::StorageFull))
            });
            if let Err(error) = flow.is_complete::<Fetched>() {
                let error = error.to_string();
                assert!(error.contains("cannot ") && !error.contains("hush"), "{error}");
            }
            fs.heal();
            flow.run::<Fetched>()?;
            let other = faulty_flow(folder.path(), &Faulty::new())?;
            let other = other.with(Fetched::TOKEN, Secret::from("hush".to_owned()));
            assert!(other.is_complete::<Fetched>()?, "another key after operation {n}");
            if n > 12 {
                break;
            }
        }
    }
    Ok(())
}
