//! The log of a running task: lines of [`Cx::log`], the output of its programs, and events of `tracing` and `log`.
//!
//! All of them go through [`RunLog::write`]. Events are emitted without a context at hand, so the log of the task that
//! runs on a thread is found through a thread-local variable: it is set while the task runs, and a
//! [`LogScope`] sets it on threads that the task starts itself.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::{Attempt, Cx, Host, TaskReport};
use crate::base::error::StoreError;
use crate::task::Task;

thread_local! {
    /// The log of the task that runs on this thread.
    static CURRENT: RefCell<Option<Arc<RunLog>>> = const { RefCell::new(None) };
    /// Whether this thread is writing a log: an event that is emitted meanwhile is not logged.
    static WRITING: Cell<bool> = const { Cell::new(false) };
}

/// The log of a running task, with the receiver of its live lines.
pub(crate) struct RunLog {
    attempt: Arc<Attempt>,
    /// The running instance. A scope that outlives the run does not keep it.
    host: Weak<dyn Host>,
    /// Whether an error of writing a line was reported.
    has_failed: AtomicBool,
}

impl RunLog {
    pub(super) fn new(attempt: &Arc<Attempt>, host: &Arc<dyn Host>) -> Self {
        let (attempt, host) = (Arc::clone(attempt), Arc::downgrade(host));
        Self { attempt, host, has_failed: AtomicBool::new(false) }
    }

    pub(super) fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.attempt.log().path()
    }

    /// Appends one or more lines, or a piece of a long line.
    ///
    /// # Errors
    ///
    /// The log cannot be written.
    pub(crate) fn write(&self, text: &[u8]) -> Result<(), StoreError> {
        let _writing = Writing::begin();
        if self.host.upgrade().is_some_and(|host| host.forward_log(text)) {
            return Ok(());
        }
        self.report(text);
        self.attempt.log().write(text)
    }

    /// Reports lines to those who watch the run.
    ///
    /// All lines of a task pass here.
    fn report(&self, text: &[u8]) {
        let Some(host) = self.host.upgrade() else { return };
        for line in String::from_utf8_lossy(text).lines() {
            host.report(TaskReport::Log(line));
        }
    }

    /// Appends a message with the time. If it has several lines, those after the first are indented.
    ///
    /// A task does not fail because its log cannot be written. The first such error is reported as progress.
    pub(super) fn line(&self, message: impl Display) {
        let text = message.to_string();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        let mut line = format!("{:.3} {first}\n", jiff::Timestamp::now());
        for next in lines {
            line.extend(["  ", next, "\n"]);
        }
        let Err(error) = self.write(line.as_bytes()) else { return };
        if let Some(host) = self.host.upgrade()
            && !self.has_failed.swap(true, Ordering::Relaxed)
        {
            host.report(TaskReport::Status(&format_args!("its log is incomplete: {error}")));
        }
    }

    /// Makes this the log of the current thread.
    pub(crate) fn enter(self: &Arc<Self>) -> LogEntered {
        let before = CURRENT.try_with(|current| current.replace(Some(Arc::clone(self))));
        LogEntered { before: before.ok().flatten(), not_send: PhantomData }
    }

    /// Makes this the log of the current thread while the task runs. The log ends when the guard is dropped.
    pub(crate) fn enter_task(self: &Arc<Self>) -> TaskEntered {
        TaskEntered { log: Arc::clone(self), _entered: self.enter() }
    }
}

/// A thread that is writing a log.
struct Writing {
    was: bool,
}

impl Writing {
    fn begin() -> Self {
        Self { was: WRITING.try_with(|writing| writing.replace(true)).unwrap_or(false) }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let _ = WRITING.try_with(|writing| writing.set(self.was));
    }
}

/// Logs an event that was emitted on this thread, if a task runs here.
///
/// `message` is not called otherwise, and neither if the event comes from writing a log, as that of a file system may.
#[cfg(feature = "tracing")]
pub(super) fn log_event(message: impl FnOnce() -> String) {
    if WRITING.try_with(Cell::get).unwrap_or(true) {
        return;
    }
    let current = CURRENT.try_with(|current| current.borrow().clone());
    if let Some(log) = current.ok().flatten() {
        log.line(message());
    }
}

/// The log of a thread while a task runs on it.
pub(crate) struct TaskEntered {
    log: Arc<RunLog>,
    _entered: LogEntered,
}

impl Drop for TaskEntered {
    fn drop(&mut self) {
        // Only the end of a log of more than 64 MiB is written here. A notice in it says that the end follows, and
        // is all there is if this fails.
        let _ = self.log.attempt.log().close();
    }
}

/// The log of a running task, for threads that the task starts itself. [`Cx::log_scope`] returns it.
///
/// It can be cloned and sent to other threads. After the task has ended, its lines are dropped.
#[derive(Clone)]
pub struct LogScope {
    log: Arc<RunLog>,
}

impl LogScope {
    /// Writes a line to the log, as [`Cx::log`] does.
    pub fn log(&self, message: impl Display) {
        self.log.line(message);
    }

    /// Makes this the log of the current thread, until the returned guard is dropped.
    ///
    /// Events of `tracing` and `log` that are emitted on this thread go to the log meanwhile, if the program has
    /// installed the layer or the logger of `flow::log` (cargo feature `tracing`). Guards are dropped in the opposite
    /// order.
    #[must_use = "the scope ends when the guard is dropped"]
    pub fn enter(&self) -> LogEntered {
        self.log.enter()
    }
}

impl fmt::Debug for LogScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogScope").field("path", &self.log.path()).finish_non_exhaustive()
    }
}

/// A guard of [`LogScope::enter`]: when it is dropped, the thread has the log that it had before.
pub struct LogEntered {
    before: Option<Arc<RunLog>>,
    /// It belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl fmt::Debug for LogEntered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogEntered").finish_non_exhaustive()
    }
}

impl Drop for LogEntered {
    fn drop(&mut self) {
        let before = self.before.take();
        // A thread that ends has no thread-local values.
        let _ = CURRENT.try_with(|current| drop(current.replace(before)));
    }
}

/// # Log
///
/// Each instance has a log: a file beside its output with the lines of [`log`](Self::log), the output of
/// [programs](Self::command) and, if the program has installed the layer of `flow::log`, the events of the crates
/// `tracing` and `log` that are emitted while the task runs. It stays if the task fails. If a task is tried again, each
/// attempt has a log of its own.
///
/// ```
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn total(cx: &Cx<total>, #[param(default = 2)] parts: u64) -> Result<u64> {
///     cx.log(format_args!("adding {parts} parts"));
///     ensure!(parts < 10, "too many parts");
///     Ok(parts)
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// flow.run::<total>()?;
/// let log = flow.log::<total>()?.context("a log")?;
/// assert!(log.text().ends_with(" adding 2 parts\n")); // after the time, such as 2026-01-31T12:00:00.123Z
///
/// let many = flow.with(total::PARTS, 10);
/// many.run::<total>().unwrap_err();
/// assert!(many.log::<total>()?.context("a log")?.text().ends_with(" adding 10 parts\n"));
/// # Ok(())
/// # }
/// ```
impl<T: Task> Cx<T> {
    /// Writes a line to the log of the instance, with the time.
    ///
    /// A message of several lines stays together. A log of more than 64 MiB is cut in the middle. Unlike
    /// [`progress`](Self::progress), it prints nothing.
    ///
    /// A task does not fail because its log cannot be written: the first such error is reported as
    /// [progress](crate::Event::Progress).
    pub fn log(&self, message: impl Display) {
        self.base.log.line(message);
    }

    /// Returns the log for threads that the task starts itself.
    ///
    /// The events of `tracing` and `log` on a thread go to the log of the task that runs on it. A thread that a task
    /// starts, or one of a thread pool, runs no task: enter the scope there.
    ///
    /// ```
    /// use flow::prelude::*;
    ///
    /// #[task(target = Json<u64>)]
    /// fn sum(cx: &Cx<sum>) -> Result<u64> {
    ///     let scope = cx.log_scope();
    ///     let thread = std::thread::spawn(move || {
    ///         let _entered = scope.enter(); // for `tracing::info!` and `log::info!`
    ///         scope.log("adding on another thread");
    ///         (1..=3).sum()
    ///     });
    ///     thread.join().map_err(|_| anyhow!("the thread panicked"))
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// let flow = Flow::open(folder.path())?.quiet();
    /// assert_eq!(*flow.get::<sum>()?, 6);
    /// assert!(flow.log::<sum>()?.context("a log")?.text().ends_with(" adding on another thread\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_scope(&self) -> LogScope {
        LogScope { log: Arc::clone(&self.base.log) }
    }
}
