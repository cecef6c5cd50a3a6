//! The private runtime of all object stores of a process.
//!
//! [`Remote`](flow_core::Remote) is synchronous, and the crate `object_store` is not. A request is a task of a small tokio
//! runtime, and the calling thread waits for its result. The runtime is not that of the caller, so that a remote can be
//! used from an async program, too. It is created by the first request, and lives as long as the process.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, Runtime};
use tokio::task::AbortHandle;

/// Requests mostly wait for the network, so that few threads are enough.
const THREADS: usize = 2;

fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Result<Runtime, io::Error>> = OnceLock::new();
    let create = || {
        Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("flow-remote")
            .enable_all()
            .build()
    };
    match RUNTIME.get_or_init(create) {
        Ok(runtime) => Ok(runtime),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// A request in progress.
pub(crate) struct Pending<T>(Receiver<T>);

impl<T> Pending<T> {
    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// The request panicked.
    pub(crate) fn wait(self) -> io::Result<T> {
        self.0.recv().map_err(|_| io::Error::other("a request to the object store panicked"))
    }
}

/// Starts a request.
pub(crate) fn start<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
) -> io::Result<Pending<T>> {
    let (sender, receiver) = sync_channel(1);
    runtime()?.spawn(async move {
        // There is room for the result. If nothing waits for it any more, it is not needed.
        let _ = sender.send(request.await);
    });
    Ok(Pending(receiver))
}

/// Starts a task that ends when it is aborted.
pub(crate) fn start_in_background(
    task: impl Future<Output = ()> + Send + 'static,
) -> io::Result<AbortHandle> {
    Ok(runtime()?.spawn(task).abort_handle())
}

/// Sends a request and waits for its result.
pub(crate) fn run<T: Send + 'static>(
    request: impl Future<Output = T> + Send + 'static,
) -> io::Result<T> {
    start(request)?.wait()
}
