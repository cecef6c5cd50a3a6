//! Measures what each executor costs per instance.
//!
//! A task stores a number as JSON, durably. [`CASES`] has the executors: threads, child processes that run one task after the
//! other, and workers that take jobs from a queue, one process for each. `fresh_children` runs one instance at a time, so
//! that each needs a new child process. The cases of workers submit up to [`SUBMITTED`] jobs at a time: `pull_jobs` as one
//! bundle each, and `pull_bundles` as the default is, with durations that a short run has recorded before. `slurm_bundles` contains
//! the time in which Slurm starts the workers of the run.
//!
//! The floor is a plain loop that writes the files of the same run, as durable as the library does. The floor of
//! `fresh_children` is to start this program, which ends at once, and to wait for it, beside the same files.
//!
//! `RESULT executor pull_bundles_2w_1000 us_per_instance=... floor_us_per_instance=... ratio=...`: 1,000 instances and two
//! workers. The figures are medians, and those of 10,000 instances show whether the costs are linear. An executor that needs
//! a service which is not there is a line `NOT CHECKED`.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use flow::cluster::{PullWorkers, Slurm, Worker};
use flow::prelude::*;
use kit::args::Args;
use kit::disk::settle;
use kit::files::StoredFiles;
use kit::median;
use tempfile::TempDir;

/// The numbers of instances.
const SIZES: [u64; 2] = [1_000, 10_000];

/// How often each case is measured.
const ROUNDS: usize = 3;

/// The number of fresh children.
const FRESH: usize = 15;

/// The number of instances that run before each measurement, so that their durations are known and all children run.
const BEFORE: u64 = 16;

/// The number of jobs that a run submits at a time.
const SUBMITTED: usize = 1_000;

/// How long a worker process may take to start, and how long it lives without work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes this program a worker, with the options of the command line: this is how a scheduler starts it.
const WORKER: &str = "worker";
const DATA: &str = "--data";
const POOL: &str = "--pool";
const EXIT_WHEN_IDLE: &str = "--exit-when-idle";

/// What a worker and its child process take at most, for a scheduler that limits memory.
const MEMORY: &str = "500MB";

/// Makes this program end at once.
const NOTHING: &str = "nothing";

/// An executor to measure.
struct Case {
    name: &'static str,
    /// The number of worker processes to start.
    workers: usize,
    /// Returns why it cannot be measured here.
    lacks: fn() -> Option<&'static str>,
    executor: fn(&Flow) -> Flow,
}

/// All executors. One more is one more entry.
const CASES: [Case; 11] = [
    Case { name: "threads_1w", workers: 0, lacks: || None, executor: |flow| flow.workers(1) },
    Case { name: "threads_2w", workers: 0, lacks: || None, executor: |flow| flow.workers(2) },
    Case {
        name: "reused_children_1w",
        workers: 0,
        lacks: processes,
        executor: |flow| flow.workers(1).isolate(),
    },
    Case {
        name: "reused_children_2w",
        workers: 0,
        lacks: processes,
        executor: |flow| flow.workers(2).isolate(),
    },
    Case { name: "pull_jobs_1w", workers: 1, lacks: processes, executor: single_jobs },
    Case { name: "pull_jobs_2w", workers: 2, lacks: processes, executor: single_jobs },
    Case { name: "pull_jobs_8w", workers: 8, lacks: processes, executor: single_jobs },
    Case { name: "pull_bundles_1w", workers: 1, lacks: processes, executor: bundles },
    Case { name: "pull_bundles_2w", workers: 2, lacks: processes, executor: bundles },
    Case { name: "pull_bundles_8w", workers: 8, lacks: processes, executor: bundles },
    // It starts workers itself.
    Case { name: "slurm_bundles", workers: 0, lacks: slurm, executor: slurm_bundles },
];

/// Executors that the library does not have so far.
const PLANNED: [&str; 1] = ["bucket"];

fn single_jobs(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(PullWorkers::new().bundle(Duration::ZERO))
}

fn bundles(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(PullWorkers::new())
}

fn slurm_bundles(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(Slurm::new().memory(MEMORY))
}

/// Returns why there are no child processes here.
fn processes() -> Option<&'static str> {
    (!cfg!(unix)).then_some("this system has no child processes of tasks")
}

/// Returns why there is no Slurm here.
fn slurm() -> Option<&'static str> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let has_command = std::env::split_paths(&paths).any(|folder| folder.join("sbatch").is_file());
    if !has_command {
        return Some("the command `sbatch` is not on the PATH");
    }
    // A run would wait for it.
    let answers = Command::new("sinfo").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let is_there = answers.is_ok_and(|status| status.success());
    (!is_there).then_some("Slurm does not answer the command `sinfo`")
}

#[derive(Task)]
#[task(target = Json<u64>)]
struct Square {
    n: u64,
}

#[tracked]
impl Run for Square {
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
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.iter().any(|word| word == NOTHING) {
        return Ok(());
    }
    if let [word, options @ ..] = &words[..]
        && word == WORKER
    {
        return work(options);
    }
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let first = place.join(format!("executor-{}", std::process::id()));
    // In a child process, this call takes over, before anything is created.
    Flow::open(&first)?;
    let root = TempDir::new_in(place)?;
    let args = Args::read();
    // Deletions slow down the disk for minutes, so all folders are deleted at the end.
    let mut folders = Folders { root: root.path().to_owned(), made: 0 };
    if args.selects("fresh_children") {
        fresh(&mut folders)?;
    }
    for case in &CASES {
        for count in SIZES {
            let name = format!("{}_{count}", case.name);
            if args.selects(&name) {
                compare(case, &name, count, &mut folders)?;
            }
        }
    }
    for name in PLANNED {
        if args.selects(name) {
            println!("NOT CHECKED {name}: the library has no such executor");
        }
    }
    // Nothing was stored there.
    let _ = fs::remove_dir_all(first);
    Ok(())
}

/// Runs jobs until this process is killed, or has had none for a while.
fn work(options: &[OsString]) -> Result<()> {
    let option = |name: &str| {
        let place = options.iter().position(|word| word == name)?;
        options.get(place + 1)
    };
    let store = option(DATA).with_context(|| format!("{DATA} is missing"))?;
    // In a child process of the worker, this call takes over.
    let flow = Flow::open(store)?.quiet();
    let idle = match option(EXIT_WHEN_IDLE) {
        Some(seconds) => Duration::from_secs(seconds.to_string_lossy().parse()?),
        None => PATIENCE,
    };
    let mut worker = Worker::new(&flow).exit_when_idle(idle);
    if let Some(pool) = option(POOL) {
        worker = worker.pool(pool.to_string_lossy());
    }
    worker.run()?;
    Ok(())
}

/// Makes folders that stay until the end.
struct Folders {
    root: PathBuf,
    made: usize,
}

impl Folders {
    fn next(&mut self) -> Result<PathBuf> {
        self.made += 1;
        let folder = self.root.join(self.made.to_string());
        fs::create_dir(&folder)?;
        Ok(folder)
    }
}

/// A worker process, which is killed on drop.
struct Process(Child);

impl Process {
    fn worker(store: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([OsStr::new(WORKER), OsStr::new(DATA), store.as_os_str()]);
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until all worker processes of a store have written their files.
fn wait_for_workers(store: &Path, count: usize) -> Result<()> {
    let folder = store.join(".flow/queue/workers");
    let begun = Instant::now();
    let is_ready = |name: &Path| name.extension().is_some_and(|end| end == "json");
    loop {
        let found = fs::read_dir(&folder).into_iter().flatten().flatten();
        if found.filter(|entry| is_ready(&entry.path())).count() >= count {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the workers do not start");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Measures an executor and its floor in turns.
fn compare(case: &Case, name: &str, count: u64, folders: &mut Folders) -> Result<()> {
    if let Some(reason) = (case.lacks)() {
        println!("NOT CHECKED {name}: {reason}");
        return Ok(());
    }
    let files = stored(count, folders)?;
    let (mut times, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = folders.next()?;
        settle();
        floors.push(files.write_again(&folder, true, false)?);
        times.push(run(case, count, &folders.next()?)?);
    }
    print(name, median(&times), median(&floors), count);
    Ok(())
}

/// Returns the files that a run of this many instances leaves.
fn stored(count: u64, folders: &mut Folders) -> Result<StoredFiles> {
    let folder = folders.next()?;
    Flow::open(&folder)?.quiet().with(Squares::COUNT, count).run::<Squares>()?;
    StoredFiles::of(&folder)
}

/// Runs instances in a new store, and returns the seconds.
fn run(case: &Case, count: u64, folder: &Path) -> Result<f64> {
    let flow = (case.executor)(&Flow::open(folder)?.quiet());
    let _workers: Vec<_> =
        (0..case.workers).map(|_| Process::worker(folder)).collect::<Result<_>>()?;
    if case.workers > 0 {
        wait_for_workers(folder, case.workers)?;
    }
    flow.with(Squares::COUNT, BEFORE).run::<Squares>()?;
    let flow = flow.with(Squares::COUNT, BEFORE + count);
    settle();
    let begun = Instant::now();
    let ran = flow.run::<Squares>()?.ran().len() as u64;
    let seconds = begun.elapsed().as_secs_f64();
    ensure!(ran == count, "{ran} of {count} instances ran");
    Ok(seconds)
}

/// Measures children that run one instance each, and their floor in turns.
fn fresh(folders: &mut Folders) -> Result<()> {
    if let Some(reason) = processes() {
        println!("NOT CHECKED fresh_children: {reason}");
        return Ok(());
    }
    let files = stored(1, folders)?;
    let flow = Flow::open(folders.next()?)?.quiet().workers(1).isolate();
    let (mut times, mut floors) = (Vec::new(), Vec::new());
    for n in 0..FRESH as u64 {
        // Children end with their run.
        let flow = flow.with(Square::N, n);
        settle();
        let begun = Instant::now();
        ensure!(flow.run::<Square>()?.ran().len() == 1, "the instance {n} did not run");
        times.push(begun.elapsed().as_secs_f64());
        let folder = folders.next()?;
        settle();
        let begun = Instant::now();
        let mut program = Command::new(std::env::current_exe()?);
        let status = program.arg(NOTHING).stdout(Stdio::null()).status()?;
        ensure!(status.success(), "{program:?}: {status}");
        let started = begun.elapsed().as_secs_f64();
        floors.push(started + files.write_again(&folder, true, false)?);
    }
    print("fresh_children", median(&times), median(&floors), 1);
    Ok(())
}

fn print(name: &str, seconds: f64, floor: f64, count: u64) {
    let [ours, least] = [seconds, floor].map(|seconds| seconds * 1e6 / count as f64);
    let ratio = seconds / floor;
    println!(
        "RESULT executor {name} us_per_instance={ours:.1} floor_us_per_instance={least:.1} ratio={ratio:.2}"
    );
}
