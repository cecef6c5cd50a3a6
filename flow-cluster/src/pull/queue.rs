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

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::executor::{Job, JobEvent, JobEvents};

use super::Settings;
use super::workers::Workers;
use crate::bundling::bundles;
use crate::error::{ClusterError, text};
use crate::format::{Bundle, BundledJob, FORMAT, Line, Order, line, shown};
use crate::names::{BundleName, LeaseName};
use crate::tail::Tail;
use crate::transport::Transport;

/// The number of a job, in the order in which jobs were submitted.
pub(super) type JobId = u64;

/// How long jobs wait before the user is told that there is no worker.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the end of a run waits for workers to end the bundles of its last jobs.
const END: Duration = Duration::from_millis(500);

/// How often the files of workers are read.
const WORKERS: Duration = Duration::from_secs(1);

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
    workers: Workers,
    /// When the files of the workers were read last.
    workers_read: Option<Instant>,
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
        let is_left =
            |name: &BundleName| name.run() != self.run && !self.transport.is_running(name.run());
        for name in self.transport.posted()?.iter().filter(|name| is_left(name)) {
            // Whatever this run needs of it is submitted again.
            self.transport.withdraw(name)?;
        }
        let leases = self.transport.leases()?;
        let left: Vec<_> = leases.into_iter().filter(|lease| is_left(&lease.bundle)).collect();
        let mut runs = vec![self.run.clone()];
        for lease in left {
            let bundle = match self.transport.bundle(&lease) {
                Ok(bundle) => bundle,
                Err(error) if error.is_gone() => continue,
                Err(ClusterError::Damaged { .. }) => {
                    self.transport.revoke(&lease)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            runs.push(lease.bundle.run().to_owned());
            let is_ours = bundle.build == self.build;
            let places = bundle.jobs.into_iter().map(|job| Place {
                identity: is_ours.then_some((job.key, job.fingerprint)),
                ..Place::default()
            });
            let held = Held {
                places: places.collect(),
                lease: Duration::from_secs_f64(bundle.lease_seconds),
                is_adopted: true,
                is_blocked: false,
                phase: Phase::taken(lease.clone()),
            };
            state.bundles.insert(lease.bundle, held);
        }
        let runs: Vec<_> = runs.iter().map(String::as_str).collect();
        self.transport.forget_runs(&runs);
        Ok(())
    }

    /// Adds a job.
    ///
    /// # Errors
    ///
    /// The queue has ended, because the thread that watches it has panicked.
    pub(super) fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<JobId> {
        let mut state = self.state();
        anyhow::ensure!(!state.is_ended, "the queue of jobs has ended");
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
        let state = self.state();
        let Some((name, job)) = state.jobs.get(&id).and_then(|job| job.at.clone()) else { return };
        let Some(Phase::Taken(taken)) = state.bundles.get(&name).map(|held| &held.phase) else {
            return;
        };
        // A worker that does not receive it is gone, or the queue cannot be written, which the next poll finds out.
        let _ = self.transport.order(&taken.lease, &line(&Order::Message { job, text }));
    }

    /// Ends a job, whether it waits or runs.
    pub(super) fn cancel(&self, id: JobId) {
        let mut state = self.state();
        let Some(Submitted { at, .. }) = state.jobs.remove(&id) else { return };
        let Some((name, place)) = at else {
            state.waiting.retain(|&waiting| waiting != id);
            return;
        };
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
        let _ = self.transport.order(&lease, &line(&Order::Skip(place)));
        self.read(state, name);
        let has_begun = state.bundles.get(name).is_some_and(|held| {
            held.places.get(place).is_some_and(|place| place.step == Step::Begun)
        });
        if has_begun {
            self.revoke(state, name, "the run has cancelled another job of its bundle");
        }
    }

    /// Does everything that is due: the part of [`watch`](super::watch) with the lock held.
    pub(super) fn step(&self, state: &mut State, now: Instant) {
        self.find_taken(state);
        let taken = state.bundles.iter().filter(|(_, held)| matches!(held.phase, Phase::Taken(_)));
        let taken: Vec<_> = taken.map(|(name, _)| name.clone()).collect();
        for name in &taken {
            self.read(state, name);
            self.unblock(state, name);
            self.expire(state, name);
        }
        self.look_for_workers(state, now);
        let has_gathered = state
            .waiting_since
            .is_some_and(|since| now.duration_since(since) >= self.settings.gather);
        if has_gathered {
            self.post(state, now);
        }
    }

    /// Finds the leases of bundles that were posted.
    fn find_taken(&self, state: &mut State) {
        if !state.bundles.values().any(|held| matches!(held.phase, Phase::Posted)) {
            return;
        }
        let leases = match self.transport.leases() {
            Ok(leases) => leases,
            Err(error) => return state.tell_error(&error),
        };
        for lease in leases {
            if let Some(held) = state.bundles.get_mut(&lease.bundle)
                && matches!(held.phase, Phase::Posted)
            {
                // Jobs that were cancelled while it was not known which worker has them.
                let cancelled = held.places.iter().enumerate().filter(|(_, at)| at.job.is_none());
                let orders = cancelled.flat_map(|(place, _)| line(&Order::Skip(place)));
                let orders: Vec<u8> = orders.collect();
                if !orders.is_empty() {
                    let _ = self.transport.order(&lease, &orders);
                }
                held.phase = Phase::taken(lease);
            }
        }
    }

    /// Reads what a worker has written, and passes it on.
    fn read(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get_mut(name) else { return };
        let Phase::Taken(taken) = &mut held.phase else { return };
        let lines = match self.transport.lines(&taken.lease, taken.tail.offset()) {
            Ok(Some(bytes)) if bytes.is_empty() => return,
            Ok(Some(bytes)) => {
                taken.heard = Instant::now();
                taken.tail.take(&bytes)
            }
            Ok(None) => return self.revoke(state, name, "its folder in the queue was removed"),
            Err(error) => return state.tell_error(&error),
        };
        let Ok(lines) = lines else {
            return self.revoke(state, name, "a message of its worker is too long");
        };
        for line in lines {
            let line = match serde_json::from_slice(&line) {
                Ok(line) => line,
                Err(error) => {
                    let reason = format!("a message of its worker cannot be read: {error}");
                    return self.revoke(state, name, &reason);
                }
            };
            if !self.receive(state, name, line) {
                return;
            }
        }
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
                let reason = format!("{} gave it back: {reason}", taken.worker);
                self.revoke(state, name, &reason);
                return false;
            }
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
        let orders: Vec<u8> = idle.iter().flat_map(|&at| line(&Order::Skip(at))).collect();
        if idle.is_empty() {
            return;
        }
        if let Err(error) = self.transport.order(&taken.lease, &orders) {
            held.is_blocked = true;
            return state.tell_error(&error);
        }
        // As when a job is cancelled: one that has begun meanwhile stays.
        self.read(state, name);
        let Some(held) = state.bundles.get_mut(name) else { return };
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

    /// Ends the lease of a worker that was not heard of for too long.
    fn expire(&self, state: &mut State, name: &BundleName) {
        let Some(held) = state.bundles.get(name) else { return };
        let Phase::Taken(taken) = &held.phase else { return };
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
        let Some(held) = state.bundles.get(name) else { return };
        let Phase::Taken(taken) = &held.phase else { return };
        // Before the jobs are said to be lost, their worker must not be able to leave anything behind.
        match self.transport.revoke(&taken.lease) {
            Ok(()) => state.release(name, reason),
            // The next poll tries again.
            Err(error) => state.tell_error(&error),
        }
    }

    /// Posts the jobs that wait.
    fn post(&self, state: &mut State, now: Instant) {
        let ids: Vec<_> = std::mem::take(&mut state.waiting).into();
        state.waiting_since = None;
        let expected = ids.iter().map(|id| state.jobs.get(id)?.job.expected_seconds);
        let expected: Vec<_> = expected.collect();
        let slots = state.workers.slots(&self.build, now);
        for range in bundles(&expected, slots, self.settings.limits) {
            let ids = &ids[range];
            let jobs: Vec<_> = ids.iter().filter_map(job_of(state)).collect();
            let name = BundleName::new(&self.build, &self.run, state.posted);
            state.posted += 1;
            let lease = self.settings.lease;
            let bundle = Bundle::new(&self.build, lease.as_secs_f64(), jobs);
            if let Err(error) = self.transport.post(&name, &bundle) {
                state.tell_error(&error);
                state.waiting.extend(ids);
                state.waiting_since = Some(now);
                continue;
            }
            let place = |&id: &JobId| Place { job: Some(id), ..Place::default() };
            for (place, id) in ids.iter().enumerate() {
                if let Some(submitted) = state.jobs.get_mut(id) {
                    submitted.at = Some((name.clone(), place));
                }
            }
            let places = ids.iter().map(place).collect();
            let (phase, is_adopted, is_blocked) = (Phase::Posted, false, false);
            let held = Held { places, phase, is_adopted, is_blocked, lease };
            state.bundles.insert(name, held);
        }
    }

    /// Reads which workers there are, and tells the user if there are none for this program.
    fn look_for_workers(&self, state: &mut State, now: Instant) {
        if state.workers_read.is_some_and(|read| now.duration_since(read) < WORKERS) {
            return;
        }
        state.workers_read = Some(now);
        let found = match self.transport.workers() {
            Ok(found) => found,
            Err(error) => return state.tell_error(&error),
        };
        for gone in state.workers.update(found, now) {
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
            let is_open = |held: &Held| matches!(held.phase, Phase::Taken(_)) && !held.is_adopted;
            let open = state.bundles.iter().filter(|(_, held)| is_open(held));
            let open: Vec<_> = open.map(|(name, _)| name.clone()).collect();
            if open.is_empty() || begun.elapsed() > END {
                break;
            }
            // The worker has sent the last result, and is about to say that the bundle is over.
            open.iter().for_each(|name| self.read(&mut state, name));
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

impl Phase {
    fn taken(lease: LeaseName) -> Self {
        let worker = lease.worker.to_string();
        Self::Taken(Taken { lease, worker, tail: Tail::default(), heard: Instant::now() })
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

    /// Returns whether jobs wait to be bundled.
    pub(super) fn is_gathering(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Finds a job of an earlier run that does what this one would, and passes on its events so far.
    fn adopt(&mut self, id: JobId, job: &Job, events: &JobEvents) -> Adopted {
        let identity = (job.key.to_string(), job.fingerprint.to_string());
        for (name, held) in &mut self.bundles {
            let found = held.places.iter().position(|place| {
                place.job.is_none() && place.identity.as_ref() == Some(&identity)
            });
            let Some(at) = found else { continue };
            let place = &mut held.places[at];
            // Another attempt is another job.
            place.identity = None;
            std::mem::take(&mut place.past).into_iter().for_each(|event| events.send(event));
            if place.step == Step::Ended {
                return Adopted::Ended;
            }
            place.job = Some(id);
            return Adopted::At((name.clone(), at));
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
        self.tell(&format!("the queue in the folder of the store: {}", text(error)));
    }

    /// Tells the user once why jobs wait, by the first of them.
    fn tell(&mut self, reason: &str) {
        if let Some(submitted) = self.first_idle()
            && !self.told.contains(reason)
        {
            submitted.events.send(JobEvent::Waiting(reason.to_owned()));
            self.told.insert(reason.to_owned());
        }
    }
}
