//! Adding a parameter with a default to a task changes the key of each instance. Outputs are blessed
//! as after a change of code: if the new instance computes the same output.
//!
//! The releases of a program are modules with tasks of the same names that use one store.

use std::sync::atomic::{AtomicU64, Ordering};

use flow::Code;
use flow::prelude::*;

use crate::support::{assert_consistent, files_below, flow, preview, ran};

static RUNS: AtomicU64 = AtomicU64::new(0);

/// A release: the new parameter of `Get`, the output of `Get`, and the code version of `Fit`.
macro_rules! release {
    ($module:ident, $($new:ident: $type:ty = $default:expr,)? |$this:ident| $get:expr, $fit:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<Vec<u64>>)]
            pub(super) struct Get {
                #[param(default = 3)]
                n: u64,
                $(#[param(default = $default)]
                $new: $type,)?
            }

            impl Run for Get {
                const CODE: Code = Code::version(1);

                fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    let $this = self;
                    Ok($get)
                }
            }

            #[derive(Task)]
            #[task(requires = Get, target = Json<u64>)]
            pub(super) struct Fit {
                #[param(default = 2)]
                c: u64,
            }

            impl Run for Fit {
                const CODE: Code = Code::version($fit);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    Ok(cx.input().load()?.iter().sum::<u64>() * self.c)
                }
            }

            #[derive(Task)]
            #[task(requires = Fit, target = Memory<u64>)]
            pub(super) struct Live;

            impl Run for Live {
                const CODE: Code = Code::version($fit);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.input().load()?)
                }
            }

            #[derive(Task)]
            #[task(requires(Live, Fit), target = Json<u64>)]
            pub(super) struct Report;

            impl Run for Report {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    RUNS.fetch_add(1, Ordering::Relaxed);
                    let (live, fit) = cx.input();
                    Ok(*live.load()? + *fit.load()?)
                }
            }
        }
    };
}

release!(first, |this| (0..this.n).collect(), 1);
release!(same, shuffle: bool = false, |this| {
    let mut all: Vec<_> = (0..this.n).collect();
    if this.shuffle { all.reverse() }
    all
}, 1);
release!(code, shuffle: bool = false, |this| (0..this.n).filter(|_| !this.shuffle).collect(), 2);
release!(other, step: u64 = 2, |this| (0..this.n).step_by(this.step as usize).collect(), 1);

/// Returns a store in which the first release has run.
fn done() -> Result<(Flow, tempfile::TempDir)> {
    let (flow, folder) = flow();
    flow.run::<first::Report>()?;
    flow.with(first::Get::N, 5).run::<first::Report>()?;
    Ok((flow, folder))
}

fn opened(flow: &Flow) -> Result<Flow> {
    Ok(Flow::open(flow.folder())?.quiet())
}

#[test]
fn an_output_is_blessed_if_the_new_parameter_changes_nothing() -> Result<()> {
    let (flow, _folder) = done()?;
    let new = opened(&flow)?;
    assert!(preview::<same::Get>(&new).contains("PENDING never run"));
    let blessed = new.store().bless::<same::Get>().run()?;
    assert_eq!(blessed.instances(), ["Get {n: 3, shuffle: false}"], "{blessed}");
    assert_eq!(blessed.compared().len(), 1);
    assert!(ran(&new.run::<same::Get>()?).is_empty());
    assert_eq!(*new.load::<same::Get>()?, [0, 1, 2]);
    assert_consistent(flow.folder());

    // An instance with another value has no predecessor. The old instance is still complete.
    let shuffled = new.with(same::Get::SHUFFLE, true);
    assert!(shuffled.store().bless::<same::Get>().run()?.instances().is_empty());
    assert_eq!(ran(&shuffled.run::<same::Get>()?), ["Get"]);
    assert!(ran(&opened(&flow)?.run::<first::Get>()?).is_empty());
    Ok(())
}

#[test]
fn downstream_outputs_are_blessed_too() -> Result<()> {
    let (flow, _folder) = done()?;
    for n in [3, 5] {
        let new = opened(&flow)?.with(same::Get::N, n);
        let total = *flow.with(first::Get::N, n).load::<first::Report>()?;
        let before = RUNS.load(Ordering::Relaxed);
        new.store().bless::<same::Report>().run()?;
        let runs = RUNS.load(Ordering::Relaxed) - before;
        assert!(runs > 0, "nothing was compared");
        let summary = new.run::<same::Report>()?;
        assert!(ran(&summary).iter().all(|task| task == "Live"), "{summary}");
        assert_eq!(*new.load::<same::Report>()?, total);
    }
    Ok(())
}

#[test]
fn a_code_change_in_the_same_release_is_compared_too() -> Result<()> {
    let (flow, _folder) = done()?;
    let new = opened(&flow)?;
    let blessed = new.store().bless::<code::Report>().run()?;
    assert!(blessed.instances().iter().any(|one| one.starts_with("Fit")), "{blessed}");
    let summary = new.run::<code::Report>()?;
    assert!(ran(&summary).iter().all(|task| task == "Live"), "{summary}");
    assert_eq!(*new.load::<code::Report>()?, 12);
    Ok(())
}

#[test]
fn an_output_that_the_new_parameter_changes_is_not_blessed() -> Result<()> {
    let (flow, _folder) = done()?;
    let before = files_below(flow.folder());
    let new = opened(&flow)?;
    let error = new.store().bless::<other::Report>().run().expect_err("it is not the same");
    let flow::Error::NotBlessed(refusal) = error else { panic!("{error:?}") };
    assert_eq!(refusal.different()[0].instance, "Get {n: 3, step: 2}");
    assert_eq!(files_below(flow.folder()), before);
    assert_eq!(ran(&new.run::<other::Get>()?), ["Get"]);
    assert_eq!(*new.load::<other::Get>()?, [0, 2]);
    Ok(())
}
