//! Measures what a task costs that does nothing, and whose output stays in memory.
//!
//! It plans and runs a fan of tasks with the target `Memory`, and one that adds them up. Each measurement is a process
//! of its own. There are two floors, because a task in memory has no file of its output, but a durable record:
//!
//! - `floor_ns_per_task` sends the number of each task to a thread and its value back, through channels of the standard
//!   library: the least that handing tasks to a worker costs.
//! - `records_ns_per_task` writes the records of the same run in a plain loop, in the same folders and as durable as the run
//!   does.
//!
//! `RESULT memory_tasks fan_100000 ratio=... plan_ns_per_task=... plan_bytes_per_task=... ns_per_task=... bytes_per_task=...
//! floor_ns_per_task=... records_ns_per_task=...`: medians of three measurements. `ns_per_task` and `bytes_per_task` are
//! those of a whole run, which contains planning, and `ratio` compares the time with the sum of the floors. Bytes are what
//! is added to the peak memory of a process that has opened the flow.
//!
//! `-- --large` adds a million tasks.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Instant;

use flow::prelude::*;
use kit::args::Args;
use kit::disk::settle;
use kit::files::StoredFiles;
use kit::{child, median, memory};
use tempfile::TempDir;

/// How often everything is measured.
const ROUNDS: usize = 3;

#[derive(Task)]
#[task(target = Memory<u64>)]
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
#[task(requires = [Leaf { n } for n in 0..self.n], target = Memory<u64>)]
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

fn main() -> Result<()> {
    if let Some(words) = child::words() {
        return measured(&words);
    }
    let args = Args::read();
    for tasks in args.sizes(&[10_000, 100_000], &[1_000_000]) {
        let case = format!("fan_{tasks}");
        if args.selects(&case) {
            compare(&case, tasks)?;
        }
    }
    Ok(())
}

/// Measures the plan, the run and the floors, in turns.
fn compare(case: &str, tasks: u64) -> Result<()> {
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (mut floors, mut records) = (Vec::new(), Vec::new());
    let mut stored = None;
    let mut figures = [const { Vec::new() }; 4];
    for round in 0..ROUNDS {
        floors.push(floor(tasks)?);
        for (place, what) in [(0, "plan"), (2, "run")] {
            let folder = root.path().join(format!("{what}-{round}"));
            settle();
            let [time, bytes] = child::measure(&[what, &tasks.to_string()], &folder)?[..] else {
                bail!("not two figures");
            };
            figures[place].push(time);
            figures[place + 1].push(bytes);
            if what == "run" && stored.is_none() {
                stored = Some(StoredFiles::of(&folder)?);
            }
            // The records of a million tasks take some 8 GB.
            std::fs::remove_dir_all(folder)?;
        }
        let folder = root.path().join(format!("records-{round}"));
        settle();
        records.push(stored.as_ref().context("no run")?.write_again(&folder, true, false)?);
        std::fs::remove_dir_all(folder)?;
    }
    let each = |values: &[f64]| median(values) / tasks as f64;
    let [plan, plan_bytes, run, run_bytes] = &figures;
    println!(
        "RESULT memory_tasks {case} ratio={:.2} plan_ns_per_task={:.0} plan_bytes_per_task={:.0} ns_per_task={:.0} \
         bytes_per_task={:.0} floor_ns_per_task={:.0} records_ns_per_task={:.0}",
        median(run) / (median(&floors) + median(&records)),
        each(plan) * 1e9,
        each(plan_bytes),
        each(run) * 1e9,
        each(run_bytes),
        each(&floors) * 1e9,
        each(&records) * 1e9
    );
    Ok(())
}

/// Plans or runs everything in a new store, and prints the time in seconds and the bytes of memory.
fn measured(words: &[String]) -> Result<()> {
    let [what, tasks, folder] = words else { bail!("unexpected: {words:?}") };
    let tasks = tasks.parse::<u64>()?;
    let flow = Flow::open(folder)?.quiet().with(Sum::N, tasks);
    let before = memory::peak();
    let begun = Instant::now();
    if what == "plan" {
        let preview = flow.preview::<Sum>()?;
        println!("{} {}", begun.elapsed().as_secs_f64(), memory::peak() - before);
        let planned = preview.instances().count() as u64;
        ensure!(planned == tasks + 1, "{planned} instances");
    } else {
        flow.run::<Sum>()?;
        println!("{} {}", begun.elapsed().as_secs_f64(), memory::peak() - before);
        let sum = *flow.load::<Sum>()?;
        ensure!(sum == tasks * (tasks - 1) / 2, "{sum} is another sum");
    }
    Ok(())
}

/// Sends each number to a thread that sends a value back, and returns the time in seconds.
fn floor(tasks: u64) -> Result<f64> {
    let begun = Instant::now();
    let (jobs, to_do) = mpsc::channel::<u64>();
    let (done, values) = mpsc::channel::<Arc<u64>>();
    let sum = thread::scope(|scope| {
        scope.spawn(move || {
            for n in to_do {
                if done.send(Arc::new(n)).is_err() {
                    return;
                }
            }
        });
        for n in 0..tasks {
            // If the worker had ended, the sum would be another one.
            let _ = jobs.send(n);
        }
        drop(jobs);
        let values: Vec<Arc<u64>> = values.iter().collect();
        values.iter().map(|value| **value).sum::<u64>()
    });
    let took = begun.elapsed().as_secs_f64();
    ensure!(sum == tasks * (tasks - 1) / 2, "{sum} is another sum");
    Ok(took)
}
