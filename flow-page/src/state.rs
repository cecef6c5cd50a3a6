//! What all requests share: the flow, its roots, the plan of the moment, and the run in progress.
//!
//! The page does one thing at a time that changes the store: a run, or a reset. `is_busy` is set while it does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use flow_core::jiff::Timestamp;
use flow_core::{Error, Flow, RunHandle, Subgraph, TaskInfo};
use tokio::sync::Semaphore;

use crate::live::Live;
use crate::options::PageOptions;
use crate::planned::Planned;
use crate::snapshot::Snapshot;
use crate::token::Token;

/// The number of requests that plan or read files at the same time.
const WORKING: usize = 4;

/// The number of streams that are open at the same time.
const STREAMS: usize = 64;

/// How often the end of a run is looked for.
const INTERVAL: Duration = Duration::from_millis(20);

/// What all requests share.
pub(crate) struct Shared {
    /// The flow, whose runs `live` observes.
    pub(crate) flow: Flow,
    pub(crate) roots: Vec<TaskInfo>,
    pub(crate) options: PageOptions,
    pub(crate) token: Token,
    /// The port on which the server listens.
    pub(crate) port: u16,
    pub(crate) live: Arc<Live>,
    pub(crate) work: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    /// The graph that the page shows.
    own: Planned,
    /// The graph of the last run, if it had other parameters. Views of single instances find those of this graph, too.
    other: Mutex<Option<Arc<Planned>>>,
    run: Mutex<Option<RunHandle>>,
    /// Whether a run or a reset is in progress, or the end of a run is not noted yet.
    is_busy: AtomicBool,
    /// The number of runs and resets that have begun. It changes only while `is_busy` is set.
    begun: AtomicU64,
    /// Whether the server ends, so that nothing else may begin.
    is_closed: AtomicBool,
    /// What the last reset has removed, and when.
    reset: Mutex<Option<(Timestamp, String)>>,
}

impl Shared {
    pub(crate) fn new(
        flow: &Flow,
        roots: Vec<TaskInfo>,
        options: PageOptions,
        port: u16,
    ) -> io::Result<Self> {
        let live = Arc::new(Live::new());
        let observer = Arc::clone(&live);
        let flow = flow.observe(move |event| observer.note(event));
        Ok(Self {
            own: Planned::new(flow.graph_of(roots.iter().copied())),
            flow,
            roots,
            options,
            token: Token::random()?,
            port,
            live,
            work: Arc::new(Semaphore::new(WORKING)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            other: Mutex::new(None),
            run: Mutex::new(None),
            is_busy: AtomicBool::new(false),
            begun: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            reset: Mutex::new(None),
        })
    }

    /// Returns the name of the cookie that holds the token. Pages on other ports have others.
    pub(crate) fn cookie(&self) -> String {
        format!("flow-page-{}", self.port)
    }

    /// Returns the graph of the roots with the settings of a flow.
    pub(crate) fn graph_of(&self, flow: &Flow) -> Subgraph<TaskInfo> {
        flow.graph_of(self.roots.iter().copied())
    }

    /// Returns the plan of the moment. Requests that come while it is built wait for it.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        self.own.snapshot(self.live.commits(), self.has_run())
    }

    /// Returns the plan of the moment of the last run; `None` if that had the parameters of the page.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub(crate) fn snapshot_of_run(&self) -> Result<Option<Arc<Snapshot>>, Error> {
        let other = lock(&self.other).clone();
        other.map(|other| other.snapshot(self.live.commits(), self.has_run())).transpose()
    }

    /// Starts a run of the roots, unless one is in progress. Returns whether it did.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(crate) fn start_run(self: &Arc<Self>) -> io::Result<bool> {
        self.start(self.own.graph(), String::new(), None, None)
    }

    /// Starts a run of a graph, unless something is in progress, or has begun `since` the plan was made that a person has
    /// confirmed. Returns whether it did.
    ///
    /// `title` says what it is, for the view of the run. `other` is the graph if it has other parameters than the page.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(crate) fn start(
        self: &Arc<Self>,
        graph: &Subgraph<TaskInfo>,
        title: String,
        other: Option<Arc<Planned>>,
        since: Option<Since>,
    ) -> io::Result<bool> {
        // A request that stops the run waits here until the handle of the run is stored.
        let mut run = lock(&self.run);
        if !self.begin(since) {
            return Ok(false);
        }
        self.live.begin(title);
        *lock(&self.other) = other;
        *run = Some(graph.spawn());
        drop(run);
        let shared = Arc::clone(self);
        let waiting = thread::Builder::new().name("flow-page-run".to_owned());
        match waiting.spawn(move || shared.finish_run()) {
            Ok(_) => Ok(true),
            Err(error) => {
                // A handle that is dropped stops its run.
                drop(lock(&self.run).take());
                self.finished(Err(error.to_string()));
                Err(error)
            }
        }
    }

    /// Returns what has begun so far. A plan that is made afterwards is outdated once something else begins.
    pub(crate) fn since(&self) -> Since {
        Since(self.begun.load(Ordering::SeqCst))
    }

    /// Takes the right to change the store. Returns `false` if something is in progress or has begun since then, or the
    /// server ends.
    fn begin(&self, since: Option<Since>) -> bool {
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return false;
        }
        let is_outdated = since.is_some_and(|since| since != self.since());
        let may_begin = !is_outdated && !self.is_closed.load(Ordering::SeqCst);
        if may_begin {
            self.begun.fetch_add(1, Ordering::SeqCst);
        } else {
            self.is_busy.store(false, Ordering::SeqCst);
        }
        may_begin
    }

    /// Waits for the end of the run, and notes how it ended.
    fn finish_run(&self) {
        let is_finished = || lock(&self.run).as_ref().is_none_or(RunHandle::is_finished);
        while !is_finished() {
            thread::sleep(INTERVAL);
        }
        let Some(handle) = lock(&self.run).take() else { return };
        let joined = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| handle.join()));
        self.finished(match joined {
            Ok(Ok(summary)) => Ok(summary.to_string()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the run panicked".to_owned()),
        });
    }

    fn finished(&self, result: Result<String, String>) {
        self.live.end(result);
        self.is_busy.store(false, Ordering::SeqCst);
    }

    /// Calls a function that removes outputs, while no run of the page is in progress, and keeps what it returns for the
    /// view of the actions. Returns `false` without calling it if something is in progress, or has begun `since` the plan was
    /// made that a person has confirmed.
    ///
    /// # Errors
    ///
    /// The function fails.
    pub(crate) fn reset(
        &self,
        since: Since,
        reset: impl FnOnce() -> Result<String, Error>,
    ) -> Result<bool, Error> {
        if !self.begin(Some(since)) {
            return Ok(false);
        }
        let idle = Idle(self);
        let removed = reset();
        drop(idle);
        *lock(&self.reset) = Some((Timestamp::now(), removed?));
        Ok(true)
    }

    /// Returns what the last reset of the page has removed, and when.
    pub(crate) fn last_reset(&self) -> Option<(Timestamp, String)> {
        lock(&self.reset).clone()
    }

    /// Asks the run in progress to stop. Returns whether there is one.
    pub(crate) fn stop_run(&self) -> bool {
        let run = lock(&self.run);
        let Some(handle) = run.as_ref() else { return false };
        handle.stop();
        self.live.stop();
        true
    }

    /// Stops the run in progress, waits for it, and lets nothing else begin.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.stop_run();
        self.wait_for_run();
    }

    /// Returns whether a run or a reset that the page has begun is in progress.
    pub(crate) fn has_run(&self) -> bool {
        self.is_busy.load(Ordering::SeqCst)
    }

    /// Waits until no run of the page is in progress.
    pub(crate) fn wait_for_run(&self) {
        while self.has_run() {
            thread::sleep(INTERVAL);
        }
    }
}

/// The number of runs and resets of the page that had begun before a plan was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Since(u64);

/// Ends a reset when it is dropped, also if the code of the reset panics.
struct Idle<'a>(&'a Shared);

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        // Removed outputs change every plan. An error may have come after the first of them.
        self.0.own.forget();
        if let Some(other) = &*lock(&self.0.other) {
            other.forget();
        }
        self.0.is_busy.store(false, Ordering::SeqCst);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_from_before_another_action_begins_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let flow = Flow::open(folder.path()).expect("a store").quiet();
        let shared = Shared::new(&flow, Vec::new(), PageOptions::new(), 0);
        let shared = Arc::new(shared.expect("random numbers exist"));
        let planned = shared.since();
        assert!(shared.reset(planned, || Ok("first".to_owned())).expect("it is reset"));
        // Another browser has confirmed a plan that was made at the same time.
        assert!(!shared.reset(planned, || Ok("second".to_owned())).expect("it is refused"));
        let graph = shared.graph_of(&shared.flow);
        assert!(!shared.start(&graph, String::new(), None, Some(planned)).expect("threads start"));
        assert_eq!(shared.last_reset().map(|(_, removed)| removed), Some("first".to_owned()));
        assert!(!shared.has_run());
        assert!(shared.reset(shared.since(), || Ok("third".to_owned())).expect("it is reset"));
    }
}
