//! Early cutoff by column: a task that reads some columns of an input does not run again if others change.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use flow::Trust;
use flow::prelude::*;

use crate::faulty::{Faulty, Op};
use crate::support::{failed, failure, faulty_flow, flow, one_file, ran, reused, unchanged};
use crate::wide_table::{self, Wide, after, exactly_the_readers_run};

/// Returns the sum of all numbers, and of the lengths of all texts.
fn sum(batch: &RecordBatch) -> i64 {
    let of = |column: &ArrayRef| match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().values().iter().sum::<i64>(),
        _ => column.as_string::<i32>().iter().flatten().map(|text| text.len() as i64).sum(),
    };
    batch.columns().iter().map(of).sum()
}

/// A task that reads columns.
macro_rules! reader {
    ($($name:ident: $columns:expr;)*) => {
        $(
            #[derive(Task)]
            #[task(requires = Wide, target = Json<i64>)]
            struct $name;

            runs!($name: i64 = |self, cx| Ok(sum(&cx.input().load_columns(&$columns)?)));
        )*
    };
}

reader! {
    R00: ["c00", "c01"];
    R01: ["c01", "c02"];
    R02: ["c05"];
    R03: ["c12", "c11", "c10"];
    R04: ["c20"];
    R05: ["c21"];
    R06: ["c22", "c49"];
    R09: ["c40"];
    R10: ["c41"];
    R11: ["c42", "c43"];
}

#[derive(Serialize, Deserialize)]
struct Two {
    c30: i64,
    c31: i64,
}

#[derive(Serialize, Deserialize)]
struct One {
    c31: i64,
}

#[derive(Task)]
#[task(requires = Wide, target = Json<i64>)]
struct R07;

runs!(R07: i64 = |self, cx| {
    let rows: Vec<Two> = cx.input().load_rows()?;
    Ok(rows.iter().map(|row| row.c30 + row.c31).sum())
});

#[derive(Task)]
#[task(requires = Wide, target = Json<i64>)]
struct R08;

runs!(R08: i64 = |self, cx| {
    Ok(cx.input().load_rows::<One>()?.iter().map(|row| row.c31).sum())
});

#[derive(Task)]
#[task(aggregate, requires(R00, R01, R02, R03, R04, R05, R06, R07, R08, R09, R10, R11))]
struct All;

/// A flow whose table is edited by a file, and that file.
fn edited() -> (Flow, PathBuf, tempfile::TempDir) {
    let (flow, folder) = flow();
    let (flow, edits) = wide_table::edited(&flow, folder.path());
    (flow, edits, folder)
}

#[test]
fn exactly_the_readers_of_a_changed_column_run() -> Result<()> {
    let (flow, edits, _folder) = edited();
    exactly_the_readers_run::<All>(&flow, &edits, "R")?;
    // Every result is what a run in a new store computes.
    let (anew, _anew_folder) = crate::support::flow();
    let anew = anew.with(Wide::EDITS, edits.as_path());
    anew.run::<All>()?;
    assert_eq!(*flow.load::<R00>()?, *anew.load::<R00>()?);
    assert_eq!(*flow.load::<R03>()?, *anew.load::<R03>()?);
    assert_eq!(*flow.load::<R07>()?, *anew.load::<R07>()?);
    Ok(())
}

#[test]
fn a_plan_reads_the_record_of_a_table_once_for_all_its_readers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let edits = folder.path().join("edits.txt");
    fs::write(&edits, "")?;
    let disk = Faulty::new();
    let flow = faulty_flow(folder.path(), &disk)?.with(Wide::EDITS, edits.as_path());
    flow.run::<All>()?;
    assert_eq!(after::<All>(&flow, &edits, "c44 1")?, ["Wide"]);
    let reads = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&reads);
    disk.fail(move |_, op, path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_of_table = path.iter().any(|part| part == "Wide");
        if matches!(op, Op::Open | Op::Read) && is_of_table && name.starts_with("record") {
            count.fetch_add(1, Ordering::SeqCst);
        }
        None
    });
    assert!(flow.is_complete::<All>()?);
    let reads = reads.load(Ordering::SeqCst);
    // Once for the table itself, and once for the twelve readers.
    assert!((1..=2).contains(&reads), "{reads}");
    Ok(())
}

#[test]
fn an_added_dropped_or_retyped_column_concerns_its_readers() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<All>()?;
    assert_eq!(after::<All>(&flow, &edits, "c99 added")?, ["Wide"]);
    assert_eq!(after::<All>(&flow, &edits, "c99 added\nc13 dropped")?, ["Wide"]);
    assert_eq!(after::<All>(&flow, &edits, "c20 text")?, ["R04", "Wide"]);
    assert_eq!(after::<All>(&flow, &edits, "c20 text\nc44 1")?, ["Wide"]);
    // A column that is renamed is dropped for its readers.
    fs::write(&edits, "c20 text\nc05 dropped\nc05_new added")?;
    let summary = failure(flow.run::<All>());
    assert_eq!(
        (ran(&summary), failed(&summary)),
        (vec!["Wide".to_owned()], vec!["R02".to_owned()])
    );
    Ok(())
}

#[test]
fn the_number_of_rows_concerns_every_reader() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<All>()?;
    assert_eq!(after::<All>(&flow, &edits, "rows 0")?.len(), 13);
    // Without rows, other values are no change.
    assert_eq!(after::<All>(&flow, &edits, "rows 0\nc00 1")?, ["Wide"]);
    assert_eq!(after::<All>(&flow, &edits, "rows 0\nc20 text")?, ["R04", "Wide"]);
    assert_eq!(*flow.load::<R00>()?, 0);
    Ok(())
}

#[test]
fn a_reason_names_the_changed_columns() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<All>()?;
    fs::write(&edits, "c00 1\nc01 1\nc05 1\nc40 dropped")?;
    flow.run::<Wide>()?;
    let preview = flow.preview::<All>()?;
    let mut pending: Vec<String> = preview
        .instances()
        .filter(|one| !one.is_complete() && one.task() != "All")
        .map(|one| {
            let reasons = one.reasons().iter().map(ToString::to_string).collect::<Vec<_>>();
            format!("{}: {}", one.task(), reasons.join("; "))
        })
        .collect();
    pending.sort_unstable();
    assert_eq!(
        pending,
        [
            "R00: input: Wide gave other data in columns c00, c01",
            "R01: input: Wide gave other data in column c01",
            "R02: input: Wide gave other data in column c05",
            "R09: input: Wide gave other data in column c40",
        ]
    );
    let why = flow.why::<R02>()?.to_string();
    assert!(why.contains("Wide gave other data in column c05"), "{why}");
    Ok(())
}

/// Reads a column, and then something that shows the rest of the table.
macro_rules! whole {
    ($($name:ident: |$cx:ident| $read:expr;)*) => {
        $(
            #[derive(Task)]
            #[task(requires = Wide, target = Json<i64>)]
            struct $name;

            runs!($name: i64 = |self, $cx| {
                let first = sum(&$cx.input().load_columns(&["c00"])?);
                let _ = $read;
                Ok(first)
            });
        )*
    };
}

whole! {
    Loaded: |cx| cx.input().load()?;
    Streamed: |cx| cx.input().stream()?.count();
    Opened: |cx| fs::metadata(cx.input().path()?)?;
    Counted: |cx| cx.input().load_columns(&[])?;
    Probed: |cx| cx.input().load_columns(&["c98"]).is_ok();
}

/// Requires the table, and reads nothing of it.
#[derive(Task)]
#[task(requires = Wide, target = Json<i64>)]
struct Unread;

runs!(Unread: i64 = |self, _cx| Ok(1));

#[test]
fn a_task_that_may_have_seen_everything_depends_on_everything() -> Result<()> {
    type Whole = (Loaded, Streamed, Opened, Counted, Probed, Unread);
    let (flow, edits, _folder) = edited();
    flow.run::<Whole>()?;
    let all = ["Counted", "Loaded", "Opened", "Probed", "Streamed", "Unread", "Wide"];
    assert_eq!(after::<Whole>(&flow, &edits, "c44 1")?, all);
    Ok(())
}

#[test]
fn a_later_change_back_is_complete_without_a_run() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<R00>()?;
    assert_eq!(after::<R00>(&flow, &edits, "c44 1")?, ["Wide"]);
    let summary = flow.run::<R00>()?;
    assert!(ran(&summary).is_empty() && unchanged(&summary).is_empty());
    assert!(flow.trust(Trust::Content).is_complete::<R00>()?);
    assert!(flow.trust(Trust::Records).is_complete::<R00>()?);
    // Its file is gone: it is computed again, from today's table.
    fs::remove_file(flow.output::<R00>()?.path()?)?;
    assert_eq!(ran(&flow.run::<R00>()?), ["R00"]);
    assert_eq!(after::<R00>(&flow, &edits, "c44 2")?, ["Wide"]);
    assert_eq!(after::<R00>(&flow, &edits, "c44 2\nc01 1")?, ["R00", "Wide"]);
    Ok(())
}

/// Its value stays in memory.
#[derive(Task)]
#[task(requires = Wide, target = Memory<i64>)]
struct Live;

runs!(Live: i64 = |self, cx| Ok(sum(&cx.input().load_columns(&["c00"])?)));

#[derive(Task)]
#[task(requires = Live, target = Json<i64>)]
struct OfLive;

runs!(OfLive: i64 = |self, cx| Ok(*cx.input().load()?));

#[test]
fn a_value_in_memory_stands_as_long_as_its_columns_do() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<OfLive>()?;
    assert_eq!(after::<OfLive>(&flow, &edits, "c44 1")?, ["Wide"]);
    // Another flow has no values in memory. None is needed.
    let later = Flow::open(flow.folder())?.quiet().with(Wide::EDITS, edits.as_path());
    assert!(ran(&later.run::<OfLive>()?).is_empty());
    assert_eq!(after::<OfLive>(&later, &edits, "c00 1")?, ["Live", "OfLive", "Wide"]);
    Ok(())
}

#[test]
fn an_output_of_another_store_is_reused_by_its_columns() -> Result<()> {
    let (first, edits, _folder) = edited();
    first.run::<(R00, R02)>()?;
    fs::write(&edits, "c44 1\nc05 1")?;
    let (second, _second_folder) = flow();
    let second = second.with(Wide::EDITS, edits.as_path()).reuse_from(&first);
    let summary = second.run::<(R00, R02)>()?;
    assert_eq!(ran(&summary), ["R02", "Wide"]);
    assert_eq!(reused(&summary), ["R00"]);
    // What was reused is complete in its own store, too.
    let alone = Flow::open(second.folder())?.quiet().with(Wide::EDITS, edits.as_path());
    assert!(alone.is_complete::<(R00, R02)>()?);
    assert_eq!(after::<R00>(&alone, &edits, "c44 2\nc05 1")?, ["Wide"]);
    Ok(())
}

#[test]
fn a_value_in_memory_of_another_store_is_not_reused_by_its_columns() -> Result<()> {
    let (first, edits, _folder) = edited();
    first.run::<OfLive>()?;
    fs::write(&edits, "c44 1")?;
    let (second, _second_folder) = flow();
    let second = second.with(Wide::EDITS, edits.as_path()).reuse_from(&first);
    // Its digest is that of its fingerprint, which has today's table.
    assert_eq!(ran(&second.run::<OfLive>()?), ["Live", "OfLive", "Wide"]);
    let alone = Flow::open(second.folder())?.quiet().with(Wide::EDITS, edits.as_path());
    fs::remove_file(alone.output::<OfLive>()?.path()?)?;
    assert_eq!(ran(&alone.run::<OfLive>()?), ["Live", "OfLive"]);
    assert!(ran(&alone.run::<OfLive>()?).is_empty());
    Ok(())
}

#[test]
fn a_reset_of_an_output_that_stands_by_its_columns_prevents_reuse() -> Result<()> {
    let (team, edits, _folder) = edited();
    fs::write(&edits, "c44 1")?;
    team.run::<R00>()?;
    let (mine, _mine_folder) = flow();
    let mine = mine.with(Wide::EDITS, edits.as_path());
    fs::write(&edits, "")?;
    mine.run::<R00>()?;
    // The output of today's table is in the store of the team, and the own one stands by its columns.
    assert_eq!(after::<R00>(&mine, &edits, "c44 1")?, ["Wide"]);
    let mine = mine.reuse_from(&team);
    assert!(mine.is_complete::<R00>()?);
    mine.reset::<R00>()?;
    assert!(!mine.is_complete::<R00>()?);
    let summary = mine.run::<R00>()?;
    assert!(reused(&summary).is_empty());
    assert_eq!(ran(&summary), ["R00"]);
    assert!(mine.is_complete::<R00>()? && team.is_complete::<R00>()?);
    Ok(())
}

/// Requires the table while it runs.
#[derive(Task)]
#[task(target = Json<i64>)]
struct Dynamic {
    path: PathBuf,
}

runs!(Dynamic: i64 = |self, cx| {
    let table = cx.with(Wide::EDITS, self.path.as_path()).require::<Wide>()?;
    Ok(sum(&table.load_columns(&["c00", "c05"])?))
});

#[test]
fn columns_of_a_dynamic_requirement_count_alone() -> Result<()> {
    let (flow, edits, _folder) = edited();
    let flow = flow.with(Dynamic::PATH, edits.as_path());
    assert_eq!(ran(&flow.run::<Dynamic>()?), ["Dynamic", "Wide"]);
    assert_eq!(after::<Dynamic>(&flow, &edits, "c44 1")?, ["Wide"]);
    assert!(flow.is_complete::<Dynamic>()?);
    fs::write(&edits, "c44 1\nc05 1")?;
    flow.run::<Wide>()?;
    let preview = flow.preview::<Dynamic>()?;
    let reasons = preview.instances().next_back().context("a root")?.reasons().to_vec();
    assert!(reasons[0].to_string().ends_with(" gave other data in column c05"), "{reasons:?}");
    assert_eq!(ran(&flow.run::<Dynamic>()?), ["Dynamic"]);
    Ok(())
}

/// One task in two releases of its code.
macro_rules! release {
    ($module:ident, $version:literal) => {
        mod $module {
            use super::*;

            #[derive(Task)]
            #[task(name = "Released", requires = Wide, target = Json<i64>)]
            pub(super) struct Released;

            impl Run for Released {
                const CODE: flow::Code = flow::Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<i64> {
                    Ok(sum(&cx.input().load_columns(&["c00"])?))
                }
            }

            /// Requires the table while it runs.
            #[derive(Task)]
            #[task(name = "Requester", may_require(Wide), target = Json<i64>)]
            pub(super) struct Requester {
                #[param(insignificant)]
                edits: PathBuf,
            }

            impl Run for Requester {
                const CODE: flow::Code = flow::Code::version($version);

                fn run(&self, cx: &Cx<Self>) -> Result<i64> {
                    let wide = cx.with(Wide::EDITS, self.edits.as_path()).require::<Wide>()?;
                    Ok(sum(&wide.load_columns(&["c00"])?))
                }
            }
        }
    };
}

release!(one, 1);
release!(two, 2);

#[test]
fn a_blessed_output_depends_on_whole_inputs_until_it_is_computed_again() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<one::Released>()?;
    // The table has changed in a column that was not read: only the code differs.
    assert_eq!(after::<one::Released>(&flow, &edits, "c44 1")?, ["Wide"]);
    let flow = Flow::open(flow.folder())?.quiet().with(Wide::EDITS, edits.as_path());
    assert_eq!(flow.store().bless::<two::Released>().run()?.instances().len(), 1);
    assert!(flow.is_complete::<two::Released>()?);
    assert_eq!(after::<two::Released>(&flow, &edits, "c44 2")?, ["Released", "Wide"]);
    assert_eq!(after::<two::Released>(&flow, &edits, "c44 3")?, ["Wide"]);
    Ok(())
}

#[test]
fn an_output_that_stands_by_required_columns_does_not_hinder_blessing() -> Result<()> {
    let (flow, edits, _folder) = edited();
    let flow = flow.with(one::Requester::EDITS, edits.as_path());
    flow.run::<(one::Released, one::Requester)>()?;
    let edited = after::<(one::Released, one::Requester)>(&flow, &edits, "c44 1")?;
    assert_eq!(edited, ["Wide"]);
    let flow = Flow::open(flow.folder())?.quiet().with(Wide::EDITS, edits.as_path());
    let flow = flow.with(two::Requester::EDITS, edits.as_path());
    let blessed = flow.store().bless::<(two::Released, two::Requester)>().run()?;
    assert_eq!(blessed.instances().len(), 1, "{blessed}");
    assert!(flow.is_complete::<two::Released>()? && !flow.is_complete::<two::Requester>()?);
    assert_eq!(ran(&flow.run::<(two::Released, two::Requester)>()?), ["Requester"]);
    Ok(())
}

#[test]
fn a_record_of_an_earlier_release_counts_as_a_whole() -> Result<()> {
    let (flow, edits, _folder) = edited();
    flow.run::<R00>()?;
    let place = one_file(&flow.folder().join("R00"), "record", ".json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&place)?)?;
    let columns = record.as_object_mut().and_then(|record| record.remove("columns"));
    let columns = columns.context("the columns that were read")?;
    assert!(columns[0]["columns"]["c00"].is_string(), "{columns}");
    fs::write(&place, serde_json::to_vec_pretty(&record)?)?;
    assert!(flow.is_complete::<R00>()?);
    assert_eq!(after::<R00>(&flow, &edits, "c44 1")?, ["R00", "Wide"]);
    // The new record has them.
    assert_eq!(after::<R00>(&flow, &edits, "c44 2")?, ["Wide"]);
    Ok(())
}

#[test]
fn a_garbage_collection_of_a_remote_keeps_what_a_store_without_the_output_needs() -> Result<()> {
    let (ours, edits, folder) = edited();
    ours.run::<R02>()?;
    // Our output stays complete, because its column is the same.
    assert_eq!(after::<R02>(&ours, &edits, "c07 1")?, ["Wide"]);
    let theirs = Flow::open(folder.path().join("theirs"))?.quiet();
    let theirs = theirs.with(Wide::EDITS, edits.as_path());
    theirs.run::<R02>()?;
    let shared = flow::remote::RemoteFolder::new(folder.path().join("shared"));
    theirs.push::<R02>(&shared)?;
    let gc = flow::remote::RemoteGc::new(&shared).keep::<R02>(&ours)?;
    let garbage = gc.older_than(std::time::Duration::ZERO).find()?;
    assert!(garbage.is_empty(), "{garbage}");
    Ok(())
}
