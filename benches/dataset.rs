//! Measures datasets of 10,000 partitions: writing all, and running again after one has changed.
//!
//! A task returns a table of 10,000 partitions, and a task for each partition reads one. The floor writes the same files with
//! the crate parquet and makes them durable by one sync; it hashes, compares and records nothing.
//!
//! `RESULT dataset write seconds=... floor_seconds=... ratio=...`: the first run of the task that writes the dataset.
//!
//! `RESULT dataset rewrite seconds=... floor_seconds=... ratio=... written=...`: the run after a row of one partition has
//! changed, beside the floor for all partitions, and how many files it has written.
//!
//! `RESULT dataset rerun seconds=... ran=... us_per_consumer=...`: the run of 10,000 consumers after that, and how many of them
//! ran.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use flow::prelude::*;
use flow::target::Selection;
use kit::{disk, median};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const PARTITIONS: i64 = 10_000;
const ROWS: i64 = 20;
const ROUNDS: usize = 3;

/// Returns the rows of some partitions. One value of the partition `changed` differs.
fn rows(keys: std::ops::Range<i64>, changed: Option<i64>) -> Result<RecordBatch> {
    let all = || keys.clone().flat_map(|key| (0..ROWS).map(move |row| (key, row)));
    let price = |(key, row): (i64, i64)| {
        let more = if changed == Some(key) && row == 0 { 1.0 } else { 0.0 };
        (key * 31 + row * 17) as f64 / 100.0 + more
    };
    let columns: [(&str, ArrayRef); 3] = [
        ("key", Arc::new(Int64Array::from_iter_values(all().map(|(key, _)| key)))),
        ("row", Arc::new(Int64Array::from_iter_values(all().map(|(_, row)| row)))),
        ("price", Arc::new(Float64Array::from_iter_values(all().map(price)))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}

#[derive(Task)]
#[task(target = Dataset<RecordBatch>(partition_by = ["key"]))]
struct Prices {
    #[param(file)]
    changed: std::path::PathBuf,
}

#[tracked]
impl Run for Prices {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        rows(0..PARTITIONS, fs::read_to_string(&self.changed)?.parse().ok())
    }
}

#[derive(Task)]
#[task(requires = Prices, target = Json<usize>)]
struct OfKey {
    key: i64,
}

#[tracked]
impl Run for OfKey {
    fn run(&self, cx: &Cx<Self>) -> Result<usize> {
        Ok(cx.input().select(Selection::all().equals("key", self.key)).load()?.num_rows())
    }
}

#[derive(Task)]
#[task(aggregate, requires = [OfKey { key } for key in 0..PARTITIONS])]
struct EachKey;

fn main() -> Result<()> {
    let (mut writes, mut rewrites, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut reruns, mut counts) = (Vec::new(), (0, 0));
    for round in 0..ROUNDS {
        let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let changed = folder.path().join("changed");
        fs::write(&changed, "")?;
        disk::sync(folder.path())?;
        floors.push(floor(&folder.path().join("floor"))?);
        disk::sync(folder.path())?;
        let flow = Flow::open(folder.path().join("data"))?.quiet().workers(1);
        let flow = flow.with(Prices::CHANGED, changed.as_path());
        writes.push(seconds(|| run::<Prices>(&flow))?);
        flow.run::<EachKey>()?;
        let before = inodes(&flow)?;

        fs::write(&changed, (100 + round).to_string())?;
        disk::sync(folder.path())?;
        rewrites.push(seconds(|| run::<Prices>(&flow))?);
        counts.0 = inodes(&flow)?.difference(&before).count();
        reruns.push(seconds(|| {
            counts.1 = flow.run::<EachKey>()?.ran().len();
            Ok(())
        })?);
    }
    let floor = median(&floors);
    for (case, times, more) in [
        ("write", &writes, String::new()),
        ("rewrite", &rewrites, format!(" written={}", counts.0)),
    ] {
        let seconds = median(times);
        let ratio = seconds / floor;
        println!(
            "RESULT dataset {case} seconds={seconds:.3} floor_seconds={floor:.3} ratio={ratio:.2}{more}"
        );
    }
    let rerun = median(&reruns);
    println!(
        "RESULT dataset rerun seconds={rerun:.3} ran={} us_per_consumer={:.1}",
        counts.1,
        rerun * 1e6 / PARTITIONS as f64
    );
    ensure!(
        cfg!(not(unix)) || counts == (1, 1),
        "one file and one consumer were expected, and not {counts:?}"
    );
    Ok(())
}

fn run<R: flow::Roots>(flow: &Flow) -> Result<()> {
    flow.run::<R>()?;
    Ok(())
}

fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Writes the same files without the library, and returns the time in seconds.
fn floor(to: &Path) -> Result<f64> {
    let properties = WriterProperties::builder();
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let properties = properties.set_compression(zstd).build();
    seconds(|| {
        for key in 0..PARTITIONS {
            let folder = to.join(format!("key={key}"));
            fs::create_dir_all(&folder)?;
            let batch = rows(key..key + 1, None)?.project(&[1, 2])?;
            let file = File::create(folder.join("part-0.parquet"))?;
            let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?;
            writer.write(&batch)?;
            writer.close()?;
        }
        Ok(disk::sync(to)?)
    })
}

/// Returns the inodes of the files of the dataset.
#[cfg(unix)]
fn inodes(flow: &Flow) -> Result<HashSet<u64>> {
    use std::os::unix::fs::MetadataExt;

    let mut inodes = HashSet::new();
    for folder in fs::read_dir(flow.output::<Prices>()?.path()?)? {
        for file in fs::read_dir(folder?.path())? {
            inodes.insert(file?.metadata()?.ino());
        }
    }
    Ok(inodes)
}

#[cfg(not(unix))]
fn inodes(_: &Flow) -> Result<HashSet<u64>> {
    Ok(HashSet::new())
}
