//! [`Event`]: what happens during a run.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::base::seconds::Seconds;
use crate::plan::instance::Instance;
use crate::value::{escaped, first_line};

/// An event of a run, which observers receive: [`Flow::observe`](crate::Flow::observe).
///
/// The events of one instance come in this order. `NotAsExpected`, if there is one, is before `Finished` or `Given`:
///
/// ```text
/// Started ─► Progress, Status, Log ─┬─► Finished ──────────────► Committed
///    ▲                              │                                │ the record cannot be written
///    │                              ├─► Failed ◄─────────────────────┘
///    │                              └─► Stopped
///    ├─ Retried ◄─ the attempt failed
///    └─ Lost ◄─ the process or machine that ran it is gone
///
/// without a run of the task:  Reused ─► Committed,  Given ─► Committed,  Unchanged,  ByOtherProcess,
///                             Failed,  Skipped
/// ```
///
/// An instance that is complete before the run has no event. Neither have external tasks and tasks that only group
/// others, unless they fail. An instance that a running task requires has events like any other.
///
/// Some events carry two numbers: `settled` is the number of instances that are settled so far, this one included,
/// and `of` is the number that is expected. `of` grows if running tasks require others, and shrinks by one with each
/// `Skipped`.
///
/// An event is displayed as one line, such as `[3/12] Train {model: Logistic} ran in 3.1 ms`. Control characters in it
/// are escaped. An [`Instance`] is cheap to clone; its label is rendered when it is displayed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The run begins: its plan is known.
    ///
    /// It is the first event. A run that has to plan again, because an output has other content than it had before, has
    /// another one.
    #[non_exhaustive]
    Planned {
        /// The number of instances in the graph.
        instances: usize,
        /// The number of instances that are not complete. Some of them may not have to run.
        pending: usize,
    },
    /// A task begins to run.
    #[non_exhaustive]
    Started {
        /// The instance.
        instance: Instance,
        /// The number of the attempt, beginning with 1.
        attempt: u32,
        /// The worker that runs it, such as `node7 (process 4711)`, if the [executor](crate::Flow::executor) of the flow
        /// runs it elsewhere.
        worker: Option<String>,
    },
    /// A running task reports a number: [`Cx::progress`](crate::Cx::progress).
    #[non_exhaustive]
    Progress {
        /// The instance.
        instance: Instance,
        /// The number of units that are done, such as files or bytes.
        done: u64,
        /// The number of units in total; 0 if it is not known.
        total: u64,
    },
    /// A running task reports what it does: [`Cx::status`](crate::Cx::status).
    #[non_exhaustive]
    Status {
        /// The instance.
        instance: Instance,
        /// The text that the task passed.
        message: String,
    },
    /// A running task writes a line to its log.
    #[non_exhaustive]
    Log {
        /// The instance.
        instance: Instance,
        /// The line, without the line break.
        line: String,
    },
    /// An attempt failed, and the task will run again.
    #[non_exhaustive]
    Retried {
        /// The instance.
        instance: Instance,
        /// The number of the attempt that failed, beginning with 1.
        attempt: u32,
        /// Why it failed, with all causes.
        error: String,
        /// The time until the next attempt.
        after: Duration,
    },
    /// The process or machine that ran a task elsewhere is gone, or has given the task back: the same attempt is made again.
    ///
    /// It does not count as one of the [retries](crate::Flow::retries), up to three times. From then on, a loss is an attempt that
    /// failed: [`Retried`](Event::Retried) or [`Failed`](Event::Failed).
    #[non_exhaustive]
    Lost {
        /// The instance.
        instance: Instance,
        /// What has happened: a sentence, such as `it was lost: node7 (process 4711) has not been heard of for 30.1 s`.
        reason: String,
    },
    /// An instance cannot start yet, for a reason outside this run: another process computes it, for example, or it waits for
    /// a worker of the flow's [executor](crate::Flow::executor).
    #[non_exhaustive]
    Waiting {
        /// The instance.
        instance: Instance,
        /// What it waits for, such as `another process, which computes it`.
        reason: String,
        /// Whether the instance is a job that was submitted to the flow's executor.
        is_submitted: bool,
    },
    /// The output of a task does not meet expectations that only warn: `flow::expect`. It is stored all the same.
    ///
    /// [`Finished`](Event::Finished) or [`Given`](Event::Given) follows. An expectation that fails the task is the error
    /// of [`Failed`](Event::Failed).
    #[non_exhaustive]
    NotAsExpected {
        /// The instance.
        instance: Instance,
        /// The expectations, each with how it is violated.
        message: String,
        /// The number of rows that violate an expectation.
        rejected: u64,
    },
    /// A task ran, and its output is written. [`Committed`](Event::Committed) follows when it is durable.
    #[non_exhaustive]
    Finished {
        /// The instance.
        instance: Instance,
        /// The duration in seconds.
        seconds: f64,
        /// The number of instances that are settled so far.
        settled: usize,
        /// The number of instances that will be settled.
        of: usize,
    },
    /// An instance failed: its task, or the commit of its output.
    #[non_exhaustive]
    Failed {
        /// The instance.
        instance: Instance,
        /// Why it failed, with all causes. It may have several lines.
        error: String,
        /// The duration of the task in seconds; 0 if it did not start.
        seconds: f64,
        /// The number of instances that are settled so far.
        settled: usize,
        /// The number of instances that will be settled.
        of: usize,
    },
    /// A stored output with the same fingerprint is reused instead of running the task.
    #[non_exhaustive]
    Reused {
        /// The instance.
        instance: Instance,
        /// The number of instances that are settled so far.
        settled: usize,
        /// The number of instances that will be settled.
        of: usize,
    },
    /// A test gave the output, with `flow::testing`.
    #[non_exhaustive]
    Given {
        /// The instance.
        instance: Instance,
        /// The number of instances that are settled so far.
        settled: usize,
        /// The number of instances that will be settled.
        of: usize,
    },
    /// The task does not have to run, because tasks upstream ran and produced equal outputs (early cutoff).
    #[non_exhaustive]
    Unchanged {
        /// The instance.
        instance: Instance,
        /// The number of instances that are settled so far.
        settled: usize,
        /// The number of instances that will be settled.
        of: usize,
    },
    /// Another process computed an instance during the run, and this run takes its output.
    #[non_exhaustive]
    ByOtherProcess {
        /// The instance.
        instance: Instance,
        /// The number of instances that are settled.
        settled: usize,
        /// The number of instances that are expected to be settled.
        of: usize,
    },
    /// An instance cannot run, because another one failed. It is not counted.
    #[non_exhaustive]
    Skipped {
        /// The instance.
        instance: Instance,
        /// The instance that failed.
        because: Instance,
    },
    /// A running task ended because the run was stopped. It is not counted.
    #[non_exhaustive]
    Stopped {
        /// The instance.
        instance: Instance,
    },
    /// The output is durable, and later runs will find it.
    #[non_exhaustive]
    Committed {
        /// The instance.
        instance: Instance,
    },
    /// [`bless`](crate::FlowStore::bless) ran a task and compared its output with the stored one.
    #[non_exhaustive]
    Compared {
        /// The instance.
        instance: Instance,
        /// Whether the outputs are equal.
        is_equal: bool,
        /// The number of instances that are compared so far.
        settled: usize,
        /// The number of instances that will be compared.
        of: usize,
    },
    /// This number of `Progress`, `Status` and `Log` events was dropped before the next event, because the observer was
    /// too slow for them. No other events are dropped.
    Lagged(u64),
}

impl Event {
    /// Returns the instance that the event is about; `None` for `Planned` and `Lagged`.
    pub fn instance(&self) -> Option<&Instance> {
        match self {
            Self::Planned { .. } | Self::Lagged(_) => None,
            Self::Started { instance, .. }
            | Self::Progress { instance, .. }
            | Self::Status { instance, .. }
            | Self::Log { instance, .. }
            | Self::Retried { instance, .. }
            | Self::Lost { instance, .. }
            | Self::Waiting { instance, .. }
            | Self::NotAsExpected { instance, .. }
            | Self::Finished { instance, .. }
            | Self::Failed { instance, .. }
            | Self::Reused { instance, .. }
            | Self::Given { instance, .. }
            | Self::Unchanged { instance, .. }
            | Self::ByOtherProcess { instance, .. }
            | Self::Skipped { instance, .. }
            | Self::Stopped { instance }
            | Self::Committed { instance }
            | Self::Compared { instance, .. } => Some(instance),
        }
    }

    /// Returns whether the event is dropped if the queue of an observer is full.
    ///
    /// A task may report any number of these events. The number of all others is bounded by that of the instances.
    pub(super) fn is_droppable(&self) -> bool {
        matches!(self, Self::Progress { .. } | Self::Status { .. } | Self::Log { .. })
    }

    /// Returns the error of a failed or lost instance or attempt, if it has several lines.
    pub(super) fn long_error(&self) -> Option<&str> {
        match self {
            Self::Failed { error, .. }
            | Self::Retried { error, .. }
            | Self::Lost { reason: error, .. } => {
                error.trim_end().contains('\n').then_some(error.as_str())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed { settled, of, .. }
            | Self::Finished { settled, of, .. }
            | Self::Reused { settled, of, .. }
            | Self::Given { settled, of, .. }
            | Self::Unchanged { settled, of, .. }
            | Self::ByOtherProcess { settled, of, .. }
            | Self::Compared { settled, of, .. } => write!(f, "[{settled}/{of}] ")?,
            _ => {}
        }
        if let Some(instance) = self.instance() {
            f.write_str(&label(instance))?;
        }
        match self {
            Self::Planned { instances, pending } => {
                let s = if *instances == 1 { "" } else { "s" };
                write!(f, "{instances} instance{s}, {pending} pending")
            }
            Self::Started { attempt: 1, .. } => f.write_str(" started"),
            Self::Started { attempt, .. } => write!(f, " started (attempt {attempt})"),
            Self::Progress { done, total: 0, .. } => write!(f, ": {done}"),
            Self::Progress { done, total, .. } => write!(f, ": {done} of {total}"),
            Self::Status { message, .. } => write!(f, ": {}", escaped(message)),
            Self::Log { line, .. } => write!(f, " | {}", escaped(line)),
            Self::Retried { attempt, error, after, .. } => {
                match after.is_zero() {
                    true => write!(f, " failed in attempt {attempt}, next at once: ")?,
                    false => {
                        let after = Seconds(after.as_secs_f64());
                        write!(f, " failed in attempt {attempt}, next in {after}: ")?;
                    }
                }
                write_error(error, f)
            }
            Self::Lost { reason, .. } => {
                f.write_str(" runs again: ")?;
                write_error(reason, f)
            }
            Self::Waiting { reason, .. } => write!(f, " waits for {}", escaped(reason)),
            Self::NotAsExpected { message, .. } => {
                write!(f, " is not as expected: {}", escaped(message))
            }
            Self::Finished { seconds, .. } => write!(f, " ran in {}", Seconds(*seconds)),
            Self::Failed { error, .. } => {
                f.write_str(" failed: ")?;
                write_error(error, f)
            }
            Self::Reused { .. } => f.write_str(" reused a stored output"),
            Self::Given { .. } => f.write_str(" was given"),
            Self::Unchanged { .. } => f.write_str(" inputs unchanged (early cutoff)"),
            Self::ByOtherProcess { .. } => f.write_str(" computed by another process"),
            Self::Skipped { because, .. } => write!(f, " was not run: {} failed", label(because)),
            Self::Stopped { .. } => f.write_str(" was stopped"),
            Self::Committed { .. } => f.write_str(" committed"),
            Self::Compared { is_equal: true, .. } => f.write_str(" produced an equal output"),
            Self::Compared { .. } => f.write_str(" produced a different output"),
            Self::Lagged(1) => f.write_str("1 event was dropped"),
            Self::Lagged(events) => write!(f, "{events} events were dropped"),
        }
    }
}

/// Writes the first line of an error, and `…` if there are more.
///
/// The alternate form, `{:#}`, has no `…`: a display writes the other lines below.
fn write_error(error: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match f.alternate() {
        true => f.write_str(&escaped(error.lines().next().unwrap_or_default())),
        false => f.write_str(&first_line(error)),
    }
}

/// Returns the label of an instance. The name of a task may be any text, and is escaped.
pub(super) fn label(instance: &Instance) -> String {
    let label = instance.to_string();
    match escaped(&label) {
        Cow::Borrowed(_) => label,
        Cow::Owned(escaped) => escaped,
    }
}
