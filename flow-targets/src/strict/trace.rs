//! Where in a value reading failed.

use std::cell::RefCell;

/// Records the way to the value at which reading failed.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// From the inside out.
    steps: RefCell<Vec<Step>>,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To an item of a sequence, counted from 0.
    Item(usize),
    /// To a field, or to the value of an entry whose key is text.
    Field(String),
}

impl Trace {
    /// The steps from the value as a whole to where reading failed.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn into_steps(self) -> Vec<Step> {
        let mut steps = self.steps.into_inner();
        steps.reverse();
        steps
    }

    /// Forgets a failure: a type that goes on reading has handled it.
    pub(super) fn reset(&self) {
        self.steps.borrow_mut().clear();
    }

    pub(super) fn push(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }
}
