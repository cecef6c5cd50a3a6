//! Futures in tasks: [`Cx::block_on`].
//!
//! A task is blocking code on a thread of the engine. To call async code, it polls a future on that thread, and waits
//! in between until the future's waker is called. The waker is an ordinary [`Waker`] of the standard library, so that
//! any runtime can wake the task, and this crate needs none.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use crate::task::Task;
use crate::task::cx::Cx;

impl<T: Task> Cx<T> {
    /// Waits for a future on the thread of the task, or until the run is stopped.
    ///
    /// When the run is stopped, the future is dropped, which cancels it, and the error is that of
    /// [`checkpoint`](Self::checkpoint). So a task that waits for a server ends at once.
    ///
    /// The future is polled here, and needs no `Send`. Futures that wait for sockets or timers of a runtime, such as
    /// those of tokio, need that runtime: provide its handle, and enter it in the task. The runtime must be running
    /// meanwhile, on threads of its own or because it waits for the flow: see [`Flow::spawn`](crate::Flow::spawn).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use flow::prelude::*;
    /// use tokio::runtime::Handle;
    ///
    /// #[task(target = Json<u64>, uses(Handle))]
    /// fn answer(cx: &Cx<answer>) -> Result<u64> {
    ///     let _runtime = cx.provided::<Handle>().enter();
    ///     cx.block_on(async {
    ///         tokio::time::sleep(Duration::from_millis(1)).await;
    ///         42
    ///     })
    /// }
    ///
    /// #[tokio::main]
    /// async fn main() -> Result<()> {
    /// #   let folder = tempfile::tempdir()?;
    /// #   let folder = folder.path();
    ///     let flow = Flow::open(folder)?.quiet().provide(Handle::current());
    ///     flow.spawn::<answer>().await?;
    ///     assert_eq!(*flow.load::<answer>()?, 42);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The run was stopped. An error of the future is part of its output: `cx.block_on(fetch())??`.
    pub fn block_on<F: Future>(&self, future: F) -> anyhow::Result<F::Output> {
        let mut future = pin!(future);
        let again = Arc::<PollAgain>::default();
        let on_stop = Arc::clone(&again);
        let _registered = self.base.host.stopper().on_stop(move || on_stop.set());
        let waker = Waker::from(Arc::clone(&again));
        let mut context = Context::from_waker(&waker);
        loop {
            self.checkpoint()?;
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            again.wait();
        }
    }
}

/// Whether the future has to be polled again.
///
/// A condition variable, and not [`std::thread::park`], because code within a future may park the thread too, and would
/// take a wake-up that is meant for the task.
#[derive(Default)]
struct PollAgain {
    is_due: Mutex<bool>,
    due: Condvar,
}

impl PollAgain {
    fn set(&self) {
        *self.is_due.lock().expect("lock poisoned") = true;
        self.due.notify_one();
    }

    /// Waits until the future is due, and takes the notice.
    fn wait(&self) {
        let is_due = self.is_due.lock().expect("lock poisoned");
        let mut is_due = self.due.wait_while(is_due, |is_due| !*is_due).expect("lock poisoned");
        *is_due = false;
    }
}

impl Wake for PollAgain {
    fn wake(self: Arc<Self>) {
        self.set();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set();
    }
}
