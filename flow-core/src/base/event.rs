//! Events: the progress of a run.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use crate::base::panics;

/// An event of a run, which an observer receives: [`Flow::observe`](crate::Flow::observe).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An instance is done: it ran, reused an output, did not have to run, or failed.
    ///
    /// An instance that cannot run, because one upstream of it failed, has no event.
    Settled {
        /// The instance, such as `Train {model: Logistic}`.
        instance: String,
        /// The result, such as `ran in 3 ms`.
        what: String,
        /// The number of this event: 1 for the first instance of the run that is done.
        settled: usize,
        /// The number of such events that are expected, as far as known.
        ///
        /// It grows if running tasks require others, and shrinks if instances cannot run.
        of: usize,
    },
    /// A running task reports its progress.
    Progress {
        /// The name of the task.
        task: String,
        /// The message of the task.
        message: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settled { instance, what, settled, of } => {
                write!(f, "[{settled}/{of}] {instance} {what}")
            }
            Self::Progress { task, message } => write!(f, "{task}: {message}"),
        }
    }
}

/// The receiver of events.
#[derive(Clone, Default)]
pub(crate) enum Progress {
    /// Prints a line for each event to the standard error.
    #[default]
    Lines,
    Quiet,
    Observer(Arc<Observer>),
}

/// The observer of one run.
pub(crate) struct Observer {
    observe: Arc<dyn Fn(&Event) + Send + Sync>,
    /// The message of the observer's panic. After a panic it receives no more events.
    panicked: OnceLock<String>,
}

impl Progress {
    /// Returns an observer that passes events to `observe`.
    pub(crate) fn observer(observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let (observe, panicked) = (Arc::new(observe) as _, OnceLock::new());
        Self::Observer(Arc::new(Observer { observe, panicked }))
    }

    /// Returns the same receiver for another run, without an earlier panic.
    pub(crate) fn for_run(&self) -> Self {
        match self {
            Self::Lines => Self::Lines,
            Self::Quiet => Self::Quiet,
            Self::Observer(observer) => {
                let (observe, panicked) = (Arc::clone(&observer.observe), OnceLock::new());
                Self::Observer(Arc::new(Observer { observe, panicked }))
            }
        }
    }

    /// Returns the message of the observer's panic, if it panicked.
    pub(crate) fn observer_panic(&self) -> Option<String> {
        let Self::Observer(observer) = self else { return None };
        observer.panicked.get().cloned()
    }

    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        match self {
            // A closed standard error is ignored.
            Self::Lines => drop(writeln!(std::io::stderr(), "{}", event())),
            Self::Quiet => {}
            Self::Observer(observer) if observer.panicked.get().is_some() => {}
            Self::Observer(observer) => {
                // Creating the event may call code of the task. A panic there is not one of the
                // observer.
                let event = event();
                if let Err(message) = panics::catch(|| (observer.observe)(&event)) {
                    let _ = observer.panicked.set(message);
                }
            }
        }
    }
}

/// A duration in seconds, displayed with a fitting unit.
pub(crate) struct Seconds(pub(crate) f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s < 0.001 => write!(f, "{:.0} µs", s * 1e6),
            s if s < 1.0 => write!(f, "{:.1} ms", s * 1e3),
            s if s < 120.0 => write!(f, "{s:.1} s"),
            s => write!(f, "{:.0} min {:.0} s", (s / 60.0).floor(), s % 60.0),
        }
    }
}
