//! [`Queue`]: the jobs and bundles of a run.
//!
//! ```text
//!  submit                                                       ┌──────────────────────────────────────┐
//!    │   an earlier run has left it running                     │ the worker is gone, or has given the │
//!    ├───────────────────────────────► in a taken bundle        │ bundle back, and has not begun it    │
//!    ▼                                    ▲        │            │                                      │
//!  waiting ── bundled with others ─► in a posted   └► not begun ┴─► begun ──► ended                    │
//!    ▲                               bundle   │                       │                                │
//!    │                                        │                       └──► lost: the worker is gone    │
//!    └────────────────────────────────────────┴────────────────────────────────────────────────────────┘
//!                            a job of the bundle was cancelled
//! ```
//!
//! Each operation holds the lock of the state while it uses the transport, so that none sees the half of another.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::executor::{Job, JobEvent, JobEvents};

use super::Settings;
use super::workers::Workers;
use crate::bundling::bundles;
use crate::error::{ClusterError, text};
use crate::format::{Bundle, BundledJob, FORMAT, Line, Order, line, plain, shown};
use crate::names::{BundleName, LeaseName};
use crate::tail::Tail;
use crate::transport::Transport;

/// The number of a job, in the order in which jobs were submitted.
pub(super) type JobId = u64;

/// How long jobs wait before the user is told that there is no worker.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of a run waits for workers to end the bundles of its last jobs.
const END: Duration = Duration::from_millis(500);

/// How long a bundle of an earlier run stays after all its jobs have ended: another run may have adopted it, too, because it
/// wants other jobs of it, and has to read their ends.
const LINGER: Duration = Duration::from_millis(400);

/// After how many times the time of a lease a bundle that is found nowhere is given up. A network file system may list a folder as
/// it was a minute ago.
const MISSING: u32 = 4;

/// How often the names of workers, and of the bundles that no worker has taken, are listed.
const LOOK: Duration = Duration::from_secs(1);

/// How many polls there are between two such lists, at least.
const POLLS_PER_LOOK: u32 = 5;

/// The most bundles that no worker has taken, for each slot of a worker, and at least. The other jobs wait in the memory of the
/// run: a worker lists all these bundles before it takes one.
const POSTED_PER_SLOT: usize = 2;
const FEWEST_POSTED: usize = 256;

/// The most bytes that describe a job, and that describe one of several jobs of a bundle.
const LONGEST_PAYLOAD: usize = 256 << 20;
const LONG_PAYLOAD: usize = 32 << 10;

/// The queue of one run.
pub(super) struct Queue {
    pub(super) transport: Box<dyn Transport>,
    pub(super) settings: Settings,
    /// The digest of this program.
    build: String,
    /// The name of this run.
    run: String,
    /// The command that starts a worker, for messages.
    command: String,
    state: Mutex<State>,
    /// Wakes the thread that watches the queue.
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    submitted: JobId,
    /// The number of bundles so far.
    posted: u32,
    /// The jobs that have not ended.
    jobs: BTreeMap<JobId, Submitted>,
    /// Those that are in no bundle.
    waiting: VecDeque<JobId>,
    /// Since when the first of them waits.
    waiting_since: Option<Instant>,
    bundles: BTreeMap<BundleName, Held>,
    /// The places of jobs of earlier runs, by key and fingerprint.
    left: HashMap<(String, String), Vec<(BundleName, usize)>>,
    /// Whether there are as many bundles as there should be.
    is_full: bool,
    workers: Workers,
    /// When the folders were listed last.
    looked: Option<Instant>,
    /// Since when there has been no worker of this build.
    alone_since: Option<Instant>,
    /// What the user was told.
    told: HashSet<String>,
    pub(super) is_ended: bool,
}

struct Submitted {
    job: Job,
    events: JobEvents,
    /// The bundle that it is in, and its place there.
    at: Option<(BundleName, usize)>,
}

/// A bundle that has not ended.
struct Held {
    places: Vec<Place>,
    phase: Phase,
    /// Whether an earlier run has posted it.
    is_adopted: bool,
    /// Whether the jobs that have not begun are to be bundled anew, because the one that runs waits for others.
    is_blocked: bool,
    /// How long its worker may not be heard of.
    lease: Duration,
    /// Since when it was found neither among the bundles that were posted nor among those that were taken.
    missing: Option<Instant>,
    /// When its worker has said that all its jobs have ended, if an earlier run has posted it.
    over: Option<Instant>,
    /// Why its lease is to end, if that could not be done so far.
    ends: Option<String>,
}

enum Phase {
    /// No worker has taken it, as far as is known.
    Posted,
    Taken(Taken),
    /// It has ended. What its jobs have left behind may be adopted.
    Over,
}

struct Taken {
    lease: LeaseName,
    /// The worker, as it is shown.
    worker: String,
    tail: Tail,
    /// The orders that could not be written so far.
    unsent: Vec<u8>,
    /// When the worker was last heard of, by the clock of this process.
    heard: Instant,
}

/// The place of a job in a bundle.
#[derive(Default)]
struct Place {
    /// The job, if this run wants it.
    job: Option<JobId>,
    /// The key and the fingerprint of a job of an earlier run.
    identity: Option<(String, String)>,
    step: Step,
    /// The events of a job that this run has not submitted so far.
    past: Vec<JobEvent>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Step {
    #[default]
    NotBegun,
    Begun,
    Ended,
}

impl Queue {
    /// Opens the queue for a run, and finds what earlier runs have left.
    ///
    /// # Errors
    ///
    /// The queue cannot be read.
    pub(super) fn begin(
        transport: Box<dyn Transport>,
        settings: Settings,
        (build, run): (String, String),
        command: String,
    ) -> Result<Self, ClusterError> {
        let queue = Self {
            transport,
            settings,
            build,
            run,
            command,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        queue.find_left(&mut queue.state())?;
        Ok(queue)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A panic of the thread that watches ends the queue.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Withdraws the bundles of runs that have died, and finds the leases whose jobs can be adopted.
    fn find_left(&self, state: &mut State) -> Result<(), ClusterError> {
        let mut running = HashMap::from([(self.run.clone(), true)]);
        for name in self.transport.posted()? {
            let run = name.run().to_owned();
            if !*running.entry(run).or_insert_with_key(|run| self.transport.is_running(run)) {
                // Whatever this run needs of it is submitted again. What cannot be withdrawn does not keep this run from
                // beginning: a worker may run it.
                let _ = self.transport.withdraw(&name);
            }
        }
        let mut runs = HashSet::from([self.run.clone()]);
        for lease in self.transport.leases()? {
            let run = lease.bundle.run().to_owned();
            let is_running = running.entry(run);
            let is_running = *is_running.or_insert_with_key(|run| self.transport.is_running(run));
            if !is_running {
                runs.insert(lease.bundle.run().to_owned());
                self.adopt_lease(state, lease);
            }
        }
        let runs: Vec<_> = runs.iter().map(String::as_str).collect();
        self.transport.forget_runs(&runs);
        Ok(())
    }

    /// Watches a lease of an earlier run from now on.
    fn adopt_lease(&self, state: &mut State, lease: LeaseName) {
        let bundle = match self.transport.bundle(&lease) {
            Ok(bundle) => bundle,
            Err(error) if error.is_gone() || matches!(error, ClusterError::Damaged { .. }) => {
                // Nothing can be done with it. The next run tries again if it cannot be removed.
                let _ = self.transport.revoke(&lease);
                return;
            }
            // An error that passes: a later run may adopt it.
            Err(_) => return,
        };
        let (name, is_ours) = (lease.bundle.clone(), bundle.build == self.build);
        let mut places = Vec::new();
        for (at, job) in bundle.jobs.into_iter().enumerate() {
            let identity = is_ours.then_some((job.key, job.fingerprint));
            if let Some(identity) = &identity {
                state.left.entry(identity.clone()).or_default().push((name.clone(), at));
            }
            places.push(Place { identity, ..Place::default() });
        }
        let lease_time = Duration::from_secs_f64(bundle.lease_seconds);
        let held = Held::new(places, Phase::taken(lease), lease_time);
        state.bundles.insert(name, Held { is_adopted: true, ..held });
    }

    /// Adds a job.
    ///
    /// # Errors
    ///
    /// The queue has ended, because the thread that watches it has panicked, or the job has too many inputs to be described.
    pub(super) fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<JobId> {
        let mut state = self.state();
        anyhow::ensure!(!state.is_ended, "the queue of jobs has ended");
        anyhow::ensure!(
            job.payload.len() <= LONGEST_PAYLOAD,
            "the job has {} MB of parameters and places of inputs, which is too much for a file of the queue: run it in \
             this process, by `flow.in_process`",
            job.payload.len() >> 20
        );
        state.submitted += 1;
        let id = state.submitted;
        let at = state.adopt(id, &job, &events);
        match at {
            Adopted::Ended => return Ok(id),
            Adopted::At(at) => {
                state.jobs.insert(id, Submitted { job, events, at: Some(at) });
            }
            Adopted::Nothing => {
                state.jobs.insert(id, Submitted { job, events, at: None });
                state.waiting.push_back(id);
                state.waiting_since.get_or_insert_with(Instant::now);
            }
        }
        self.changed.notify_all();
        Ok(id)
    }

    /// Sends a message to a job, if it runs.
    pub(super) fn send(&self, id: JobId, text: String) {
        let mut state = self.state();
        let Some((name, job)) = state.jobs.get(&id).and_then(|job| job.at.clone()) else { return };
        let held = state.bundles.get_mut(&name);
        let Some(Phase::Taken(taken)) = held.map(|held| &mut held.phase) else { return };
        taken.unsent.extend(line(&Order::Message { job, text }));
        self.send_orders(taken);
    }

    /// Writes the orders that could not be written so far. The next poll tries again.
    fn send_orders(&self, taken: &mut Taken) {
        if taken.unsent.is_empty() {
            return;
        }
        match self.transport.order(&taken.lease, &taken.unsent) {
            // Without its folder, the lease has no worker.
            Ok(()) => taken.unsent.clear(),
            Err(error) if error.is_gone() => taken.unsent.clear(),
            // The beginning may have been written: an empty line ends it.
            Err(_) if taken.unsent.first() != Some(&b'\n') => taken.unsent.insert(0, b'\n'),
            Err(_) => {}
        }
    }

    /// Ends a job, whether it waits or runs.
    pub(super) fn cancel(&self, id: JobId) {
        let mut state = self.state();
        let Some(Submitted { at, .. }) = state.jobs.remove(&id) else { return };
        // One that waits is not posted: see `post`.
        let Some((name, place)) = at else { return };
        let Some(held) = state.bundles.get_mut(&name) else { return };
        held.places[place].job = None;
        if matches!(held.phase, Phase::Posted) {
            match self.transport.withdraw(&name) {
                Ok(true) => {
                    state.release(&name, "");
                    return;
                }
                // A worker has taken it just now.
                Ok(false) => self.find_taken(&mut state),
                Err(error) => state.tell_error(&error),
            }
        }
        self.cancel_taken(&mut state, &name, place);
    }

    /// Ends a job of a bundle that was taken.
    ///
    /// The worker says that a job begins before it reads whether the job is to be left out. So either this finds that the
    /// job has begun, and ends the lease, or the worker finds that it is left out.
    fn cancel_taken(&self, state: &mut State, name: &BundleName, place: usize) {
        let lease = state.bundles.get(name).and_then(|held| match &held.phase {
            Phase::Taken(taken) => Some(taken.lease.clone()),
            Phase::Posted | Phase::Over => None,
        });
        let Some(lease) = lease else { return };
        let ordered = self.transport.order(&lease, &skips(&[place]));
        let is_read = self.read(state, name);
        let place = state.bundles.get(name).and_then(|held| held.places.get(place));
        let is_to_end = match place.map(|place| place.step) {
            Some(Step::Begun) => true,
            // The worker does not find the order, or it is not known whether the job has begun.
            Some(Step::NotBegun) => ordered.is_err() || !is_read,
            Some(Step::Ended) | None => false,
        };
        if is_to_end {
            self.revoke(state, name, "the run has cancelled another job of its bundle");
        }
    }

    /// Does everything that is due: the part of [`watch`](super::watch) with the lock held.
    pub(super) fn step(&self, state: &mut State, now: Instant) {
        self.transport.begin_poll();
        let look = LOOK.max(POLLS_PER_LOOK * self.settings.poll);
        if state.looked.is_none_or(|looked| now.duration_since(looked) >= look) {
            state.looked = Some(now);
            self.find_missing(state, now);
            self.look_for_workers(state, now);
        }
        self.find_taken(state);
        let taken = state.bundles.iter().filter(|(_, held)| matches!(held.phase, Phase::Taken(_)));
        let taken: Vec<_> = taken.map(|(name, _)| name.clone()).collect();
        for name in &taken {
            self.read(state, name);
            self.unblock(state, name);
            self.expire(state, name);
        }
        let has_gathered = state
            .waiting_since
            .is_some_and(|since| now.duration_since(since) >= self.settings.gather);
        if has_gathered {
            self.post(state, now);
        }
    }

    /// Finds the leases of bundles that were posted.
    fn find_taken(&self, state: &mut State) {
        if !state.has_posted() {
            return;
        }
        let leases = match self.transport.leases() {
            Ok(leases) => leases,
            Err(error) => return state.tell_error(&error),
        };
        // Jobs that were cancelled while it was not known which worker has them.
        let mut cancelled = Vec::new();
        for lease in leases {
            match state.bundles.get_mut(&lease.bundle) {
                Some(held) if matches!(held.phase, Phase::Posted) => {
                    let places = held.places.iter().enumerate();
                    let places = places.filter(|(_, at)| at.job.is_none());
                    cancelled.extend(places.map(|(place, _)| (lease.bundle.clone(), place)));
                    held.phase = Phase::taken(lease);
                }
                // It was taken after its jobs were posted again: see `find_missing`.
                None if lease.bundle.run() == self.run => {
                    if let Err(error) = self.transport.revoke(&lease) {
                        state.tell_error(&error);
                    }
                }
                _ => {}
            }
        }
        for (name, place) in cancelled {
            self.cancel_taken(state, &name, place);
        }
    }

    /// Gives up bundles that were posted, and are found nowhere for long. Their jobs wait again.
    ///
    /// Somebody may have removed them, or another run on a file system without locks, on which it cannot know that this one
    /// is in progress. A network file system may show late where they are.
    fn find_missing(&self, state: &mut State, now: Instant) {
        if !state.has_posted() {
            return;
        }
        let posted: HashSet<_> = match self.transport.posted() {
            Ok(posted) => posted.into_iter().collect(),
            Err(error) => return state.tell_error(&error),
        };
        // Afterwards: one that is taken meanwhile is found here.
        self.find_taken(state);
        let mut missing = Vec::new();
        for (name, held) in &mut state.bundles {
            if !matches!(held.phase, Phase::Posted) || posted.contains(name) {
                held.missing = None;
            } else if now.duration_since(*held.missing.get_or_insert(now)) > MISSING * held.lease {
                missing.push(name.clone());
            }
        }
        for name in missing {
            state.release(&name, "its folder in the queue was removed");
        }
    }

    /// Reads what a worker has written, and passes it on. Returns whether all of it could be read.
    fn read(&self, state: &mut State, name: &BundleName) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return true };
        let Phase::Taken(taken) = &mut held.phase else { return true };
        let lines = match self.transport.lines(&taken.lease, taken.tail.offset()) {
            Ok(Some(bytes)) if bytes.is_empty() => return true,
            Ok(Some(bytes)) => {
                taken.heard = Instant::now();
                taken.tail.take(&bytes)
            }
            Ok(None) => {
                self.revoke(state, name, "its folder in the queue was removed");
                return true;
            }
            Err(error) => {
                state.tell_error(&error);
                return false;
            }
        };
        let Ok(lines) = lines else {
            self.revoke(state, name, "a message of its worker is too long");
            return true;
        };
        for line in lines {
            let line = match serde_json::from_slice(&line) {
                Ok(line) => line,
                Err(error) => {
                    let reason = format!("a message of its worker cannot be read: {error}");
                    self.revoke(state, name, &reason);
                    return true;
                }
            };
            if !self.receive(state, name, line) {
                return true;
            }
        }
        true
    }

    /// Takes a line of a worker. Returns whether its lease goes on.
    fn receive(&self, state: &mut State, name: &BundleName, line: Line) -> bool {
        let Some(held) = state.bundles.get_mut(name) else { return false };
        let Phase::Taken(taken) = &mut held.phase else { return false };
        let place = match &line {
            Line::Begun(job) | Line::Ended(job) | Line::Message { job, .. } => *job,
            _ => 0,
        };
        if place >= held.places.len() {
            self.revoke(state, name, "its worker names a job that is not in the bundle");
            return false;
        }
        match line {
            Line::Hello { format, .. } if format != FORMAT => {
                let reason = format!("its worker writes format {format}, and this run {FORMAT}");
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Hello { host, process, .. } => taken.worker = shown(&host, process),
            Line::Begun(_) => {
                held.places[place].step = Step::Begun;
                let (worker, is_adopted) = (taken.worker.clone(), held.is_adopted);
                state.deliver(name, place, JobEvent::Begun { worker, is_adopted });
            }
            Line::Message { text, .. } => state.deliver(name, place, JobEvent::Message(text)),
            Line::Ended(_) => {
                held.places[place].step = Step::Ended;
                // After the last message of the job, the run wants no event of it.
                let lost = JobEvent::Lost("its worker has ended it without a result".to_owned());
                let id = held.places[place].job;
                state.deliver(name, place, lost);
                if let Some(id) = id {
                    state.jobs.remove(&id);
                }
            }
            Line::Waits => held.is_blocked = true,
            Line::Beat(_) => {}
            Line::Left(reason) => {
                let reason = format!("{} gave it back: {}", taken.worker, plain(&reason));
                self.revoke(state, name, &reason);
                return false;
            }
            Line::Over if held.is_adopted => held.over = Some(Instant::now()),
            Line::Over => {
                self.revoke(state, name, "its worker has left it out");
                return false;
            }
        }
        true
    }

    /// Takes the jobs that have not begun out of a bundle whose job waits: it may wait for them.
    fn unblock(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        if !std::mem::take(&mut held.is_blocked) {
            return;
        }
        let Phase::Taken(taken) = &held.phase else { return };
        let places = held.places.iter().enumerate();
        let idle: Vec<_> = places
            .filter(|(_, place)| place.step == Step::NotBegun)
            .filter(|(_, place)| place.job.is_some() || place.identity.is_some())
            .map(|(at, _)| at)
            .collect();
        if idle.is_empty() {
            return;
        }
        if let Err(error) = self.transport.order(&taken.lease, &skips(&idle)) {
            held.is_blocked = true;
            return state.tell_error(&error);
        }
        // As when a job is cancelled: one that has begun meanwhile stays.
        let is_read = self.read(state, name);
        let Some(held) = state.bundles.get_mut(name) else { return };
        if !is_read {
            // It is not known which jobs have begun. The next poll tries again.
            held.is_blocked = true;
            return;
        }
        for at in idle {
            let place = &mut held.places[at];
            if place.step != Step::NotBegun {
                continue;
            }
            place.identity = None;
            if let Some(id) = place.job.take()
                && let Some(submitted) = state.jobs.get_mut(&id)
            {
                submitted.at = None;
                state.waiting.push_back(id);
            }
        }
        if !state.waiting.is_empty() {
            state.waiting_since.get_or_insert_with(Instant::now);
        }
    }

    /// Ends the lease of a worker that was not heard of for too long, or that is to end for another reason.
    fn expire(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        let Phase::Taken(taken) = &mut held.phase else { return };
        self.send_orders(taken);
        if let Some(reason) = held.ends.clone() {
            return self.revoke(state, name, &reason);
        }
        if let Some(over) = held.over {
            if over.elapsed() >= LINGER.max(2 * self.settings.poll) {
                self.revoke(state, name, "its worker has left it out");
            }
            return;
        }
        if taken.heard.elapsed() > held.lease {
            let reason = format!(
                "{} has not been heard of for {:.1} s",
                taken.worker,
                taken.heard.elapsed().as_secs_f64()
            );
            self.revoke(state, name, &reason);
        }
    }

    /// Ends a lease. Jobs that have begun are lost, and the others wait again.
    fn revoke(&self, state: &mut State, name: &BundleName, reason: &str) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        let Phase::Taken(taken) = &held.phase else { return };
        // Before the jobs are said to be lost, their worker must not be able to leave anything behind.
        match self.transport.revoke(&taken.lease) {
            Ok(()) => state.release(name, reason),
            Err(error) => {
                // The next poll tries again.
                held.ends.get_or_insert_with(|| reason.to_owned());
                state.tell_error(&error);
            }
        }
    }

    /// Posts jobs that wait, as long as there are not too many bundles that no worker has taken.
    fn post(&self, state: &mut State, now: Instant) {
        let State { waiting, jobs, .. } = &mut *state;
        // Those that were cancelled.
        waiting.retain(|id| jobs.contains_key(id));
        let slots = state.workers.slots(&self.build, now);
        let most = slots.saturating_mul(POSTED_PER_SLOT).max(FEWEST_POSTED);
        let posted = state.bundles.values().filter(|held| matches!(held.phase, Phase::Posted));
        let room = most.saturating_sub(posted.count());
        let ids: Vec<_> = state.waiting.iter().copied().collect();
        let expected = ids.iter().map(|id| {
            let job = &state.jobs.get(id)?.job;
            // One whose description is long is alone, so that a bundle is not too large.
            job.expected_seconds.filter(|_| job.payload.len() <= LONG_PAYLOAD)
        });
        let expected: Vec<_> = expected.collect();
        for range in bundles(&expected, slots, self.settings.limits).into_iter().take(room) {
            let ids = &ids[range];
            let jobs: Vec<_> = ids.iter().filter_map(job_of(state)).collect();
            let name = BundleName::new(&self.build, &self.run, state.posted);
            state.posted += 1;
            let lease = self.settings.lease;
            let bundle = Bundle::new(&self.build, lease.as_secs_f64(), jobs);
            if let Err(error) = self.transport.post(&name, &bundle) {
                // The next poll tries again.
                state.tell_error(&error);
                break;
            }
            state.waiting.drain(..ids.len());
            for (place, id) in ids.iter().enumerate() {
                if let Some(submitted) = state.jobs.get_mut(id) {
                    submitted.at = Some((name.clone(), place));
                }
            }
            let place = |&id: &JobId| Place { job: Some(id), ..Place::default() };
            let places = ids.iter().map(place).collect();
            state.bundles.insert(name, Held::new(places, Phase::Posted, lease));
        }
        state.is_full = !state.waiting.is_empty();
        state.waiting_since = state.is_full.then_some(now);
    }

    /// Reads which workers there are, and tells the user if there are none for this program.
    fn look_for_workers(&self, state: &mut State, now: Instant) {
        let found = match self.transport.workers() {
            Ok(found) => found,
            Err(error) => return state.tell_error(&error),
        };
        let due = state.workers.due(found, now);
        for (name, presence) in due.iter().zip(self.transport.presences(&due)) {
            state.workers.read(name, presence, now);
        }
        for gone in state.workers.gone(now) {
            self.transport.forget(&gone);
        }
        for other in state.workers.of_other_builds(&self.build, now) {
            state.tell(&format!(
                "a worker of this build: {other} is of another build, and takes no jobs of this run: start it again from \
                 the same executable file"
            ));
        }
        if state.workers.slots(&self.build, now) > 0 || !state.has_idle_job() {
            state.alone_since = None;
        } else if now.duration_since(*state.alone_since.get_or_insert(now)) >= PATIENCE {
            state.tell(&format!("a worker: none is running. Start some with `{}`", self.command));
        }
    }

    /// Ends the queue after the last job.
    pub(super) fn end(&self) {
        let begun = Instant::now();
        loop {
            let mut state = self.state();
            state.is_ended = true;
            let is_open = |held: &Held| {
                let lingers = held.over.is_some_and(|over| over.elapsed() < LINGER);
                matches!(held.phase, Phase::Taken(_)) && (!held.is_adopted || lingers)
            };
            let open = state.bundles.iter().filter(|(_, held)| is_open(held));
            let open: Vec<_> = open.map(|(name, _)| name.clone()).collect();
            if open.is_empty() || begun.elapsed() > END {
                break;
            }
            // The worker has sent the last result, and is about to say that the bundle is over.
            self.transport.begin_poll();
            for name in &open {
                self.read(&mut state, name);
            }
            drop(state);
            std::thread::sleep(self.settings.poll.min(END / 20));
        }
        let mut state = self.state();
        for (name, held) in std::mem::take(&mut state.bundles) {
            let is_over = held.places.iter().all(|place| place.step == Step::Ended);
            // What cannot be removed is removed by the next run. What an earlier run has begun, and this one does not need,
            // runs to its end.
            let _ = match held.phase {
                Phase::Posted => self.transport.withdraw(&name).map(drop),
                Phase::Taken(taken) if is_over || !held.is_adopted => {
                    self.transport.revoke(&taken.lease)
                }
                Phase::Taken(_) | Phase::Over => Ok(()),
            };
        }
        // A worker may have taken a bundle just now.
        for lease in self.transport.leases().unwrap_or_default() {
            if lease.bundle.run() == self.run {
                let _ = self.transport.revoke(&lease);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Gives up all jobs, because the thread that watches the queue has panicked.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        state.is_ended = true;
        for submitted in std::mem::take(&mut state.jobs).into_values() {
            submitted.events.send(JobEvent::Lost("the queue of jobs has ended".to_owned()));
        }
    }
}

/// Returns the orders that leave out jobs. An empty line ends an order of which only the beginning could be written.
fn skips(places: &[usize]) -> Vec<u8> {
    let mut orders = vec![b'\n'];
    orders.extend(places.iter().flat_map(|&place| line(&Order::Skip(place))));
    orders
}

/// Returns a function that describes a job for a bundle.
fn job_of(state: &State) -> impl Fn(&JobId) -> Option<BundledJob> {
    move |id| {
        let Submitted { job, .. } = state.jobs.get(id)?;
        Some(BundledJob {
            key: job.key.to_string(),
            fingerprint: job.fingerprint.to_string(),
            task: job.task.clone(),
            label: job.label.clone(),
            attempt: job.attempt,
            expected_seconds: job.expected_seconds,
            payload: job.payload.clone(),
        })
    }
}

impl Held {
    fn new(places: Vec<Place>, phase: Phase, lease: Duration) -> Self {
        let (is_adopted, is_blocked, missing, over, ends) = (false, false, None, None, None);
        Self { places, phase, is_adopted, is_blocked, lease, missing, over, ends }
    }
}

impl Phase {
    fn taken(lease: LeaseName) -> Self {
        let worker = lease.worker.to_string();
        let (tail, unsent, heard) = (Tail::default(), Vec::new(), Instant::now());
        Self::Taken(Taken { lease, worker, tail, unsent, heard })
    }
}

/// What is found of a job that is submitted.
enum Adopted {
    Nothing,
    /// An earlier run has submitted it, and it is there.
    At((BundleName, usize)),
    /// It has ended, and its events were passed on.
    Ended,
}

impl State {
    /// Returns whether there is nothing to watch.
    pub(super) fn is_idle(&self) -> bool {
        let is_watched = |held: &Held| !matches!(held.phase, Phase::Over);
        self.waiting.is_empty() && !self.bundles.values().any(is_watched)
    }

    /// Returns whether jobs wait to be bundled with others.
    pub(super) fn is_gathering(&self) -> bool {
        !self.waiting.is_empty() && !self.is_full
    }

    /// Returns whether there are bundles of which it is not known that a worker has taken them.
    fn has_posted(&self) -> bool {
        self.bundles.values().any(|held| matches!(held.phase, Phase::Posted))
    }

    /// Finds a job of an earlier run that does what this one would, and passes on its events so far.
    fn adopt(&mut self, id: JobId, job: &Job, events: &JobEvents) -> Adopted {
        if self.left.is_empty() {
            return Adopted::Nothing;
        }
        let identity = (job.key.to_string(), job.fingerprint.to_string());
        let mut places = self.left.remove(&identity).unwrap_or_default();
        while let Some((name, at)) = places.pop() {
            let held = self.bundles.get_mut(&name);
            let place = held.and_then(|held| held.places.get_mut(at));
            let Some(place) = place.filter(|at| at.identity.as_ref() == Some(&identity)) else {
                continue;
            };
            // Another attempt is another job.
            place.identity = None;
            std::mem::take(&mut place.past).into_iter().for_each(|event| events.send(event));
            let has_ended = place.step == Step::Ended;
            if !has_ended {
                place.job = Some(id);
            }
            self.left.insert(identity, places);
            return if has_ended { Adopted::Ended } else { Adopted::At((name, at)) };
        }
        Adopted::Nothing
    }

    /// Passes on an event of a job, or keeps it for when the job is submitted.
    fn deliver(&mut self, name: &BundleName, place: usize, event: JobEvent) {
        let Some(place) = self.bundles.get_mut(name).and_then(|held| held.places.get_mut(place))
        else {
            return;
        };
        match place.job {
            Some(id) => {
                if let Some(submitted) = self.jobs.get(&id) {
                    submitted.events.send(event);
                }
            }
            None if place.identity.is_some() => place.past.push(event),
            // It was cancelled.
            None => {}
        }
    }

    /// Takes the jobs out of a bundle that no worker has any more: those that have begun are lost, for this reason, and the
    /// others wait again.
    fn release(&mut self, name: &BundleName, reason: &str) {
        let Some(mut held) = self.bundles.remove(name) else { return };
        let mut again = Vec::new();
        for place in &mut held.places {
            match (place.job.take(), place.step) {
                (Some(id), Step::NotBegun) => again.push(id),
                (Some(id), Step::Begun) => {
                    if let Some(submitted) = self.jobs.remove(&id) {
                        submitted.events.send(JobEvent::Lost(reason.to_owned()));
                    }
                }
                (None, Step::NotBegun | Step::Begun) => place.identity = None,
                (_, Step::Ended) => {}
            }
        }
        for &id in again.iter().rev() {
            if let Some(submitted) = self.jobs.get_mut(&id) {
                submitted.at = None;
                self.waiting.push_front(id);
            }
        }
        if !self.waiting.is_empty() {
            self.waiting_since.get_or_insert_with(Instant::now);
        }
        // What has ended, and was not submitted so far, may be adopted later.
        if held.places.iter().any(|place| place.identity.is_some()) {
            held.phase = Phase::Over;
            self.bundles.insert(name.clone(), held);
        }
    }

    /// Returns whether a job waits for a worker.
    fn has_idle_job(&self) -> bool {
        self.first_idle().is_some()
    }

    /// Returns the first job that has not begun.
    fn first_idle(&self) -> Option<&Submitted> {
        self.jobs.values().find(|submitted| {
            let step = submitted.at.as_ref().and_then(|(name, place)| {
                self.bundles.get(name)?.places.get(*place).map(|place| place.step)
            });
            step.is_none_or(|step| step == Step::NotBegun)
        })
    }

    /// Tells the user once that the queue cannot be used at the moment. The next poll tries again.
    fn tell_error(&mut self, error: &ClusterError) {
        // Not once for each of its files.
        self.tell_once(&error.cause(), format!("its queue: {}", text(error)));
    }

    /// Tells the user once why jobs wait, by the first of them.
    fn tell(&mut self, reason: &str) {
        self.tell_once(reason, reason.to_owned());
    }

    fn tell_once(&mut self, subject: &str, reason: String) {
        if self.told.contains(subject) {
            return;
        }
        let Some(submitted) = self.first_idle() else { return };
        submitted.events.send(JobEvent::Waiting(reason));
        self.told.insert(subject.to_owned());
    }
}
