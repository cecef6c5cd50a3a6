//! Measures how a table of a gigabyte passes through ten tasks.
//!
//! The first task makes the table. Each of the nine others takes that of the one before and returns it, with the target
//! `Memory`. The cases differ in the target of the first task: a table in memory is handed on as it is, and a stored one
//! is written, and read by the task that requires it. A file of Arrow IPC is mapped. Each case is a process of its own.
//!
//! The floor makes the table in the same way and passes it through as many functions, in a process of its own: nothing
//! is copied, so that the peak of the memory is the table itself, and the time is almost none.
//! What saving and loading cost is measured by the benchmarks `parquet` and `stream`.
//!
//! `RESULT handoff memory ms=... peak_ratio=... copies=... floor_ms=... floor_peak_ratio=...`: the time from when the first
//! task has made the table until the run ends, the peak memory of the process divided by the size of the table, and how
//! many of the tasks got or returned the values at another address than the tasks before. Loading a stored table does
//! not count as a copy. In the case `memory`, a copy is an error of the benchmark. Pages of a mapped file count as memory,
//! although the system can reclaim them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::Int64Type;
use flow::Code;
use flow::prelude::*;
use kit::args::Args;
use kit::disk::settle;
use kit::{child, memory};
use tempfile::TempDir;

/// Eight columns of 8 bytes make a gigabyte.
const ROWS: i64 = 15_625_000;
const COLUMNS: i64 = 8;

/// The number of tasks that get the table from the one before.
const STEPS: u64 = 9;

/// When the first task had made the table.
static MADE: OnceLock<Instant> = OnceLock::new();

/// The addresses at which the tasks saw the values of the first column.
static ADDRESSES: Mutex<BTreeSet<usize>> = Mutex::new(BTreeSet::new());

#[derive(Task)]
#[task(target = Memory<RecordBatch>)]
struct InMemory;

impl Run for InMemory {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let table = table()?;
        see(&table);
        Ok(table)
    }
}

#[derive(Task)]
#[task(target = ArrowIpc<RecordBatch>)]
struct AsArrowIpc;

impl Run for AsArrowIpc {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        table()
    }
}

#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct AsParquet;

impl Run for AsParquet {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        table()
    }
}

/// Returns the table of the task before: of another step or, in the first step, of the task that makes it.
#[derive(Task)]
#[task(
    requires(
        Step { n: self.n - 1, first: self.first.clone() } if self.n > 1,
        InMemory if self.n == 1 && self.first == "memory",
        AsArrowIpc if self.n == 1 && self.first == "arrow_ipc",
        AsParquet if self.n == 1 && self.first == "parquet",
    ),
    target = Memory<RecordBatch>,
)]
struct Step {
    n: u64,
    first: String,
}

impl Run for Step {
    const CODE: Code = Code::version(1);

    fn run(&self, cx: &Cx<Self>) -> Result<RecordBatch> {
        let table = match cx.input() {
            (Some(step), ..) => step.load()?,
            (_, Some(made), ..) => made.load()?,
            (_, _, Some(made), _) => made.load()?,
            (_, _, _, Some(made)) => made.load()?,
            (None, None, None, None) => bail!("no table `{}`", self.first),
        };
        see(&table);
        Ok(table.into_owned())
    }
}

/// Makes the table.
fn table() -> Result<RecordBatch> {
    let column = |column: i64| -> ArrayRef {
        // SplitMix64 without its last rounds: numbers that no codec makes much smaller.
        let scrambled = |row: i64| row.wrapping_mul(0x1e37_79b9_7f4a_7c15) ^ (row >> 7);
        let values: Vec<i64> = (0..ROWS).map(|row| scrambled(row * COLUMNS + column)).collect();
        Arc::new(Int64Array::from(values))
    };
    let columns = (0..COLUMNS).map(|n| (format!("column_{n}"), column(n)));
    let table = RecordBatch::try_from_iter(columns)?;
    MADE.get_or_init(Instant::now);
    Ok(table)
}

/// Records where a task sees the values.
fn see(table: &RecordBatch) {
    let values = table.column(0).as_primitive::<Int64Type>().values();
    ADDRESSES.lock().expect("lock poisoned").insert(values.as_ptr().addr());
}

fn main() -> Result<()> {
    if let Some(words) = child::words() {
        return measured(&words);
    }
    let args = Args::read();
    for case in ["memory", "arrow_ipc", "parquet"] {
        if !args.selects(case) {
            continue;
        }
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        settle();
        let [seconds, peak, copies] = child::measure(&[case], folder.path())?[..] else {
            bail!("not three figures");
        };
        ensure!(case != "memory" || copies == 0.0, "{copies} copies of a table in memory");
        let [floor, floor_peak] = child::measure(&["floor"], folder.path())?[..] else {
            bail!("not two figures");
        };
        println!(
            "RESULT handoff {case} ms={:.2} peak_ratio={peak:.3} copies={copies} floor_ms={:.4} \
             floor_peak_ratio={floor_peak:.3}",
            seconds * 1e3,
            floor * 1e3
        );
    }
    Ok(())
}

/// Runs all steps in a new store, and prints the time in seconds, the ratio of the peak memory, and the copies.
fn measured(words: &[String]) -> Result<()> {
    let [case, folder] = words else { bail!("unexpected: {words:?}") };
    if case == "floor" {
        return floor();
    }
    let flow = Flow::open(folder)?.quiet().with(Step::N, STEPS).with(Step::FIRST, case.as_str());
    flow.run::<Step>()?;
    let seconds = MADE.get().context("no task made the table")?.elapsed().as_secs_f64();
    let ratio = memory::peak() / (ROWS * COLUMNS * 8) as f64;
    let copies = ADDRESSES.lock().expect("lock poisoned").len() - 1;
    let last = flow.load::<Step>()?;
    ensure!(last.num_rows() as i64 == ROWS && last.column(7).null_count() == 0, "another table");
    println!("{seconds} {ratio} {copies}");
    Ok(())
}

/// Makes the table and passes it through functions, and prints the time in seconds and the ratio of the peak memory.
fn floor() -> Result<()> {
    #[inline(never)]
    fn step(table: &RecordBatch) -> RecordBatch {
        see(table);
        table.clone()
    }

    let mut tables = vec![table()?];
    let begun = Instant::now();
    // Like the values of tasks, all of them stay in memory.
    for last in 0..STEPS as usize {
        tables.push(step(&tables[last]));
    }
    let seconds = begun.elapsed().as_secs_f64();
    let ratio = memory::peak() / (ROWS * COLUMNS * 8) as f64;
    std::hint::black_box(&tables);
    println!("{seconds} {ratio}");
    Ok(())
}
