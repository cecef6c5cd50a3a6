//! Measures what each executor costs per instance.
//!
//! A task stores a number as JSON, durably. [`CASES`] has the executors: threads, child processes that run one task after the
//! other, and workers that take jobs from a queue, one process for each. `fresh_children` runs one instance at a time, so
//! that each needs a new child process. The cases of workers submit up to [`SUBMITTED`] jobs at a time: `pull_jobs` as one
//! bundle each, and `pull_bundles` as the default is, with durations that a short run has recorded before. The workers of
//! `bucket_bundles` have stores of their own, and nothing but a bucket in common with the run: a folder, to which no network leads.
//! Both sides poll it as often as a folder of a store by default, because most of a short run would be pauses otherwise.
//! `slurm_bundles` and `hq_bundles` contain the time in which Slurm or HyperQueue starts the workers of the run.
//!
//! The floor is a plain loop that writes the files of the same run, as durable as the library does. The floor of
//! `fresh_children` is to start this program, which ends at once, and to wait for it, beside the same files. That of
//! `bucket_bundles` also writes the same files without syncs where the worker has them, and in the bucket.
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

use flow::cluster::{HyperQueue, PullWorkers, Slurm, Worker};
use flow::prelude::*;
use flow::remote::RemoteFolder;
use kit::args::Args;
use kit::disk::settle;
use kit::files::StoredFiles;
use kit::median;
use tempfile::TempDir;

use self::Workers::{Bucket, Own, Store};

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

/// How often runs and workers poll a bucket: as often as a folder by default.
const POLL: Duration = Duration::from_millis(200);

/// How long a worker process may take to start, and how long it lives without work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes this program a worker, with the options of the command line: this is how a scheduler starts it.
const WORKER: &str = "worker";
const DATA: &str = "--data";
const BUCKET: &str = "--bucket";
const POOL: &str = "--pool";
const EXIT_WHEN_IDLE: &str = "--exit-when-idle";

/// What a worker and its child process take at most, for a scheduler that limits memory.
const MEMORY: &str = "500MB";

/// Makes this program end at once.
const NOTHING: &str = "nothing";

/// An executor to measure.
struct Case {
    name: &'static str,
    workers: Workers,
    /// Returns why it cannot be measured here.
    lacks: fn() -> Option<&'static str>,
    executor: fn(&Flow) -> Flow,
}

/// The worker processes to start.
#[derive(Clone, Copy)]
enum Workers {
    /// None: the run starts what it needs.
    Own,
    /// So many, on the store of the run.
    Store(usize),
    /// So many, each on a store of its own, with a bucket.
    Bucket(usize),
}

/// All executors. One more is one more entry.
const CASES: [Case; 13] = [
    Case { name: "threads_1w", workers: Own, lacks: || None, executor: |flow| flow.workers(1) },
    Case { name: "threads_2w", workers: Own, lacks: || None, executor: |flow| flow.workers(2) },
    Case {
        name: "reused_children_1w",
        workers: Own,
        lacks: processes,
        executor: |flow| flow.workers(1).isolate(),
    },
    Case {
        name: "reused_children_2w",
        workers: Own,
        lacks: processes,
        executor: |flow| flow.workers(2).isolate(),
    },
    Case { name: "pull_jobs_1w", workers: Store(1), lacks: processes, executor: single_jobs },
    Case { name: "pull_jobs_2w", workers: Store(2), lacks: processes, executor: single_jobs },
    Case { name: "pull_jobs_8w", workers: Store(8), lacks: processes, executor: single_jobs },
    Case { name: "pull_bundles_1w", workers: Store(1), lacks: processes, executor: bundles },
    Case { name: "pull_bundles_2w", workers: Store(2), lacks: processes, executor: bundles },
    Case { name: "pull_bundles_8w", workers: Store(8), lacks: processes, executor: bundles },
    Case {
        name: "bucket_bundles_2w",
        workers: Bucket(2),
        lacks: processes,
        executor: bucket_bundles,
    },
    // They start workers themselves.
    Case { name: "slurm_bundles", workers: Own, lacks: slurm, executor: slurm_bundles },
    Case { name: "hq_bundles", workers: Own, lacks: hyper_queue, executor: hq_bundles },
];

fn single_jobs(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(PullWorkers::new().bundle(Duration::ZERO))
}

fn bundles(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(PullWorkers::new())
}

fn bucket_bundles(flow: &Flow) -> Flow {
    let bucket = RemoteFolder::new(bucket_of(flow.folder()));
    flow.workers(SUBMITTED).executor(PullWorkers::new().bucket(bucket).poll(POLL))
}

/// Returns the folder that is the bucket of the run on a store.
fn bucket_of(store: &Path) -> PathBuf {
    store.with_extension("bucket")
}

fn slurm_bundles(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(Slurm::new().memory(MEMORY))
}

fn hq_bundles(flow: &Flow) -> Flow {
    flow.workers(SUBMITTED).executor(HyperQueue::new())
}

/// Returns why there are no child processes here.
fn processes() -> Option<&'static str> {
    (!cfg!(unix)).then_some("this system has no child processes of tasks")
}

/// Returns why there is no Slurm here.
fn slurm() -> Option<&'static str> {
    if !has_command("sbatch") {
        return Some("the command `sbatch` is not on the PATH");
    }
    (!answers("sinfo", &[])).then_some("Slurm does not answer the command `sinfo`")
}

/// Returns why there is no HyperQueue here.
fn hyper_queue() -> Option<&'static str> {
    if !has_command("hq") {
        return Some("the command `hq` is not on the PATH");
    }
    (!answers("hq", &["server", "info"])).then_some("there is no server of HyperQueue")
}

fn has_command(name: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(name).is_file())
}

/// Returns whether a scheduler answers a command. A run would wait for it.
fn answers(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let status = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
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
    if let Some(bucket) = option(BUCKET) {
        worker = worker.bucket(RemoteFolder::new(bucket)).poll(POLL);
    }
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
    fn worker(store: &Path, bucket: Option<&Path>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args([OsStr::new(WORKER), OsStr::new(DATA), store.as_os_str()]);
        if let Some(bucket) = bucket {
            command.args([OsStr::new(BUCKET), bucket.as_os_str()]);
        }
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Workers {
    /// Starts the processes for the run on a store, and waits until all have said that they are there.
    fn start(self, store: &Path) -> Result<Vec<Process>> {
        let bucket = bucket_of(store);
        let (processes, folder) = match self {
            Self::Own => return Ok(Vec::new()),
            Self::Store(count) => {
                let started = (0..count).map(|_| Process::worker(store, None));
                (started.collect::<Result<Vec<_>>>()?, store.join(".flow/queue/workers"))
            }
            Self::Bucket(count) => {
                let own = |number: usize| store.with_extension(format!("worker{number}"));
                let started = (0..count).map(|number| Process::worker(&own(number), Some(&bucket)));
                (started.collect::<Result<Vec<_>>>()?, bucket.join("cluster/workers"))
            }
        };
        wait_for_workers(&folder, processes.len())?;
        Ok(processes)
    }
}

/// Waits until this many worker processes have written their files to a folder.
fn wait_for_workers(folder: &Path, count: usize) -> Result<()> {
    let begun = Instant::now();
    let is_ready = |name: &Path| name.extension().is_some_and(|end| end == "json");
    loop {
        let found = fs::read_dir(folder).into_iter().flatten().flatten();
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
        let mut floor = files.write_again(&folder, true, false)?;
        if let Bucket(_) = case.workers {
            // Where the workers have them, and in the bucket.
            for _ in 0..2 {
                floor += files.write_again(&folders.next()?, false, false)?;
            }
        }
        floors.push(floor);
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
    let _workers = case.workers.start(folder)?;
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
