//! What a run did with one instance.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::key::{Digest, Key};
use crate::base::seconds::Seconds;
use crate::value::{escaped_text, first_line};

/// What a run did with one instance that was not complete before: [`RunHistory::instances`](super::RunHistory).
///
/// It is printed on one line: `Train {model: Logistic}: ran in 3.1 ms; reason: code: train changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InstanceRun {
    /// The name of the task.
    pub task: String,
    /// The instance, such as `Train {model: Logistic, Preprocess.scale: false}`.
    pub instance: String,
    /// The key of the instance.
    pub key: Key,
    /// What became of it.
    pub outcome: InstanceOutcome,
    /// The digest of everything that its output was computed from; `None` if it has no output of its own.
    #[serde(default)]
    pub fingerprint: Option<Digest>,
    /// The digest of the content of its output; `None` if it has none.
    #[serde(default)]
    pub output: Option<Digest>,
    /// When a worker began with it; `None` if no worker did.
    #[serde(default)]
    pub started: Option<jiff::Timestamp>,
    /// How long the worker was busy with it, in seconds; 0 if no worker was.
    #[serde(default)]
    pub seconds: f64,
    /// The CPU time in seconds, where it is known.
    ///
    /// It is that of the thread that ran the task. Threads that the task started are not included.
    #[serde(default)]
    pub cpu_seconds: Option<f64>,
    /// The largest memory of the process that ran it, in bytes.
    ///
    /// `None` if it ran in a thread of the program, whose threads share their memory:
    /// [`RunInfo::peak_bytes`](super::RunInfo::peak_bytes) is that of the whole program.
    #[serde(default)]
    pub peak_bytes: Option<u64>,
    /// The number of attempts to run the task; 0 if it was not started.
    #[serde(default)]
    pub attempts: u32,
    /// How often the task was lost with the process or machine that ran it, and was started again. It does not count as an
    /// attempt, up to three times.
    #[serde(default)]
    pub losses: u32,
    /// The worker on which its last attempt ran, such as `node7 (process 4711)`, if an
    /// [executor](crate::Flow::executor) ran it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// How long its last attempt was in the queue of an executor until a worker began with it, in seconds. If none did, it is the
    /// time until the attempt ended.
    ///
    /// `None` if it was not submitted to an executor, or an earlier run had submitted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_seconds: Option<f64>,
    /// Why it was not complete before the run.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// The first line of its error, or what kept it from being run.
    #[serde(default)]
    pub error: Option<String>,
    /// The whole error, if it has several lines.
    #[serde(default)]
    pub error_text: Option<String>,
    /// The metadata that the task recorded for its output. A very long entry is replaced by a text with its size.
    #[serde(default)]
    pub metadata: BTreeMap<String, serde_json::Value>,
}

/// What became of an instance in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InstanceOutcome {
    /// The task ran.
    Ran,
    /// A stored output with the same fingerprint was reused.
    Reused,
    /// The output turned out to be up to date, because upstream tasks produced equal outputs (early cutoff).
    Unchanged,
    /// Another process computed the output during the run.
    OtherProcess,
    /// A test gave the output.
    Given,
    /// The instance is external or an aggregate, and became complete.
    Completed,
    /// The task failed.
    Failed,
    /// It was not run, because an instance upstream failed.
    #[serde(alias = "skipped")]
    NotRun,
    /// It was not run to its end, because the run was stopped.
    Stopped,
    /// An outcome that this version of the library does not know.
    #[serde(other)]
    Unknown,
}

impl InstanceOutcome {
    /// Returns how informative the outcome is, if a run has several for one instance.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Unknown | Self::Stopped => 0,
            Self::NotRun => 1,
            Self::Completed | Self::Given => 2,
            Self::Unchanged | Self::OtherProcess => 3,
            Self::Reused => 4,
            Self::Ran => 5,
            Self::Failed => 6,
        }
    }

    /// Returns whether a worker ran the task, so that the duration is that of the task.
    pub(super) fn has_duration(self) -> bool {
        matches!(self, Self::Ran | Self::Failed)
    }
}

impl fmt::Display for InstanceOutcome {
    /// Writes the words of a [`Summary`](crate::Summary).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ran => "ran",
            Self::Reused => "reused",
            Self::Unchanged => "with unchanged inputs",
            Self::OtherProcess => "computed by another process",
            Self::Given => "given",
            Self::Completed => "complete now",
            Self::Failed => "failed",
            Self::NotRun => "not run",
            Self::Stopped => "stopped",
            Self::Unknown => "unknown",
        })
    }
}

impl InstanceRun {
    /// Returns the label for a message. A damaged file may have any text there.
    pub(super) fn label(&self) -> String {
        escaped_text(self.instance.chars())
    }

    /// Writes what became of it: `ran in 3.1 ms`, `failed: no luck`.
    pub(super) fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        // A task that failed without a start, because its job was cancelled while it waited, has no duration.
        let was_started = self.outcome == InstanceOutcome::Ran || self.started.is_some();
        if self.outcome.has_duration() && was_started {
            write!(f, " in {}", Seconds(self.seconds))?;
        }
        match &self.error {
            Some(error) => write!(f, ": {}", first_line(error)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InstanceRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.label())?;
        self.write_outcome(f)?;
        if self.attempts > 1 {
            write!(f, ", {} attempts", self.attempts)?;
        }
        match self.losses {
            0 => {}
            1 => f.write_str(", lost once")?,
            losses => write!(f, ", lost {losses} times")?,
        }
        if let Some(worker) = &self.worker {
            write!(f, ", on {}", escaped_text(worker.chars()))?;
        }
        if let Some(seconds) = self.queue_seconds {
            write!(f, ", {} in the queue", Seconds(seconds))?;
        }
        match self.reasons.as_slice() {
            [] => Ok(()),
            [reason] => write!(f, "; reason: {}", first_line(reason)),
            reasons => {
                let reasons: Vec<_> = reasons.iter().map(|reason| first_line(reason)).collect();
                write!(f, "; reasons: {}", reasons.join("; "))
            }
        }
    }
}
