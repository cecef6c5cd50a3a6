//! What became of each instance.

use daggy::NodeIndex;

/// What became of one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Its output was there before.
    CompleteBefore,
    /// Its output was gone, and nobody needed it.
    NotNeeded,
    /// It waits, or is being settled.
    Open,
    Ran {
        seconds: f32,
    },
    Adopted,
    CutOff,
    /// It failed, with the error at this place.
    Failed {
        seconds: f32,
        error: u32,
    },
    /// It was not run because this one failed.
    NotRun {
        because: NodeIndex,
    },
    /// It was not run because the execution was stopped.
    Stopped,
}

/// What became of all instances of a plan.
pub(crate) struct Outcomes {
    pub(crate) nodes: Vec<Outcome>,
    pub(crate) errors: Vec<String>,
    pub(crate) seconds: f64,
}
