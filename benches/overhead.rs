//! Measures the overhead of the library per task.
//!
//! It runs 1,000 and 10,000 tasks that write a small JSON file each, and a task that sums them. The
//! floor is a plain loop that writes the same files with the same durability.
//!
//! `RESULT overhead fan_10000 ratio=... us_per_task=...`: the median time of the run, as a ratio to
//! the median of the floor, and per task in microseconds.

use std::cell::RefCell;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use flow::prelude::*;
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

/// Runs everything in a new store.
fn run(folder: &Path, tasks: u64) -> Duration {
    let flow = Flow::open(folder).expect("a new store").quiet().with(Sum::N, tasks);
    let begun = Instant::now();
    flow.run::<Sum>().expect("all tasks run");
    let took = begun.elapsed();
    assert_eq!(*flow.load::<Sum>().expect("the sum"), tasks * (tasks - 1) / 2);
    took
}

/// Writes the same files: for each task a folder, the output, and a record that is renamed into
/// place.
///
/// All files of a group are made durable before its records become visible.
fn floor(folder: &Path, record: &[u8], tasks: u64) -> Duration {
    let begun = Instant::now();
    let mut sum = 0;
    let tasks: Vec<u64> = (0..tasks).collect();
    for group in tasks.chunks(512) {
        let mut drafts = Vec::new();
        for n in group {
            let at = folder.join(format!("Leaf/n={n}-{n:016x}"));
            fs::create_dir_all(&at).expect("a new folder");
            let data = at.join(format!("data-{n:016x}-{n:016x}.json"));
            File::create_new(&data).and_then(|mut f| write!(f, "{n}")).expect("a new file");
            let draft = at.join(format!("record.json.{n:016x}"));
            File::create_new(&draft).and_then(|mut f| f.write_all(record)).expect("a new file");
            drafts.push((data, draft, at.join("record.json")));
        }
        sync(&drafts[0].0);
        for (data, draft, record) in drafts {
            fs::rename(draft, record).expect("a rename");
            let text = fs::read_to_string(data).expect("the file just written");
            sum += text.parse::<u64>().expect("a number");
        }
    }
    let took = begun.elapsed();
    assert_eq!(sum, tasks.iter().sum::<u64>());
    took
}

/// Makes the written files durable by one flush, if the system has one. Otherwise the floor does
/// not include it.
fn sync(file: &Path) {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(file).expect("the file just written")).expect("a sync");
    #[cfg(not(target_os = "linux"))]
    let _ = file;
}

/// A record of the size that the library writes.
fn record() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), 1);
    let at = fs::read_dir(folder.path().join("Leaf")).expect("one instance").next();
    let at = at.expect("one instance").expect("one instance").path();
    fs::read(at.join("record.json")).expect("its record")
}

fn overhead(criterion: &mut Criterion) {
    // Nothing is deleted before the end, because deletions slow down the disk for a while.
    let root = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let record = record();
    let mut group = criterion.benchmark_group("overhead");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    for tasks in [1_000, 10_000] {
        let (ours, floors) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let next = RefCell::new(0);
        let fresh = |kind: &str| {
            *next.borrow_mut() += 1;
            let at = root.path().join(format!("{kind}-{tasks}-{}", next.borrow()));
            fs::create_dir(&at).expect("a new folder");
            at
        };
        // Both take turns, so that a disk that slows down affects both.
        group.bench_function(format!("fan_{tasks}"), |bencher| {
            bencher.iter_custom(|times| {
                let mut total = Duration::ZERO;
                for _ in 0..times {
                    floors.borrow_mut().push(floor(&fresh("floor"), &record, tasks));
                    let took = run(&fresh("run"), tasks);
                    ours.borrow_mut().push(took);
                    total += took;
                }
                total
            });
        });
        if ours.borrow().is_empty() {
            continue;
        }
        let (ours, floor) = (median(&ours), median(&floors));
        println!(
            "RESULT overhead fan_{tasks} ratio={:.2} us_per_task={:.1}",
            ours / floor,
            ours / tasks as f64 * 1e6
        );
    }
    group.finish();
}

/// Returns the time in seconds.
fn median(times: &RefCell<Vec<Duration>>) -> f64 {
    let mut times = times.borrow_mut();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}

criterion_group!(benches, overhead);
criterion_main!(benches);
