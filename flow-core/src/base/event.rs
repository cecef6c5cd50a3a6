//! Telling how an execution goes.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, OnceLock};

use crate::base::panics;

/// Something that happened during an execution.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// An instance was settled.
    Settled {
        /// Which one, such as `Train {model: Logistic}`.
        instance: String,
        /// What became of it, such as `ran in 3 ms`.
        what: String,
        /// How many of the instances that were not complete have been settled.
        settled: usize,
        /// How many there are, as far as is known.
        of: usize,
    },
    /// A running task says how it goes.
    Progress {
        /// The name of the task.
        task: String,
        /// What it says.
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

/// Where events go.
#[derive(Clone, Default)]
pub(crate) enum Progress {
    /// A line each on the standard error.
    #[default]
    Lines,
    Quiet,
    Observer(Arc<Observer>),
}

/// An observer in one run.
pub(crate) struct Observer {
    observe: Arc<dyn Fn(&Event) + Send + Sync>,
    /// The message of its panic: it receives no events after one.
    panicked: OnceLock<String>,
}

impl Progress {
    /// Events go to an observer.
    pub(crate) fn observer(observe: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        let (observe, panicked) = (Arc::new(observe) as _, OnceLock::new());
        Self::Observer(Arc::new(Observer { observe, panicked }))
    }

    /// The same for another run, whatever happened in the last one.
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
            // A closed standard error is no reason to fail.
            Self::Lines => drop(writeln!(std::io::stderr(), "{}", event())),
            Self::Quiet => {}
            Self::Observer(observer) if observer.panicked.get().is_some() => {}
            Self::Observer(observer) => {
                // Making the event may call the code of a task, whose panic is its own.
                let event = event();
                if let Err(message) = panics::catch(|| (observer.observe)(&event)) {
                    let _ = observer.panicked.set(message);
                }
            }
        }
    }
}

/// A duration as people say it.
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
