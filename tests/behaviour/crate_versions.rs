//! Versions of dependency crates: an output computed with other versions than today's stays
//! complete and causes a warning. Where the versions count (`lock`), the task runs again.
//!
//! The versions are written by hand here, as `#[tracked]` writes them. `tests/code` tests that
//! `#[tracked]` takes them from `Cargo.lock`.

use std::fs;
use std::sync::{Arc, Mutex};

use flow::Code;
use flow::prelude::*;
use std::path::PathBuf;

use crate::faulty::Op;
use crate::support::{faulty_flow, files_below, flow, one_file, preview, ran, reused};

/// A program with these versions: a task with many instances, and one that requires it.
macro_rules! program {
    ($module:ident, $crates:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(target = Json<u64>)]
            pub(super) struct Fit {
                n: u64,
            }

            impl Run for Fit {
                const CODE: Code = Code::__tracked("0\n", $crates, &[]);

                fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
                    Ok(self.n)
                }
            }

            #[derive(Task)]
            #[task(requires = [Fit { n } for n in 0..self.many], target = Json<usize>)]
            pub(super) struct Report {
                #[param(default = 20)]
                many: u64,
            }

            impl Run for Report {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<usize> {
                    Ok(cx.input().len())
                }
            }

            #[derive(Task)]
            #[task(requires(Report { many: 2 }), may_require(Fit), target = Json<u64>)]
            pub(super) struct Search;

            impl Run for Search {
                const CODE: Code = Code::version(1);

                fn run(&self, cx: &Cx<Self>) -> Result<u64> {
                    let fits = cx.over(Fit::N, 1..4u64).require::<Fit>()?;
                    fits.iter().try_fold(0, |sum, fit| Ok(sum + *fit.load()?))
                }
            }
        }
    };
}

program!(old, "direct\nlinfa 0.7.0\nndarray 0.15.6\n");
program!(new, "direct\nlinfa 0.8.1\nndarray 0.15.6\n");
program!(newest, "direct\nlinfa 0.8.1\nndarray 0.16.0\nndarray 0.17.2\n");
program!(more, "direct\nlinfa 0.7.0\nndarray 0.15.6\nrand 0.9.1\n");
program!(unknown, "");
program!(old_that_counts, "lock\nlinfa 0.7.0\nndarray 0.15.6\n");
program!(new_that_counts, "lock\nlinfa 0.8.1\nrand 0.9.1\n");

/// Opens the same store as another program would.
fn reopen(flow: &Flow) -> Flow {
    Flow::open(flow.folder()).expect("a store").quiet()
}

fn warnings<R: flow::Roots>(flow: &Flow) -> Vec<String> {
    let preview = flow.preview::<R>().expect("a plan");
    preview.warnings().iter().map(ToString::to_string).collect()
}

#[test]
fn changed_versions_are_one_warning_for_each_task() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<old::Report>()?;
    assert!(warnings::<old::Report>(&flow).is_empty());

    let flow = reopen(&flow);
    let told = "Fit was made with linfa 0.7.0, now 0.8.1 (and 19 more instances)";
    assert_eq!(warnings::<new::Report>(&flow), [told]);
    assert!(flow.is_complete::<new::Report>()?);
    assert!(preview::<new::Report>(&flow).contains(&format!("warning: {told}")));
    let summary = flow.run::<new::Report>()?;
    assert!(ran(&summary).is_empty());
    assert!(summary.to_string().contains(&format!("warning: {told}")), "{summary}");

    // Outputs computed with today's versions cause no warning.
    let few = reopen(&flow);
    let three = few.with(new::Report::MANY, 3_u64).force::<new::Fit>();
    assert_eq!(ran(&three.run::<new::Report>()?), ["Fit", "Fit", "Fit", "Report"]);
    let told = "Fit was made with linfa 0.7.0, now 0.8.1 (and 16 more instances)";
    assert_eq!(warnings::<new::Report>(&few), [told]);

    // If several crates changed, the warning names each.
    let flow = reopen(&flow);
    assert_eq!(
        warnings::<newest::Report>(&flow),
        ["Fit was made with linfa 0.7.0, now 0.8.1; ndarray 0.15.6, now 0.16.0 and 0.17.2 \
          (and 19 more instances)"]
    );
    Ok(())
}

#[test]
fn a_new_crate_or_unknown_versions_are_no_warning() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<old::Report>()?;
    assert!(warnings::<more::Report>(&reopen(&flow)).is_empty());
    assert!(warnings::<unknown::Report>(&reopen(&flow)).is_empty());
    let flow = reopen(&flow);
    flow.force_all().run::<unknown::Report>()?;
    assert!(warnings::<new::Report>(&reopen(&flow)).is_empty());
    Ok(())
}

#[test]
fn versions_that_count_invalidate_outputs() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with_named("many", 1);
    flow.run::<old_that_counts::Report>()?;
    assert!(flow.is_complete::<old_that_counts::Report>()?);

    let flow = reopen(&flow).with_named("many", 1);
    let shown = preview::<new_that_counts::Report>(&flow);
    let reasons = "Fit {n: 0} PENDING code: linfa 0.7.0 is 0.8.1 now; code: ndarray 0.15.6 is gone; \
                   code: rand 0.9.1 is new";
    assert!(shown.contains(reasons), "{shown}");
    assert!(!shown.contains("warning"), "{shown}");
    assert_eq!(ran(&flow.run::<new_that_counts::Report>()?), ["Fit"]);

    // Back to the old versions: the outputs computed with them are reused.
    let flow = reopen(&flow).with_named("many", 1);
    assert_eq!(reused(&flow.run::<old_that_counts::Report>()?), ["Fit"]);
    Ok(())
}

#[test]
fn instances_with_equal_versions_cost_one_read() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fs = crate::faulty::Faulty::new();
    faulty_flow(folder.path(), &fs)?.run::<old::Report>()?;
    let reads = |ask: fn(&Flow) -> Result<bool, flow::Error>| -> Result<usize> {
        let flow = faulty_flow(folder.path(), &fs)?;
        let reads = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&reads);
        fs.fail(move |_, op: Op, path| {
            let is_table =
                op == Op::Read && path.components().any(|part| part.as_os_str() == "code");
            *counter.lock().expect("no panic") += usize::from(is_table);
            None
        });
        assert!(ask(&flow)?);
        fs.heal();
        let reads = *reads.lock().expect("no panic");
        Ok(reads)
    };
    assert_eq!(reads(Flow::is_complete::<old::Report>)?, 0);
    assert_eq!(reads(Flow::is_complete::<new::Report>)?, 1);
    Ok(())
}

#[test]
fn unreadable_versions_cause_no_warning() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<old::Report>()?;
    let tables = files_below(&flow.folder().join(".flow/code"));
    let is_crates =
        |path: &&PathBuf| fs::read_to_string(path).is_ok_and(|text| text.contains("linfa"));
    let table = tables.iter().find(is_crates).expect("a table of versions");
    for text in ["", "{\"linfa\": 3}", "[[[["] {
        fs::write(table, text)?;
        assert!(warnings::<new::Report>(&reopen(&flow)).is_empty());
        assert!(reopen(&flow).is_complete::<new::Report>()?);
    }
    fs::remove_file(table)?;
    assert!(warnings::<new::Report>(&reopen(&flow)).is_empty());
    Ok(())
}

#[test]
fn outputs_reused_from_another_store_bring_their_versions() -> Result<()> {
    let (other, _folder) = flow();
    other.run::<old::Report>()?;
    let (flow, _folder) = crate::support::flow();
    let summary = flow.reuse_from(reopen(&other)).run::<new::Report>()?;
    assert!(ran(&summary).is_empty(), "{summary}");
    assert_eq!(
        warnings::<new::Report>(&flow),
        ["Fit was made with linfa 0.7.0, now 0.8.1 (and 19 more instances)"]
    );
    // The table of versions is kept as long as a record names it.
    assert!(flow.store().gc().find()?.is_empty());
    Ok(())
}

#[test]
fn the_versions_that_tracked_finds_are_recorded() -> Result<()> {
    #[derive(Task)]
    #[task(target = Json<u8>)]
    struct Tracked;
    runs!(Tracked: u8 = |self, _cx| Ok(1));

    let (flow, _folder) = flow();
    flow.run::<Tracked>()?;
    let record = fs::read(one_file(&flow.folder().join("Tracked"), "record", ".json"))?;
    let record: serde_json::Value = serde_json::from_slice(&record)?;
    let digest = record["crates"].as_str().context("the versions are named")?;
    let table = flow.folder().join(format!(".flow/code/{digest}.json"));
    let table: serde_json::Value = serde_json::from_slice(&fs::read(table)?)?;
    // This package depends on exactly one version of `anyhow`.
    assert_eq!(table["anyhow"].as_array().map(Vec::len), Some(1), "{table}");
    let own = ["typed-flow", "flow-core", "flow-derive", "flow-targets"];
    assert!(own.iter().all(|own| table.get(own).is_none()), "{table}");
    Ok(())
}

#[test]
fn dynamic_requirements_are_included_in_the_warning() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<old::Search>()?;
    let flow = reopen(&flow);
    // 0 and 1 by `Report`; 1, 2 and 3 while `Search` runs.
    let told = "Fit was made with linfa 0.7.0, now 0.8.1 (and 3 more instances)";
    assert_eq!(warnings::<new::Search>(&flow), [told]);
    assert!(flow.is_complete::<new::Search>()?);
    Ok(())
}
