//! Measures how long it takes to find that nothing has to run.
//!
//! It plans and confirms 10,000 and 100,000 complete instances. The floor is one `stat` and one
//! small read for each instance.
//!
//! `RESULT noop complete_100000 us_per_instance=... floor_us_per_instance=... ratio=...` are
//! medians. The store is opened anew each time, so that nothing is cached.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flow::prelude::*;
use tempfile::TempDir;

/// How often both are measured, in turns.
const ROUNDS: usize = 9;

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
        cx.input().iter().map(|leaf| Ok(*leaf.load()?)).sum()
    }
}

fn main() -> Result<()> {
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    for tasks in [10_000, 100_000] {
        let folder = root.path().join(tasks.to_string());
        run(&folder, tasks)?;
        let files = files(&folder.join("Leaf"))?;
        let (mut ours, mut floors) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floors.push(floor(&files)?);
            ours.push(run(&folder, tasks)?);
        }
        let each = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e6 / tasks as f64
        };
        let (ours, floor) = (each(&mut ours), each(&mut floors));
        println!(
            "RESULT noop complete_{tasks} us_per_instance={ours:.2} \
             floor_us_per_instance={floor:.2} ratio={:.2}",
            ours / floor
        );
    }
    Ok(())
}

/// Runs the flow on a newly opened store. From the second time on, all instances are complete.
fn run(folder: &Path, tasks: u64) -> Result<Duration> {
    let is_first = !folder.exists();
    let flow = Flow::open(folder)?.quiet().with(Sum::N, tasks);
    let begun = Instant::now();
    let summary = flow.run::<Sum>()?;
    let took = begun.elapsed();
    ensure!(is_first || summary.already_complete().len() as u64 == tasks + 1, "{summary}");
    Ok(took)
}

/// Returns the record and the output of each instance.
fn files(task: &Path) -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut files = Vec::new();
    for instance in fs::read_dir(task)? {
        let instance = instance?.path();
        let data = fs::read_dir(&instance)?
            .filter_map(|file| file.ok().map(|file| file.path()))
            .find(|path| {
                path.extension().is_some_and(|extension| extension == "json")
                    && !path.ends_with("record.json")
            });
        files.push((instance.join("record.json"), data.context("an output")?));
    }
    Ok(files)
}

/// Reads each record and calls `stat` on each output.
fn floor(files: &[(PathBuf, PathBuf)]) -> Result<Duration> {
    let begun = Instant::now();
    let mut bytes = 0;
    for (record, data) in files {
        bytes += fs::read(record)?.len() as u64 + fs::metadata(data)?.len();
    }
    let took = begun.elapsed();
    ensure!(bytes > 0, "nothing was read");
    Ok(took)
}
