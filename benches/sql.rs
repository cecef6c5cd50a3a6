//! Measures queries of a database and tables as outputs, with SQLite.
//!
//! The floor is rusqlite: the same rows inserted with one prepared statement in one transaction, and read into vectors. The
//! library also converts columns, hashes the rows and keeps markers and triggers.
//!
//! `RESULT sql write mb_per_s=... floor_mb_per_s=... ratio=...`: megabytes of the table in memory per second, those of the floor,
//! and the time of the library divided by that of the floor. `write` is a run of a task, `load` reads its output as a batch, `query`
//! is a query of all columns, and `plan` gives `us=...`, the time to find that the table is as it was written.

use std::path::Path;
use std::time::Instant;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use flow::prelude::*;
use flow::sql::Database;
use kit::{median, table};
use rusqlite::{Connection, params};

const ROWS: u64 = 1_000_000;
const ROUNDS: usize = 5;

/// The table of the benchmarks.
#[derive(Task)]
#[task(target = SqlTable<RecordBatch>(name = "rows"))]
struct Rows;

#[tracked]
impl Run for Rows {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        Ok(table::rows(&table::schema(), 0, ROWS))
    }
}

fn main() -> Result<()> {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (ours, floors) = (folder.path().join("ours.db"), folder.path().join("floor.db"));
    let database = Database::sqlite(&ours);
    let flow = Flow::open(folder.path().join("data"))?.quiet().provide(database.clone());
    let all = "select id, price, size, \"group\", symbol from rows";
    let mut times: [[Vec<f64>; 2]; 3] = Default::default();
    let mut plans = Vec::new();
    for _ in 0..ROUNDS {
        let run = flow.force::<Rows>();
        let [write, load, query] = &mut times;
        write[0].push(seconds(|| {
            run.run::<Rows>()?;
            Ok(())
        })?);
        write[1].push(seconds(|| insert(&floors))?);
        load[0].push(seconds(|| seen(flow.load::<Rows>()?.num_rows() as u64))?);
        load[1].push(seconds(|| seen(select(&floors)?))?);
        query[0].push(seconds(|| seen(counted(&database, all)?))?);
        query[1].push(seconds(|| seen(select(&floors)?))?);
        plans.push(seconds(|| {
            ensure!(flow.is_complete::<Rows>()?, "the table is not as it was written");
            Ok(())
        })?);
    }
    let megabytes = table::megabytes(ROWS);
    for (case, [ours, floor]) in ["write", "load", "query"].into_iter().zip(&times) {
        let (ours, floor) = (median(ours), median(floor));
        println!(
            "RESULT sql {case} mb_per_s={:.1} floor_mb_per_s={:.1} ratio={:.2}",
            megabytes / ours,
            megabytes / floor,
            ours / floor,
        );
    }
    println!("RESULT sql plan us={:.0}", median(&plans) * 1e6);
    Ok(())
}

fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

fn seen(rows: u64) -> Result<()> {
    ensure!(rows == ROWS, "{rows} rows came back");
    Ok(())
}

fn counted(database: &Database, sql: &str) -> Result<u64> {
    database.query(sql, ())?.batches().map(|batch| Ok(batch?.num_rows() as u64)).sum()
}

/// Replaces the table of the floor.
fn insert(path: &Path) -> Result<()> {
    let batch = table::rows(&table::schema(), 0, ROWS);
    let number = |place: usize| batch.column(place).as_primitive::<Float64Type>();
    let integer = |place: usize| batch.column(place).as_primitive::<Int64Type>();
    let (id, price, size, group) = (integer(0), number(1), number(2), integer(3));
    let symbol = batch.column(4).as_string::<i32>();
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(
        "drop table if exists rows; create table rows (id integer, price real, size real, \"group\" integer, symbol text) \
         strict",
    )?;
    {
        let mut insert = transaction.prepare("insert into rows values (?, ?, ?, ?, ?)")?;
        for row in 0..batch.num_rows() {
            insert.execute(params![
                id.value(row),
                price.value(row),
                size.value(row),
                group.value(row),
                symbol.value(row)
            ])?;
        }
    }
    Ok(transaction.commit()?)
}

/// Reads the table of the floor into vectors.
fn select(path: &Path) -> Result<u64> {
    let connection = Connection::open(path)?;
    let mut statement =
        connection.prepare("select id, price, size, \"group\", symbol from rows")?;
    let mut rows = statement.query(())?;
    let (mut integers, mut numbers, mut texts) = (Vec::new(), Vec::new(), String::new());
    let mut count = 0;
    while let Some(row) = rows.next()? {
        integers.push([row.get::<_, i64>(0)?, row.get::<_, i64>(3)?]);
        numbers.push([row.get::<_, f64>(1)?, row.get::<_, f64>(2)?]);
        texts.push_str(row.get_ref(4)?.as_str()?);
        count += 1;
    }
    std::hint::black_box((integers, numbers, texts));
    Ok(count)
}
