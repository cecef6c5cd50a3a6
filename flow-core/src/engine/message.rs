//! What workers and the committer tell the coordinator.

use daggy::NodeIndex;

use crate::base::panics::Contained;
use crate::engine::committer::ToCommit;
use crate::engine::session::Request;
use crate::value::AnyValue;

/// What workers and the committer tell the coordinator of an instance of the execution `of`.
pub(crate) enum Message {
    Settled {
        of: u32,
        node: NodeIndex,
        how: How,
        seconds: f32,
        made: Box<NewlyMade>,
    },
    Failed {
        of: u32,
        node: NodeIndex,
        error: String,
        seconds: f32,
    },
    /// The instance has to run, and these inputs have to be made first.
    Demand {
        of: u32,
        node: NodeIndex,
        inputs: Vec<NodeIndex>,
    },
    /// The instance has to run, and the first one with its fingerprint is about to.
    Wait {
        of: u32,
        node: NodeIndex,
        first: NodeIndex,
    },
    /// The execution was stopped before the instance was started, or while it ran.
    GivenUp {
        of: u32,
        node: NodeIndex,
    },
    Committed {
        of: u32,
        node: NodeIndex,
        result: Result<(), String>,
    },
    /// An instance that is running requires others.
    Require(Request),
}

impl Message {
    /// The instance that it is about.
    pub(super) fn about(&self) -> (u32, NodeIndex) {
        match self {
            Self::Settled { of, node, .. }
            | Self::Failed { of, node, .. }
            | Self::Demand { of, node, .. }
            | Self::Wait { of, node, .. }
            | Self::GivenUp { of, node }
            | Self::Committed { of, node, .. } => (*of, *node),
            Self::Require(request) => request.by,
        }
    }
}

/// What settling an instance left to be done.
#[derive(Default)]
pub(crate) struct NewlyMade {
    /// The value, if a reload would give just that.
    pub(crate) value: Option<Contained<AnyValue>>,
    /// The output, if its record is not in place yet.
    pub(crate) staged: Option<Box<ToCommit>>,
    /// Whether something else was noted about it than what the plan relied on.
    pub(crate) other_meta: bool,
}

/// How an instance was settled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Ran,
    /// A test gave the output, and it was saved.
    Given,
    Adopted,
    CutOff,
    /// It is not made here, and is there.
    Found,
}
