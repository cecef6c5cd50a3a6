//! Measures what it costs to run a task in a child process.
//!
//! A task stores a number as JSON, without syncs. `fresh` runs one instance, whose child has to be started. `reused` runs
//! many with one worker: one child runs all of them, so that the first one hardly counts. `thread` runs the same instances
//! without children.
//!
//! The floor of `fresh` is to start this program, which ends at once, and to wait for it. The floor of `reused` is a
//! message of a byte to another thread through a socket and back.
//!
//! `RESULT isolate fresh ms=... floor_ms=... ratio=...` and
//! `RESULT isolate reused us_per_task=... thread_us_per_task=... floor_us=...`: the difference to `thread` is what the
//! child costs.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use flow::Code;
use flow::prelude::*;
use kit::args::Args;
use kit::disk::BenchDisk;
use tempfile::TempDir;

/// The number of measurements of each kind, of which the median counts.
const TIMES: usize = 15;

/// The number of tasks that one child runs.
const TASKS: u64 = 1_000;

/// Makes this program end at once.
const NOTHING: &str = "nothing";

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
}

impl Run for Square {
    const CODE: Code = Code::version(1);

    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        Ok(self.n * self.n)
    }
}

#[derive(Task)]
#[task(aggregate, requires = [Square { n } for n in 0..self.count])]
struct Squares {
    count: u64,
}

fn main() -> Result<()> {
    if std::env::args().any(|word| word == NOTHING) {
        return Ok(());
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // In a child, the first call takes over.
    let folder = place.join(format!("isolate-{}", std::process::id()));
    Flow::open(&folder)?;
    let args = Args::read();
    if args.selects("fresh") {
        fresh(place)?;
    }
    if args.selects("reused") {
        reused(place)?;
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// Where the tasks run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum In {
    Thread,
    Child,
}

fn fresh(place: &Path) -> Result<()> {
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(run(place, 1, In::Child)?);
        let begun = Instant::now();
        let mut program = Command::new(std::env::current_exe()?);
        let status = program.arg(NOTHING).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "{program:?}: {status}");
        floor.push(begun.elapsed().as_secs_f64());
    }
    let (ours, floor) = (median(ours), median(floor));
    let ratio = ours / floor;
    let (ms, floor_ms) = (ours * 1e3, floor * 1e3);
    println!("RESULT isolate fresh ms={ms:.2} floor_ms={floor_ms:.2} ratio={ratio:.2}");
    Ok(())
}

fn reused(place: &Path) -> Result<()> {
    let (mut ours, mut threads, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES {
        ours.push(run(place, TASKS, In::Child)? / TASKS as f64);
        threads.push(run(place, TASKS, In::Thread)? / TASKS as f64);
        floor.push(round_trips(TASKS)? / TASKS as f64);
    }
    let [ours, threads, floor] = [ours, threads, floor].map(|seconds| median(seconds) * 1e6);
    println!(
        "RESULT isolate reused us_per_task={ours:.1} thread_us_per_task={threads:.1} floor_us={floor:.1}"
    );
    Ok(())
}

/// Runs instances in a new store, and returns the seconds.
fn run(place: &Path, count: u64, at: In) -> Result<f64> {
    let folder = TempDir::new_in(place)?;
    let disk = Arc::new(BenchDisk::unsynced());
    let flow = Flow::open_on(folder.path(), disk)?.quiet().workers(1).with(Squares::COUNT, count);
    let flow = if at == In::Child { flow.isolate() } else { flow };
    let begun = Instant::now();
    let ran = flow.run::<Squares>()?.ran().len() as u64;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(ran == count, "{ran} of {count} tasks ran");
    Ok(seconds)
}

/// Sends a byte to another thread and back, and returns the seconds for all of them.
fn round_trips(count: u64) -> Result<f64> {
    let (mut here, mut there) = UnixStream::pair()?;
    let echo = thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && there.write_all(&byte).is_ok() {}
    });
    let begun = Instant::now();
    let mut byte = [1];
    for _ in 0..count {
        here.write_all(&byte)?;
        here.read_exact(&mut byte)?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    drop(here);
    echo.join().map_err(|_| anyhow!("the other thread panicked"))?;
    Ok(seconds)
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
