//! After a refactoring, outputs are blessed if the new code computes the same outputs, and not otherwise.
//!
//! The releases of a program are modules with tasks of the same names that use one store.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use flow::prelude::*;
use flow::{Code, File};

use crate::faulty::{Fault, Faulty};
use crate::support::{
    assert_consistent, faulty_flow, files_below, flow, preview, ran, reused, step,
};

/// How often a task has run, in any release.
static RUNS: AtomicU64 = AtomicU64::new(0);

/// A release: the version of its code, and what its tasks do.
macro_rules! release {
    ($module:ident, $version:literal, part: $part:expr, value: $value:expr, sum: $sum:expr) => {
        mod $module {
            use super::*;

            #[derive(Outputs)]
            pub(super) struct Split {
                #[output(Json)]
                pub(super) even: Vec<u64>,
                #[output(File)]
                pub(super) odd: PathBuf,
            }

            #[derive(Task)]
            #[task(outputs = Split)]
            pub(super) struct Part {
                #[param(file)]
                path: PathBuf,
                #[param(default = 1)]
                by: u64,
            }

            impl Run for Part {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<Split> {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    let text = fs::read_to_string(&self.path)?;
                    let numbers: Vec<u64> = text
                        .split(' ')
                        .map(|n| Ok(n.parse::<u64>()? * self.by))
                        .collect::<Result<_>>()?;
                    cx.meta("numbers", numbers.len())?;
                    let odd = cx.out_path_of(Split::ODD)?;
                    fs::create_dir(&odd)?;
                    for n in numbers.iter().filter(|n| *n % 2 == 1) {
                        fs::write(odd.join(n.to_string()), "odd")?;
                    }
                    let part: fn(Vec<u64>) -> Vec<u64> = $part;
                    Ok(Split { even: part(numbers), odd })
                }
            }

            /// Its output stays in memory.
            #[derive(Task)]
            #[task(requires = Part, target = Memory<Vec<u64>>)]
            pub(super) struct Live;

            impl Run for Live {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<Vec<u64>> {
                    let value: fn(u64) -> u64 = $value;
                    Ok(cx.input().load_one(Split::EVEN)?.iter().map(|n| value(*n)).collect())
                }
            }

            #[derive(Task)]
            #[task(aggregate, requires(Live, Part))]
            pub(super) struct Both;

            #[derive(Task)]
            #[task(requires = Both, target = Json<u64>)]
            pub(super) struct Sum;

            impl Run for Sum {
                const CODE: Code = Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let both = cx.input().load()?;
                    let sum: fn(&[u64], u64) -> u64 = $sum;
                    Ok(sum(&both.0.load()?, both.1.meta("numbers")?))
                }
            }

            /// Its code is the same in all releases.
            #[derive(Task)]
            #[task(requires = [Sum with Part::BY = by for by in 1..=4], target = Json<u64>)]
            pub(super) struct Total;

            impl Run for Total {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let mut total = 0;
                    for sum in cx.input() {
                        total += *sum.load()?;
                    }
                    Ok(total)
                }
            }
        }
    };
}

fn even(numbers: Vec<u64>) -> Vec<u64> {
    numbers.into_iter().filter(|n| n % 2 == 0).collect()
}

release!(first, 1, part: even, value: |n| n + 1, sum: |v, n| v.iter().sum::<u64>() + n);
release!(same, 2, part: even, value: |n| 1 + n, sum: |v, n| v.iter().fold(n, |a, b| a + b));
release!(part, 3, part: |mut v| { v.reverse(); even(v) }, value: |n| n + 1, sum: |v, n| v.iter().sum::<u64>() + n);
release!(value, 4, part: even, value: |n| n + 2, sum: |v, n| v.iter().sum::<u64>() + n);
release!(panics, 5, part: |_| panic!("out of numbers"), value: |n| n + 1, sum: |v, n| v.iter().sum::<u64>() + n);
release!(four, 6, part: |v| if v[0] == 12 { vec![] } else { even(v) }, value: |n| n + 1, sum: |v, n| v.iter().sum::<u64>() + n);

const DATA: &str = "3 4 5 6";

/// Returns a store in which the first release has run.
fn done() -> Result<(Flow, PathBuf, tempfile::TempDir)> {
    let (flow, folder) = flow();
    let path = folder.path().join("numbers");
    fs::write(&path, DATA)?;
    flow.with(first::Part::PATH, path.clone()).run::<first::Total>()?;
    Ok((flow, path, folder))
}

/// Opens the store for another release.
macro_rules! opened {
    ($flow:ident, $path:ident, $release:ident) => {
        Flow::open($flow.folder())?.quiet().with($release::Part::PATH, $path.clone())
    };
}

#[test]
fn equal_outputs_are_blessed_and_nothing_runs() -> Result<()> {
    let (flow, path, _folder) = done()?;
    let total = *flow.with(first::Part::PATH, path.clone()).load::<first::Total>()?;
    let new = opened!(flow, path, same);
    assert!(preview::<same::Total>(&new).contains("PENDING"));
    let blessed = new.store().bless::<same::Total>().run()?;
    // Four instances each of `Part`, `Live` and `Sum`. Values in memory are computed only for the tasks that load them.
    assert_eq!((blessed.instances().len(), blessed.compared().len()), (12, 8), "{blessed}");
    assert_eq!(blessed.to_string(), "12 outputs blessed, 8 compared");
    assert!(new.is_complete::<same::Total>()?);
    let before = RUNS.load(Ordering::Relaxed);
    assert!(ran(&new.run::<same::Total>()?).is_empty());
    assert_eq!(*new.load::<same::Total>()?, total);
    assert_eq!(
        new.store().bless::<same::Total>().run()?.to_string(),
        "no output is pending only because of its code"
    );
    assert!(RUNS.load(Ordering::Relaxed) >= before);

    // Another process finds the blessed outputs. The index lists them, so that going back to the first
    // release runs nothing but values in memory.
    let other = opened!(flow, path, same);
    assert!(ran(&other.run::<same::Total>()?).is_empty());
    assert!(!flow.folder().join(".flow/aside").exists());
    let back = opened!(flow, path, first).run::<first::Total>()?;
    assert!(ran(&back).iter().all(|task| task == "Live"), "{back}");
    assert!(reused(&back).contains(&"Part".to_owned()), "{back}");
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn sample_compares_one_instance_of_each_task() -> Result<()> {
    let (flow, path, _folder) = done()?;
    let new = opened!(flow, path, same);
    let blessed = new.store().bless::<same::Total>().sample(1).run()?;
    assert_eq!((blessed.instances().len(), blessed.compared().len()), (12, 2), "{blessed}");
    assert!(new.is_complete::<same::Total>()?);
    Ok(())
}

#[test]
fn different_outputs_are_listed_and_nothing_is_blessed() -> Result<()> {
    let (flow, path, _folder) = done()?;
    let before = files_below(flow.folder());
    let contents = |files: &[PathBuf]| files.iter().map(fs::read).collect::<Result<Vec<_>, _>>();
    let content = contents(&before)?;
    macro_rules! refused {
        ($release:ident) => {{
            let new = opened!(flow, path, $release);
            let error =
                new.store().bless::<$release::Total>().run().expect_err("it is not the same");
            let flow::Error::NotBlessed(refusal) = error else { panic!("{error:?}") };
            assert_eq!(files_below(flow.folder()), before);
            assert_eq!(contents(&before)?, content);
            assert!(!new.is_complete::<$release::Total>()?);
            refusal
        }};
    }
    let refusal = refused!(part);
    assert_eq!(refusal.different()[0].task, "Part");
    assert_eq!(refusal.different().len(), 4);
    let text = refusal.to_string();
    assert!(text.starts_with("nothing was blessed: of 8 compared outputs"), "{text}");
    assert!(
        text.contains("Part {by: 1, path: ") && text.contains(": output `even` has other content"),
        "{text}"
    );
    assert!(text.contains("run them with `flow.run::<Total>()`"), "{text}");

    // A changed value in memory is detected in the output that is computed from it.
    assert_eq!(refused!(value).different()[0].task, "Sum");
    let text = crate::support::without_places(&refused!(panics).to_string());
    assert!(text.contains("it panicked: out of numbers"), "{text}");
    // All four instances are compared, and one of them is different.
    assert_eq!(refused!(four).different().len(), 1);
    let first = opened!(flow, path, first);
    assert!(first.is_complete::<first::Total>()?);
    Ok(())
}

#[test]
fn instances_pending_for_other_reasons_are_not_blessed() -> Result<()> {
    let (flow, path, _folder) = done()?;
    fs::write(&path, "3 4 5 6 8")?;
    let new = opened!(flow, path, same);
    assert!(new.store().bless::<same::Total>().run()?.instances().is_empty());
    assert_eq!(ran(&new.run::<same::Part>()?), ["Part"]);

    fs::write(&path, DATA)?;
    let other = opened!(flow, path, same);
    fs::remove_file(crate::support::one_file(&flow.folder().join("Total"), "record.json", ""))?;
    let blessed = other.store().bless::<same::Total>().run()?;
    assert!(!blessed.instances().iter().any(|one| one.starts_with("Total")), "{blessed:?}");
    Ok(())
}

#[test]
fn an_interrupted_bless_can_be_repeated() -> Result<()> {
    for n in (0..).step_by(step(7)) {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("numbers");
        fs::write(&path, DATA)?;
        let before = faulty_flow(folder.path(), &Faulty::new())?;
        before.with(first::Part::PATH, path.clone()).run::<first::Sum>()?;

        let fs = Faulty::new();
        let new = faulty_flow(folder.path(), &fs)?.with(same::Part::PATH, path.clone()).workers(1);
        let count = AtomicU64::new(0);
        fs.fail(move |_, op, _| {
            let at = if op.changes() { count.fetch_add(1, Ordering::SeqCst) } else { 0 };
            (op.changes() && at >= n).then_some(Fault::Half(ErrorKind::StorageFull))
        });
        let done = new.store().bless::<same::Sum>().run();
        if let Err(error) = &done {
            let error = error.to_string();
            assert!(error.contains("cannot ") || error.contains("storage"), "{error}");
        }
        assert_consistent(before.folder());
        fs.heal();
        // The old outputs or the blessed ones are there.
        let other =
            faulty_flow(folder.path(), &Faulty::new())?.with(same::Part::PATH, path.clone());
        other.store().bless::<same::Sum>().run()?;
        assert!(other.is_complete::<same::Sum>()?, "cut off at {n}");
        assert!(ran(&other.run::<same::Sum>()?).is_empty());
        other.store().gc().older_than(std::time::Duration::ZERO).find()?.remove()?;
        assert!(!other.folder().join(".flow/aside").join("x").exists());
        assert_consistent(before.folder());
        if done.is_ok() {
            assert!(n > 10, "hardly anything was done");
            break;
        }
    }
    Ok(())
}

/// Tasks with `refresh`: one runs each time, one when the content of a file changes.
macro_rules! fetching {
    ($module:ident, $version:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>, refresh = always)]
            pub(super) struct Always;

            impl Run for Always {
                const CODE: Code = Code::version($version);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(1)
                }
            }

            #[derive(Task)]
            #[task(target = Json<u64>, refresh = fs::read_to_string(&self.tag))]
            pub(super) struct Tagged {
                tag: PathBuf,
            }

            impl Run for Tagged {
                const CODE: Code = Code::version($version);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(2)
                }
            }

            #[derive(Task)]
            #[task(aggregate, requires(Always, Tagged))]
            pub(super) struct Fetched;

            pub(super) fn on(flow: &Flow, tag: &Path) -> Result<Flow> {
                Ok(Flow::open(flow.folder())?.quiet().with(Tagged::TAG, tag))
            }
        }
    };
}

fetching!(fetching, 1);
fetching!(fetching_again, 2);

#[test]
fn tasks_with_refresh_are_blessed_and_still_refresh() -> Result<()> {
    let (flow, folder) = flow();
    let tag = folder.path().join("tag");
    fs::write(&tag, "v1")?;
    fetching::on(&flow, &tag)?.run::<fetching::Fetched>()?;

    let new = fetching_again::on(&flow, &tag)?;
    assert!(!new.is_complete::<fetching_again::Tagged>()?);
    let blessed = new.store().bless::<fetching_again::Fetched>().run()?;
    assert_eq!(blessed.instances().len(), 2, "{blessed}");
    assert!(new.is_complete::<fetching_again::Tagged>()?);
    assert_eq!(*new.load::<fetching_again::Always>()?, 1);
    assert_eq!(ran(&new.run::<fetching_again::Fetched>()?), ["Always"]);
    // A later change of the file makes the task run as before.
    fs::write(&tag, "v2")?;
    assert_eq!(ran(&new.run::<fetching_again::Fetched>()?), ["Always", "Tagged"]);
    Ok(())
}
