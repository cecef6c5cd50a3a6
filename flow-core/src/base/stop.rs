//! Stops runs from another thread: those of a flow, or all runs of this process.
//!
//! A [`Stopper`] stops the runs of a flow and of all flows derived from it. A *child* of a stopper stops one run or one
//! job, and is stopped with its parent. An *interrupt* stops all runs of the process: the facade calls [`interrupt`]
//! when the process receives a signal. Nothing here installs a signal handler.
//!
//! A stop sets a flag, which the engine and tasks read. It also calls the functions that were registered with
//! [`Stopper::on_stop`], so that a thread that waits for something else notices the stop at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};

use crate::base::callbacks::{Callback, Callbacks, Registered};

/// Stops the runs of a flow from any thread, such as the handler of a request.
///
/// Running tasks continue to their end or to their next [`Cx::checkpoint`](crate::Cx::checkpoint); no other
/// task starts. Finished outputs are kept. A run that was started by [`Flow::spawn`](crate::Flow::spawn) can be stopped
/// alone, by its handle. The module `flow::interrupts` stops all runs of a process at Ctrl-C.
#[derive(Clone, Default)]
pub struct Stopper(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_stopped: AtomicBool,
    on_stop: Callbacks<()>,
    /// The stopper that this one is stopped with.
    parent: Option<Stopper>,
}

impl Stopper {
    /// Stops the current run and those that follow.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::SeqCst);
        self.0.on_stop.call(());
    }

    /// Allows the flow to run again.
    pub fn reset(&self) {
        self.0.is_stopped.store(false, Ordering::SeqCst);
    }

    /// Returns whether the flow was stopped, by this handle or because the process was interrupted.
    pub fn is_stopped(&self) -> bool {
        let is_stopped = |stopper: &Self| stopper.0.is_stopped.load(Ordering::Relaxed);
        self.and_parents().any(is_stopped) || interrupted().is_some()
    }

    /// Returns a stopper that is stopped with this one, and does not stop this one.
    pub(crate) fn child(&self) -> Self {
        Self(Arc::new(Inner { parent: Some(self.clone()), ..Inner::default() }))
    }

    fn and_parents(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |stopper| stopper.0.parent.as_ref())
    }

    /// Calls a function when this stopper or a parent stops, or the process is interrupted, until the guard is dropped.
    ///
    /// The function is called on the thread that stops the run, and must not wait. It may be called several times. A
    /// stop before this call does not call it: test [`is_stopped`](Self::is_stopped) afterwards.
    pub(crate) fn on_stop(&self, call: impl Fn() + Send + Sync + 'static) -> Registered {
        let call: Callback<()> = Arc::new(move |()| call());
        let id = INTERRUPTS.add(Arc::clone(&call));
        let mut registered = Registered::new(move || INTERRUPTS.remove(id));
        for stopper in self.and_parents() {
            let (inner, id) = (Arc::clone(&stopper.0), stopper.0.on_stop.add(Arc::clone(&call)));
            registered = registered.and(Registered::new(move || inner.on_stop.remove(id)));
        }
        registered
    }

    /// Counts a run as in progress until the guard is dropped, and calls `wake` when it is to stop.
    ///
    /// `wake` is called as by [`on_stop`](Self::on_stop).
    pub(crate) fn begin_run(&self, wake: impl Fn() + Send + Sync + 'static) -> RunInProgress {
        RUNS.fetch_add(1, Ordering::SeqCst);
        RunInProgress { _wakes: self.on_stop(wake) }
    }
}

impl fmt::Debug for Stopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopper").field("is_stopped", &self.is_stopped()).finish_non_exhaustive()
    }
}

/// A run that is in progress.
#[must_use = "the run counts as ended when this is dropped"]
pub(crate) struct RunInProgress {
    _wakes: Registered,
}

impl Drop for RunInProgress {
    fn drop(&mut self) {
        RUNS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The error of a task that ended at a checkpoint because the run was stopped.
///
/// Such a task was not run. It does not count as failed.
#[derive(Debug, thiserror::Error)]
#[error("the execution was stopped")]
pub(crate) struct Stopped;

/// A signal that asks a process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGHUP`: the terminal was closed.
    Hangup,
    /// `SIGINT`: Ctrl-C was pressed.
    Interrupt,
    /// `SIGTERM`: another program, such as a scheduler, asks the process to end.
    Terminate,
}

impl Signal {
    const ALL: [Self; 3] = [Self::Hangup, Self::Interrupt, Self::Terminate];

    /// Returns the number of the signal, which is the same on all systems.
    pub fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }

    /// Returns the signal of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| i32::from(signal.number()) == number)
    }

    /// Returns the exit code of a program that ends because of the signal: 129, 130 or 143.
    ///
    /// It is 128 plus the number, as shells report it.
    pub fn exit_code(self) -> u8 {
        128 + self.number()
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// The number of the signal that has interrupted the process; 0 if none has.
static SIGNAL: AtomicU8 = AtomicU8::new(0);

/// The number of runs in progress in this process.
static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Called when the process is interrupted.
static INTERRUPTS: Callbacks<()> = Callbacks::new();

/// Stops all runs of this process because of a signal, and those that follow.
pub fn interrupt(signal: Signal) {
    SIGNAL.store(signal.number(), Ordering::SeqCst);
    INTERRUPTS.call(());
}

/// Allows flows to run again after an interrupt.
pub fn clear_interrupt() {
    SIGNAL.store(0, Ordering::SeqCst);
}

/// Returns the signal that has stopped all runs of this process.
pub fn interrupted() -> Option<Signal> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        number => Signal::from_number(i32::from(number)),
    }
}

/// Returns the number of runs in progress in this process.
pub fn runs_in_progress() -> usize {
    RUNS.load(Ordering::SeqCst)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    fn counter() -> (Arc<AtomicU32>, impl Fn() + Send + Sync + 'static) {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let count = move || {
            counted.fetch_add(1, Ordering::SeqCst);
        };
        (calls, count)
    }

    #[test]
    fn a_child_stops_with_its_parent_and_not_the_other_way_around() {
        let parent = Stopper::default();
        let (child, sibling) = (parent.child(), parent.child());
        let grandchild = child.child();
        child.stop();
        assert!(child.is_stopped() && grandchild.is_stopped());
        assert!(!parent.is_stopped() && !sibling.is_stopped());
        parent.stop();
        assert!(sibling.is_stopped());
        parent.reset();
        assert!(!sibling.is_stopped() && child.is_stopped());
    }

    #[test]
    fn a_waker_is_called_until_its_guard_is_dropped() {
        let parent = Stopper::default();
        let child = parent.child();
        let (calls, call) = counter();
        let registered = child.on_stop(call);
        parent.stop();
        child.stop();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        drop(registered);
        parent.stop();
        assert_eq!(calls.load(Ordering::SeqCst), 2);
        // The callbacks hold no reference to it any more.
        assert_eq!(Arc::strong_count(&calls), 1);
    }

    #[test]
    fn a_waker_may_register_and_remove_others() {
        let stopper = Stopper::default();
        let (calls, call) = counter();
        let (of, call) = (stopper.clone(), Arc::new(call));
        let _registered = stopper.on_stop(move || {
            let call = Arc::clone(&call);
            let nested = of.on_stop(move || call());
            of.0.on_stop.remove(u64::MAX);
            drop(nested);
        });
        stopper.stop();
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn signals_have_the_numbers_of_posix() {
        let codes = Signal::ALL.map(|signal| (signal.to_string(), signal.exit_code()));
        let expected = [("SIGHUP", 129), ("SIGINT", 130), ("SIGTERM", 143)];
        assert_eq!(codes, expected.map(|(name, code)| (name.to_owned(), code)));
        for signal in Signal::ALL {
            assert_eq!(Signal::from_number(signal.number().into()), Some(signal));
        }
        assert_eq!(Signal::from_number(9), None);
    }
}
