//! What all requests share: the flow, its roots, the plan of the moment, and the run in progress.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use flow_core::{Error, Flow, RunHandle, Subgraph, TaskInfo};
use tokio::sync::Semaphore;

use crate::live::Live;
use crate::options::PageOptions;
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
    snapshot: Mutex<Option<Arc<Snapshot>>>,
    run: Mutex<Option<RunHandle>>,
    /// Whether a run is in progress, or its end is not noted yet.
    is_busy: AtomicBool,
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
        Ok(Self {
            flow: flow.observe(move |event| observer.note(event)),
            roots,
            options,
            token: Token::random()?,
            port,
            live,
            work: Arc::new(Semaphore::new(WORKING)),
            streams: Arc::new(Semaphore::new(STREAMS)),
            snapshot: Mutex::new(None),
            run: Mutex::new(None),
            is_busy: AtomicBool::new(false),
        })
    }

    /// Returns the name of the cookie that holds the token. Pages on other ports have others.
    pub(crate) fn cookie(&self) -> String {
        format!("flow-page-{}", self.port)
    }

    fn graph(&self) -> Subgraph<TaskInfo> {
        self.flow.graph_of(self.roots.iter().copied())
    }

    /// Returns the plan of the moment. Requests that come while it is built wait for it.
    ///
    /// # Errors
    ///
    /// Planning fails, or the store cannot be read.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        let mut kept = lock(&self.snapshot);
        let commits = self.live.commits();
        if let Some(snapshot) =
            kept.as_ref().filter(|snapshot| snapshot.is_fresh(commits, self.has_run()))
        {
            return Ok(Arc::clone(snapshot));
        }
        // Two plans of a large graph would need twice the memory.
        *kept = None;
        let snapshot = Arc::new(Snapshot::take(&self.graph(), commits)?);
        *kept = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    /// Starts a run of the roots, unless one is in progress. Returns whether it did.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(crate) fn start_run(self: &Arc<Self>) -> io::Result<bool> {
        if self.is_busy.swap(true, Ordering::SeqCst) {
            return Ok(false);
        }
        self.live.begin();
        *lock(&self.run) = Some(self.graph().spawn());
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

    /// Asks the run in progress to stop. Returns whether there is one.
    pub(crate) fn stop_run(&self) -> bool {
        let run = lock(&self.run);
        let Some(handle) = run.as_ref() else { return false };
        handle.stop();
        self.live.stop();
        true
    }

    /// Returns whether a run that the page has begun is in progress.
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked is replaced as a whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
