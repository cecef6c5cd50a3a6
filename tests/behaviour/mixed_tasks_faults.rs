//! Fault injection in a flow with tasks of all kinds: one file-system operation fails, or all operations
//! from one on. The failure is reported, and the next run computes the same results as a run in an empty store.

use std::fs;
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flow::File;
use flow::prelude::*;

use crate::faulty::{Fault, Faulty};
use crate::support::{assert_consistent, faulty_flow, step};

#[derive(Task)]
#[task(external, path = &self.path, target = Text)]
struct Words {
    path: PathBuf,
}

#[derive(Outputs)]
struct Split {
    #[output(Json)]
    words: Vec<String>,
    #[output(File)]
    folder: PathBuf,
}

#[derive(Task)]
#[task(requires = Words, outputs = Split, group = "texts")]
struct Parts;

runs!(Parts: Split = |self, cx| {
    let text = cx.input().load()?;
    let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    let folder = cx.out_path_of(Split::FOLDER)?;
    fs::create_dir_all(folder.join("empty"))?;
    for (i, word) in words.iter().enumerate() {
        fs::create_dir_all(folder.join("sub"))?;
        fs::write(folder.join(format!("sub/{i}")), word)?;
    }
    Ok(Split { words, folder })
});

#[derive(Task)]
#[task(requires = Words, target = Memory<usize>)]
struct Size;

runs!(Size: usize = |self, cx| Ok(cx.input().load()?.split_whitespace().count()));

#[derive(Task)]
#[task(aggregate, requires(parts = Parts, size = Size))]
struct All;

#[derive(Task)]
#[task(requires = All, target = Text)]
struct Report;

runs!(Report: String = |self, cx| {
    let all = cx.input().load()?;
    let folder = all.parts.load_one(Split::FOLDER)?;
    let last = fs::read_to_string(folder.join(format!("sub/{}", *all.size.load()? - 1)))?;
    ensure!(folder.join("empty").is_dir(), "a folder is missing");
    Ok(format!("{} {last}", all.parts.load_one(Split::WORDS)?.join("-")))
});

const BEFORE: (&str, &str) = ("one two", "one-two two");
const AFTER: (&str, &str) = ("three four five", "three-four-five five");

fn given(flow: &Flow, folder: &Path) -> Flow {
    flow.with(Words::PATH, folder.join("words.txt"))
}

/// Makes each operation of `act` fail in turn, in a store that `prepare` has filled.
fn every_operation(prepare: fn(&Flow, &Path) -> Result<()>, act: fn(&Flow)) -> Result<()> {
    let faults = [
        (false, false, Fault::Refuse(ErrorKind::PermissionDenied)),
        (false, true, Fault::Half(ErrorKind::StorageFull)),
        (true, true, Fault::Half(ErrorKind::StorageFull)),
    ];
    for (first, (crash, changes, fault)) in (0..).zip(faults) {
        for n in (first..).step_by(step(11)) {
            let folder = tempfile::tempdir()?;
            let words = folder.path().join("words.txt");
            fs::write(&words, BEFORE.0)?;
            let faulty = Faulty::new();
            let flow = given(&faulty_flow(folder.path(), &faulty)?, folder.path()).workers(1);
            prepare(&flow, &words)?;
            let text = fs::read_to_string(&words)?;
            let report = if text == BEFORE.0 { BEFORE.1 } else { AFTER.1 };

            let counted = Arc::new(AtomicU64::new(0));
            let counter = Arc::clone(&counted);
            faulty.fail(move |_, op, _| {
                if changes && !op.changes() {
                    return None;
                }
                let at = counter.fetch_add(1, Ordering::SeqCst);
                (if crash { at >= n } else { at == n }).then_some(fault)
            });
            let what = format!("operation {n}, {fault:?}, crash: {crash}");
            assert!(catch_unwind(AssertUnwindSafe(|| act(&flow))).is_ok(), "a panic at {what}");
            let failed = counted.load(Ordering::SeqCst) > n;
            faulty.heal();
            assert_consistent(flow.folder());
            assert_eq!(fs::read_to_string(&words)?, text, "it is not ours");

            // Another flow continues, and so does the same one, except after a crash.
            let other = given(&faulty_flow(folder.path(), &Faulty::new())?, folder.path());
            for flow in [Some(other), Some(flow).filter(|_| !crash)].into_iter().flatten() {
                flow.run::<Report>().unwrap_or_else(|error| panic!("{error} after {what}"));
                assert_eq!(*flow.load::<Report>()?, report, "{what}");
                flow.run::<All>().unwrap_or_else(|error| panic!("{error} after {what}"));
                let all = flow.load::<All>()?;
                assert_eq!(all.parts.load()?.words.len(), *all.size.load()?, "{what}");
                assert!(flow.run::<(Report, All)>()?.ran().is_empty(), "{what}");
                assert_consistent(flow.folder());
            }
            if !failed {
                assert!(n > 5, "hardly anything was done");
                break;
            }
        }
    }
    Ok(())
}

/// Runs the report, and asserts that errors name a failed file-system operation.
fn run(flow: &Flow) {
    let told = |error: &str| {
        assert!(
            ["cannot ", "removed", "permission denied", "no storage"]
                .iter()
                .any(|w| error.contains(w)),
            "{error}"
        );
    };
    match flow.run::<Report>() {
        Ok(summary) => assert!(summary.is_success()),
        Err(flow::Error::Failed(summary)) => {
            summary.failed().into_iter().for_each(|e| told(&e.error.unwrap_or_default()));
        }
        Err(error) => told(&error.to_string()),
    }
}

fn nothing(_: &Flow, _: &Path) -> Result<()> {
    Ok(())
}

fn ran_before(flow: &Flow, _: &Path) -> Result<()> {
    Ok(flow.run::<Report>().map(drop)?)
}

fn went_back(flow: &Flow, words: &Path) -> Result<()> {
    ran_before(flow, words)?;
    fs::write(words, AFTER.0)?;
    ran_before(flow, words)?;
    Ok(fs::write(words, BEFORE.0)?)
}

fn changed(flow: &Flow, words: &Path) -> Result<()> {
    ran_before(flow, words)?;
    Ok(fs::write(words, AFTER.0)?)
}

#[test]
fn a_first_run_survives_every_fault() -> Result<()> {
    every_operation(nothing, run)
}

#[test]
fn a_run_with_changed_data_survives_every_fault() -> Result<()> {
    every_operation(changed, run)
}

#[test]
fn a_run_that_reuses_outputs_survives_every_fault() -> Result<()> {
    every_operation(went_back, run)
}

#[test]
fn resets_survive_every_fault() -> Result<()> {
    every_operation(ran_before, |flow| {
        let resets = [
            flow.reset::<All>(),
            flow.store().clear_task::<Parts>(),
            flow.graph::<Report>().reset_all(),
            flow.store().clear(),
        ];
        for error in resets.into_iter().filter_map(Result::err) {
            assert!(error.to_string().contains("cannot "), "{error}");
        }
    })
}

/// If an operation of `clear` fails, `clear` returns an error or no output is complete any more.
#[test]
fn clear_returns_an_error_or_leaves_no_output() -> Result<()> {
    for n in 0..200 {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("words.txt"), BEFORE.0)?;
        given(&faulty_flow(folder.path(), &Faulty::new())?, folder.path()).run::<Report>()?;
        let faulty = Faulty::new();
        let flow = given(&faulty_flow(folder.path(), &faulty)?, folder.path());
        faulty
            .fail(move |at, _, _| (at == n).then_some(Fault::Refuse(ErrorKind::PermissionDenied)));
        let reset = flow.store().clear();
        let done = faulty.count();
        faulty.heal();
        if reset.is_ok() {
            let parts = flow.graph::<Report>().outputs::<Parts>();
            assert!(parts.is_err(), "{parts:?} after operation {n}");
            assert!(!flow.is_complete::<Report>()?, "operation {n}");
        }
        if n >= done {
            return Ok(());
        }
    }
    panic!("it has no end");
}
