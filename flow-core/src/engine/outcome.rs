//! What became of each instance.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::plan::Plan;

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
    /// A test gave its output.
    Given,
    Adopted,
    CutOff,
    /// It is not made here, and has become complete.
    Found,
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
    /// It was settled where something else requires it, too, which tells more; with the error at this
    /// place, if it failed.
    Elsewhere {
        error: Option<u32>,
    },
}

impl Outcome {
    /// How much it tells of an instance of which another execution may tell something, too; 0 if
    /// nothing was done.
    pub(crate) fn tells(self) -> u8 {
        match self {
            Self::CompleteBefore | Self::NotNeeded | Self::Elsewhere { .. } => 0,
            Self::Open | Self::Stopped => 1,
            Self::NotRun { .. } => 2,
            Self::Found | Self::Given => 3,
            Self::CutOff => 4,
            Self::Adopted => 5,
            Self::Ran { .. } => 6,
            Self::Failed { .. } => 7,
        }
    }
}

/// What became of all instances of a plan.
pub(crate) struct Outcomes {
    pub(crate) nodes: Vec<Outcome>,
    pub(crate) errors: Vec<String>,
    /// Whether an output whose content the plan relied on has other content now, so that what it
    /// took for good may not be.
    pub(crate) outdated: bool,
    pub(crate) seconds: f64,
    /// What was required while tasks ran.
    pub(crate) in_run: Vec<Part>,
}

/// What became of what was required while a task ran.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) plan: Arc<Plan>,
    pub(crate) nodes: Vec<Outcome>,
    pub(crate) errors: Vec<String>,
}

impl Part {
    /// Whether there is something to tell.
    pub(crate) fn tells(&self) -> bool {
        self.nodes.iter().any(|outcome| outcome.tells() > 0)
    }
}

impl Outcomes {
    /// Adds what another execution of the same graph did before this one.
    pub(crate) fn add_earlier(&mut self, earlier: &Outcomes) {
        for (now, before) in self.nodes.iter_mut().zip(&earlier.nodes) {
            if matches!(now, Outcome::CompleteBefore | Outcome::NotNeeded)
                && !matches!(before, Outcome::Failed { .. } | Outcome::Elsewhere { .. })
            {
                *now = *before;
            }
        }
        self.seconds += earlier.seconds;
    }
}
