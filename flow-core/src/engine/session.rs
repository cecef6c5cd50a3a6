//! A session: the state that all executions of one run share.
//!
//! A task that requires further tasks while it runs waits for an execution of their plan. That execution uses the
//! workers of the run. A running task holds a *slot* for each of its threads; there are as many slots as workers. The
//! task releases its slots while it waits and takes them again afterwards ([`job`](crate::engine::job)). So a run with one worker cannot deadlock, and
//! never more tasks work at the same time than there are workers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::engine::Execution;
use crate::engine::budget::Budget;
use crate::engine::dedup::RunningFingerprints;
use crate::engine::executor::{Children, Submitted};
use crate::engine::job::{Control, Job};
use crate::engine::message::{At, Message};
use crate::engine::nested::Enclosing;
use crate::engine::worker;
use crate::plan::Plan;
use crate::plan::dynamic::AllKnown;
use crate::plan::warning::Warning;
use crate::store::claims::Claims;
use crate::store::history::Recorder;
use crate::store::limit::Limits;
use crate::store::run_lock::RunLock;

/// The state that all executions of a run share.
pub(crate) struct Session {
    pub(super) slots: Slots,
    /// The jobs that no worker has taken.
    pub(super) jobs: Receiver<Job>,
    /// Closed by the coordinator when the run ends.
    send_jobs: Mutex<Option<Sender<Job>>>,
    /// The memory for values that are passed on.
    pub(super) values: Budget,
    /// Whether the thread that called `run` is the only worker.
    pub(super) on_caller: bool,
    pub(super) messages: Sender<Message>,
    pub(super) received: Receiver<Message>,
    executions: AtomicU32,
    /// The forced instances that have run. `force` applies once per run, wherever an instance is required.
    forced: Mutex<HashSet<Key>>,
    /// A cache of verdicts on instances that running tasks have required.
    pub(crate) known: Arc<AllKnown>,
    /// The number of instances whose event said that they are settled.
    pub(super) settled: AtomicUsize,
    /// The number of instances that were opened, settled ones included, without those that have no such event.
    pub(super) open: AtomicUsize,
    /// The fingerprints of the running instances of the run's own plan.
    pub(super) running_fingerprints: RunningFingerprints,
    /// The number of earlier versions to keep.
    pub(super) limits: Limits,
    /// The lock that tells other processes that this run is under way; `None` if the run has nothing to do.
    pub(super) run_lock: Option<Arc<RunLock>>,
    /// Records the run in the history of the store.
    pub(super) history: Arc<Recorder>,
    /// The claims on the instances that this run computes; `None` if the run has nothing to do, or cannot claim.
    pub(super) claims: Option<Arc<Claims>>,
    /// When the run began.
    pub(super) begun: jiff::Timestamp,
    /// The warnings about outputs that do not meet expectations, and those of the executor.
    pub(super) warnings: Mutex<Vec<Warning>>,
    /// The error of the store, if nothing can be written to it any more. It ends the run.
    unwritable: Mutex<Option<StoreError>>,
    is_halted: AtomicBool,
    /// Whether a coordinator is running, which answers requests.
    pub(super) is_coordinated: AtomicBool,
    /// The child processes that run isolated tasks.
    pub(super) children: Children,
    /// The jobs that the executor of the flow runs elsewhere.
    pub(super) submitted: Submitted,
    /// The tasks that this run runs inside of.
    pub(super) enclosing: Enclosing,
    /// When no other task is run, if there is no coordinator: the end of a sentence.
    alone: &'static str,
}

impl Session {
    /// Creates the session of a run. Without workers, the calling thread runs the tasks.
    pub(crate) fn new(
        workers: usize,
        limits: Limits,
        value_bytes: u64,
        run_lock: Option<Arc<RunLock>>,
        history: Arc<Recorder>,
    ) -> Arc<Self> {
        Self::create(workers, limits, value_bytes, run_lock, history, "during a comparison")
    }

    /// Creates a session in which tasks run alone. `alone` says when, at the end of an error message.
    pub(crate) fn alone(
        limits: Limits,
        run_lock: Option<RunLock>,
        alone: &'static str,
    ) -> Arc<Self> {
        Self::create(1, limits, 0, run_lock.map(Arc::new), Arc::default(), alone)
    }

    fn create(
        workers: usize,
        limits: Limits,
        value_bytes: u64,
        run_lock: Option<Arc<RunLock>>,
        history: Arc<Recorder>,
        alone: &'static str,
    ) -> Arc<Self> {
        let (messages, received) = unbounded();
        let (send_jobs, jobs) = unbounded();
        let claims = run_lock.as_ref().and_then(|run_lock| run_lock.claims());
        Arc::new(Self {
            slots: Slots::new(workers.max(1)),
            jobs,
            send_jobs: Mutex::new(Some(send_jobs)),
            values: Budget::new(value_bytes),
            on_caller: workers == 0,
            messages,
            received,
            executions: AtomicU32::new(0),
            forced: Mutex::default(),
            known: Arc::default(),
            settled: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            running_fingerprints: RunningFingerprints::default(),
            limits,
            run_lock,
            history,
            claims,
            begun: jiff::Timestamp::now(),
            warnings: Mutex::default(),
            unwritable: Mutex::default(),
            is_halted: AtomicBool::new(false),
            is_coordinated: AtomicBool::new(false),
            children: Children::new(workers.max(1)),
            submitted: Submitted::default(),
            enclosing: Enclosing::of_this_thread(),
            alone,
        })
    }

    /// Ends the run with this error of the store, if there is one: no further instance starts.
    pub(super) fn halt(&self, unwritable: Option<StoreError>) {
        if let Some(error) = unwritable {
            self.unwritable.lock().expect("lock poisoned").get_or_insert(error);
            self.is_halted.store(true, Ordering::Release);
        }
    }

    /// Whether an error of the store has ended the run.
    pub(super) fn is_halted(&self) -> bool {
        self.is_halted.load(Ordering::Acquire)
    }

    /// Takes the error of the store that has ended the run.
    pub(crate) fn take_unwritable(&self) -> Option<StoreError> {
        self.unwritable.lock().expect("lock poisoned").take()
    }

    /// Takes the warnings about outputs that do not meet expectations, and those of the executor.
    pub(crate) fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut *self.warnings.lock().expect("lock poisoned"))
    }

    /// Returns the next number for an execution, beginning with 0.
    pub(super) fn number(&self) -> u32 {
        self.executions.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether there is more than the run's own execution: a running task has required others.
    pub(super) fn has_several(&self) -> bool {
        self.executions.load(Ordering::Relaxed) > 1
    }

    /// Returns the lock that tells other processes that this session works in the store.
    pub(crate) fn run_lock(&self) -> Option<&RunLock> {
        self.run_lock.as_deref()
    }

    /// Sends a job to the workers.
    pub(super) fn send_job(&self, job: Job) {
        if let Some(jobs) = &*self.send_jobs.lock().expect("lock poisoned") {
            // The session holds a receiver, so the channel is open.
            let _ = jobs.send(job);
        }
    }

    /// Records that no coordinator answers requests any more, and drops those that it has not received.
    ///
    /// Without a reply, the task of a late request continues as stopped.
    pub(super) fn refuse_requests(&self) {
        self.is_coordinated.store(false, Ordering::Release);
        self.drop_requests();
    }

    /// Sends a request to the coordinator. If it has ended, the request is dropped.
    fn send_request(&self, request: Request) {
        let _ = self.messages.send(Message::Require(request));
        fence(Ordering::SeqCst);
        if !self.is_coordinated.load(Ordering::Acquire) {
            self.drop_requests();
        }
    }

    /// Drops the messages that the coordinator has not received.
    ///
    /// The fence orders the flag and the messages: either this call receives a request, or its sender sees that requests
    /// are refused.
    fn drop_requests(&self) {
        fence(Ordering::SeqCst);
        self.received.try_iter().for_each(drop);
    }

    /// Ends the workers, once they have settled the jobs that were sent.
    pub(super) fn close_jobs(&self) {
        self.send_jobs.lock().expect("lock poisoned").take();
    }

    /// Waits for the reply to a request of a running task.
    ///
    /// If the calling thread of the run is its only worker, it settles other instances meanwhile.
    fn wait_for(&self, replied: &Receiver<Reply>) -> Option<Reply> {
        if !self.on_caller {
            return replied.recv().ok();
        }
        loop {
            crossbeam_channel::select! {
                recv(replied) -> reply => return reply.ok(),
                recv(self.jobs) -> job => match job {
                    Ok(job) => drop(worker::settle(job, &self.messages)),
                    // The coordinator has ended.
                    Err(_) => return replied.recv().ok(),
                },
            }
        }
    }

    pub(crate) fn was_forced(&self, key: Key) -> bool {
        self.forced.lock().expect("lock poisoned").contains(&key)
    }

    pub(super) fn set_forced(&self, key: Key) {
        self.forced.lock().expect("lock poisoned").insert(key);
    }
}

/// A semaphore that bounds the number of threads that work at the same time.
pub(crate) struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    pub(super) fn new(slots: usize) -> Self {
        Self { free: Mutex::new(slots), freed: Condvar::new() }
    }

    /// Waits until this many slots are free, and takes them.
    pub(super) fn take(&self, slots: usize) {
        let free = self.free.lock().expect("lock poisoned");
        let mut free = self.freed.wait_while(free, |free| *free < slots).expect("lock poisoned");
        *free -= slots;
    }

    pub(super) fn give(&self, slots: usize) {
        if slots > 0 {
            *self.free.lock().expect("lock poisoned") += slots;
            self.freed.notify_all();
        }
    }

    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        *self.free.lock().expect("lock poisoned")
    }
}

/// A request of a running task that further tasks be run.
pub(crate) struct Request {
    /// The running instance that waits, with the number of its execution.
    pub(super) by: At,
    /// The number of its job.
    pub(super) number: u64,
    /// The execution of the required plan.
    pub(super) execution: Arc<Execution>,
    pub(super) reply: Sender<Reply>,
}

/// The result of running a required plan.
pub(crate) struct Reply {
    /// For each root, whether its output exists.
    pub(crate) roots: Vec<Result<(), Unmade>>,
    /// Whether an output now has other content than the plan relied on.
    pub(crate) outdated: bool,
}

/// Why the output of a required instance does not exist.
#[derive(Clone, Debug)]
pub(crate) enum Unmade {
    /// The instance or something upstream of it failed.
    Failed(String),
    /// The instance waits for the instance that requires it. The labels are those along the cycle.
    Cycle(Vec<String>),
    /// The execution was stopped.
    Stopped,
    /// The operating system refused to start another thread.
    Thread(String),
}

impl Execution {
    /// Runs a plan that a running instance requires, and waits for its roots.
    ///
    /// Without a coordinator, as when outputs are only compared or an instance is debugged, every root fails.
    pub(crate) fn require(
        &self,
        node: NodeIndex,
        plan: Arc<Plan>,
        control: &Control,
    ) -> (Arc<Self>, Reply) {
        // If the task takes too long, what it requires is stopped with it.
        let (stopper, reporter) = (control.stopper.clone(), Arc::clone(&self.reporter));
        let required = Self::within(&self.session, plan, stopper, reporter, self.around(node));
        if !self.session.is_coordinated.load(Ordering::Acquire) {
            let alone = self.session.alone;
            let error = format!("its output does not exist, and no other task is run {alone}");
            let unmade = Err(Unmade::Failed(error));
            let roots = vec![unmade; required.plan.graph.roots.len()];
            return (required, Reply { roots, outdated: false });
        }
        let (reply, replied) = bounded(1);
        let execution = Arc::clone(&required);
        let (by, number) = ((self.id, node), control.number);
        let request = Request { by, number, execution, reply };
        self.session.send_request(request);
        control.begin_waiting(&self.session.slots);
        let reply = self.session.wait_for(&replied);
        control.end_waiting(&self.session.slots);
        // The coordinator replies to every request as long as an instance runs, so a missing reply means a stop.
        let stopped = || Reply {
            roots: vec![Err(Unmade::Stopped); required.plan.graph.roots.len()],
            outdated: false,
        };
        let reply = reply.unwrap_or_else(stopped);
        (required, reply)
    }
}
