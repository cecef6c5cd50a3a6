//! The path to the value at which reading failed.

use std::cell::RefCell;

/// Records the path to the value at which reading failed.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// The steps, from the inside out.
    steps: RefCell<Vec<Step>>,
    /// The text of the key that is being read.
    pub(super) key: RefCell<String>,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// To an item of a sequence, counted from 0.
    Item(usize),
    /// To a field, or to the value of an entry with a text key.
    Field(String),
}

impl Trace {
    /// Returns the steps from the whole value to the place where reading failed.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
    pub(crate) fn into_steps(self) -> Vec<Step> {
        let mut steps = self.steps.into_inner();
        steps.reverse();
        steps
    }

    /// Forgets a failure. If a type continues to read, it has handled the failure.
    pub(super) fn reset(&self) {
        self.steps.borrow_mut().clear();
    }

    pub(super) fn push(&self, step: Step) {
        self.steps.borrow_mut().push(step);
    }
}
