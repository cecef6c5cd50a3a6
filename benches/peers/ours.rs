//! The pipelines of `compare.py`, in typed-flow. Each call does one thing and prints its time as a `PEER` line.
//!
//! - `fan FOLDER TASKS` runs a fan, or finds it complete.
//! - `parquet_save FOLDER ROWS` runs a task whose output is a table. The time begins when the task has made the table.
//! - `parquet_load FOLDER ROWS` loads that table.

use std::fs;
use std::sync::OnceLock;
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use flow::Code;
use flow::prelude::*;
use kit::table;

/// When the task had made its table.
static MADE: OnceLock<Instant> = OnceLock::new();

#[derive(Task)]
#[task(target = Json<u64>)]
struct Leaf {
    n: u64,
}

#[tracked]
impl Run for Leaf {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n)
    }
}

#[derive(Task)]
#[task(requires = [Leaf { n } for n in 0..self.n], target = Json<u64>)]
struct Sum {
    #[param(local)]
    n: u64,
}

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        let mut sum = 0;
        for leaf in cx.input() {
            sum += *leaf.load()?;
        }
        Ok(sum)
    }
}

#[derive(Task)]
#[task(target = Parquet<RecordBatch>)]
struct Table {
    rows: u64,
}

impl Run for Table {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let table = table::rows(&table::schema(), 0, self.rows);
        MADE.get_or_init(Instant::now);
        Ok(table)
    }
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, folder, size] = &words[..] else {
        eprintln!("this is one side of a comparison: run `python3 benches/peers/compare.py`");
        return Ok(());
    };
    let size = size.parse::<u64>()?;
    let begun = Instant::now();
    // One worker, like the others.
    let flow = Flow::open(folder)?.quiet().workers(1);
    let expected = size * size.saturating_sub(1) / 2;
    match what.as_str() {
        "fan" => {
            let flow = flow.with(Sum::N, size);
            let ran = flow.run::<Sum>()?.ran().len();
            let seconds = begun.elapsed().as_secs_f64();
            ensure!(*flow.load::<Sum>()? == expected, "another sum");
            println!("PEER {{\"seconds\": {seconds}, \"ran\": {ran}}}");
        }
        "parquet_save" => {
            let flow = flow.with(Table::ROWS, size);
            let ran = flow.run::<Table>()?.ran().len();
            let seconds =
                MADE.get().context("the table is complete already")?.elapsed().as_secs_f64();
            let bytes = fs::metadata(flow.output::<Table>()?.path()?)?.len();
            println!("PEER {{\"seconds\": {seconds}, \"ran\": {ran}, \"bytes\": {bytes}}}");
        }
        "parquet_load" => {
            let table = flow.with(Table::ROWS, size).load::<Table>()?;
            let seconds = begun.elapsed().as_secs_f64();
            let ids = table.column(0).as_primitive::<Int64Type>().values();
            ensure!(ids.iter().sum::<i64>() as u64 == expected, "another table");
            println!("PEER {{\"seconds\": {seconds}, \"ran\": 0}}");
        }
        _ => bail!("unknown measurement `{what}`"),
    }
    Ok(())
}
