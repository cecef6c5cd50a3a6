//! What breaks first if a flow grows past one machine: measurements of this program, and a simulation of a cluster.
//!
//! docs/scale.md has the method and what follows. All cases are lines `RESULT scale CASE name=number ...`.
//!
//! - `plan_1000000`: time and memory of the plan of a million instances, in a process of its own.
//! - `queue_100000`: time and memory of a job in the queue of [`PullWorkers`], with this many jobs and without a worker. The
//!   jobs are copies of one that a run has submitted.
//! - `run_2000`: memory and memory mappings of a job that is on its way in a whole run, with the thread that serves it.
//! - `cluster_1000000_1000w_30s`: a million instances on 1,000 workers which a scheduler starts 30 seconds after it was
//!   asked. The simulation is driven by events, and has the functions that the executors have: how jobs are bundled, how many
//!   bundles are in the queue, how many workers are submitted, and when. Its memory is that of the measurements.
//!
//! Durations are those of a recorded run. By default, it is a run of this program, of tasks whose work differs widely, scaled
//! to a mean of ten seconds. `-- --history=FOLDER` takes those of the store in a folder as they are, and `--mean=SECONDS` scales
//! them. Whatever is random follows from a constant.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use flow::cluster::PullWorkers;
use flow::executor::{Job, JobEvents, JobExecutor, JobQueue, RunOfJobs, SubmittedJob};
use flow::prelude::*;
use flow::store::InstanceOutcome;
use flow_cluster::__decisions::{
    LARGEST_ARRAY, Limits, Pace, PoolView, bundles, most_posted, settle, slots_to_fill, submissions,
};
use kit::args::Args;
use kit::{child, memory};
use tempfile::TempDir;

/// The sizes that are measured.
const PLANNED: u64 = 1_000_000;
const QUEUED: [u64; 2] = [10_000, 100_000];
const RUNNING: u64 = 2_000;

/// The mean of the durations, in seconds, unless it is set or they are those of a store.
const MEAN: f64 = 10.0;

/// The number of tasks of the recorded run.
const RECORDED: u64 = 400;

/// Where random numbers begin.
const SEED: u64 = 18;

/// How long a measurement may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A cluster to simulate.
struct Cluster {
    instances: u64,
    /// The largest number of workers.
    workers: usize,
    /// How many seconds after it was submitted a worker starts.
    latency: f64,
    /// By what the durations are multiplied.
    factor: f64,
}

/// The clusters. Each worker has one slot.
const CLUSTERS: [Cluster; 8] = [
    Cluster { instances: 10_000, workers: 1_000, latency: 1.0, factor: 1.0 },
    Cluster { instances: 100_000, workers: 1_000, latency: 1.0, factor: 1.0 },
    Cluster { instances: 1_000_000, workers: 1_000, latency: 1.0, factor: 1.0 },
    Cluster { instances: 1_000_000, workers: 1_000, latency: 30.0, factor: 1.0 },
    Cluster { instances: 1_000_000, workers: 1_000, latency: 30.0, factor: 0.1 },
    Cluster { instances: 1_000_000, workers: 1_000, latency: 30.0, factor: 0.01 },
    Cluster { instances: 1_000_000, workers: 5_000, latency: 30.0, factor: 1.0 },
    Cluster { instances: 1_000_000, workers: 10_000, latency: 30.0, factor: 1.0 },
];

/// What the simulation assumes, in seconds: an operation on a network file system, the part of the run in an instance (the
/// benchmark `overhead`), and that of a worker beside the task (the benchmark `executor`).
const OPERATION: f64 = 0.0005;
const COMMIT: f64 = 0.00015;
const JOB: f64 = 0.002;

/// The defaults of the executors, in seconds: how often the run and a worker look at the queue and the launcher decides, how long
/// a bundle takes, and after how long a worker without work ends.
const POLL: f64 = 0.2;
const BUNDLE: f64 = 10.0;
const IDLE: f64 = 30.0;

/// The default of how soon the scheduler is asked for the states of workers.
const ASK: Duration = Duration::from_secs(2);

/// How often workers are listed.
const LOOK: f64 = 1.0;

/// The most files of workers that are read at a time.
const PRESENCES: usize = 256;

/// The most threads of a run: Linux has 65,530 memory mappings for a process, of which a thread needs up to four.
const THREADS: u64 = 16_000;

/// The most jobs of a bundle.
const MOST_JOBS: usize = 10_000;

/// The operations to post a bundle, to take one, and to run a job of it.
const TO_POST: f64 = 6.0;
const TO_TAKE: f64 = 4.0;
const TO_RUN: f64 = 8.0;

/// The operations of a worker in a second: it reads the orders of the run, or lists the queue.
const WHILE_BUSY: f64 = 2.0;
const WHILE_IDLE: f64 = 5.0;

/// Takes a time that differs from instance to instance.
#[derive(Task)]
#[task(target = Json<u64>)]
struct Work {
    n: u64,
}

#[tracked]
impl Run for Work {
    fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
        let mut random = Random(self.n);
        // Some take 500 times longer than others.
        let rounds = 50_000_u64 << (random.draw() % 10);
        Ok((0..rounds).fold(0, |sum, _| black_box(sum ^ random.draw())))
    }
}

#[derive(Task)]
#[task(aggregate, requires = [Work { n } for n in 0..self.count])]
struct Works {
    count: u64,
}

/// Pseudo-random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let n = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        n ^ (n >> 31)
    }

    /// Returns a number from 0 up to 1.
    fn share(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn main() -> Result<()> {
    if let Some(words) = child::words() {
        return measured(&words);
    }
    let args = Args::read();
    let plan_bytes = measure_plan(&args)?;
    measure_queue(&args)?;
    let job_bytes = measure_run(&args)?;
    let durations = durations()?;
    for cluster in &CLUSTERS {
        let name = cluster.name();
        if args.selects(&name) {
            // What a run expects of a task is the median of what it has recorded.
            let expected = durations[durations.len() / 2] * cluster.factor;
            let jobs = cluster.submitted(expected);
            let bytes = plan_bytes * cluster.instances as f64 + job_bytes * jobs as f64;
            let done = Simulation::new(cluster, &durations, expected, jobs).run();
            let (figures, megabytes) = (done.figures(), bytes / 1e6);
            println!("RESULT scale {name} {figures} submitted={jobs} memory_mb={megabytes:.0}");
        }
    }
    Ok(())
}

/// Measures in a process of its own, whose folder is removed.
fn in_process(what: &str, count: u64) -> Result<Vec<f64>> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    child::measure(&[what, &count.to_string()], folder.path())
}

/// Measures the plan, and returns the bytes of an instance; NaN if the case is not selected.
fn measure_plan(args: &Args) -> Result<f64> {
    let name = format!("plan_{PLANNED}");
    if !args.selects(&name) {
        return Ok(f64::NAN);
    }
    let [seconds, bytes, peak] = in_process("plan", PLANNED)?[..] else { bail!("three figures") };
    let (each, count) = (seconds * 1e6 / PLANNED as f64, bytes / PLANNED as f64);
    println!(
        "RESULT scale {name} us_per_instance={each:.2} bytes_per_instance={count:.0} peak_mb={:.0}",
        peak / 1e6
    );
    Ok(count)
}

fn measure_queue(args: &Args) -> Result<()> {
    for count in QUEUED {
        let name = format!("queue_{count}");
        if args.selects(&name) {
            let [seconds, bytes, payload, posted] = in_process("queue", count)?[..] else {
                bail!("four figures")
            };
            println!(
                "RESULT scale {name} us_per_job={:.2} bytes_per_job={:.0} payload_bytes={payload} posted_bundles={posted}",
                seconds * 1e6 / count as f64,
                bytes / count as f64
            );
        }
    }
    Ok(())
}

/// Measures a run, and returns the bytes of a job; NaN if the case is not selected.
fn measure_run(args: &Args) -> Result<f64> {
    let name = format!("run_{RUNNING}");
    if !args.selects(&name) {
        return Ok(f64::NAN);
    }
    let [bytes, mappings, peak] = in_process("run", RUNNING)?[..] else { bail!("three figures") };
    let (each, mappings) = (bytes / RUNNING as f64, mappings / RUNNING as f64);
    println!(
        "RESULT scale {name} bytes_per_job={each:.0} mappings_per_job={mappings:.1} peak_mb={:.0}",
        peak / 1e6
    );
    Ok(each)
}

/// Makes one of the measurements in this process, and prints its figures.
fn measured(words: &[String]) -> Result<()> {
    let [what, count, folder] = words else { bail!("unexpected: {words:?}") };
    let (count, folder) = (count.parse()?, Path::new(folder));
    match what.as_str() {
        "plan" => plan(count, folder),
        "queue" => queue(count, folder),
        _ => running(count, folder),
    }
}

fn plan(count: u64, folder: &Path) -> Result<()> {
    let flow = Flow::open(folder)?.quiet().with(Works::COUNT, count);
    let (before, begun) = (memory::peak(), Instant::now());
    let preview = flow.preview::<Works>()?;
    let (seconds, peak) = (begun.elapsed().as_secs_f64(), memory::peak());
    ensure!(preview.instances().count() as u64 >= count, "there are fewer than {count} instances");
    println!("{seconds} {} {peak}", peak - before);
    Ok(())
}

/// Submits copies of a job to the queue of pull workers, which no worker takes.
fn queue(count: u64, folder: &Path) -> Result<()> {
    let seen = Seen::default();
    let flow = Flow::open(folder)?.quiet().with(Work::N, 1_u64);
    // The job is not run.
    flow.executor(seen.clone()).allow_failures().run::<Work>()?;
    let (run, job) = seen.take().context("no job was submitted")?;
    let payload = job.payload.len();
    let queue = PullWorkers::new().begin(&run)?;
    let (before, begun) = (memory::peak(), Instant::now());
    let mut jobs = Vec::new();
    for n in 0..count {
        let mut job = job.clone();
        job.key = format!("{n:032x}").parse()?;
        job.expected_seconds = Some(1.0);
        jobs.push(queue.submit(job, JobEvents::new(|_| {}))?);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let posted = folder.join(".flow/queue/open");
    let posted = || std::fs::read_dir(&posted).map_or(0, Iterator::count);
    let mut bundles = posted();
    loop {
        // As many as there may be without a worker.
        thread::sleep(Duration::from_secs(2));
        let now = posted();
        if now == bundles && now > 0 {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "the bundles are not posted");
        bundles = now;
    }
    println!("{seconds} {} {payload} {bundles}", memory::peak() - before);
    drop(jobs);
    queue.end();
    Ok(())
}

/// Runs a flow until all its jobs are submitted, and stops it.
fn running(count: u64, folder: &Path) -> Result<()> {
    let submitted = Arc::new(AtomicUsize::new(0));
    let executor = Counting { submitted: Arc::clone(&submitted) };
    let workers = usize::try_from(count)?;
    let flow = Flow::open(folder)?.quiet().with(Works::COUNT, count);
    let flow = flow.workers(workers).executor(executor);
    let (before, mapped, begun) = (memory::peak(), mappings(), Instant::now());
    let run = flow.spawn::<Works>();
    while submitted.load(Ordering::SeqCst) < workers {
        ensure!(!run.is_finished() && begun.elapsed() < PATIENCE, "the jobs are not submitted");
        thread::sleep(Duration::from_millis(10));
    }
    let (peak, mapped) = (memory::peak(), mappings() - mapped);
    run.stop();
    ensure!(run.join().is_err(), "the run was not stopped");
    println!("{} {mapped} {peak}", peak - before);
    Ok(())
}

/// Returns the number of memory mappings of this process, of which Linux has a limit; NaN on other systems.
fn mappings() -> f64 {
    std::fs::read_to_string("/proc/self/maps").map_or(f64::NAN, |maps| maps.lines().count() as f64)
}

/// An executor that keeps the job that it is given, and the run, and submits nothing.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<(Option<RunOfJobs>, Option<Job>)>>);

impl Seen {
    fn take(&self) -> Option<(RunOfJobs, Job)> {
        let mut seen = self.0.lock().expect("lock poisoned");
        Some((seen.0.take()?, seen.1.take()?))
    }
}

impl JobExecutor for Seen {
    fn name(&self) -> &str {
        "seen"
    }

    fn begin(&self, run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        self.0.lock().expect("lock poisoned").0 = Some(run.clone());
        Ok(Arc::new(self.clone()))
    }
}

impl JobQueue for Seen {
    fn submit(&self, job: Job, _events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        self.0.lock().expect("lock poisoned").1 = Some(job);
        bail!("it is only looked at")
    }

    fn end(&self) {}
}

/// The executor of pull workers, which counts the jobs.
struct Counting {
    submitted: Arc<AtomicUsize>,
}

struct CountingQueue {
    submitted: Arc<AtomicUsize>,
    queue: Arc<dyn JobQueue>,
}

impl JobExecutor for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn begin(&self, run: &RunOfJobs) -> Result<Arc<dyn JobQueue>> {
        let queue = PullWorkers::new().begin(run)?;
        Ok(Arc::new(CountingQueue { submitted: Arc::clone(&self.submitted), queue }))
    }
}

impl JobQueue for CountingQueue {
    fn submit(&self, job: Job, events: JobEvents) -> Result<Arc<dyn SubmittedJob>> {
        let submitted = self.queue.submit(job, events)?;
        self.submitted.fetch_add(1, Ordering::SeqCst);
        Ok(submitted)
    }

    fn end(&self) {
        self.queue.end();
    }
}

/// Returns the durations of the recorded run, in seconds.
fn durations() -> Result<Vec<f64>> {
    let option =
        |name: &str| std::env::args().find_map(|word| word.strip_prefix(name).map(str::to_owned));
    let mean = option("--mean=").map(|mean| mean.parse::<f64>()).transpose()?;
    let (mut durations, mean) = match option("--history=") {
        Some(folder) => (recorded(&Flow::open_to_read(folder)?)?, mean),
        None => {
            let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
            let flow = Flow::open(folder.path())?.quiet().workers(1);
            flow.with(Works::COUNT, RECORDED).run::<Works>()?;
            (recorded(&flow)?, Some(mean.unwrap_or(MEAN)))
        }
    };
    ensure!(!durations.is_empty(), "the history has no task that ran");
    if let Some(mean) = mean {
        let factor = mean * durations.len() as f64 / durations.iter().sum::<f64>();
        durations.iter_mut().for_each(|seconds| *seconds *= factor);
    }
    durations.sort_by(f64::total_cmp);
    let at = |share: f64| durations[((durations.len() - 1) as f64 * share) as usize];
    println!(
        "RESULT scale durations count={} mean_s={:.3} median_s={:.3} p95_s={:.3} longest_s={:.3}",
        durations.len(),
        durations.iter().sum::<f64>() / durations.len() as f64,
        at(0.5),
        at(0.95),
        at(1.0)
    );
    Ok(durations)
}

/// Returns the durations of all tasks that ran, as the history of a store has them.
fn recorded(flow: &Flow) -> Result<Vec<f64>> {
    let runs = flow.store().runs()?;
    let mut durations = Vec::new();
    for run in runs.iter() {
        let history = runs.load(&run.id)?;
        let ran = history.instances.iter().filter(|run| run.outcome == InstanceOutcome::Ran);
        durations.extend(ran.map(|run| run.seconds));
    }
    Ok(durations)
}

impl Cluster {
    fn name(&self) -> String {
        let Self { instances, workers, latency, factor } = self;
        let end = if *factor < 1.0 { format!("_x{factor}") } else { String::new() };
        format!("cluster_{instances}_{workers}w_{latency}s{end}")
    }

    /// Returns the number of jobs that a run has submitted at a time: for each worker four bundles of jobs that are expected to
    /// take this long, up to the number of threads that a process can have.
    fn submitted(&self, expected: f64) -> u64 {
        let of_bundle = (BUNDLE / expected).floor().clamp(1.0, MOST_JOBS as f64) as u64;
        let least = 4 * self.workers as u64;
        (least * of_bundle).min(THREADS.max(least))
    }
}

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The run looks at the queue.
    Poll,
    /// The launcher decides how many workers are missing.
    Launch,
    /// Workers that were submitted start.
    Start(usize),
    /// A worker looks for a bundle.
    Look(usize),
    /// A job of a worker ends.
    End(usize),
    /// The run has committed instances.
    Committed(u64),
}

/// A worker, with the jobs of its bundle in reverse order.
struct Worker {
    jobs: Vec<u64>,
    started: f64,
    idle_since: f64,
    has_ended: bool,
}

/// A run on a cluster.
struct Simulation<'a> {
    cluster: &'a Cluster,
    durations: &'a [f64],
    /// The seconds that the run expects of each job.
    expected: f64,
    random: Random,
    /// The events to come, by their times in microseconds, and by the order in which they were planned.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    planned: u64,
    now: f64,
    /// The number of jobs that were submitted so far, and of instances that are committed.
    submitted: u64,
    committed: u64,
    waiting: VecDeque<u64>,
    posted: VecDeque<Vec<u64>>,
    /// Whether jobs wait because as many bundles are in the queue as there may be.
    is_full: bool,
    workers: Vec<Worker>,
    queued: usize,
    running: usize,
    busy: usize,
    /// The number of jobs whose end the run has not read.
    unread: u64,
    /// When the run has committed what it has read so far.
    free_at: f64,
    looked: f64,
    /// The beginning, for the pauses of the launcher.
    begun: Instant,
    questions: Pace,
    submissions: Pace,
    /// Since when workers are missing.
    missing_since: Option<f64>,
    done: Done,
}

/// What has happened, in seconds and numbers.
#[derive(Default)]
struct Done {
    seconds: f64,
    /// The time of all workers, and that in which they ran tasks.
    lived: f64,
    worked: f64,
    /// The largest possible work: that of all workers from the beginning to the end.
    possible: f64,
    calls: u64,
    arrays: u64,
    polls: u64,
    polled: f64,
    committing: f64,
    operations: f64,
    most_posted: usize,
    most_workers: usize,
}

impl Done {
    fn figures(&self) -> String {
        let Self { seconds, lived, worked, possible, calls, arrays, polls, .. } = self;
        format!(
            "hours={:.2} scheduler_calls={calls} arrays={arrays} idle_share={:.3} lost_share={:.3} poll_ms={:.0} \
             commit_share={:.3} operations_per_s={:.0} posted_bundles={} workers={}",
            seconds / 3600.0,
            1.0 - worked / lived,
            1.0 - worked / possible,
            self.polled * 1e3 / *polls as f64,
            self.committing / seconds,
            self.operations / seconds,
            self.most_posted,
            self.most_workers
        )
    }
}

impl<'a> Simulation<'a> {
    /// Creates a simulation of a run that has this many jobs submitted at a time, and expects that each takes this long.
    fn new(cluster: &'a Cluster, durations: &'a [f64], expected: f64, jobs: u64) -> Self {
        let mut simulation = Self {
            cluster,
            durations,
            expected,
            random: Random(SEED),
            events: BinaryHeap::new(),
            planned: 0,
            now: 0.0,
            submitted: 0,
            committed: 0,
            waiting: VecDeque::new(),
            posted: VecDeque::new(),
            is_full: false,
            workers: Vec::new(),
            queued: 0,
            running: 0,
            busy: 0,
            unread: 0,
            free_at: 0.0,
            looked: f64::NEG_INFINITY,
            begun: Instant::now(),
            questions: Pace::of_questions(ASK),
            submissions: Pace::of_submissions(ASK),
            missing_since: None,
            done: Done::default(),
        };
        simulation.submit(jobs);
        simulation.after(0.0, Event::Poll);
        simulation.after(0.0, Event::Launch);
        simulation
    }

    /// Runs until all instances are committed.
    fn run(mut self) -> Done {
        while self.committed < self.cluster.instances {
            let Reverse((at, _, event)) = self.events.pop().expect("a poll follows each poll");
            self.now = at as f64 / 1e6;
            match event {
                Event::Poll => self.poll(),
                Event::Launch => self.launch(),
                Event::Start(count) => self.start(count),
                Event::Look(worker) => self.look(worker),
                Event::End(worker) => self.end(worker),
                Event::Committed(count) => {
                    self.committed += count;
                    self.submit(count);
                }
            }
        }
        let alive = self.workers.iter().filter(|worker| !worker.has_ended);
        self.done.lived += alive.map(|worker| self.now - worker.started).sum::<f64>();
        self.done.seconds = self.now;
        self.done.possible = self.now * self.cluster.workers as f64;
        self.done.operations +=
            self.done.worked * WHILE_BUSY + (self.done.lived - self.done.worked) * WHILE_IDLE;
        self.done
    }

    fn after(&mut self, seconds: f64, event: Event) {
        self.planned += 1;
        let at = ((self.now + seconds) * 1e6).round() as u64;
        self.events.push(Reverse((at, self.planned, event)));
    }

    /// Submits jobs, as long as there are instances.
    fn submit(&mut self, count: u64) {
        let end = (self.submitted + count).min(self.cluster.instances);
        self.waiting.extend(self.submitted..end);
        self.submitted = end;
    }

    /// Returns how long a job takes.
    fn duration(&self, job: u64) -> f64 {
        let place = Random(SEED ^ job).draw() % self.durations.len() as u64;
        self.durations[place as usize] * self.cluster.factor
    }

    /// Reads what workers have written, and posts bundles.
    fn poll(&mut self) {
        // The leases are listed, and each is read.
        let mut operations = 1.0 + self.busy as f64;
        if self.now - self.looked >= LOOK {
            self.looked = self.now;
            operations += 2.0 + self.running.min(PRESENCES) as f64 / 5.0;
        }
        let read = std::mem::take(&mut self.unread);
        if read > 0 {
            let committing = read as f64 * COMMIT;
            self.free_at = self.free_at.max(self.now) + committing;
            self.done.committing += committing;
            self.after(self.free_at - self.now, Event::Committed(read));
        }
        operations += TO_POST * self.post() as f64;
        let took = operations * OPERATION;
        self.done.operations += operations;
        self.done.polled += took;
        self.done.polls += 1;
        self.after(took + POLL, Event::Poll);
    }

    /// Posts bundles of the jobs that wait. Returns how many.
    fn post(&mut self) -> usize {
        let room = most_posted(self.running).saturating_sub(self.posted.len());
        self.is_full = !self.waiting.is_empty();
        if room == 0 || self.waiting.is_empty() {
            return 0;
        }
        let expected = vec![Some(self.expected); self.waiting.len()];
        let limits = Limits { seconds: BUNDLE, jobs: MOST_JOBS };
        let slots = slots_to_fill(&expected, self.running, self.cluster.workers);
        let ranges = bundles(&expected, slots, limits);
        let posted = room.min(ranges.len());
        for range in ranges.into_iter().take(room) {
            let mut jobs: Vec<_> = self.waiting.drain(..range.len()).collect();
            jobs.reverse();
            self.posted.push_back(jobs);
        }
        self.is_full = !self.waiting.is_empty();
        self.done.most_posted = self.done.most_posted.max(self.posted.len());
        posted
    }

    /// Submits the workers that are missing, and asks for the states of the others.
    fn launch(&mut self) {
        let Self { queued, running, busy, .. } = *self;
        let now = self.begun + Duration::from_secs_f64(self.now);
        if queued + running > 0 && self.questions.is_due(now) {
            self.questions.slow_down(now);
            self.done.calls += 1;
        }
        let waiting = if self.is_full { self.waiting.len() } else { 0 };
        let pool = PoolView { open: self.posted.len() + waiting, busy, queued, running };
        let missing = submissions(&[pool], self.cluster.workers, LARGEST_ARRAY)[0];
        if missing == 0 {
            self.missing_since = None;
        } else if self.has_settled() && self.submissions.is_due(now) {
            self.missing_since = None;
            self.submissions.slow_down(now);
            self.questions.hurry(Some(now));
            self.queued += missing;
            self.done.arrays += 1;
            self.done.calls += 1;
            self.after(self.cluster.latency, Event::Start(missing));
        }
        self.after(POLL, Event::Launch);
    }

    /// Returns whether workers are missing for so long that they are submitted.
    fn has_settled(&mut self) -> bool {
        let since = *self.missing_since.get_or_insert(self.now);
        self.now - since >= settle(ASK).as_secs_f64()
    }

    fn start(&mut self, count: usize) {
        self.queued -= count;
        self.running += count;
        self.done.most_workers = self.done.most_workers.max(self.running);
        for _ in 0..count {
            let (jobs, now) = (Vec::new(), self.now);
            self.workers.push(Worker { jobs, started: now, idle_since: now, has_ended: false });
            let pause = self.random.share() * POLL;
            self.after(pause, Event::Look(self.workers.len() - 1));
        }
    }

    /// Takes a bundle for a worker. One that has been idle for too long ends.
    fn look(&mut self, at: usize) {
        let Some(jobs) = self.posted.pop_front() else {
            if self.now - self.workers[at].idle_since < IDLE {
                return self.after(POLL, Event::Look(at));
            }
            self.workers[at].has_ended = true;
            self.done.lived += self.now - self.workers[at].started;
            self.running -= 1;
            return;
        };
        self.workers[at].jobs = jobs;
        self.busy += 1;
        self.done.operations += TO_TAKE;
        self.begin(at, TO_TAKE * OPERATION);
    }

    /// Begins the next job of a worker after a pause, or looks for another bundle.
    fn begin(&mut self, at: usize, pause: f64) {
        let Some(job) = self.workers[at].jobs.pop() else {
            self.busy -= 1;
            self.workers[at].idle_since = self.now;
            return self.after(OPERATION, Event::Look(at));
        };
        let seconds = self.duration(job);
        self.done.worked += seconds;
        self.done.operations += TO_RUN;
        self.after(pause + JOB + seconds, Event::End(at));
    }

    fn end(&mut self, at: usize) {
        self.unread += 1;
        self.begin(at, 0.0);
    }
}
