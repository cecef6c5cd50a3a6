//! Measures how long it takes to find that nothing has to run.
//!
//! It plans and confirms 10,000 and 100,000 complete instances, and one more for each thousand. The floor is
//! one `stat` and one small read for each of the former.
//!
//! `RESULT noop complete_100000 us_per_instance=... cold_us_per_instance=... floor_us_per_instance=...
//! ratio=...` are medians. The store is opened anew each time, so that nothing is in memory. `cold` is without
//! the record cache of the store, which it writes; the ratio is that of a plan with the cache. A process of its
//! own gives the other figures: `peak_rss_mb=...`, its peak memory, and `stats_per_instance=...
//! reads_per_instance=... lists_per_instance=...`, how often the library read the metadata of a path,
//! opened a file to read it, and listed a folder, divided by the number of instances.
//!
//! `-- --large` adds a million instances, which take some 12 GB on the disk.

use std::fs;
use std::io::ErrorKind;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use flow::prelude::*;
use kit::args::Args;
use kit::disk::{BenchDisk, settle};
use kit::records::Records;
use kit::{child, median, memory};
use tempfile::TempDir;

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

/// The sum of a thousand leaves. The record of a task lists all of its inputs, and its size is limited, so that no
/// task can have a million.
#[derive(Task)]
#[task(requires = [Leaf { n } for n in self.k * PART..(self.k + 1) * PART], target = Json<u64>)]
struct Part {
    k: u64,
}

#[tracked]
impl Run for Part {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|leaf| Ok(*leaf.load()?)).sum()
    }
}

#[derive(Task)]
#[task(requires = [Part { k } for k in 0..self.n / PART], target = Json<u64>)]
struct Sum {
    #[param(local)]
    n: u64,
}

#[tracked]
impl Run for Sum {
    fn run(&self, cx: &Cx<Self>) -> Result<u64> {
        cx.input().iter().map(|part| Ok(*part.load()?)).sum()
    }
}

/// The number of leaves of each part.
const PART: u64 = 1000;

/// How long ago a record must have been written to be cached, and a little more.
const SETTLED: Duration = Duration::from_millis(3_200);

fn main() -> Result<()> {
    if let Some(words) = child::words() {
        return measured(&words);
    }
    let args = Args::read();
    for tasks in args.sizes(&[10_000, 100_000], &[1_000_000]) {
        let case = format!("complete_{tasks}");
        if args.selects(&case) {
            compare(&case, tasks)?;
        }
    }
    Ok(())
}

/// Measures a store of this many instances and its floor, in turns.
fn compare(case: &str, tasks: u64) -> Result<()> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let folder = folder.path();
    // Only reading is measured, so the store is written in the quickest way.
    run(&Flow::open_on(folder, Arc::new(BenchDisk::unsynced()))?, tasks, false)?;
    settle();
    let records = Records::of_task(&folder.join("Leaf"))?;
    let (mut ours, mut colds, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    // A record that has just been written is not cached.
    thread::sleep(SETTLED);
    for _ in 0..3 {
        match fs::remove_dir_all(folder.join(".flow/records")) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        colds.push(run(&Flow::open(folder)?, tasks, true)?);
    }
    let rounds = if tasks < 1_000_000 { 9 } else { 3 };
    for _ in 0..rounds {
        floors.push(records.read()?);
        ours.push(run(&Flow::open(folder)?, tasks, true)?);
    }
    let [peak, stats, reads, lists] = child::measure(&[&tasks.to_string()], folder)?[..] else {
        bail!("not four figures");
    };
    let tasks = tasks as f64;
    let (ours, cold, floor) = (median(&ours), median(&colds), median(&floors));
    println!(
        "RESULT noop {case} us_per_instance={:.2} cold_us_per_instance={:.2} \
         floor_us_per_instance={:.2} ratio={:.2} peak_rss_mb={:.1} stats_per_instance={:.2} \
         reads_per_instance={:.2} lists_per_instance={:.2}",
        ours * 1e6 / tasks,
        cold * 1e6 / tasks,
        floor * 1e6 / tasks,
        ours / floor,
        peak / 1e6,
        stats / tasks,
        reads / tasks,
        lists / tasks
    );
    Ok(())
}

/// Confirms a complete store, and prints the peak memory and the numbers of operations.
fn measured(words: &[String]) -> Result<()> {
    let [tasks, folder] = words else { bail!("unexpected: {words:?}") };
    let tasks = tasks.parse()?;
    let disk = Arc::new(BenchDisk::default());
    run(&Flow::open_on(folder, Arc::clone(&disk) as _)?, tasks, true)?;
    println!("{} {} {} {}", memory::peak(), disk.stats(), disk.reads(), disk.lists());
    Ok(())
}

/// Runs the flow on a store that was just opened, and returns the time in seconds.
fn run(flow: &Flow, tasks: u64, is_complete: bool) -> Result<f64> {
    let flow = flow.quiet().with(Sum::N, tasks);
    let begun = Instant::now();
    let summary = flow.run::<Sum>()?;
    let took = begun.elapsed().as_secs_f64();
    let expected = if is_complete { tasks + tasks / PART + 1 } else { 0 };
    ensure!(summary.already_complete().len() as u64 == expected, "{summary}");
    Ok(took)
}
