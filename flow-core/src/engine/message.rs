//! The messages to the coordinator, from workers, the committer and running tasks.

use daggy::NodeIndex;

use crate::base::panics::Contained;
use crate::base::process::Spent;
use crate::engine::committer::ToCommit;
use crate::engine::outcome::TaskError;
use crate::engine::session::Request;
use crate::store::made::Made;
use crate::value::AnyValue;

/// An instance of one of the executions: the execution's number, and the node in its plan.
pub(crate) type At = (u32, NodeIndex);

/// A message to the coordinator.
pub(crate) enum Message {
    /// The task of this job begins. Sent only if it has a time-out.
    Started { at: At, number: u64 },
    /// A worker has ended the job with this number: exactly one message for each job that was not abandoned.
    Ended { at: At, number: u64, end: End },
    /// The output of the instance was committed, or its commit failed.
    Committed { at: At, result: Result<(), String> },
    /// A running instance requires further instances.
    Require(Request),
    /// Something outside the run has changed, such as the stop signal.
    Wake,
    /// The worker thread with this number ends, because there are no more jobs.
    Gone { thread: usize },
}

/// How a job ended.
pub(crate) enum End {
    /// The instance was settled; its output may still have to be committed.
    Settled { how: How, spent: Spent, made: Box<NewlyMade> },
    /// The task failed, or the instance could not be judged.
    Failed { error: TaskError, spent: Option<Spent> },
    /// The instance has to run, and these inputs have to be produced first.
    Demand(Vec<NodeIndex>),
    /// The instance has to run, and should wait for this one, the first with the same fingerprint.
    Wait(NodeIndex),
    /// The instance has to run, but another process is running it.
    Busy,
    /// The execution was stopped before the instance was started, or while it ran.
    GivenUp,
}

/// The output of a settled instance: what remains to be committed, and the value for consumers.
#[derive(Default)]
pub(crate) struct NewlyMade {
    /// The output that consumers are to use.
    pub(crate) made: Option<Made>,
    /// The value, if a reload returns an equal one.
    pub(crate) value: Option<Contained<AnyValue>>,
    /// About how many bytes of memory it takes to pass the value on; 0 if it stays in memory anyway.
    pub(crate) bytes: u64,
    /// The output, if it has to be committed.
    pub(crate) staged: Option<Box<ToCommit>>,
    /// Whether the recorded metadata differ from those that the plan relied on.
    pub(crate) other_meta: bool,
}

/// How an instance was settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The task ran.
    Ran,
    /// A test gave the output, and it was saved.
    Given,
    /// A kept output with the same fingerprint was reused.
    Reused,
    /// The output turned out to be up to date (early cutoff).
    Unchanged,
    /// Another process has computed the output since the plan was judged.
    OtherProcess,
    /// The instance is external and its file exists, or it is an aggregate.
    Found,
}
