//! Runs in the background: [`Flow::spawn`] and [`RunHandle`].
//!
//! A spawned run is [`Flow::run`] on a thread of its own. Its flow has a child of the flow's stopper, so that stopping
//! the run stops no other run. The thread keeps the result in [`Shared`], wakes the task that awaits it, and ends. Nothing
//! depends on an async runtime: a handle is a future because `std` defines what a future is.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};

use crate::base::stop::Stopper;
use crate::engine::nested::Enclosing;
use crate::flow::error::Error;
use crate::flow::summary::Summary;
use crate::flow::{Flow, Roots, Subgraph};
use crate::plan::variant::Root;

/// The stack size of the thread of a run, in bytes: that of a main thread, because it calls code of tasks.
const STACK: usize = 8 << 20;

impl Flow {
    /// Starts a run on a thread of its own, and returns a handle on it.
    ///
    /// The run does the same as [`run`](Self::run). The handle is a future, for programs with an async runtime, and
    /// [`join`](RunHandle::join) waits without one. A handle that is dropped stops its run.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn square(n: u64) -> u64 {
    ///     n * n
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let flow = Flow::open(folder)?.quiet();
    /// let (three, four) = (flow.with(square::N, 3), flow.with(square::N, 4));
    /// let runs = [three.spawn::<square>(), four.spawn::<square>()];
    /// for run in runs {
    ///     assert_eq!(run.join()?.ran().len(), 1);
    /// }
    /// assert_eq!((*three.load::<square>()?, *four.load::<square>()?), (9, 16));
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn<R: Roots + 'static>(&self) -> RunHandle {
        self.spawn_run(|flow| flow.run::<R>())
    }

    /// Calls a function on a thread of its own, with this flow, whose runs the handle stops.
    fn spawn_run(
        &self,
        run: impl FnOnce(&Self) -> Result<Summary, Error> + Send + 'static,
    ) -> RunHandle {
        let stopper = self.stopper.child();
        let flow = Self { stopper: stopper.clone(), ..self.clone() };
        let shared = Arc::<Shared>::default();
        let at_end = Arc::clone(&shared);
        // A task that waits for the run would wait forever if the run needed it.
        let enclosing = Enclosing::of_this_thread();
        let work = move || {
            let _entered = enclosing.enter();
            // The flow is dropped before the result can be taken, so that nothing of the run remains then.
            let result = catch_unwind(AssertUnwindSafe(move || run(&flow)));
            at_end.finish(result);
        };
        let builder = thread::Builder::new().name("flow-run".to_owned()).stack_size(STACK);
        let thread = match builder.spawn(work) {
            Ok(thread) => Some(thread),
            Err(error) => {
                shared.finish(Ok(Err(Error::Thread(error))));
                None
            }
        };
        RunHandle { shared, stopper, thread }
    }
}

impl<R> Subgraph<R> {
    /// Starts [`run`](Self::run) on a thread of its own, as [`Flow::spawn`] does, also for roots that are named at run time.
    ///
    /// ```standalone_crate
    /// use flow::prelude::*;
    /// use flow::task::TaskInfo;
    ///
    /// #[task(target = Json<u64>)]
    /// fn answer() -> u64 {
    ///     42
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// let run = flow.graph_of([TaskInfo::named("answer")?]).spawn();
    /// assert_eq!(run.join()?.ran().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(&self) -> RunHandle {
        let roots = self.roots.clone();
        self.flow.spawn_run(move |flow| {
            let roots: Vec<_> = roots.into_iter().map(Root::from).collect();
            flow.run_of(&roots)
        })
    }
}

/// A run in the background, started by [`Flow::spawn`].
///
/// It is a [`Future`], whose output is what [`Flow::run`] returns. It works with every async runtime, and the runtime's
/// threads are free while the run is in progress.
///
/// Dropping the handle stops the run, as [`stop`](Self::stop) does, and does not wait for it: running tasks continue to
/// their end or to their next [`checkpoint`](crate::Cx::checkpoint), and their outputs are committed. So a run is
/// canceled with the future that awaits it, such as a request whose client has gone, and a later run continues from
/// there. A run that is still being planned when it is stopped starts no task. To let a run go on without its handle,
/// move the handle to a thread that joins it.
///
/// The panic of a task fails that task, as in every run. A panic of other code, such as that of a file system, is
/// resumed by [`join`](Self::join) and by awaiting the handle.
#[must_use = "the run stops when its handle is dropped"]
pub struct RunHandle {
    shared: Arc<Shared>,
    stopper: Stopper,
    /// The thread of the run; `None` if it could not be started, or was joined.
    thread: Option<JoinHandle<()>>,
}

/// The result of a run, or the panic that ended it.
type Ended = Result<Result<Summary, Error>, Box<dyn Any + Send>>;

/// The state that a handle shares with the thread of its run.
#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    ended: Option<Ended>,
    /// Whether the run has ended; also after the result was taken.
    is_finished: bool,
    /// Wakes the task that polled the handle last.
    waker: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("lock poisoned")
    }

    fn finish(&self, ended: Ended) {
        let waker = {
            let mut state = self.state();
            state.ended = Some(ended);
            state.is_finished = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl RunHandle {
    /// Waits for the end of the run, and returns what [`Flow::run`] returns.
    ///
    /// In an async function, await the handle instead: `join` blocks the thread.
    ///
    /// # Errors
    ///
    /// The same as [`Flow::run`]. If the run was stopped, the error is [`Error::Failed`] with the summary.
    ///
    /// # Panics
    ///
    /// The handle was polled before, and has returned the result of the run.
    pub fn join(mut self) -> Result<Summary, Error> {
        if let Some(thread) = self.thread.take() {
            // The thread catches each panic, and has stored its result.
            let _ = thread.join();
        }
        let ended = self.shared.state().ended.take();
        result(ended.expect("result not taken"))
    }

    /// Stops this run, and no other run of the flow.
    ///
    /// Running tasks continue to their end or to their next [`checkpoint`](crate::Cx::checkpoint), and no other task
    /// starts. Wait for the handle to find out what became of the run.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// Returns whether the run has ended, so that waiting for it takes no time.
    pub fn is_finished(&self) -> bool {
        self.shared.state().is_finished
    }
}

/// Returns the result of a run, or resumes the panic that ended it.
fn result(ended: Ended) -> Result<Summary, Error> {
    ended.unwrap_or_else(|panic| resume_unwind(panic))
}

impl Future for RunHandle {
    type Output = Result<Summary, Error>;

    /// # Panics
    ///
    /// The handle was polled after it had returned its result.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = {
            let mut state = self.shared.state();
            assert!(
                state.ended.is_some() || !state.is_finished,
                "a `RunHandle` was polled after it had returned the result of its run"
            );
            if state.ended.is_none() {
                match &mut state.waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    none => *none = Some(context.waker().clone()),
                }
            }
            state.ended.take()
        };
        match ended {
            Some(ended) => Poll::Ready(result(ended)),
            None => Poll::Pending,
        }
    }
}

impl Drop for RunHandle {
    fn drop(&mut self) {
        // A run that has ended is not affected, and no other run has this stopper.
        self.stopper.stop();
    }
}

impl fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunHandle")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
