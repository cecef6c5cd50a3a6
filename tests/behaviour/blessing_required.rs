//! A task is blessed together with the instances that it required while it ran.
//!
//! The releases of a program are modules with tasks of the same names that use one store.

use flow::Code;
use flow::prelude::*;

use crate::support::{assert_consistent, flow, ran};

/// A release: the versions of its code, and what its tasks do.
macro_rules! release {
    ($module:ident, fit: $fit:literal $slope:expr, search: $search:literal $settings:expr) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct Data {
                #[param(default = 7)]
                n: u64,
            }

            runs!(Data: u64 = |self, _cx| Ok(self.n));

            /// Required by `Score` while that runs.
            #[derive(Task)]
            #[task(requires = Data, target = Json<u64>)]
            pub(super) struct Fit {
                #[param(default = 0)]
                degree: u64,
            }

            impl Run for Fit {
                const CODE: Code = Code::version($fit);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let slope: fn(u64) -> u64 = $slope;
                    Ok(slope(*cx.input().load()?) + self.degree)
                }
            }

            /// Required by `Search` while that runs, and itself requires `Fit`.
            #[derive(Task)]
            #[task(target = Json<u64>, may_require(Fit))]
            pub(super) struct Score {
                #[param(default = 0)]
                degree: u64,
            }

            impl Run for Score {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    Ok(*cx.require::<Fit>()?.load()? * 10)
                }
            }

            #[derive(Task)]
            #[task(target = Json<u64>, may_require(Score))]
            pub(super) struct Search;

            impl Run for Search {
                const CODE: Code = Code::version($search);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let mut sum = 0;
                    for degree in $settings {
                        sum += *cx.with(Score::DEGREE, degree).require::<Score>()?.load()?;
                    }
                    Ok(sum)
                }
            }

            /// Requires `Search` statically.
            #[derive(Task)]
            #[task(requires = Search, target = Json<u64>)]
            pub(super) struct Report;

            runs!(Report: u64 = |self, cx| Ok(*cx.input().load()? + 1));
        }
    };
}

release!(first, fit: 1 |n| n * 2, search: 1 [1, 2, 3]);
release!(fit, fit: 2 |n| n + n, search: 1 [1, 2, 3]);
release!(both, fit: 2 |n| n + n, search: 2 1..=3);
release!(wrong_fit, fit: 3 |n| n * 3, search: 2 1..=3);
release!(wrong_search, fit: 1 |n| n * 2, search: 3 [3, 2, 1]);
release!(new_search, fit: 1 |n| n * 2, search: 3 [1, 2, 4]);

/// Returns a store in which the first release has run.
fn done() -> Result<(Flow, tempfile::TempDir)> {
    let (flow, folder) = flow();
    flow.run::<first::Report>()?;
    Ok((Flow::open(flow.folder())?.quiet(), folder))
}

#[test]
fn blessing_required_instances_completes_their_requester() -> Result<()> {
    let (flow, _folder) = done()?;
    assert!(!flow.is_complete::<fit::Report>()?);
    let blessed = flow.store().bless::<fit::Report>().run()?;
    assert_eq!(blessed.to_string(), "3 outputs blessed, 3 compared");
    assert!(ran(&flow.run::<fit::Report>()?).is_empty());
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn a_requester_whose_code_changed_is_compared_and_blessed() -> Result<()> {
    let (flow, _folder) = done()?;
    let blessed = flow.store().bless::<both::Report>().run()?;
    assert_eq!(blessed.to_string(), "4 outputs blessed, 4 compared");
    assert!(blessed.instances().contains(&"Search".to_owned()), "{blessed:?}");
    assert!(ran(&flow.run::<both::Report>()?).is_empty());
    assert!(!flow.folder().join(".flow/aside").exists());
    assert_consistent(flow.folder());
    Ok(())
}

#[test]
fn sample_compares_one_instance_of_each_required_task() -> Result<()> {
    let (flow, _folder) = done()?;
    let blessed = flow.store().bless::<both::Report>().sample(1).run()?;
    assert_eq!(blessed.to_string(), "4 outputs blessed, 2 compared");
    assert!(ran(&flow.run::<both::Report>()?).is_empty());
    Ok(())
}

#[test]
fn different_outputs_are_listed_and_nothing_is_blessed() -> Result<()> {
    let (flow, _folder) = done()?;
    let refused = flow.store().bless::<wrong_fit::Report>().run().expect_err("it is another");
    let text = refused.to_string();
    assert!(text.starts_with("nothing was blessed: of 4 compared outputs"), "{text}");
    assert!(text.contains("Fit {degree: 2}: the output has other content"), "{text}");
    assert!(!flow.is_complete::<wrong_fit::Report>()?);
    let again = Flow::open(flow.folder())?.quiet();
    assert!(again.is_complete::<first::Report>()?);
    Ok(())
}

#[test]
fn a_task_that_requires_other_instances_is_not_blessed() -> Result<()> {
    let (flow, _folder) = done()?;
    // The sum is the same, but the instances are required in another order.
    let refused = flow.store().bless::<wrong_search::Report>().run().expect_err("it is another");
    let text = refused.to_string();
    assert!(
        text.ends_with(
            "  Search: it requires something else while it runs\n\
             run them with `flow.run::<Report>()`; an output that differs in every run, for example because of \
             random numbers or the time, cannot be blessed"
        ),
        "{text}"
    );
    // A required instance without an output is not computed for the comparison.
    let flow = Flow::open(flow.folder())?.quiet();
    let refused = flow.store().bless::<new_search::Report>().run().expect_err("it is another");
    assert!(refused.to_string().contains("Search: it failed: "), "{refused}");
    assert!(Flow::open(flow.folder())?.quiet().is_complete::<first::Report>()?);
    Ok(())
}

#[test]
fn instances_pending_for_other_reasons_are_listed() -> Result<()> {
    let (flow, _folder) = done()?;
    flow.with(first::Score::DEGREE, 2).reset::<first::Score>()?;
    let flow = Flow::open(flow.folder())?.quiet();
    let blessed = flow.store().bless::<both::Report>().run()?;
    // Two instances of `Fit` are blessed; no record names the third one any more.
    assert_eq!(blessed.pending().len(), 2, "{blessed}");
    let text = blessed.to_string();
    assert!(
        text.contains("; still pending:\n  Search: code: version 1 is version 2 now"),
        "{text}"
    );
    assert!(text.ends_with("\n  Report: waits for Search"), "{text}");
    Ok(())
}
