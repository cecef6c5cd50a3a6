//! The server of the page: a thread with a small runtime of its own.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flow_core::{Flow, TaskInfo};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::error::PageError;
use crate::options::PageOptions;
use crate::router::router;
use crate::state::Shared;

/// The threads that send and receive. Views are rendered on others.
const THREADS: usize = 2;

/// How long the end of the server waits for views that are being rendered.
const PATIENCE: Duration = Duration::from_secs(1);

/// A page that is being served, until it is dropped.
#[must_use = "the page is served until this is dropped"]
pub struct PageServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    /// Ends the server.
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl PageServer {
    /// Binds the address, and starts the threads.
    pub(crate) fn start(
        flow: &Flow,
        roots: Vec<TaskInfo>,
        options: PageOptions,
    ) -> Result<Self, PageError> {
        let wanted = options.socket();
        let bind = |source| PageError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let shared = Shared::new(flow, roots, options, address.port()).map_err(PageError::Token)?;
        let shared = Arc::new(shared);
        let (end, ended) = oneshot::channel();
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("flow-page")
            .enable_all()
            .build()
            .map_err(PageError::Thread)?;
        let served = Arc::clone(&shared);
        let serve = move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    // Errors of single connections do not end it.
                    _ = axum::serve(listener, router(served)).into_future() => {}
                    _ = ended => {}
                }
            });
            // Streams have no end of their own.
            runtime.shutdown_timeout(PATIENCE);
        };
        let thread = thread::Builder::new().name("flow-page".to_owned()).spawn(serve);
        let thread = Some(thread.map_err(PageError::Thread)?);
        Ok(Self { shared, address, end: Some(end), thread })
    }

    /// Returns the address on which the page is served.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address for a browser, with the token. Anyone who has it can open the page and use its actions.
    pub fn url(&self) -> String {
        let host = match self.address.ip() {
            // No browser can open the address of all interfaces.
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let host = SocketAddr::new(host, self.address.port());
        format!("http://{host}/?token={}", self.shared.token.text())
    }

    /// Starts a run of the roots in the background, which the page shows while it lasts and can stop. Returns `false` if a
    /// run that this method or the page has started is in progress.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub fn start_run(&self) -> Result<bool, PageError> {
        self.shared.start_run().map_err(PageError::Thread)
    }

    /// Asks the run in progress to stop. Running tasks continue to their end or to their next
    /// [`checkpoint`](flow_core::Cx::checkpoint).
    pub fn stop_run(&self) {
        self.shared.stop_run();
    }

    /// Returns whether a run is in progress that [`start_run`](Self::start_run) or the page has started.
    pub fn is_running(&self) -> bool {
        self.shared.has_run()
    }

    /// Waits until no run of the page is in progress.
    pub fn wait_for_run(&self) {
        self.shared.wait_for_run();
    }

    /// Waits until the server ends, which it does only if its thread fails.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            // The thread has reported its panic.
            let _ = thread.join();
        }
    }
}

impl Drop for PageServer {
    /// Stops the run in progress, waits for it, and ends the server. No request begins another run.
    fn drop(&mut self) {
        self.shared.close();
        if let Some(end) = self.end.take() {
            // A server that has ended receives nothing.
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for PageServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageServer").field("address", &self.address).finish_non_exhaustive()
    }
}
