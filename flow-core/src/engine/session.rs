//! A session: the state that all executions of one run share.
//!
//! A task that requires further tasks while it runs waits for an execution of their plan. That execution uses the
//! workers of the run. A running task holds a *slot*; there are as many slots as workers. The task
//! releases its slot while it waits and takes one again afterwards. So a run with one worker cannot deadlock, and
//! never more tasks work at the same time than there are workers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use daggy::NodeIndex;

use crate::base::key::Key;
use crate::engine::Execution;
use crate::engine::dedup::RunningFingerprints;
use crate::engine::message::Message;
use crate::plan::Plan;
use crate::plan::dynamic::AllKnown;
use crate::store::limit::Limits;
use crate::store::run_lock::RunLock;

/// The state that all executions of a run share.
pub(crate) struct Session {
    slots: Slots,
    pub(super) messages: Sender<Message>,
    pub(super) received: Receiver<Message>,
    executions: AtomicU32,
    /// The forced instances that have run. `force` applies once per run, wherever an instance is required.
    forced: Mutex<HashSet<Key>>,
    /// A cache of verdicts on instances that running tasks have required.
    pub(crate) known: Arc<AllKnown>,
    /// The number of instances that have been settled and reported in an event.
    pub(super) settled: AtomicUsize,
    /// The number of instances that were opened, settled ones included, without those that are not reported.
    pub(super) open: AtomicUsize,
    /// The fingerprints of the running instances of the run's own plan.
    pub(super) running_fingerprints: RunningFingerprints,
    /// The number of earlier versions to keep.
    pub(super) limits: Limits,
    /// The lock that tells other processes that this run is under way; `None` if the run has nothing to do.
    pub(super) run_lock: Option<RunLock>,
    /// Whether a coordinator is running, which answers requests.
    pub(super) is_coordinated: AtomicBool,
}

impl Session {
    pub(crate) fn new(workers: usize, limits: Limits, run_lock: Option<RunLock>) -> Arc<Self> {
        let (messages, received) = unbounded();
        Arc::new(Self {
            slots: Slots { free: Mutex::new(workers.max(1)), freed: Condvar::new() },
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
            is_coordinated: AtomicBool::new(false),
        })
    }

    /// Returns the next number for an execution, beginning with 0.
    pub(super) fn number(&self) -> u32 {
        self.executions.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether there is more than the run's own execution: a running task has required others.
    pub(super) fn has_several(&self) -> bool {
        self.executions.load(Ordering::Relaxed) > 1
    }

    /// Waits for a free slot, which is released when the returned guard is dropped.
    pub(super) fn slot(&self) -> Slot<'_> {
        self.slots.take();
        Slot(&self.slots)
    }

    pub(crate) fn was_forced(&self, key: Key) -> bool {
        self.forced.lock().expect("lock poisoned").contains(&key)
    }

    pub(super) fn set_forced(&self, key: Key) {
        self.forced.lock().expect("lock poisoned").insert(key);
    }
}

/// A semaphore that bounds the number of tasks that run at the same time.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    fn take(&self) {
        let free = self.free.lock().expect("lock poisoned");
        let mut free = self.freed.wait_while(free, |free| *free == 0).expect("lock poisoned");
        *free -= 1;
    }

    fn give(&self) {
        *self.free.lock().expect("lock poisoned") += 1;
        self.freed.notify_one();
    }
}

/// A slot that is held: the right to run a task.
pub(super) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// The number of waiting threads of one running task.
///
/// A task may call `require` on several threads. The first thread that waits releases the task's slot, and the last
/// one that ends waiting takes a slot again.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<usize>);

impl Waiting {
    fn begin(&self, slots: &Slots) {
        let mut waiting = self.0.lock().expect("lock poisoned");
        if *waiting == 0 {
            slots.give();
        }
        *waiting += 1;
    }

    fn end(&self, slots: &Slots) {
        let mut waiting = self.0.lock().expect("lock poisoned");
        *waiting -= 1;
        if *waiting == 0 {
            slots.take();
        }
    }
}

/// A request of a running task that further tasks be run.
pub(crate) struct Request {
    /// The running instance that waits, with the number of its execution.
    pub(super) by: (u32, NodeIndex),
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
    /// Without a coordinator, as when outputs are only compared, every root fails.
    pub(crate) fn require(
        &self,
        node: NodeIndex,
        plan: Arc<Plan>,
        waiting: &Waiting,
    ) -> (Arc<Self>, Reply) {
        let required =
            Self::in_session(&self.session, plan, self.stopper.clone(), self.progress.clone());
        if !self.session.is_coordinated.load(Ordering::Acquire) {
            let error = "its output does not exist, and no other task is run during a comparison";
            let unmade = Err(Unmade::Failed(error.to_owned()));
            let roots = vec![unmade; required.plan.graph.roots.len()];
            return (required, Reply { roots, outdated: false });
        }
        let (reply, replied) = bounded(1);
        let execution = Arc::clone(&required);
        let request = Request { by: (self.id, node), execution, reply };
        let sent = self.session.messages.send(Message::Require(request));
        waiting.begin(&self.session.slots);
        let reply = sent.ok().and_then(|()| replied.recv().ok());
        waiting.end(&self.session.slots);
        // The coordinator replies to every request as long as an instance runs, so a missing reply means a stop.
        let stopped = || Reply {
            roots: vec![Err(Unmade::Stopped); required.plan.graph.roots.len()],
            outdated: false,
        };
        let reply = reply.unwrap_or_else(stopped);
        (required, reply)
    }
}
