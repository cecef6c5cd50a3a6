//! The socket of a child to its parent, which all threads of the child share.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::process::exit;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::LOST;
use crate::base::stop::Stopper;
use crate::engine::executor::process::frame;
use crate::engine::executor::process::message::{FromChild, RequiredMessage};

/// The socket to the parent, and what waits for messages from there.
pub(super) struct Link {
    writer: Mutex<UnixStream>,
    state: Mutex<State>,
    requests: AtomicU64,
}

#[derive(Default)]
struct State {
    /// The job that runs, with its stop signal.
    job: Option<(u64, Stopper)>,
    /// The requests of the task that wait for a reply.
    waiting: HashMap<u64, Sender<RequiredMessage>>,
}

impl Link {
    pub(super) fn new(writer: UnixStream) -> Self {
        let (state, requests) = (Mutex::default(), AtomicU64::new(0));
        Self { writer: Mutex::new(writer), state, requests }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a message. Without a parent that reads it, the process exits.
    pub(super) fn send(&self, message: &FromChild) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = frame::write(&mut *writer, message) {
            eprintln!("cannot write to the parent process: {error}");
            exit(LOST);
        }
    }

    /// Records that a job runs from now on.
    pub(super) fn begin(&self, job: u64) {
        self.state().job = Some((job, Stopper::default()));
    }

    /// Records that no job runs any more.
    pub(super) fn ended(&self) {
        let mut state = self.state();
        state.job = None;
        state.waiting.clear();
    }

    pub(super) fn is_running(&self) -> bool {
        self.state().job.is_some()
    }

    /// Returns the stop signal of the job that runs.
    pub(super) fn stopper(&self) -> Stopper {
        self.state().job.as_ref().map(|(_, stopper)| stopper.clone()).unwrap_or_default()
    }

    /// Stops a job, if it still runs.
    pub(super) fn stop(&self, job: u64) {
        let stopper = self.state().job.as_ref().filter(|(number, _)| *number == job).cloned();
        if let Some((_, stopper)) = stopper {
            stopper.stop();
        }
    }

    /// Returns a new number for a request, and the channel on which its reply arrives.
    pub(super) fn request(&self) -> (u64, Receiver<RequiredMessage>) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let (reply, replied) = bounded(1);
        self.state().waiting.insert(number, reply);
        (number, replied)
    }

    /// Passes a reply on to the thread that waits for it.
    pub(super) fn reply(&self, required: RequiredMessage) {
        if let Some(waiting) = self.state().waiting.remove(&required.request) {
            let _ = waiting.send(required);
        }
    }
}
