//! A session: what all executions share that one run leads to.
//!
//! A task that requires others while it runs waits for an execution of their plan. Its workers are
//! those of the run: a task that runs holds a *slot*, of which there are as many as the run has
//! workers, and gives it back while it waits. So a run on one worker goes on, and there are never
//! more tasks at work than workers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use daggy::NodeIndex;

use crate::base::key::Key;
use crate::engine::Execution;
use crate::engine::dedup::BeingMade;
use crate::engine::message::Message;
use crate::plan::Plan;
use crate::plan::dynamic::AllKnown;
use crate::store::limit::Limits;
use crate::store::run_lock::RunLock;

/// What all executions of a run share.
pub(crate) struct Session {
    slots: Slots,
    pub(super) messages: Sender<Message>,
    pub(super) received: Receiver<Message>,
    executions: AtomicU32,
    /// What was to run although it was complete, and has.
    forced: Mutex<HashSet<Key>>,
    /// What was found out of what is required while tasks run.
    pub(crate) known: Arc<AllKnown>,
    /// How many instances have been settled, and how many are to be.
    pub(super) settled: AtomicUsize,
    pub(super) open: AtomicUsize,
    /// What the instances of the run's own plan are made from.
    pub(super) being_made: BeingMade,
    /// How many earlier versions are kept.
    pub(super) limits: Limits,
    /// What tells others that it is under way, if it has anything to do.
    pub(super) run_lock: Option<RunLock>,
    /// Whether a coordinator answers those that require something.
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
            being_made: BeingMade::default(),
            limits,
            run_lock,
            is_coordinated: AtomicBool::new(false),
        })
    }

    /// A number for an execution; the first one is 0.
    pub(super) fn number(&self) -> u32 {
        self.executions.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether anything was required while a task ran.
    pub(super) fn has_several(&self) -> bool {
        self.executions.load(Ordering::Relaxed) > 1
    }

    /// Waits until a task may run; it may as long as it holds what this gives.
    pub(super) fn slot(&self) -> Slot<'_> {
        self.slots.take();
        Slot(&self.slots)
    }

    pub(crate) fn was_forced(&self, key: Key) -> bool {
        self.forced.lock().expect("no panic while it is looked up").contains(&key)
    }

    pub(super) fn set_forced(&self, key: Key) {
        self.forced.lock().expect("no panic while it is noted").insert(key);
    }
}

/// How many tasks may run.
struct Slots {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Slots {
    fn take(&self) {
        let free = self.free.lock().expect("no panic while slots are counted");
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .expect("no panic while slots are counted");
        *free -= 1;
    }

    fn give(&self) {
        *self.free.lock().expect("no panic while slots are counted") += 1;
        self.freed.notify_one();
    }
}

/// The right to run a task.
pub(super) struct Slot<'a>(&'a Slots);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.give();
    }
}

/// How many threads of one running task wait: the first one gives the task's slot back, and the last
/// one takes one again.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<usize>);

impl Waiting {
    fn begin(&self, slots: &Slots) {
        let mut waiting = self.0.lock().expect("no panic while threads are counted");
        if *waiting == 0 {
            slots.give();
        }
        *waiting += 1;
    }

    fn end(&self, slots: &Slots) {
        let mut waiting = self.0.lock().expect("no panic while threads are counted");
        *waiting -= 1;
        if *waiting == 0 {
            slots.take();
        }
    }
}

/// What the coordinator is asked for by a task that waits.
pub(crate) struct Request {
    /// The running instance, and its execution.
    pub(super) by: (u32, NodeIndex),
    /// What has to be made for it.
    pub(super) execution: Arc<Execution>,
    pub(super) reply: Sender<Reply>,
}

/// What came of the roots of a plan that was required.
pub(crate) struct Reply {
    pub(crate) roots: Vec<Result<(), Unmade>>,
    /// Whether something has other content than the plan relied on.
    pub(crate) outdated: bool,
}

/// Why something that was required is not there.
#[derive(Clone, Debug)]
pub(crate) enum Unmade {
    /// It, or what it requires, failed.
    Failed(String),
    /// It waits for the one that requires it.
    Cycle(Vec<String>),
    /// The execution was stopped.
    Stopped,
    /// There are too many threads already.
    Thread(String),
}

impl Execution {
    /// Has an instance that is running wait for the roots of a plan.
    pub(crate) fn require(
        &self,
        node: NodeIndex,
        plan: Arc<Plan>,
        waiting: &Waiting,
    ) -> (Arc<Self>, Reply) {
        let required =
            Self::in_session(&self.session, plan, self.stopper.clone(), self.progress.clone());
        if !self.session.is_coordinated.load(Ordering::Acquire) {
            let alone = "what it requires while it runs is not there, and nothing else is made now";
            let unmade = Err(Unmade::Failed(alone.to_owned()));
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
        // The coordinator answers as long as anything runs.
        let stopped = || Reply {
            roots: vec![Err(Unmade::Stopped); required.plan.graph.roots.len()],
            outdated: false,
        };
        let reply = reply.unwrap_or_else(stopped);
        (required, reply)
    }
}
