//! The budget of the values that a run passes on in memory.
//!
//! The coordinator takes memory for a value when it pins the value for consumers, and gives it back when the last of
//! them has ended. Values of `Memory` tasks take nothing here, but leave less of the limit to the others.

use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of values that are kept in memory for tasks that are about to run.
pub(crate) struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: AtomicU64::new(0) }
    }

    /// Takes memory for a value. Returns `false` if the budget does not suffice.
    ///
    /// `remembered` are the bytes of the values of `Memory` tasks, which are kept anyway and count against the budget.
    /// A value that takes no bytes, because it is one of these, always fits.
    pub(super) fn take(&self, bytes: u64, remembered: u64) -> bool {
        if bytes == 0 {
            return true;
        }
        let limit = self.limit.saturating_sub(remembered);
        let add = |used: u64| used.checked_add(bytes).filter(|used| *used <= limit);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
    }

    /// Gives the memory of a value back.
    pub(super) fn give(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_beyond_the_budget_are_refused() {
        let budget = Budget::new(10);
        assert!(budget.take(6, 0));
        assert!(!budget.take(5, 0));
        assert!(budget.take(4, 0));
        assert!(!budget.take(u64::MAX, 0));
        budget.give(6);
        assert!(budget.take(5, 0));
    }

    #[test]
    fn values_that_are_kept_anyway_leave_less_to_the_others() {
        let budget = Budget::new(10);
        assert!(!budget.take(6, 5));
        assert!(budget.take(5, 5));
        assert!(!budget.take(1, 11), "the kept ones alone exceed it");
        assert!(budget.take(0, 11), "nothing more is used");
    }
}
