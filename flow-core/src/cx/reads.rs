//! What a task has read and required, which is recorded with its output.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::require::Asked;
use crate::store::record::Read;

/// What a task has read besides its inputs' outputs.
#[derive(Default)]
pub(crate) struct Reads {
    read: Mutex<BTreeSet<Read>>,
    /// What it has required.
    pub(super) asked: Mutex<Asked>,
    /// Whether it has used, or tried to use, what may be there another time and is not now, or the other
    /// way round: then a failure of it may pass.
    may_pass: AtomicBool,
}

impl Reads {
    pub(crate) fn add(&self, read: Read) {
        self.read.lock().expect("no panic while a read is noted").insert(read);
    }

    pub(crate) fn all(&self) -> Vec<Read> {
        self.read.lock().expect("no panic while a read is noted").iter().cloned().collect()
    }

    /// Says that a failure of the task, should it come to that, may pass.
    pub(crate) fn set_may_pass(&self) {
        self.may_pass.store(true, Ordering::Relaxed);
    }

    /// Whether the task would fail again if it failed: it has read nothing but the outputs of its inputs,
    /// and could read those.
    pub(crate) fn fails_again(&self) -> bool {
        !self.may_pass.load(Ordering::Relaxed)
            && self.all().is_empty()
            && self.required().is_empty()
    }

    /// Passes on what came of reading something: that it could not be read may pass.
    pub(crate) fn tried<V, E>(&self, result: Result<V, E>) -> Result<V, E> {
        result.inspect_err(|_| self.set_may_pass())
    }
}
