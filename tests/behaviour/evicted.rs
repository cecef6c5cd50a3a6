//! Evicted outputs: the file is gone and its digest is recorded. Such an output is recomputed when a task
//! that requires it runs, and not before.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flow::prelude::*;

use crate::support::{failed, failure, flow, not_run, ran, reused};

/// A chain `First` ← `Second` ← `Third` ← (`Left`, `Right`) ← `Top`, with its own switch and counter.
macro_rules! graph {
    ($module:ident, $first:expr) => {
        mod $module {
            use super::*;

            pub(super) static BROKEN: AtomicBool = AtomicBool::new(false);
            pub(super) static RUNS: AtomicU64 = AtomicU64::new(0);

            /// Its output may depend on the number of its runs.
            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct First;

            #[tracked]
            impl Run for First {
                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    ensure!(!BROKEN.load(Ordering::SeqCst), "it is broken");
                    let make: fn(u64) -> u64 = $first;
                    Ok(make(RUNS.fetch_add(1, Ordering::SeqCst)))
                }
            }

            #[derive(Task)]
            #[task(requires = First, target = Json<u64>)]
            pub(super) struct Second;

            #[tracked]
            impl Run for Second {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()? + 1)
                }
            }

            #[derive(Task)]
            #[task(requires = Second, target = Json<u64>)]
            pub(super) struct Third;

            #[tracked]
            impl Run for Third {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()? + 1)
                }
            }

            #[derive(Task)]
            #[task(requires = Third, target = Json<u64>)]
            pub(super) struct Left;

            #[tracked]
            impl Run for Left {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()? * 10)
                }
            }

            #[derive(Task)]
            #[task(requires = Third, target = Json<u64>)]
            pub(super) struct Right;

            #[tracked]
            impl Run for Right {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()? * 100)
                }
            }

            #[derive(Task)]
            #[task(requires(Left, Right), target = Json<u64>)]
            pub(super) struct Top;

            #[tracked]
            impl Run for Top {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let (left, right) = cx.input();
                    Ok(*left.load()? + *right.load()?)
                }
            }

            #[derive(Task)]
            #[task(requires = Left, target = Json<u64>)]
            pub(super) struct Beside;

            #[tracked]
            impl Run for Beside {
                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()? + 7)
                }
            }

            /// Runs all tasks, and removes the outputs of the chain.
            pub(super) fn evict(flow: &Flow) -> Result<()> {
                flow.run::<(Top, Beside)>()?;
                let of = flow.graph::<Top>();
                fs::remove_file(of.output::<First>()?.path()?)?;
                fs::remove_file(of.output::<Second>()?.path()?)?;
                fs::remove_file(of.output::<Third>()?.path()?)?;
                assert!(flow.is_complete::<(Top, Beside)>()?);
                assert!(flow.run::<(Top, Beside)>()?.ran().is_empty());
                Ok(())
            }
        }
    };
}

graph!(steady, |_| 1);

#[test]
fn a_missing_chain_is_recomputed_when_it_is_needed() -> Result<()> {
    for workers in [1, 3] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        steady::evict(&flow)?;
        flow.reset::<steady::Left>()?;
        let summary = flow.run::<(steady::Top, steady::Beside)>()?;
        assert_eq!(ran(&summary), ["First", "Left", "Second", "Third"]);
        assert_eq!(*flow.load::<steady::Top>()?, 330);
        assert_eq!(*flow.load::<steady::Beside>()?, 37);
    }
    Ok(())
}

graph!(both, |_| 1);

#[test]
fn an_output_that_two_tasks_need_is_recomputed_once() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        both::evict(&flow)?;
        flow.reset::<both::Left>()?;
        flow.reset::<both::Right>()?;
        let summary = flow.run::<(both::Top, both::Beside)>()?;
        assert_eq!(ran(&summary), ["First", "Left", "Right", "Second", "Third"]);
        assert_eq!(*flow.load::<both::Top>()?, 330);
    }
    Ok(())
}

graph!(broken, |_| 1);

#[test]
fn a_failed_recomputation_blocks_downstream_tasks() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        broken::evict(&flow)?;
        flow.reset::<broken::Left>()?;
        flow.reset::<broken::Right>()?;
        broken::BROKEN.store(true, Ordering::SeqCst);
        let summary = failure(flow.run::<(broken::Top, broken::Beside)>());
        assert_eq!(failed(&summary), ["First"]);
        assert_eq!(not_run(&summary), ["Beside", "Left", "Right", "Second", "Third", "Top"]);
        for entry in summary.not_run() {
            assert_eq!(entry.error.as_deref(), Some("First failed"), "{}", entry.instance);
        }
        broken::BROKEN.store(false, Ordering::SeqCst);
        flow.run::<(broken::Top, broken::Beside)>()?;
        assert_eq!(*flow.load::<broken::Top>()?, 330);
        assert_eq!(*flow.load::<broken::Beside>()?, 37);
    }
    Ok(())
}

graph!(fickle, |runs| runs);

#[test]
fn a_different_recomputed_output_reruns_complete_tasks() -> Result<()> {
    for workers in [1, 4] {
        let (flow, _folder) = flow();
        let flow = flow.workers(workers);
        fickle::evict(&flow)?;
        // Only the left side was reset; the right side was complete with the old data.
        flow.reset::<fickle::Left>()?;
        let runs = fickle::RUNS.load(Ordering::SeqCst);
        let summary = flow.run::<(fickle::Top, fickle::Beside)>()?;
        assert_eq!(ran(&summary), ["Beside", "First", "Left", "Right", "Second", "Third", "Top"]);
        assert_eq!(fickle::RUNS.load(Ordering::SeqCst), runs + 1);
        assert_eq!(*flow.load::<fickle::Top>()?, (runs + 2) * 110);
        assert_eq!(*flow.load::<fickle::Beside>()?, (runs + 2) * 10 + 7);
        assert!(flow.run::<(fickle::Top, fickle::Beside)>()?.ran().is_empty());
    }
    Ok(())
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Rounded {
    n: u64,
}

#[tracked]
impl Run for Rounded {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n / 10)
    }
}

#[derive(Task)]
#[task(requires = Rounded, target = Json<u64>)]
struct Doubled;

#[tracked]
impl Run for Doubled {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()? * 2)
    }
}

#[test]
fn an_output_of_another_instance_replaces_a_missing_one() -> Result<()> {
    let (flow, _folder) = flow();
    let (one, two) = (flow.with(Rounded::N, 11), flow.with(Rounded::N, 12));
    one.run::<Doubled>()?;
    assert_eq!(reused(&two.run::<Doubled>()?), ["Doubled"]);
    fs::remove_file(two.output::<Doubled>()?.path()?)?;
    let summary = two.run::<Doubled>()?;
    assert_eq!((ran(&summary), reused(&summary)), (vec![], vec!["Doubled".to_owned()]));
    assert_eq!(*two.load::<Doubled>()?, 2);
    Ok(())
}

static TRIED: AtomicBool = AtomicBool::new(false);
static FAILS: AtomicBool = AtomicBool::new(false);

#[derive(Task)]
#[task(target = Json<u64>)]
struct Source;

#[tracked]
impl Run for Source {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        TRIED.store(true, Ordering::SeqCst);
        ensure!(!FAILS.load(Ordering::SeqCst), "it fails now");
        Ok(1)
    }
}

#[derive(Task)]
#[task(requires = Source, target = Json<u64>)]
struct Early;

#[tracked]
impl Run for Early {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

/// Runs until [`Source`] has been started.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Slow;

#[tracked]
impl Run for Slow {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        while !TRIED.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        // The failure of `Source` is reported before this task ends.
        std::thread::sleep(std::time::Duration::from_millis(20));
        Ok(2)
    }
}

#[derive(Task)]
#[task(requires(Source, Slow), target = Json<u64>)]
struct Late;

#[tracked]
impl Run for Late {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (source, slow) = cx.input();
        Ok(*source.load()? + *slow.load()?)
    }
}

#[derive(Task)]
#[task(requires(Early, Late), target = Json<u64>)]
struct Over;

#[tracked]
impl Run for Over {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let (early, late) = cx.input();
        Ok(*early.load()? + *late.load()?)
    }
}

#[derive(Task)]
#[task(requires = Late, target = Json<u64>)]
struct Beyond;

#[tracked]
impl Run for Beyond {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        Ok(*cx.input().load()?)
    }
}

#[test]
fn a_failed_recomputation_blocks_tasks_that_wait_for_others() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(2);
    flow.run::<(Over, Beyond)>()?;
    fs::remove_file(flow.graph::<Over>().output::<Source>()?.path()?)?;
    for reset in [flow.reset::<Early>(), flow.reset::<Late>(), flow.reset::<Slow>()] {
        reset?;
    }
    FAILS.store(true, Ordering::SeqCst);
    TRIED.store(false, Ordering::SeqCst);
    let summary = failure(flow.run::<(Over, Beyond)>());
    assert_eq!((ran(&summary), failed(&summary)), (vec!["Slow".into()], vec!["Source".into()]));
    assert_eq!(not_run(&summary), ["Beyond", "Early", "Late", "Over"]);
    for entry in summary.not_run() {
        assert_eq!(entry.error.as_deref(), Some("Source failed"), "{}", entry.instance);
    }
    FAILS.store(false, Ordering::SeqCst);
    flow.run::<(Over, Beyond)>()?;
    assert_eq!(*flow.load::<Over>()?, 4);
    Ok(())
}

/// The length of a file.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Length {
    #[param(file)]
    path: PathBuf,
}

runs!(Length: u64 = |self, _cx| Ok(std::fs::read(&self.path)?.len() as u64));

#[derive(Task)]
#[task(requires = Length, target = Memory<u64>)]
struct Held;

runs!(Held: u64 = |self, cx| Ok(*cx.input().load()? + 1));

#[derive(Task)]
#[task(requires = Held, target = Json<u64>)]
struct Scaled {
    #[param(default = 1)]
    by: u64,
}

runs!(Scaled: u64 = |self, cx| Ok(*cx.input().load()? * self.by));

#[derive(Task)]
#[task(requires = Scaled, target = Json<u64>)]
struct Last;

runs!(Last: u64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_missing_value_is_not_recomputed_if_upstream_is_unchanged() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data.txt");
    let open = || -> Result<Flow> {
        let flow = Flow::open(folder.path().join("data"))?.quiet().workers(1);
        Ok(flow.with(Length::PATH, path.clone()))
    };
    std::fs::write(&path, "abc")?;
    open()?.run::<Last>()?;

    // A flow that is opened again has no values in memory. The length of the file is unchanged.
    std::fs::write(&path, "xyz")?;
    let summary = open()?.run::<Last>()?;
    assert_eq!(ran(&summary), ["Length"]);
    assert_eq!(crate::support::unchanged(&summary), ["Held", "Last", "Scaled"]);

    // `Scaled` has to run and needs `Held`, which is recomputed for it.
    std::fs::write(&path, "123")?;
    let summary = open()?.with(Scaled::BY, 3).run::<Last>()?;
    assert_eq!(ran(&summary), ["Held", "Last", "Length", "Scaled"]);
    assert_eq!(*open()?.with(Scaled::BY, 3).load::<Last>()?, 12);

    // `Held` itself is a root.
    std::fs::write(&path, "456")?;
    assert_eq!(ran(&open()?.run::<(Held, Last)>()?), ["Held", "Length"]);
    // The length of the file changes.
    std::fs::write(&path, "longer")?;
    assert_eq!(ran(&open()?.run::<Last>()?), ["Held", "Last", "Length", "Scaled"]);
    assert_eq!(*open()?.load::<Last>()?, 7);
    Ok(())
}
