//! [`Worker`]: a process that takes bundles from a queue and runs their jobs.
//!
//! Each slot of a worker is a thread that looks for a bundle, takes it, and runs its jobs one after the other, each in a
//! child process. Another thread of the slot, in [`lease`], renews the lease and carries messages meanwhile. A worker never
//! plans: a job has its parameters and the places of its inputs. While a task waits for others that it has required, a
//! further thread takes the place of its slot, because these may be jobs for this worker.
//!
//! A worker that a scheduler has started is one of a [pool](Worker::pool), and its time may be [limited](Worker::time_limit).

mod lease;
mod summary;

use std::collections::{BTreeSet, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, Builder, Scope};
use std::time::{Duration, Instant};

use flow_core::executor::{JobInbox, JobRunner};
use flow_core::{Flow, Remote, Stopper};

use self::lease::{HeldLease, LeaseLink};
use self::summary::Ending;
pub use self::summary::WorkerSummary;
use crate::error::{ClusterError, text};
use crate::format::{Bundle, Line, Presence, plain};
use crate::names::{BundleName, LeaseName, PoolName, WorkerName};
use crate::transport::{Blobs, Bucket, Folder, Transport};

/// How often a worker looks for a bundle, unless it is set.
const POLL: Duration = Duration::from_millis(200);
const POLL_OF_BUCKET: Duration = Duration::from_secs(2);

/// How often a worker that holds a lease in a bucket reads orders, at most: a task may wait for them.
const TICK_OF_BUCKET: Duration = Duration::from_secs(1);

/// How many bundles a slot tries to take before it pauses.
const TRIES: usize = 32;

/// Among how many bundles at most a worker chooses one, after other workers were faster several times.
const WIDEST: usize = 1024;

/// The part of its time, and the longest time, in which a worker with a time limit begins nothing any more.
const RESERVED_PART: u32 = 20;
const MOST_RESERVED: Duration = Duration::from_secs(60);

/// The longest time until a thread of a worker notices that it is to end.
const NOTICE: Duration = Duration::from_millis(50);

/// A worker: it runs the jobs of runs on other machines that have the same store and the executor
/// [`PullWorkers`](crate::PullWorkers).
///
/// It runs jobs of its own build only, which the digest of the executable file shows. `my_program worker` is a worker on the
/// command line. A program with other arguments opens its flow, as any program with isolated tasks, and calls
/// [`run`](Self::run):
///
/// ```no_run
/// use flow::cluster::Worker;
/// use flow::prelude::*;
///
/// # fn main() -> Result<()> {
/// // Jobs run in child processes, which run `main` up to this call.
/// let flow = Flow::open("/shared/store")?;
/// let done = Worker::new(&flow).slots(4).run()?;
/// println!("{done}");
/// # Ok(())
/// # }
/// ```
pub struct Worker {
    flow: Flow,
    slots: usize,
    poll: Option<Duration>,
    bucket: Option<Arc<dyn Remote>>,
    /// How long it waits for a bundle before it ends.
    patience: Option<Duration>,
    /// The name of the pool that it is of.
    pool: Option<String>,
    time_limit: Option<Duration>,
    say: Box<dyn Fn(&str) + Send + Sync>,
}

impl Worker {
    /// Creates a worker on the store of a flow. If the flow [signs](Flow::sign) and [requires
    /// signatures](Flow::require_signatures), the worker takes only jobs of known runs, and signs what they compute. Otherwise it
    /// takes no jobs of runs that require signatures, and leaves them for other workers. All other settings of the flow are those
    /// of the runs, and count nothing here.
    pub fn new(flow: &Flow) -> Self {
        let say = Box::new(|_: &str| {});
        let (patience, pool, time_limit) = (None, None, None);
        let (poll, bucket) = (None, None);
        Self { flow: flow.clone(), slots: 1, poll, bucket, patience, pool, time_limit, say }
    }

    /// Sets the number of bundles that the worker works on at the same time. The default is 1.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.slots = slots.max(1);
        self
    }

    /// Takes bundles from a bucket, or any other [`Remote`], and exchanges files with it: the worker and the run have no folder
    /// in common. The run has [the same bucket](crate::PullWorkers::bucket).
    ///
    /// The store of the worker has copies of inputs, which are not fetched again as long as they are there, and no records.
    /// [`FlowStore::gc`](flow_core::FlowStore::gc) removes them.
    #[must_use]
    pub fn bucket(mut self, bucket: impl Remote + 'static) -> Self {
        self.bucket = Some(Arc::new(bucket));
        self
    }

    /// Sets how often the worker looks for a bundle. The default is 200 ms, and 2 s with a bucket.
    #[must_use]
    pub fn poll(mut self, poll: Duration) -> Self {
        self.poll = Some(poll.max(Duration::from_millis(1)));
        self
    }

    /// Ends the worker after it has had nothing to do for some time. By default it waits until it is stopped.
    #[must_use]
    pub fn exit_when_idle(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Takes bundles of a pool, and not of [`PullWorkers`](crate::PullWorkers). The executors [`Slurm`](crate::Slurm) and
    /// [`HyperQueue`](crate::HyperQueue) start their workers with the name of one.
    #[must_use]
    pub fn pool(mut self, name: impl Into<String>) -> Self {
        self.pool = Some(name.into());
        self
    }

    /// Returns whether there can be a [pool](Self::pool) of this name, for the command line.
    #[doc(hidden)]
    pub fn is_pool(name: &str) -> bool {
        PoolName::parse(name).is_some()
    }

    /// Sets after how much time the worker will be ended by what has started it, such as a scheduler.
    ///
    /// It begins no job then that is not expected to end before. A job of unknown duration needs half of the time. The first
    /// job of a worker always begins.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sets a function that receives messages for people: which jobs begin and how they end, and what the worker refuses.
    #[must_use]
    pub fn on_message(mut self, say: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.say = Box::new(say);
        self
    }

    /// Takes bundles and runs their jobs, until the [stopper](Flow::stopper) of the flow or a signal stops the worker, or it
    /// is idle for too long.
    ///
    /// A worker that is stopped ends the processes of its jobs and gives its bundles back at once.
    ///
    /// # Errors
    ///
    /// The queue cannot be written, there can be no pool of this name, the worker has a pool and a bucket, this program cannot be
    /// identified, or the operating system refuses a thread.
    pub fn run(self) -> Result<WorkerSummary, ClusterError> {
        let runner = self.flow.job_runner(self.slots);
        let build = runner.build().ok_or(ClusterError::NoBuild)?.to_string();
        let (transport, poll, job): (Box<dyn Transport>, _, _) = match (&self.bucket, &self.pool) {
            (None, None) => (Box::new(Folder::new(runner.folder(), runner.fs())), POLL, None),
            (None, Some(name)) => {
                let pool = PoolName::parse(name)
                    .ok_or_else(|| ClusterError::NoPool { name: name.clone() })?;
                let queue = Folder::of_runs(runner.folder(), runner.fs()).pool(&pool);
                (Box::new(queue), POLL, scheduled_job(&pool))
            }
            (Some(bucket), None) => {
                let blobs = Blobs::new(Arc::clone(bucket), runner.folder(), runner.fs());
                let tick = self.poll.map_or(TICK_OF_BUCKET, |poll| poll.min(TICK_OF_BUCKET));
                // The time of a lease is that of the run.
                let times = (tick, Duration::ZERO);
                let bucket = Bucket::new(Arc::clone(bucket), Arc::new(blobs), times);
                (Box::new(bucket), POLL_OF_BUCKET, None)
            }
            (Some(_), Some(_)) => return Err(ClusterError::PoolInBucket),
        };
        let poll = self.poll.unwrap_or(poll);
        transport.prepare()?;
        if let Some(gap) = runner.signing_gap() {
            (self.say)(&format!("warning: {gap}"));
        }
        let host = runner.host();
        let mut presence =
            Presence::new((&host, std::process::id()), (runner.program(), &build), self.slots);
        presence.job.clone_from(&job);
        let worker = WorkerName::new(&host);
        // An error of the first file is that of the worker. Later ones pass.
        transport.announce(&worker, &presence)?;
        let working = Working {
            settings: &self,
            stopper: self.flow.stopper(),
            runner: &runner,
            transport: &*transport,
            poll,
            host: &host,
            build: &build,
            job: job.as_deref(),
            begun: Instant::now(),
            is_over: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
            begun_jobs: AtomicUsize::new(0),
            waiting: Mutex::default(),
            idle_since: Mutex::new(Instant::now()),
            listed: Mutex::default(),
            said: Mutex::default(),
            refused: Mutex::default(),
            summary: Mutex::default(),
        };
        let ended = thread::scope(|scope| working.start(scope, &worker, presence));
        transport.forget(&worker);
        runner.end();
        ended?;
        Ok(*working.summary.lock().expect("lock poisoned"))
    }
}

/// A worker that runs.
struct Working<'a> {
    settings: &'a Worker,
    stopper: Stopper,
    runner: &'a JobRunner,
    transport: &'a dyn Transport,
    /// How often it looks for a bundle.
    poll: Duration,
    host: &'a str,
    build: &'a str,
    /// The job of the scheduler that has started the worker.
    job: Option<&'a str>,
    begun: Instant,
    /// Whether all slots have ended, or are to end.
    is_over: AtomicBool,
    /// Whether no bundle is taken any more, because too little time is left.
    is_closing: AtomicBool,
    /// The number of slots that work on a bundle.
    busy: AtomicUsize,
    /// The number of jobs that have begun.
    begun_jobs: AtomicUsize,
    waiting: Mutex<Waiting>,
    /// Since when no slot has had a bundle.
    idle_since: Mutex<Instant>,
    listed: Mutex<Listed>,
    /// The builds that were refused and the causes of warnings, to say each once.
    said: Mutex<BTreeSet<String>>,
    /// The runs whose jobs are refused, because they would not accept what this worker computes, or it does not accept theirs.
    refused: Mutex<BTreeSet<String>>,
    summary: Mutex<WorkerSummary>,
}

/// The bundles of this build that no worker had taken when the queue was listed, for all slots: however many slots there are, the
/// queue is listed once in the time between two looks at it.
#[derive(Default)]
struct Listed {
    bundles: VecDeque<BundleName>,
    at: Option<Instant>,
}

impl Listed {
    /// Removes one of the first bundles. Of one, it is the first.
    fn next(&mut self, among: usize, random: u64) -> Option<BundleName> {
        let among = among.min(self.bundles.len()).max(1);
        self.bundles.remove((random % among as u64) as usize)
    }
}

/// The jobs that wait for others.
#[derive(Default)]
struct Waiting {
    jobs: usize,
    /// The number of threads in the place of those whose job waits.
    threads: usize,
}

impl Working<'_> {
    /// Runs the slots on threads of their own, and waits for them.
    fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        worker: &'scope WorkerName,
        presence: Presence,
    ) -> Result<(), ClusterError> {
        let thread = |name: &str| Builder::new().name(name.to_owned());
        let announce = thread("flow-announce");
        announce
            .spawn_scoped(scope, move || self.announce(worker, presence))
            .map_err(ClusterError::Thread)?;
        let slots = (0..self.settings.slots).map(|_| {
            thread("flow-slot")
                .spawn_scoped(scope, move || self.work(scope, false))
                .map_err(ClusterError::Thread)
        });
        let slots: Vec<_> = slots.collect();
        let mut result = Ok(());
        for slot in slots {
            match slot {
                Ok(slot) => drop(slot.join()),
                Err(error) => {
                    // The other slots end as well.
                    self.is_over.store(true, Ordering::SeqCst);
                    result = Err(error);
                }
            }
        }
        self.is_over.store(true, Ordering::SeqCst);
        result
    }

    fn is_stopped(&self) -> bool {
        self.is_over.load(Ordering::SeqCst) || self.stopper.is_stopped()
    }

    /// Writes the file of the worker anew, until the worker ends.
    fn announce(&self, worker: &WorkerName, mut presence: Presence) {
        let mut written = Instant::now();
        while !self.is_over.load(Ordering::SeqCst) {
            if written.elapsed() >= self.transport.announces_every() {
                written = Instant::now();
                presence.beat += 1;
                if let Err(error) = self.transport.announce(worker, &presence) {
                    self.warn(&error);
                }
            }
            thread::sleep(NOTICE);
        }
    }

    /// Takes bundles until the worker is stopped, or idle for too long. A thread in the place of one that waits ends when
    /// that goes on.
    fn work<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, is_extra: bool) {
        let name = WorkerName::new(self.host);
        while !(self.is_stopped() || is_extra && self.is_superfluous()) {
            if !self.has_time_for(Some(0.0)) || self.is_closing.load(Ordering::SeqCst) {
                return;
            }
            match self.take(&name) {
                Some(lease) => {
                    self.busy.fetch_add(1, Ordering::SeqCst);
                    self.run_bundle(lease, scope);
                    *self.idle_since.lock().expect("lock poisoned") = Instant::now();
                    self.busy.fetch_sub(1, Ordering::SeqCst);
                }
                None if self.is_idle_for_too_long() => return,
                None => self.pause(),
            }
        }
    }

    /// Returns whether there are more threads in the place of others than jobs that wait. The thread that asks ends then.
    fn is_superfluous(&self) -> bool {
        let mut waiting = self.waiting.lock().expect("lock poisoned");
        let is_superfluous = waiting.threads > waiting.jobs;
        waiting.threads -= usize::from(is_superfluous);
        is_superfluous
    }

    /// Starts a thread in the place of one whose job begins to wait for others, unless there is one already.
    fn wait<'scope>(&'scope self, scope: &'scope Scope<'scope, '_>, is_waiting: bool) {
        {
            let mut waiting = self.waiting.lock().expect("lock poisoned");
            if !is_waiting {
                waiting.jobs = waiting.jobs.saturating_sub(1);
                return;
            }
            waiting.jobs += 1;
            if waiting.threads >= waiting.jobs {
                return;
            }
            waiting.threads += 1;
        }
        let thread = Builder::new().name("flow-slot".to_owned());
        if let Err(error) = thread.spawn_scoped(scope, move || self.work(scope, true)) {
            self.waiting.lock().expect("lock poisoned").threads -= 1;
            (self.settings.say)(&format!(
                "warning: the system refuses a thread for what a task waits for: {error}"
            ));
        }
    }

    /// Waits before the queue is looked at again.
    fn pause(&self) {
        let begun = Instant::now();
        while begun.elapsed() < self.poll && !self.is_stopped() {
            thread::sleep(self.poll.min(NOTICE));
        }
    }

    fn is_idle_for_too_long(&self) -> bool {
        let Some(patience) = self.settings.patience else { return false };
        self.busy.load(Ordering::SeqCst) == 0
            && self.idle_since.lock().expect("lock poisoned").elapsed() >= patience
    }

    /// Returns whether a job can be expected to end before the time of the worker is over.
    fn has_time_for(&self, expected_seconds: Option<f64>) -> bool {
        let Some(limit) = self.settings.time_limit else { return true };
        self.begun_jobs.load(Ordering::SeqCst) == 0
            || is_time_for(limit, self.begun.elapsed(), expected_seconds)
    }

    /// Takes a bundle of this build, if there is one.
    ///
    /// The first one is the next in order. Of many workers that want it, one gets it, so the others choose among more bundles
    /// each time.
    fn take(&self, name: &WorkerName) -> Option<LeaseName> {
        let mut among = 1;
        // The rest of the list is for the next look at the queue: none of it may be for this worker.
        for _ in 0..TRIES {
            let bundle = self.next_listed(among)?;
            match self.transport.take(&bundle, name) {
                Ok(Some(lease)) => return Some(lease),
                // Another worker was faster.
                Ok(None) => {}
                Err(error) => self.warn(&error),
            }
            among = (2 * among).min(WIDEST);
        }
        None
    }

    /// Returns one of the first bundles of this build. Lists the queue, if that was not done a moment ago.
    fn next_listed(&self, among: usize) -> Option<BundleName> {
        let mut listed = self.listed.lock().expect("lock poisoned");
        if listed.at.is_none_or(|at| at.elapsed() >= self.poll) {
            listed.bundles = self.list();
            listed.at = Some(Instant::now());
        }
        listed.next(among, RandomState::new().hash_one(self.host))
    }

    /// Lists the bundles of this build.
    ///
    /// The build is in the name of a bundle, so that nothing of another build is touched.
    fn list(&self) -> VecDeque<BundleName> {
        let mut posted = match self.transport.posted() {
            Ok(posted) => posted,
            Err(error) => {
                self.warn(&error);
                return VecDeque::new();
            }
        };
        posted.retain(|bundle| {
            let is_own = bundle.build() == self.build;
            if !is_own {
                self.say_other_build(bundle);
            }
            is_own && !self.is_refused(bundle.run())
        });
        posted.into()
    }

    /// Says once that bundles of another build are not taken.
    fn say_other_build(&self, name: &BundleName) {
        let message = || {
            // Another worker may have taken it just now.
            let read = self.transport.posted_bundle(name);
            let program = read.map_or_else(|_| String::new(), |bundle| bundle.program);
            refused((program.as_str(), name.build()), (self.runner.program(), self.build))
        };
        self.say_once(name.build(), message);
    }

    /// Says once what is wrong, and not for each file of the queue, nor each time when the queue is looked at.
    fn warn(&self, error: &ClusterError) {
        self.say_once(&error.cause(), || format!("warning: {}", text(error)));
    }

    fn say_once(&self, subject: &str, message: impl FnOnce() -> String) {
        let mut said = self.said.lock().expect("lock poisoned");
        if !said.contains(subject) {
            said.insert(subject.to_owned());
            (self.settings.say)(&message());
        }
    }

    /// Runs the jobs of a bundle.
    fn run_bundle<'scope>(&'scope self, name: LeaseName, scope: &'scope Scope<'scope, '_>) {
        let bundle = self.transport.bundle(&name);
        let run = name.bundle.run().to_owned();
        let lease = HeldLease::new(self.transport, name, &self.stopper);
        let bundle = match bundle {
            Ok(bundle) if bundle.build == self.build => Ok(bundle),
            Ok(_) => Err("the bundle is of another build than its name".to_owned()),
            Err(error) => Err(text(&error)),
        };
        lease
            .write(&Line::hello(self.host, self.job, self.begun_jobs.load(Ordering::SeqCst)), true);
        let mut done = match bundle {
            Ok(bundle) => {
                if let Some(reason) = self.refusal(&bundle) {
                    return self.refuse(&lease, run, &bundle, reason);
                }
                lease.set_lease(Duration::from_secs_f64(bundle.lease_seconds));
                self.run_jobs(&lease, &bundle, &|is_waiting| self.wait(scope, is_waiting))
            }
            Err(reason) => {
                (self.settings.say)(&format!("warning: {reason}"));
                lease.write(&Line::Left(reason), true);
                WorkerSummary::default()
            }
        };
        done.bundles = 1;
        done.lost = usize::from(lease.is_lost());
        self.summary.lock().expect("lock poisoned").add(done);
    }

    /// Returns why the jobs of a bundle are left for other workers, if they are. All of them are of one run, so the first one
    /// decides.
    fn refusal(&self, bundle: &Bundle) -> Option<String> {
        self.runner.refusal(&bundle.jobs.first()?.payload)
    }

    /// Gives a bundle back before a job of it begins, and takes no more of its run.
    fn refuse(&self, lease: &HeldLease<'_>, run: String, bundle: &Bundle, reason: String) {
        self.listed.lock().expect("lock poisoned").bundles.retain(|listed| listed.run() != run);
        self.refused.lock().expect("lock poisoned").insert(run);
        self.say_once(&reason, || {
            let of = bundle.jobs.first().map_or_else(String::new, |job| plain(&job.label));
            format!("warning: refuses {of}, and all other jobs of its run: {reason}")
        });
        lease.write_through(&Line::Refused(reason));
    }

    fn is_refused(&self, run: &str) -> bool {
        self.refused.lock().expect("lock poisoned").contains(run)
    }

    /// Runs the jobs of a bundle as long as the lease is held. Returns how many of them have ended, and how.
    ///
    /// `wait` is called when a job waits for others, and when it goes on.
    fn run_jobs(
        &self,
        lease: &HeldLease<'_>,
        bundle: &Bundle,
        wait: &(dyn Fn(bool) + Sync),
    ) -> WorkerSummary {
        thread::scope(|scope| {
            let keep = Builder::new().name("flow-lease".to_owned());
            let keeper = match keep.spawn_scoped(scope, || lease.keep()) {
                Ok(keeper) => keeper.thread().clone(),
                Err(error) => {
                    let reason = format!("the system refuses to start a thread: {error}");
                    lease.write(&Line::Left(reason), true);
                    return WorkerSummary::default();
                }
            };
            // The thread that keeps the lease ends with this, also after a panic.
            let _ends = lease.ends_on_drop(keeper);
            // Jobs that are left out by request end as well.
            let mut ended = 0;
            let mut done = WorkerSummary::default();
            let mut reason = "it was stopped";
            for (place, job) in bundle.jobs.iter().enumerate() {
                if !self.has_time_for(job.expected_seconds) {
                    // Another worker has more time, and takes what comes after this.
                    self.is_closing.store(true, Ordering::SeqCst);
                    reason = "its time is nearly over";
                    break;
                }
                if self.stopper.is_stopped() || !lease.write_through(&Line::Begun(place)) {
                    break;
                }
                // After the line: see `HeldLease::is_left_out`.
                if !lease.is_left_out(place) {
                    self.begun_jobs.fetch_add(1, Ordering::SeqCst);
                    let label = plain(&job.label);
                    (self.settings.say)(&format!("runs {label}"));
                    let (inbox, begun) = (Arc::new(JobInbox::new()), Instant::now());
                    lease.set_running(Some((place, Arc::clone(&inbox))));
                    let link = LeaseLink { lease, job: place, wait };
                    let end = self.runner.run(&job.payload, &inbox, &link);
                    lease.set_running(None);
                    // The last message of the job is written. A run that has received it may end the lease from now on.
                    let end = match (lease.is_lost(), self.stopper.is_stopped()) {
                        (true, _) => Ending::TakenAway,
                        (false, true) => Ending::GivenBack,
                        (false, false) => Ending::Reported(end),
                    };
                    done.count(&end);
                    (self.settings.say)(&end.message(&label, begun.elapsed()));
                }
                if self.stopper.is_stopped() || !lease.write_through(&Line::Ended(place)) {
                    break;
                }
                ended += 1;
            }
            match ended == bundle.jobs.len() {
                true => lease.write_through(&Line::Over),
                // Nothing is written if the lease is lost.
                false => lease.write(&Line::Left(reason.to_owned()), true),
            };
            done
        })
    }
}

/// Returns what a worker says of jobs that are not for it, by the programs and builds of both. The program of the jobs is empty if it is
/// not known.
fn refused((program, build): (&str, &str), (own, own_build): (&str, &str)) -> String {
    let program = plain(program);
    let what = match program.as_str() {
        program if program == own => "another build of this program",
        "" => "another build of this program, or of another program",
        program => {
            return format!(
                "warning: there are jobs of another program, `{program}`, and this worker is of `{own}`: it takes none of \
                 them; start a worker of `{program}` for them"
            );
        }
    };
    format!(
        "warning: there are jobs of {what} ({}), and this worker is of {}: start it again from the executable file of the run",
        &build[..8],
        &own_build[..8]
    )
}

/// Returns the job of the scheduler in which this process runs, such as `123_4`.
fn scheduled_job(pool: &PoolName) -> Option<String> {
    let [job, task] = match pool.executor() {
        "slurm" => ["SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"],
        "hq" => ["HQ_JOB_ID", "HQ_TASK_ID"],
        _ => return None,
    };
    Some(format!("{}_{}", std::env::var(job).ok()?, std::env::var(task).ok()?))
}

/// Returns whether a job can be expected to end within a time limit of which some has passed.
fn is_time_for(limit: Duration, passed: Duration, expected_seconds: Option<f64>) -> bool {
    let reserved = MOST_RESERVED.min(limit / RESERVED_PART);
    let left = limit.saturating_sub(passed + reserved);
    match expected_seconds {
        Some(seconds) => !left.is_zero() && seconds <= left.as_secs_f64(),
        None => 2 * left >= limit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_begins_only_if_it_can_end_before_the_time_is_over() {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let is_time = |passed, expected| is_time_for(minutes(60), minutes(passed), expected);
        assert!(is_time(0, Some(58.0 * 60.0)) && !is_time(0, Some(59.5 * 60.0)));
        assert!(is_time(58, Some(30.0)) && !is_time(58, Some(90.0)));
        assert!(!is_time(59, Some(0.0)) && !is_time(61, Some(0.0)));
        assert!(is_time(29, None) && !is_time(30, None));
        // Of a short time, less is reserved.
        assert!(is_time_for(minutes(1), Duration::from_secs(50), Some(6.0)));
    }

    #[test]
    fn a_worker_tells_another_program_from_another_build() {
        let (theirs, own) = ("0123456789abcdef", "fedcba9876543210");
        let build = refused(("iris", theirs), ("iris", own));
        assert!(
            build.contains("jobs of another build of this program (01234567), and this worker is of fedcba98: start it again"),
            "{build}"
        );
        let program = refused(("fan", theirs), ("iris", own));
        assert_eq!(
            program,
            "warning: there are jobs of another program, `fan`, and this worker is of `iris`: it takes none of them; start a \
             worker of `fan` for them"
        );
        assert!(refused(("", theirs), ("iris", own)).contains("or of another program"));
    }

    #[test]
    fn bundles_are_taken_in_order_and_by_several_workers_from_different_places() {
        let names: VecDeque<_> = (0..5).map(|number| BundleName::new("b", "r", number)).collect();
        let listed = || Listed { bundles: names.clone(), at: None };
        let mut one = listed();
        let in_order: Vec<_> = (0..6).map_while(|random| one.next(1, random)).collect();
        assert_eq!(in_order, Vec::from(names.clone()));
        assert_eq!(one.next(1, 7), None);
        let first: BTreeSet<_> = (0..9).filter_map(|random| listed().next(3, random)).collect();
        assert_eq!(
            first.into_iter().collect::<VecDeque<_>>(),
            names.range(..3).cloned().collect::<VecDeque<_>>()
        );
        // There are fewer than it chooses among.
        let first: BTreeSet<_> =
            (0..99).filter_map(|random| listed().next(WIDEST, random)).collect();
        assert_eq!(first.len(), 5);
    }
}
