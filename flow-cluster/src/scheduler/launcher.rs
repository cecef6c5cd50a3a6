//! The thread that starts the workers of a run, and follows them.
//!
//! ```text
//!             ┌──────────────────────────── every few tenths of a second ─────────────────────────────┐
//!             ▼                                                                                        │
//!  ask for the states of all workers, if that is due ──► end the leases of those that are over ──► submit arrays
//! ```
//!
//! - The pause between two questions grows while nothing is suspicious. It is short again after a submission, and if a worker was not
//!   heard of.
//! - The pause between two submissions grows with their number.
//! - A question or submission that the scheduler does not answer is followed by pauses that grow faster.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::arrays::{Arrays, Noted, OUTPUT_END};
use super::command::CallError;
use super::decision::{PoolView, submissions};
use super::pools::{Pool, Shared};
use super::words::{End, Ended, last_lines, words};
use super::{Report, State, Submission};
use crate::error::text;
use crate::format::StartedWorkers;
use crate::names::{ArrayName, PoolName};
use crate::pull::{Demand, Refusal};

/// The most workers of an array.
pub const LARGEST_ARRAY: usize = 500;

/// How many times the pause between two questions may become as long as it is at first, and that between submissions or after
/// an error.
const SLOWEST_QUESTION: u32 = 15;
const SLOWEST: u32 = 30;

/// The part of the first pause after which workers of a pool that are missing are submitted: more jobs may follow.
const SETTLE: u32 = 4;

/// For how many of the first pauses fewer workers may be seen than the scheduler has said that run, while there is work.
const STALE: u32 = 2;

/// How often a worker may be missing in what the scheduler says before it is over.
const MOST_MISSED: u32 = 2;

/// After how many workers that have failed without taking any bundle, or that are of another build, no further one is started.
const MOST_STRIKES: u32 = 3;

/// How often the end of a run tries to cancel its workers, and after how much time it does not try again: a person may wait for it.
const CANCELS: u32 = 5;
const LONGEST_END: Duration = Duration::from_secs(30);

/// An array that a run which is gone has left.
pub(super) struct Left {
    pub(super) noted: Noted,
    /// Whether its workers are of another build.
    pub(super) is_useless: bool,
}

/// Starts workers until the run ends, and then ends them.
pub(super) fn launch(shared: &Arc<Shared>, left: Vec<(Arc<Arrays>, PoolName, Left)>) {
    let mut launcher = Launcher::new(shared, left);
    // No job may wait for a thread that is gone.
    let is_well = catch_unwind(AssertUnwindSafe(|| {
        while shared.wait(shared.setup.queue.poll) {
            launcher.step(Instant::now());
        }
    }));
    if is_well.is_err() {
        let pools = shared.pools();
        let refusal = Refusal::new("the thread that starts workers has panicked");
        pools.iter().for_each(|pool| pool.watched.queue.refuse(&refusal));
    }
    launcher.end();
}

/// Returns for how long workers are missing before they are submitted.
pub fn settle(ask: Duration) -> Duration {
    ask / SETTLE
}

/// The pause until something is done again.
pub struct Pace {
    first: Duration,
    longest: Duration,
    pause: Duration,
    next: Option<Instant>,
}

impl Pace {
    fn new(first: Duration, slowest: u32) -> Self {
        Self { first, longest: first * slowest, pause: first, next: None }
    }

    /// Returns that of questions, of which the first is asked this soon.
    pub fn of_questions(ask: Duration) -> Self {
        Self::new(ask, SLOWEST_QUESTION)
    }

    /// Returns that of submissions.
    pub fn of_submissions(ask: Duration) -> Self {
        Self::new(ask / 2, 2 * SLOWEST)
    }

    /// Returns whether the pause is over.
    pub fn is_due(&self, now: Instant) -> bool {
        self.next.is_none_or(|next| now >= next)
    }

    /// Does it again after a pause, which is longer the next time.
    pub fn slow_down(&mut self, now: Instant) {
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 3 / 2).min(self.longest);
    }

    /// Does it again after the first pause, or at once if that has passed.
    pub fn hurry(&mut self, last: Option<Instant>) {
        self.pause = self.first;
        self.next = last.map(|last| last + self.first);
    }
}

struct Launcher<'a> {
    shared: &'a Arc<Shared>,
    arrays: Vec<Array>,
    /// The number of arrays so far.
    submitted: u32,
    questions: Pace,
    /// When the scheduler was asked last.
    asked: Option<Instant>,
    /// Since when fewer workers are seen than are said to run.
    stale_since: Option<Instant>,
    submitting: Pace,
    /// The most workers of the next array.
    largest: usize,
    /// The pause after an error of the scheduler.
    trouble: Pace,
    is_in_trouble: bool,
    /// Since when a pool has had bundles for which there is no worker.
    missing_since: HashMap<PoolName, Instant>,
    /// The workers of a pool that have failed one after the other without taking any bundle.
    strikes: HashMap<PoolName, u32>,
    /// The pools whose workers are refused. Their queues fail the jobs.
    refused: HashSet<PoolName>,
    /// Whether the scheduler has answered so far.
    is_reached: bool,
    /// Why the scheduler can be asked for nothing: the error of all pools.
    unreachable: Option<Arc<Refusal>>,
    /// What the run has written of the workers of a pool that wait at the scheduler.
    written: HashMap<PoolName, StartedWorkers>,
}

/// An array of workers.
struct Array {
    files: Arc<Arrays>,
    pool: PoolName,
    noted: Noted,
    /// Its number at the scheduler, as soon as it is known.
    id: Option<String>,
    workers: Vec<Worker>,
    is_useless: bool,
    /// Whether this run has submitted it.
    is_own: bool,
}

#[derive(Clone, Copy, Default)]
struct Worker {
    phase: Phase,
    /// How often the scheduler did not mention it.
    missed: u32,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Queued,
    Running,
    Over,
}

impl Array {
    fn count(&self, phase: Phase) -> usize {
        self.workers.iter().filter(|worker| worker.phase == phase).count()
    }

    /// Returns its name, and its number at the scheduler if that is known.
    fn accepted(&self) -> Option<(&ArrayName, &str)> {
        Some((&self.noted.name, self.id.as_deref()?))
    }

    /// Returns whether it is not known how many workers it has, because its file is damaged.
    fn is_damaged(&self) -> bool {
        self.is_useless && self.workers.is_empty()
    }

    fn is_over(&self) -> bool {
        self.workers.iter().all(|worker| worker.phase == Phase::Over)
    }
}

impl<'a> Launcher<'a> {
    fn new(shared: &'a Arc<Shared>, left: Vec<(Arc<Arrays>, PoolName, Left)>) -> Self {
        let first = shared.setup.ask;
        let arrays = left.into_iter().map(|(files, pool, left)| Array {
            files,
            pool,
            workers: vec![Worker::default(); left.noted.workers],
            noted: left.noted,
            id: None,
            is_useless: left.is_useless,
            is_own: false,
        });
        Self {
            shared,
            arrays: arrays.collect(),
            submitted: 0,
            questions: Pace::of_questions(first),
            asked: None,
            stale_since: None,
            submitting: Pace::of_submissions(first),
            largest: LARGEST_ARRAY,
            trouble: Pace::new(first, SLOWEST),
            is_in_trouble: false,
            missing_since: HashMap::new(),
            strikes: HashMap::new(),
            refused: HashSet::new(),
            is_reached: false,
            unreachable: None,
            written: HashMap::new(),
        }
    }

    fn title(&self) -> &'static str {
        self.shared.scheduler.title()
    }

    fn step(&mut self, now: Instant) {
        let pools = self.shared.pools();
        let demands: Vec<_> = pools.iter().map(|pool| pool.watched.queue.demand()).collect();
        if self.is_in_trouble && !self.trouble.is_due(now) {
            return;
        }
        if self.is_to_ask(&pools, &demands, now) {
            self.ask(&pools, now);
        }
        // It is not known which submissions the scheduler has accepted.
        if self.is_in_trouble || self.arrays.iter().any(|array| array.id.is_none()) {
            return;
        }
        self.submit(&pools, &demands, now);
        self.write_started(&pools, &HashMap::new());
    }

    fn is_to_ask(&mut self, pools: &[Arc<Pool>], demands: &[Demand], now: Instant) -> bool {
        if self.arrays.is_empty() {
            return false;
        }
        if self.is_in_trouble {
            return true;
        }
        if self.arrays.iter().any(|array| array.id.is_none()) {
            self.questions.hurry(self.asked);
            return self.questions.is_due(now);
        }
        // Workers that have ended do not say so to the scheduler's clients: their files are gone.
        let is_stale = pools.iter().zip(demands).any(|(pool, demand)| {
            demand.open > 0 && self.count(&pool.name, Phase::Running) > demand.alive
        });
        if !is_stale {
            self.stale_since = None;
        }
        let is_stale = is_stale
            && now.duration_since(*self.stale_since.get_or_insert(now))
                >= STALE * self.questions.first;
        if is_stale || demands.iter().any(|demand| demand.is_suspicious) {
            self.stale_since = None;
            self.questions.hurry(self.asked);
        }
        self.questions.is_due(now)
    }

    fn view(&self, pool: &Pool, demand: &Demand) -> PoolView {
        let count = |phase| self.count(&pool.name, phase);
        let (queued, running) = (count(Phase::Queued), count(Phase::Running));
        PoolView { open: demand.open, busy: demand.busy, queued, running }
    }

    /// Asks for the states of all workers.
    fn ask(&mut self, pools: &[Arc<Pool>], now: Instant) {
        let asked: Vec<_> =
            self.arrays.iter().map(|array| (&array.noted.name, array.id.as_deref())).collect();
        let reports = match self.shared.scheduler.states(&asked) {
            Ok(reports) => reports,
            Err(error) => return self.be_in_trouble(pools, &error, now),
        };
        self.be_well();
        self.is_reached = true;
        self.asked = Some(now);
        self.questions.slow_down(now);
        for worker in self.arrays.iter_mut().flat_map(|array| &mut array.workers) {
            worker.missed += 1;
        }
        let names = self.arrays.iter().map(|array| array.noted.name.to_string());
        let places: HashMap<String, usize> = names.zip(0..).collect();
        let mut waiting = HashMap::new();
        let mut ended = Vec::new();
        for report in reports {
            let Some(&place) = places.get(&report.array) else { continue };
            let array = &mut self.arrays[place];
            array.id.get_or_insert_with(|| report.id.clone());
            let at = (report.task as usize).checked_sub(1);
            let Some(worker) = at.and_then(|at| array.workers.get_mut(at)) else { continue };
            worker.missed = 0;
            match &report.state {
                _ if worker.phase == Phase::Over => {}
                State::Queued(reason) => {
                    worker.phase = Phase::Queued;
                    if !matches!(reason.as_str(), "" | "None") {
                        waiting.entry(array.pool.clone()).or_insert_with(|| reason.clone());
                    }
                }
                State::Running => worker.phase = Phase::Running,
                State::Over(_) => {
                    worker.phase = Phase::Over;
                    ended.push((place, report));
                }
            }
        }
        self.note_started(pools);
        ended.extend(self.find_missing());
        // What they have written counts before their ends. It is read once, however many have ended at the same time.
        let is_concerned = |pool: &&Arc<Pool>| {
            ended.iter().any(|(place, _)| self.arrays[*place].pool == pool.name)
        };
        pools.iter().filter(is_concerned).for_each(|pool| pool.watched.queue.read_all());
        for (place, report) in &ended {
            self.end_worker(pools, *place, report);
        }
        for pool in pools {
            if let Some(reason) = waiting.get(&pool.name)
                && self.count(&pool.name, Phase::Running) == 0
            {
                let title = self.title();
                pool.watched
                    .queue
                    .tell(&format!("a worker that waits in the queue of {title}: {reason}"));
            }
        }
        self.write_started(pools, &waiting);
        self.cancel_useless();
        let owner = &self.shared.name;
        self.arrays.retain(|array| {
            // One whose file is damaged is cancelled before it is forgotten.
            let is_over = array.is_over() && !(array.is_damaged() && array.id.is_some());
            if is_over {
                array.files.forget(owner, &array.noted.name);
            }
            !is_over
        });
    }

    /// Writes how many workers of each pool wait at the scheduler, if that has changed, for those who list the jobs of the run.
    /// `reasons` are the words of the scheduler for what they wait, if it has just been asked.
    fn write_started(&mut self, pools: &[Arc<Pool>], reasons: &HashMap<PoolName, String>) {
        for pool in pools {
            let queued = self.count(&pool.name, Phase::Queued);
            let before = self.written.get(&pool.name);
            let known = before.and_then(|before| before.reason.clone());
            let reason = reasons.get(&pool.name).cloned().or(known).filter(|_| queued > 0);
            let started = StartedWorkers::new(queued, reason);
            if before == Some(&started) || before.is_none() && queued == 0 {
                continue;
            }
            // It is only for people. An error that passes: the next change is written.
            let _ = self.shared.transport(&pool.name).write_started(&self.shared.name, &started);
            self.written.insert(pool.name.clone(), started);
        }
    }

    fn count(&self, pool: &PoolName, phase: Phase) -> usize {
        let own = self.arrays.iter().filter(|array| array.pool == *pool && !array.is_useless);
        own.map(|array| array.count(phase)).sum()
    }

    /// Returns the ends of workers that the scheduler does not mention any more.
    fn find_missing(&mut self) -> Vec<(usize, Report)> {
        let mut missing = Vec::new();
        for (place, array) in self.arrays.iter_mut().enumerate() {
            for (worker, task) in array.workers.iter_mut().zip(1..) {
                // Another look may show it: the scheduler may be about to accept it.
                if worker.phase == Phase::Over || worker.missed < MOST_MISSED {
                    continue;
                }
                match &array.id {
                    // It was never submitted, or it is over since long.
                    None => worker.phase = Phase::Over,
                    Some(id) => {
                        worker.phase = Phase::Over;
                        let array = array.noted.name.to_string();
                        let (id, state) = (id.clone(), State::Over(End::Unknown));
                        missing
                            .push((place, Report { array, id, task, state, node: String::new() }));
                    }
                }
            }
        }
        if missing.is_empty() {
            return missing;
        }
        let jobs: Vec<_> = missing.iter().map(|(_, report)| report.job()).collect();
        let found = self.shared.scheduler.ended(&jobs).into_iter();
        let over = found.filter(|found| matches!(found.state, State::Over(_)));
        let mut over: HashMap<String, Report> = over.map(|found| (found.job(), found)).collect();
        for ((_, report), job) in missing.iter_mut().zip(&jobs) {
            if let Some(found) = over.remove(job) {
                (report.state, report.node) = (found.state, found.node);
            }
        }
        missing
    }

    /// Ends the leases of a worker that is over.
    fn end_worker(&mut self, pools: &[Arc<Pool>], place: usize, report: &Report) {
        let array = &self.arrays[place];
        let Some(pool) = pools.iter().find(|pool| pool.name == array.pool) else { return };
        let State::Over(end) = &report.state else { return };
        let (job, title) = (report.job(), self.title());
        let queue = &pool.watched.queue;
        let is_of_other_build = !array.is_useless && queue.is_of_other_build(&job);
        let is_shown = is_of_other_build || matches!(end, End::Failed(_) | End::Cancelled);
        let output = match is_shown {
            true => array.files.printed(&array.noted.name, report.task),
            false => String::new(),
        };
        let end = end.clone().seen_in(&output);
        let (memory, time) = pool.ask().map_or((None, None), |ask| ask.shown());
        let (scheduler, node) = (title, report.node.as_str());
        let worker_end =
            words(&end, &Ended { scheduler, job: &job, node, memory, time, output: &output });
        let had_job = queue.end_worker(&job, &worker_end);
        if had_job || queue.has_seen(&job) {
            self.strikes.remove(&pool.name);
        } else if end.is_failure_of_worker() || is_of_other_build {
            let strikes = self.strikes.entry(pool.name.clone()).or_insert(0);
            *strikes += 1;
            if *strikes >= MOST_STRIKES {
                let printed =
                    if matches!(end, End::Failed(_)) { String::new() } else { last_lines(&output) };
                let reason = &worker_end.reason;
                let what = match is_of_other_build {
                    true => {
                        "are of another build, because the executable file of this run was replaced"
                    }
                    false => "have failed before",
                };
                let error = format!(
                    "no worker takes jobs: {MOST_STRIKES} of them {what}. The last one: {reason}{printed}"
                );
                self.refuse(pool, error);
            }
        }
        // A job that was lost or has failed by that says so itself.
        if !had_job && !matches!(end, End::Completed) {
            // Of many workers that end in the same way, the first one.
            let subject = format!("{end:?}");
            queue.tell_once(&subject, format!("another worker: {}", worker_end.reason));
        }
    }

    fn refuse(&mut self, pool: &Pool, error: String) {
        self.refuse_by(pool, &Refusal::new(error));
    }

    fn refuse_by(&mut self, pool: &Pool, refusal: &Arc<Refusal>) {
        pool.watched.queue.refuse(refusal);
        self.refused.insert(pool.name.clone());
    }

    /// Cancels the workers of other builds that runs which are gone have left.
    fn cancel_useless(&mut self) {
        let is_useless =
            |array: &&mut Array| array.is_damaged() || array.is_useless && !array.is_over();
        let is_known = |array: &&mut Array| array.id.is_some();
        let mut useless: Vec<_> =
            self.arrays.iter_mut().filter(is_known).filter(is_useless).collect();
        let accepted: Vec<_> = useless.iter().filter_map(|array| array.accepted()).collect();
        if accepted.is_empty() || self.shared.scheduler.cancel(&accepted).is_err() {
            return;
        }
        for array in &mut useless {
            array.workers.iter_mut().for_each(|worker| worker.phase = Phase::Over);
            array.is_useless = false;
        }
    }

    /// Submits the workers that are missing.
    fn submit(&mut self, pools: &[Arc<Pool>], demands: &[Demand], now: Instant) {
        let views: Vec<_> =
            pools.iter().zip(demands).map(|(pool, demand)| self.view(pool, demand)).collect();
        let counts = submissions(&views, self.shared.setup.most_workers, self.largest);
        let settle = settle(self.shared.setup.ask);
        for (pool, count) in pools.iter().zip(counts) {
            if count == 0 || self.refused.contains(&pool.name) {
                self.missing_since.remove(&pool.name);
                continue;
            }
            let since = *self.missing_since.entry(pool.name.clone()).or_insert(now);
            if now.duration_since(since) < settle || !self.submitting.is_due(now) {
                continue;
            }
            self.missing_since.remove(&pool.name);
            self.submit_array(pools, pool, count, now);
            if self.is_in_trouble {
                return;
            }
        }
    }

    fn submit_array(&mut self, pools: &[Arc<Pool>], pool: &Arc<Pool>, count: usize, now: Instant) {
        if let Some(refusal) = self.unreachable.clone() {
            return self.refuse_by(pool, &refusal);
        }
        // A pool in which this run has submitted nothing has no open bundle.
        let Some(ask) = pool.ask() else { return };
        let name = ArrayName::new(&self.shared.name, self.submitted);
        self.submitted += 1;
        let (owner, build) = (self.shared.name.clone(), self.shared.build.clone());
        let noted = Noted { owner, name, build, workers: count };
        // Before the submission, so that the array is found if this process is killed.
        if let Err(error) = pool.arrays.note(&noted) {
            let reason = format!("a worker, which cannot be started: {}", text(&error));
            pool.watched.queue.tell(&reason);
            self.submitting.slow_down(now);
            return;
        }
        let submission = Submission {
            name: &noted.name,
            workers: count,
            ask: &ask,
            output: (pool.arrays.output(&noted.name), OUTPUT_END),
            command: self.shared.command(pool, &ask),
        };
        let submitted = self.shared.scheduler.submit(&submission);
        self.submitting.slow_down(now);
        let id = match submitted {
            Ok(id) => {
                (self.is_in_trouble, self.is_reached) = (false, true);
                self.largest = (2 * self.largest).min(LARGEST_ARRAY);
                self.asked = Some(now);
                self.questions.hurry(self.asked);
                Some(id)
            }
            Err(CallError::Refused(error)) => {
                pool.arrays.forget(&noted.owner, &noted.name);
                let title = self.title();
                return self
                    .refuse(pool, format!("{title} refuses the workers of this task: {error}"));
            }
            Err(CallError::Unreachable(error)) => {
                pool.arrays.forget(&noted.owner, &noted.name);
                let title = self.title();
                if self.is_reached {
                    // Its configuration may be about to be replaced.
                    let reason = format!("{title}, which could not be reached: {error}");
                    return pool.watched.queue.tell(&reason);
                }
                let refusal = Refusal::new(format!("{title} could not be reached: {error}"));
                self.unreachable = Some(Arc::clone(&refusal));
                return self.refuse_by(pool, &refusal);
            }
            // An array with more workers than the user may have jobs would never be accepted.
            Err(CallError::Full(error)) => {
                pool.arrays.forget(&noted.owner, &noted.name);
                self.largest = (count / 2).max(1);
                let title = self.title();
                let reason = format!("{title}, which accepts no more jobs at the moment: {error}");
                return pool.watched.queue.tell(&reason);
            }
            // It may have been accepted: its name is asked for.
            Err(error) => {
                self.be_in_trouble(pools, &error, now);
                None
            }
        };
        self.arrays.push(Array {
            files: Arc::clone(&pool.arrays),
            pool: pool.name.clone(),
            noted,
            id,
            workers: vec![Worker::default(); count],
            is_useless: false,
            is_own: true,
        });
        self.note_started(pools);
    }

    /// Tells the queues which arrays this run has submitted. Workers of others may have other settings.
    fn note_started(&self, pools: &[Arc<Pool>]) {
        for array in self.arrays.iter().filter(|array| array.is_own) {
            let pool = pools.iter().find(|pool| pool.name == array.pool);
            if let (Some(id), Some(pool)) = (&array.id, pool) {
                pool.watched.queue.note_started(id);
            }
        }
    }

    /// Takes an error of the scheduler that passes.
    fn be_in_trouble(&mut self, pools: &[Arc<Pool>], error: &CallError, now: Instant) {
        let what = match error {
            CallError::Unreachable(_) => "could not be reached",
            _ => "does not answer",
        };
        let error = error.text();
        self.is_in_trouble = true;
        self.trouble.slow_down(now);
        let title = self.title();
        for pool in pools {
            pool.watched.queue.tell(&format!("{title}, which {what}: {error}"));
        }
    }

    fn be_well(&mut self) {
        self.is_in_trouble = false;
        self.trouble.hurry(None);
    }

    /// Ends the workers of the run: those that are left have nothing to do.
    ///
    /// Workers that another run may use end by themselves.
    fn end(mut self) {
        let shared = self.shared;
        let is_shared = |pool: &PoolName| shared.transport(pool).has_other_run(&shared.name);
        self.arrays.retain(|array| !is_shared(&array.pool));
        let begun = Instant::now();
        let mut failed = None;
        for attempt in 1..=CANCELS {
            if self.arrays.is_empty() {
                return;
            }
            match self.cancel_all() {
                // Another look may show one that the scheduler was about to accept.
                Ok(()) if attempt >= MOST_MISSED || self.are_known() => {
                    // If the scheduler accepts one later, the next run looks for it.
                    let known = self.arrays.iter().filter(|array| array.id.is_some());
                    known.for_each(|array| array.files.forget(&shared.name, &array.noted.name));
                    return;
                }
                Ok(()) => {}
                Err(error) => failed = Some(error),
            }
            if begun.elapsed() >= LONGEST_END {
                break;
            }
            if attempt < CANCELS {
                thread::sleep(shared.setup.ask / 2 * attempt);
            }
        }
        // The files stay: the next run cancels them, unless they have ended as they do without work.
        if let Some(error) = failed {
            self.warn_of_left(error.text());
        }
    }

    /// Says which workers could not be cancelled.
    fn warn_of_left(&self, error: &str) {
        let is_there = |worker: &&Worker| worker.phase != Phase::Over;
        let workers = self.arrays.iter().flat_map(|array| &array.workers).filter(is_there).count();
        let ids: Vec<_> = self.arrays.iter().filter_map(|array| array.id.as_deref()).collect();
        let s = if workers == 1 { "" } else { "s" };
        let jobs = match ids.is_empty() {
            true => String::new(),
            false => format!(" (of the arrays {})", ids.join(", ")),
        };
        let idle = self.shared.setup.idle.as_secs_f64();
        self.shared.warn(format!(
            "{workers} worker{s} of {}{jobs} could not be cancelled: {error}. Each ends by itself after {idle} s without work, and \
             the next run with this executor cancels those that are left",
            self.title()
        ));
    }

    /// Returns whether the scheduler has told the numbers of all arrays.
    fn are_known(&self) -> bool {
        self.arrays.iter().all(|array| array.id.is_some())
    }

    /// Cancels all workers that the scheduler knows.
    fn cancel_all(&mut self) -> Result<(), CallError> {
        let scheduler = &self.shared.scheduler;
        if !self.are_known() {
            let asked: Vec<_> =
                self.arrays.iter().map(|array| (&array.noted.name, array.id.as_deref())).collect();
            let reports = scheduler.states(&asked)?;
            for array in &mut self.arrays {
                let name = array.noted.name.to_string();
                let id = reports.iter().find(|report| report.array == name);
                array.id = array.id.take().or_else(|| id.map(|report| report.id.clone()));
            }
        }
        let accepted: Vec<_> = self.arrays.iter().filter_map(Array::accepted).collect();
        if accepted.is_empty() { Ok(()) } else { scheduler.cancel(&accepted) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit_and_are_short_again_in_a_hurry() {
        let begun = Instant::now();
        let first = Duration::from_secs(2);
        let mut pace = Pace::new(first, 15);
        assert!(pace.is_due(begun), "at first it is due");
        let mut now = begun;
        let mut count = 0;
        while now < begun + Duration::from_secs(600) {
            pace.slow_down(now);
            assert!(!pace.is_due(now));
            now = pace.next.expect("a time");
            count += 1;
        }
        assert!((20..35).contains(&count), "{count} questions in ten minutes");
        pace.hurry(Some(now));
        assert!(!pace.is_due(now) && pace.is_due(now + first));
        pace.hurry(None);
        assert!(pace.is_due(now));
    }
}
