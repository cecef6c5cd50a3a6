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
}

/// What became of all instances of a plan.
pub(crate) struct Outcomes {
    pub(crate) nodes: Vec<Outcome>,
    pub(crate) errors: Vec<String>,
    /// Whether an output whose content the plan relied on has other content now, so that what it
    /// took for good may not be.
    pub(crate) outdated: bool,
    pub(crate) seconds: f64,
}

impl Outcomes {
    /// Adds what another execution of the same graph did before this one.
    pub(crate) fn add_earlier(&mut self, earlier: &Outcomes) {
        for (now, before) in self.nodes.iter_mut().zip(&earlier.nodes) {
            if matches!(now, Outcome::CompleteBefore | Outcome::NotNeeded)
                && !matches!(before, Outcome::Failed { .. })
            {
                *now = *before;
            }
        }
        self.seconds += earlier.seconds;
    }
}
