//! The outcomes of the instances of an execution.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error_text::ErrorText;
use crate::base::stop::Stopped;
use crate::plan::Plan;

/// The outcome of one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// The output was complete before the run.
    AlreadyComplete,
    /// The content of the output is known, but the file is missing or was not checked; no task needed it.
    NotNeeded,
    /// The instance waits, or is being settled.
    Open,
    /// The task ran.
    Ran { seconds: f32 },
    /// A test gave the output.
    Given,
    /// A kept output with the same fingerprint was reused.
    Reused,
    /// The output turned out to be up to date, because upstream produced the same content (early cutoff).
    Unchanged,
    /// Another process computed the output during the run.
    OtherProcess,
    /// The instance is external or an aggregate, and has become complete.
    NowComplete,
    /// The instance failed; `error` is an index into the errors of the execution.
    Failed { seconds: f32, error: u32 },
    /// The instance was not run because this one failed.
    NotRun { because: NodeIndex },
    /// The instance was not run because the execution was stopped, by the user or after a failure.
    Stopped,
    /// Another schedule of the session settled the instance, and has its outcome. If it failed, `error` is an index
    /// into the errors of this execution.
    Elsewhere { error: Option<u32> },
}

impl Outcome {
    /// Returns how informative the outcome is; 0 if nothing was done.
    ///
    /// If several executions have an outcome of one instance, the summary shows the most informative one.
    pub(crate) fn tells(self) -> u8 {
        match self {
            Self::AlreadyComplete | Self::NotNeeded | Self::Elsewhere { .. } => 0,
            Self::Open | Self::Stopped => 1,
            Self::NotRun { .. } => 2,
            Self::NowComplete | Self::Given => 3,
            Self::Unchanged => 4,
            Self::OtherProcess => 5,
            Self::Reused => 6,
            Self::Ran { .. } => 7,
            Self::Failed { .. } => 8,
        }
    }
}

/// The error of a failed instance.
#[derive(Clone)]
pub(crate) struct TaskError {
    /// The message with all causes.
    pub(crate) text: String,
    /// The backtrace, if one was captured.
    pub(crate) backtrace: Option<String>,
    /// Whether the task itself failed, so that another attempt may succeed.
    pub(crate) is_of_task: bool,
    /// Whether the attempt was lost with the process or machine that ran it.
    pub(crate) is_lost: bool,
    /// Whether a user has cancelled the job of the instance, and not the run: the others go on.
    pub(crate) is_cancelled: bool,
    /// Whether an event has reported it.
    pub(crate) is_reported: bool,
    /// The number of attempts to run the task; 0 if it was not started.
    pub(crate) attempts: u32,
    /// The path of the log of the last attempt, if it logged anything.
    pub(crate) log: Option<PathBuf>,
}

impl TaskError {
    pub(crate) fn new(error: ErrorText, attempts: u32, log: Option<PathBuf>) -> Self {
        let ErrorText { text, backtrace, .. } = error;
        let (is_of_task, is_lost, is_cancelled, is_reported) = (attempts > 0, false, false, false);
        Self { text, backtrace, attempts, log, is_of_task, is_lost, is_cancelled, is_reported }
    }
}

impl From<String> for TaskError {
    fn from(text: String) -> Self {
        Self {
            text,
            backtrace: None,
            is_of_task: false,
            is_lost: false,
            is_cancelled: false,
            is_reported: false,
            attempts: 0,
            log: None,
        }
    }
}

/// The outcomes of all instances of a plan.
pub(crate) struct Outcomes {
    /// The outcomes, by node.
    pub(crate) nodes: Vec<Outcome>,
    /// The errors that the outcomes refer to.
    pub(crate) errors: Vec<TaskError>,
    /// Whether an output now has other content than the plan relied on, so that outputs that the plan found
    /// complete may not be.
    pub(crate) outdated: bool,
    /// How long the execution took, in seconds.
    pub(crate) seconds: f64,
    /// The outcomes of the plans that running tasks required.
    pub(crate) in_run: Vec<Part>,
    /// Why the instances that were stopped did not run.
    pub(crate) stopped_by: StoppedBy,
}

/// What has stopped an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum StoppedBy {
    /// A [`Stopper`](crate::Stopper), a signal, or a store that cannot be written.
    #[default]
    Stopper,
    /// The failure of the instance with this label: the flow stops after a failure.
    Failure(Arc<str>),
}

impl fmt::Display for StoppedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopper => write!(f, "{Stopped}"),
            Self::Failure(failed) => {
                write!(f, "{failed} failed, and the flow stops after a failure")
            }
        }
    }
}

/// The outcomes of a plan that a running task required.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) plan: Arc<Plan>,
    pub(crate) nodes: Vec<Outcome>,
    pub(crate) errors: Vec<TaskError>,
}

impl Part {
    /// Whether any outcome is worth showing.
    pub(crate) fn tells(&self) -> bool {
        self.nodes.iter().any(|outcome| outcome.tells() > 0)
    }
}

impl Outcomes {
    /// Adds the outcomes of an earlier execution of the same graph.
    pub(crate) fn add_earlier(&mut self, earlier: &Outcomes) {
        for (now, before) in self.nodes.iter_mut().zip(&earlier.nodes) {
            if matches!(now, Outcome::AlreadyComplete | Outcome::NotNeeded)
                && !matches!(before, Outcome::Failed { .. } | Outcome::Elsewhere { .. })
            {
                *now = *before;
            }
        }
        self.seconds += earlier.seconds;
    }
}
