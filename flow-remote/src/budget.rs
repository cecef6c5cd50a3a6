//! The memory that transfers may take beyond one part each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The size of a part of a large content, in bytes. Object stores require at least 5 MiB.
pub(crate) const PART: u64 = 8 << 20;

/// How many parts may be in memory beyond one for each transfer.
const PARTS: usize = 8;

/// The parts that may still be taken.
#[derive(Clone)]
pub(crate) struct Budget(Arc<AtomicUsize>);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(PARTS)))
    }

    /// Returns a permit to hold one more part in memory, if there is one.
    ///
    /// A transfer does without: it then holds one part at a time. So no transfer waits for another one.
    pub(crate) fn take(&self) -> Option<Permit> {
        let one_less = |left: usize| left.checked_sub(1);
        let taken = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
        taken.ok().map(|_| Permit(Arc::clone(&self.0)))
    }
}

/// A part in memory. The budget gets it back when this is dropped.
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_limited_and_given_back() {
        let budget = Budget::new();
        let permits: Vec<_> = std::iter::from_fn(|| budget.take()).collect();
        assert_eq!(permits.len(), PARTS);
        drop(permits);
        assert!(budget.take().is_some());
    }
}
