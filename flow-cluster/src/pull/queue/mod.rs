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
//!
//! [`Queue`] is what the engine and the thread that watches call. [`state`] has the jobs and bundles. [`left`] finds what earlier
//! runs have left, [`posting`] makes bundles of jobs, [`leases`] follows the workers that have taken them, [`messages`]
//! receives what they write, [`cancelled`] ends jobs that are not wanted any more, and [`ending`] is the end of the run.
//! [`scheduled`] is for workers that a scheduler starts: how many bundles wait for them, and what it means that one has ended.

mod cancelled;
mod ending;
mod leases;
mod left;
mod messages;
mod posting;
mod scheduled;
mod state;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flow_core::executor::{Job, JobEvent, JobEvents};

pub(crate) use self::scheduled::{Blame, Demand, Refusal, WorkerEnd};
pub(super) use self::state::JobId;
use self::state::{Adopted, Phase, State, Submitted};
use super::Settings;
use crate::error::ClusterError;
use crate::format::{Order, line};
use crate::transport::Transport;

/// How often the names of workers, and of the bundles that no worker has taken, are listed.
const LOOK: Duration = Duration::from_secs(1);

/// How many polls there are between two such lists, at least.
const POLLS_PER_LOOK: u32 = 5;

/// The most bytes that describe a job.
const LONGEST_PAYLOAD: usize = 256 << 20;

/// The names of a run.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The digest of the program.
    pub(crate) build: String,
    /// The name of the program.
    pub(crate) program: String,
    /// The name of the run in the queue.
    pub(crate) run: String,
}

/// The queue of one run.
pub(crate) struct Queue {
    pub(super) transport: Box<dyn Transport>,
    pub(super) settings: Settings,
    /// The digest of this program.
    build: String,
    /// The name of this program.
    program: String,
    /// The name of this run.
    run: String,
    /// The command that starts a worker, for messages; `None` if a scheduler starts them.
    command: Option<String>,
    state: Mutex<State>,
    /// Wakes the thread that watches the queue.
    pub(super) changed: Condvar,
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
        names: Names,
        command: Option<String>,
    ) -> Result<Self, ClusterError> {
        let Names { build, program, run } = names;
        let queue = Self {
            transport,
            settings,
            build,
            program,
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

    /// Adds a job.
    ///
    /// # Errors
    ///
    /// The queue has ended, because the thread that watches it has panicked, or the job has too many inputs to be described.
    pub(super) fn submit(&self, job: Job, events: JobEvents) -> anyhow::Result<JobId> {
        let mut state = self.state();
        anyhow::ensure!(!state.is_ended, "the queue of jobs has ended");
        if let Some(refusal) = &state.refused {
            anyhow::bail!("{}", refusal.error_of(&job));
        }
        anyhow::ensure!(
            job.payload.len() <= LONGEST_PAYLOAD,
            "the job has {} MB of parameters and places of inputs, which is too much for a file of the queue: run it in \
             this process, by `flow.in_process` (`--in-process` on the command line)",
            job.payload.len() >> 20
        );
        state.submitted += 1;
        let id = state.submitted;
        if let Some(by) = state.requests.cancel(&job) {
            events.send(JobEvent::Cancelled(by.to_owned()));
            return Ok(id);
        }
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

    /// Ends a job, whether it waits or runs.
    pub(super) fn cancel(&self, id: JobId) {
        self.end_jobs(&mut self.state(), &[id]);
    }

    /// Does everything that is due: the part of [`watch`](super::watch) with the lock held.
    pub(super) fn step(&self, state: &mut State, now: Instant) {
        self.transport.begin_poll();
        let look = LOOK.max(POLLS_PER_LOOK * self.settings.poll);
        if state.looked.is_none_or(|looked| now.duration_since(looked) >= look) {
            state.looked = Some(now);
            self.take_requests(state);
            self.find_missing(state, now);
            self.look_for_workers(state, now);
        }
        self.find_taken(state);
        for name in &state.taken() {
            self.read(state, name);
            self.unblock(state, name);
            self.expire(state, name);
        }
        self.fail_refused(state);
        let has_gathered = state
            .waiting_since
            .is_some_and(|since| now.duration_since(since) >= self.settings.gather);
        if has_gathered {
            self.post(state, now);
        }
    }
}

/// Returns the orders that leave out jobs. An empty line ends an order of which only the beginning could be written.
fn skips(places: &[usize]) -> Vec<u8> {
    let mut orders = vec![b'\n'];
    orders.extend(places.iter().flat_map(|&place| line(&Order::Skip(place))));
    orders
}
