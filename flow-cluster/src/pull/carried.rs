//! Jobs of a run whose workers have no folder in common with it: their inputs are put into the bucket before they are queued.
//!
//! A job whose inputs the bucket has is queued at once. Another one waits on a thread of its own, so that the run can go on,
//! and cancel it. The contents that several jobs need are put once.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use flow_core::executor::{Job, JobEvent, JobEvents, JobFile, SubmittedJob};

use super::queue::{JobId, Queue};
use crate::transport::Blobs;

/// The pauses between attempts to reach a bucket.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long it is tried to reach a bucket for one job.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The jobs so far, by key and fingerprint: one that is submitted again was lost, maybe because the bucket has lost a content.
pub(super) type Before = Mutex<HashSet<(String, String)>>;

/// A job whose inputs are carried to the bucket, and its output from there.
pub(super) struct Carried {
    queue: Arc<Queue>,
    blobs: Arc<Blobs>,
    phase: Mutex<Phase>,
    is_cancelled: AtomicBool,
}

/// What has become of the job.
#[derive(Clone, Copy)]
enum Phase {
    /// Its inputs are being put.
    Prepared,
    Queued(JobId),
}

impl Carried {
    /// Queues a job when its inputs are in the bucket.
    ///
    /// # Errors
    ///
    /// The job cannot be queued, or the operating system refuses a thread.
    pub(super) fn submit(
        (queue, blobs): (&Arc<Queue>, &Arc<Blobs>),
        before: &Before,
        job: Job,
        events: JobEvents,
    ) -> anyhow::Result<Arc<Self>> {
        let carried = Arc::new(Self {
            queue: Arc::clone(queue),
            blobs: Arc::clone(blobs),
            phase: Mutex::new(Phase::Prepared),
            is_cancelled: AtomicBool::new(false),
        });
        let identity = (job.key.to_string(), job.fingerprint.to_string());
        let is_new = before.lock().unwrap_or_else(PoisonError::into_inner).insert(identity);
        if is_new && blobs.has_all(&job.inputs) {
            *carried.phase() = Phase::Queued(queue.submit(job, events)?);
            return Ok(carried);
        }
        let prepared = Arc::clone(&carried);
        let prepare = move || prepared.prepare(job, &events, !is_new);
        Builder::new().name("flow-inputs".to_owned()).spawn(prepare)?;
        Ok(carried)
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::SeqCst)
    }

    /// Puts the inputs into the bucket, and queues the job.
    fn prepare(&self, job: Job, events: &JobEvents, looks_again: bool) {
        let begun = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            let is_cancelled = || self.is_cancelled();
            match self.blobs.put_inputs(&job.inputs, looks_again, &is_cancelled) {
                Ok(()) => break,
                Err(_) if self.is_cancelled() => return,
                Err(error) if is_final(&error) || begun.elapsed() > PATIENCE => {
                    let reason = format!("its inputs cannot be put into the bucket: {error}");
                    return events.send(JobEvent::Lost(reason));
                }
                Err(error) => {
                    events.send(JobEvent::Waiting(format!("the bucket: {error}")));
                }
            }
            let paused = Instant::now();
            while paused.elapsed() < pause && !self.is_cancelled() {
                thread::sleep(PAUSES.0);
            }
            pause = (2 * pause).min(PAUSES.1);
        }
        // With the lock held, so that it is not cancelled meanwhile.
        let mut phase = self.phase();
        if self.is_cancelled() {
            return;
        }
        match self.queue.submit(job, events.clone()) {
            Ok(id) => *phase = Phase::Queued(id),
            Err(error) => events.send(JobEvent::Lost(format!("it cannot be queued: {error:#}"))),
        }
    }
}

/// Returns whether another attempt fails in the same way.
fn is_final(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidData
            | ErrorKind::InvalidInput
            | ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::Unsupported
    )
}

impl SubmittedJob for Carried {
    fn send(&self, message: String) {
        let phase = *self.phase();
        if let Phase::Queued(id) = phase {
            self.queue.send(id, message);
        }
    }

    fn send_with_files(&self, message: String, files: &[JobFile]) {
        // If a content cannot be put, the worker does not find it, and the job is lost.
        let is_cancelled = || self.is_cancelled();
        let _ = self.blobs.put_inputs(files, false, &is_cancelled);
        self.send(message);
    }

    fn fetch(&self, files: &[JobFile], is_stopped: &(dyn Fn() -> bool + Sync)) -> io::Result<()> {
        self.blobs.bring(files, false, is_stopped)
    }

    fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::SeqCst);
        let phase = *self.phase();
        if let Phase::Queued(id) = phase {
            self.queue.cancel(id);
        }
    }
}
