//! Reads a queue: bundles, leases with what their workers have written, and which workers are heard of.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use super::NamedQueue;
use super::status::{JobState, QueuedWorker, UnreadableFile};
use crate::error::ClusterError;
use crate::format::{BundledJob, Line, Order, Presence, plain, shown};
use crate::names::{BundleName, LeaseName, WorkerName, is_run};
use crate::tail::Tail;
use crate::transport::Transport;

/// How often workers are listened to in the time in which each announces itself once.
const LOOKS: u32 = 20;

/// A job that was found in a queue.
pub(super) struct SeenJob {
    pub(super) bundled: BundledJob,
    pub(super) state: JobState,
    /// The worker that has taken its bundle, as it is shown.
    pub(super) worker: Option<String>,
    /// For how long it has run, by the clock of the worker.
    pub(super) seconds: Option<f64>,
    /// The run that has submitted it, or a run in progress that has adopted it since.
    pub(super) run: String,
    /// Whether its worker is to leave it out: it is in another bundle by now, or was cancelled.
    pub(super) is_left_out: bool,
}

/// Passes each job of a queue to a function. Files that cannot be read are collected, and hide no other.
///
/// A job is passed on once, unless its run moves it from one bundle to another meanwhile.
///
/// # Errors
///
/// The queue cannot be listed.
pub(super) fn each_job(
    transport: &dyn Transport,
    visit: &mut dyn FnMut(SeenJob),
    unreadable: &mut Vec<UnreadableFile>,
) -> Result<(), ClusterError> {
    let posted = transport.posted()?;
    let mut leases = transport.leases()?;
    let taken: HashSet<BundleName> = leases.iter().map(|lease| lease.bundle.clone()).collect();
    let mut gone = HashSet::new();
    for name in posted.into_iter().filter(|name| !taken.contains(name)) {
        match transport.posted_bundle(&name) {
            Ok(bundle) => bundle.jobs.into_iter().for_each(|bundled| {
                let (state, run) = (JobState::Waiting, name.run().to_owned());
                let (worker, seconds, is_left_out) = (None, None, false);
                visit(SeenJob { bundled, state, worker, seconds, run, is_left_out });
            }),
            Err(error) if error.is_gone() => drop(gone.insert(name)),
            Err(error) => unreadable.push(UnreadableFile::new(&error)),
        }
    }
    if !gone.is_empty() {
        // A worker has taken them since they were listed, or they were withdrawn.
        let late = transport.leases()?.into_iter();
        leases.extend(late.filter(|lease| gone.contains(&lease.bundle)));
    }
    for lease in leases {
        match lease_of(transport, &lease) {
            Ok(Some(jobs)) => jobs.into_iter().filter(|job| !job.is_left_out).for_each(&mut *visit),
            Ok(None) => {}
            Err(error) => unreadable.push(UnreadableFile::new(&error)),
        }
    }
    Ok(())
}

/// What a worker has written of a job.
#[derive(Clone, Copy, Default)]
struct Seen {
    has_begun: bool,
    has_ended: bool,
    is_left_out: bool,
    seconds: Option<f64>,
}

/// Returns the jobs of a lease, in their order in the bundle; `None` if the lease has ended.
///
/// # Errors
///
/// A file of it cannot be read, or is damaged.
pub(super) fn lease_of(
    transport: &dyn Transport,
    lease: &LeaseName,
) -> Result<Option<Vec<SeenJob>>, ClusterError> {
    let bundle = match transport.bundle(lease) {
        Err(error) if error.is_gone() => return Ok(None),
        bundle => bundle?,
    };
    let damaged = |reason: String| ClusterError::Damaged { path: lease.to_string().into(), reason };
    let mut seen = vec![Seen::default(); bundle.jobs.len()];
    let mut worker = lease.worker.to_string();
    let mut take = |line: Line| -> Option<()> {
        match line {
            Line::Hello { host, process, .. } => worker = shown(&host, process),
            Line::Begun(job) => seen.get_mut(job)?.has_begun = true,
            Line::Ended(job) => seen.get_mut(job)?.has_ended = true,
            Line::Runs { job, seconds } => seen.get_mut(job)?.seconds = Some(seconds),
            Line::Message { job, .. } => {
                seen.get(job)?;
            }
            Line::Waits | Line::Beat(_) | Line::Left(_) | Line::Refused(_) | Line::Over => {}
        }
        Some(())
    };
    let is_there = each_line(
        |from| transport.lines(lease, from),
        |line| {
            let line = serde_json::from_slice(line).map_err(|error| {
                damaged(format!("a message of its worker cannot be read: {error}"))
            })?;
            take(line).ok_or_else(|| {
                damaged("its worker names a job that is not in the bundle".to_owned())
            })
        },
    )?;
    let mut adopted_by = Vec::new();
    // The run writes an empty line before an order.
    let has_orders = each_line(
        |from| transport.orders(lease, from),
        |line| {
            match serde_json::from_slice(line) {
                Ok(Order::Skip(job)) => {
                    if let Some(seen) = seen.get_mut(job) {
                        seen.is_left_out = true;
                    }
                }
                Ok(Order::Adopt { run: later }) if is_run(&later) => adopted_by.push(later),
                Ok(Order::Adopt { .. } | Order::Message { .. }) | Err(_) => {}
            }
            Ok(())
        },
    )?;
    if !is_there || !has_orders {
        return Ok(None);
    }
    // One that has ended has left the jobs that it did not need to their end.
    let adopted = adopted_by.into_iter().rev().find(|run| transport.is_running(run));
    let run = adopted.unwrap_or_else(|| lease.bundle.run().to_owned());
    let jobs = bundle.jobs.into_iter().zip(seen).map(|(bundled, seen)| {
        let state = match (seen.has_begun, seen.has_ended) {
            (_, true) => JobState::Ended,
            (true, false) => JobState::Running,
            (false, false) => JobState::Waiting,
        };
        let (worker, run) = (Some(worker.clone()), run.clone());
        let Seen { seconds, is_left_out, .. } = seen;
        SeenJob { bundled, state, worker, seconds, run, is_left_out }
    });
    Ok(Some(jobs.collect()))
}

/// Passes each whole line of a file to a function. Returns `false` if the file is gone.
fn each_line(
    read: impl Fn(u64) -> Result<Option<Vec<u8>>, ClusterError>,
    mut take: impl FnMut(&[u8]) -> Result<(), ClusterError>,
) -> Result<bool, ClusterError> {
    let mut tail = Tail::default();
    loop {
        let Some(bytes) = read(tail.offset())? else { return Ok(false) };
        if bytes.is_empty() {
            return Ok(true);
        }
        // A line that is too long ends a lease, and the rest of it is not shown.
        let Ok(lines) = tail.take(&bytes) else { return Ok(true) };
        lines.iter().filter(|line| !line.is_empty()).try_for_each(|line| take(line))?;
    }
}

/// The workers of a queue, and which of them were heard of.
pub(super) struct Heard {
    workers: Vec<Worker>,
}

struct Worker {
    name: WorkerName,
    /// What its file says; `None` if it cannot be read.
    presence: Option<Presence>,
    is_heard: bool,
}

impl Heard {
    /// Looks at all workers for the first time.
    ///
    /// # Errors
    ///
    /// The workers cannot be listed.
    pub(super) fn begin(transport: &dyn Transport) -> Result<Self, ClusterError> {
        let names = transport.workers()?;
        let presences = transport.presences(&names);
        let workers = names.into_iter().zip(presences);
        let workers = workers.map(|(name, presence)| Worker { name, presence, is_heard: false });
        Ok(Self { workers: workers.collect() })
    }

    /// Looks at the workers of all queues until each was heard of, or for some time.
    pub(super) fn listen(all: &mut [Self], queues: &[NamedQueue], patience: Duration) {
        let begun = Instant::now();
        let every = queues.iter().map(|queue| queue.transport.announces_every()).max();
        let pause = every.unwrap_or_default() / LOOKS;
        loop {
            let mut is_silent = false;
            for (heard, queue) in all.iter_mut().zip(queues) {
                let silent = heard.workers.iter().filter(|worker| !worker.is_heard);
                let silent: Vec<_> = silent.map(|worker| worker.name.clone()).collect();
                let presences = queue.transport.presences(&silent);
                let silent = heard.workers.iter_mut().filter(|worker| !worker.is_heard);
                for (worker, now) in silent.zip(presences) {
                    // A worker that has ended is not listed any more.
                    let Some(now) = now else { continue };
                    let before = worker.presence.as_ref().map(|presence| presence.beat);
                    worker.is_heard = before.is_some_and(|before| before != now.beat);
                    worker.presence = Some(now);
                    is_silent |= !worker.is_heard;
                }
            }
            if !is_silent || begun.elapsed() >= patience {
                return;
            }
            thread::sleep(pause);
        }
    }

    /// Returns the workers that have not ended meanwhile. Those whose files cannot be read are collected.
    ///
    /// # Errors
    ///
    /// The workers cannot be listed.
    pub(super) fn into_workers(
        self,
        transport: &dyn Transport,
        build: Option<&str>,
        unreadable: &mut Vec<UnreadableFile>,
    ) -> Result<Vec<QueuedWorker>, ClusterError> {
        let there: HashSet<_> = transport.workers()?.into_iter().collect();
        let mut workers = Vec::new();
        for worker in self.workers.into_iter().filter(|worker| there.contains(&worker.name)) {
            let Some(presence) = worker.presence else {
                let path = Some(format!("{}.json", worker.name).into());
                let reason = "the file of a worker is damaged, or of another release".to_owned();
                unreadable.push(UnreadableFile { path, reason });
                continue;
            };
            workers.push(QueuedWorker {
                pool: None,
                is_same_build: build == Some(presence.build.as_str()),
                host: plain(&presence.host),
                process: presence.process,
                program: plain(&presence.program),
                slots: presence.slots,
                job: presence.job.as_deref().map(plain),
                beat: presence.beat,
                is_alive: Some(worker.is_heard),
            });
        }
        Ok(workers)
    }
}
