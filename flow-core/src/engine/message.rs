//! The messages of workers and the committer to the coordinator.

use daggy::NodeIndex;

use crate::base::panics::Contained;
use crate::engine::committer::ToCommit;
use crate::engine::outcome::TaskError;
use crate::engine::session::Request;
use crate::value::AnyValue;

/// A message to the coordinator about one instance of the execution with this number.
pub(crate) enum Message {
    /// The instance was settled; its output may still have to be committed.
    Settled { execution: u32, node: NodeIndex, how: How, seconds: f32, made: Box<NewlyMade> },
    /// The task failed, or the instance could not be judged.
    Failed { execution: u32, node: NodeIndex, error: TaskError, seconds: f32 },
    /// The instance has to run, and these inputs have to be produced first.
    Demand { execution: u32, node: NodeIndex, inputs: Vec<NodeIndex> },
    /// The instance has to run, and should wait for the first instance with the same fingerprint.
    Wait { execution: u32, node: NodeIndex, first: NodeIndex },
    /// The execution was stopped before the instance was started, or while it ran.
    GivenUp { execution: u32, node: NodeIndex },
    /// The output of the instance was committed, or its commit failed.
    Committed { execution: u32, node: NodeIndex, result: Result<(), String> },
    /// A running instance requires further instances.
    Require(Request),
}

impl Message {
    /// Returns the instance that the message is about.
    pub(super) fn about(&self) -> (u32, NodeIndex) {
        match self {
            Self::Settled { execution, node, .. }
            | Self::Failed { execution, node, .. }
            | Self::Demand { execution, node, .. }
            | Self::Wait { execution, node, .. }
            | Self::GivenUp { execution, node }
            | Self::Committed { execution, node, .. } => (*execution, *node),
            Self::Require(request) => request.by,
        }
    }
}

/// The output of a settled instance: what remains to be committed, and the value for consumers.
#[derive(Default)]
pub(crate) struct NewlyMade {
    /// The value, if a reload returns an equal one.
    pub(crate) value: Option<Contained<AnyValue>>,
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
    /// The instance is external and its file exists, or it is an aggregate.
    Found,
}
