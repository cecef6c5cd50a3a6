//! Early cutoff by column: what scans and SQL read of a table, and nothing else, makes a task run again.

use std::fs::{self, File};
use std::path::PathBuf;

use flow::Code;
use flow::polars::prelude::{DataFrame, DataType, LazyFrame, col};
use flow::prelude::*;
use flow::target::Sink;
use tempfile::TempDir;

use crate::wide_table::{self, Wide, after, exactly_the_readers_run, table};
use crate::{flow, message, ran};

/// Returns the sum of all numbers.
fn sum(frame: &DataFrame) -> Result<i64> {
    let mut sum = 0;
    for column in frame.columns() {
        let numbers = column.cast(&DataType::Int64)?;
        sum += numbers.i64()?.iter().flatten().sum::<i64>();
    }
    Ok(sum)
}

/// Implements `Run` for tasks that return a number.
macro_rules! numbers {
    ($($task:ident($($requires:tt)*) = |$cx:ident| $number:expr;)*) => {
        $(
            #[derive(Task)]
            #[task(requires = $($requires)*, target = Json<i64>)]
            struct $task;

            impl Run for $task {
                const CODE: Code = Code::version(1);

                fn run(&self, $cx: &Cx<Self>) -> Result<i64> {
                    $number
                }
            }
        )*
    };
}

/// Tasks that scan columns.
macro_rules! scans {
    ($($task:ident: $columns:expr;)*) => {
        numbers! {
            $($task(Wide) = |cx| sum(&cx.collect(cx.input().scan_columns(&$columns)?)?);)*
        }
    };
}

scans! {
    S00: ["c00", "c01"];
    S01: ["c01", "c02"];
    S02: ["c05"];
    S03: ["c12", "c11", "c10"];
    S04: ["c20"];
    S05: ["c21"];
    S06: ["c22", "c49"];
    S07: ["c30", "c31"];
    S08: ["c31"];
    S09: ["c40"];
    S10: ["c41"];
    S11: ["c42", "c43"];
}

/// Tasks that read the same columns in SQL.
macro_rules! queries {
    ($($task:ident: $query:literal;)*) => {
        numbers! {
            $($task(Wide) = |cx| sum(&cx.collect(cx.sql($query)?)?);)*
        }
    };
}

queries! {
    Q00: "select sum(c00 + c01) as n from Wide";
    Q01: "select c01 from Wide where c02 > 3";
    Q02: "select c05 from Wide";
    Q03: "select c12, max(c11) as m, min(c10) as n from Wide group by c12 order by c12";
    Q04: "select c20 from Wide order by c20 limit 3";
    Q05: "with everything as (select * from Wide) select c21 from everything";
    Q06: "select c22 from Wide where c49 > 5";
    Q07: "select w.c30 from Wide as w where w.c31 >= 0 order by w.c30";
    Q08: "select distinct c31 from Wide";
    Q09: "select count(c40) as n, sum(c40) as s from Wide";
    Q10: "select c41 from (select c41, c44 from Wide) as narrow";
    Q11: "select c42 + c43 as n from Wide";
}

#[derive(Task)]
#[task(aggregate, requires(S00, S01, S02, S03, S04, S05, S06, S07, S08, S09, S10, S11))]
struct Scans;

#[derive(Task)]
#[task(aggregate, requires(Q00, Q01, Q02, Q03, Q04, Q05, Q06, Q07, Q08, Q09, Q10, Q11))]
struct Queries;

/// A flow whose table is edited by a file, and that file.
fn world() -> (Flow, PathBuf, TempDir) {
    let (flow, folder) = flow();
    let (flow, edits) = wide_table::edited(&flow, folder.path());
    (flow, edits, folder)
}

/// Checks that after each edit exactly the readers run. Returns the flow, and one of a new store with the same table.
fn edit_step_by_step<R: flow::Roots>(letter: &str) -> Result<(Flow, Flow, TempDir)> {
    let (flow, edits, folder) = world();
    exactly_the_readers_run::<R>(&flow, &edits, letter)?;
    let anew = Flow::open(folder.path().join("anew"))?.quiet().with(Wide::EDITS, edits.as_path());
    anew.run::<R>()?;
    Ok((flow, anew, folder))
}

#[test]
fn exactly_the_scans_of_a_changed_column_run() -> Result<()> {
    let (flow, anew, _folder) = edit_step_by_step::<Scans>("S")?;
    assert_eq!(*flow.load::<S00>()?, *anew.load::<S00>()?);
    assert_eq!(*flow.load::<S03>()?, *anew.load::<S03>()?);
    assert_eq!(*flow.load::<S07>()?, *anew.load::<S07>()?);
    Ok(())
}

#[test]
fn exactly_the_queries_of_a_changed_column_run() -> Result<()> {
    let (flow, anew, _folder) = edit_step_by_step::<Queries>("Q")?;
    assert_eq!(*flow.load::<Q01>()?, *anew.load::<Q01>()?);
    assert_eq!(*flow.load::<Q06>()?, *anew.load::<Q06>()?);
    assert_eq!(*flow.load::<Q07>()?, *anew.load::<Q07>()?);
    Ok(())
}

#[test]
fn other_columns_concern_queries_and_no_scans() -> Result<()> {
    let (flow, edits, _folder) = world();
    flow.run::<(Scans, Queries)>()?;
    assert_eq!(after::<Scans>(&flow, &edits, "c99 added")?, ["Wide"]);
    // Another column could be one that a query means.
    assert_eq!(ran(&flow.run::<Queries>()?).len(), 12);
    assert_eq!(after::<Scans>(&flow, &edits, "c13 dropped")?, ["Wide"]);
    assert_eq!(after::<S02>(&flow, &edits, "rows 0")?, ["S02", "Wide"]);
    assert_eq!(ran(&flow.run::<Queries>()?).len(), 12);
    Ok(())
}

numbers! {
    Everything(Wide) = |cx| sum(&cx.collect(cx.sql("select * from Wide")?)?);
    Rows(Wide) = |cx| sum(&cx.collect(cx.sql("select count(*) as n from Wide")?)?);
}

#[test]
fn a_star_reads_all_columns_and_a_count_of_rows_none() -> Result<()> {
    let (flow, edits, _folder) = world();
    flow.run::<(Everything, Rows)>()?;
    assert_eq!(after::<(Everything, Rows)>(&flow, &edits, "c44 1")?, ["Everything", "Wide"]);
    let added = after::<(Everything, Rows)>(&flow, &edits, "c44 1\nc99 added")?;
    assert_eq!(added, ["Everything", "Rows", "Wide"]);
    let fewer = after::<(Everything, Rows)>(&flow, &edits, "c44 1\nc99 added\nrows 5")?;
    assert_eq!(fewer, ["Everything", "Rows", "Wide"]);
    assert_eq!(*flow.load::<Rows>()?, 5);
    Ok(())
}

numbers! {
    // The frame of `scan` shows everything, even if the query reads one column.
    Scanned(Wide) = |cx| sum(&cx.collect(cx.input().scan()?.select([col("c00")]))?);
    Probed(Wide) = |cx| {
        let first = sum(&cx.collect(cx.input().scan_columns(&["c00"])?)?)?;
        Ok(first + i64::from(cx.input().scan_columns(&["c98"]).is_ok()))
    };
    Asked(Wide) = |cx| {
        let first = sum(&cx.collect(cx.sql("select c00 from Wide")?)?)?;
        let asked = cx.sql("select c98 from Wide").map(LazyFrame::collect);
        Ok(first + i64::from(matches!(asked, Ok(Ok(_)))))
    };
    Patterns(Wide) = |cx| {
        let is_scanned = |name: &&str| cx.input().scan_columns(&[*name]).is_ok();
        Ok(["*", "^c0.$"].into_iter().filter(is_scanned).count() as i64)
    };
    Shown(Wide) = |cx| {
        Ok(cx.collect(cx.sql("explain select c00 from Wide")?)?.height() as i64)
    };
}

#[test]
fn a_task_that_may_have_seen_everything_depends_on_everything() -> Result<()> {
    type Whole = (Scanned, Probed, Asked, Patterns, Shown);
    let (flow, edits, _folder) = world();
    flow.run::<Whole>()?;
    let all = ["Asked", "Patterns", "Probed", "Scanned", "Shown", "Wide"];
    assert_eq!(after::<Whole>(&flow, &edits, "c44 1")?, all);
    // These are names, and no patterns.
    assert_eq!(*flow.load::<Patterns>()?, 0);
    Ok(())
}

numbers! {
    Both(Wide) = |cx| {
        let first = cx.input().load_columns(&["c00"])?;
        Ok(first.num_rows() as i64 + sum(&cx.collect(cx.sql("select c05 from Wide")?)?)?)
    };
}

#[test]
fn the_columns_of_several_reads_add_up() -> Result<()> {
    let (flow, edits, _folder) = world();
    flow.run::<Both>()?;
    assert_eq!(after::<Both>(&flow, &edits, "c44 1")?, ["Wide"]);
    assert_eq!(after::<Both>(&flow, &edits, "c00 1")?, ["Both", "Wide"]);
    assert_eq!(after::<Both>(&flow, &edits, "c00 1\nc05 1")?, ["Both", "Wide"]);
    Ok(())
}

/// The query is the output: it runs when it is stored.
#[derive(Task)]
#[task(requires(wide = Wide), target = ArrowIpc<LazyFrame>)]
struct Stored;

#[tracked]
impl Run for Stored {
    fn run(&self, cx: &Cx<Self>) -> Result<LazyFrame> {
        Ok(cx.sql("select c05, c06 from wide")?)
    }
}

numbers! {
    OfStored(Stored) = |cx| sum(&cx.collect(cx.input().scan_columns(&["c06"])?)?);
}

#[test]
fn a_returned_query_depends_on_its_columns() -> Result<()> {
    let (flow, edits, _folder) = world();
    flow.run::<OfStored>()?;
    assert_eq!(after::<OfStored>(&flow, &edits, "c44 1")?, ["Wide"]);
    assert_eq!(after::<OfStored>(&flow, &edits, "c05 1")?, ["Stored", "Wide"]);
    assert_eq!(after::<OfStored>(&flow, &edits, "c06 1")?, ["OfStored", "Stored", "Wide"]);
    let error = message(flow.run::<Missing>().unwrap_err());
    assert!(error.contains("Stored") && error.contains("c07"), "{error}");
    Ok(())
}

numbers! {
    Missing(Stored) = |cx| sum(&cx.input().scan_columns(&["c07"])?.collect()?);
}

/// One table of two inputs.
#[derive(Task)]
#[task(requires(parts = [Wide { edits } for edits in &self.files]), target = Json<i64>)]
struct Several {
    files: Vec<PathBuf>,
}

#[tracked]
impl Run for Several {
    fn run(&self, cx: &Cx<Self>) -> Result<i64> {
        sum(&cx.collect(cx.sql("select c05 from parts where c06 > 0")?)?)
    }
}

#[test]
fn each_input_of_a_list_counts_by_its_columns() -> Result<()> {
    let (flow, folder) = flow();
    let files = ["one.txt", "two.txt"].map(|name| folder.path().join(name));
    for file in &files {
        fs::write(file, "")?;
    }
    let flow = flow.with(Several::FILES, files.to_vec());
    assert_eq!(ran(&flow.run::<Several>()?), ["Several", "Wide", "Wide"]);
    assert_eq!(after::<Several>(&flow, &files[1], "c44 1")?, ["Wide"]);
    assert_eq!(after::<Several>(&flow, &files[0], "c06 1")?, ["Several", "Wide"]);
    assert_eq!(after::<Several>(&flow, &files[1], "c44 1\nc05 1")?, ["Several", "Wide"]);
    Ok(())
}

/// A file of another program.
#[derive(Task)]
#[task(external, path = &self.path, target = Parquet<RecordBatch>)]
struct WideFile {
    path: PathBuf,
}

numbers! {
    ScanOfFile(WideFile) = |cx| sum(&cx.collect(cx.input().scan_columns(&["c05"])?)?);
    QueryOfFile(WideFile) = |cx| sum(&cx.collect(cx.sql("select c05 from WideFile")?)?);
}

#[test]
fn only_the_readers_of_a_changed_column_of_a_file_run() -> Result<()> {
    type Readers = (QueryOfFile, ScanOfFile);
    let (flow, folder) = flow();
    let path = folder.path().join("wide.parquet");
    let write = |edits: &str| -> Result<()> {
        let target = <Parquet<RecordBatch>>::default();
        target.save(&table(edits)?, &mut Sink::new(&mut File::create(&path)?))
    };
    let flow = flow.with(WideFile::PATH, path.as_path());
    write("")?;
    assert_eq!(ran(&flow.run::<Readers>()?), ["QueryOfFile", "ScanOfFile"]);
    write("c44 1")?;
    assert!(flow.is_complete::<Readers>()?);
    assert!(ran(&flow.run::<Readers>()?).is_empty());
    write("c44 1\nc99 added")?;
    assert_eq!(ran(&flow.run::<Readers>()?), ["QueryOfFile"]);
    write("c44 1\nc99 added\nc05 1")?;
    assert_eq!(ran(&flow.run::<Readers>()?), ["QueryOfFile", "ScanOfFile"]);
    Ok(())
}
