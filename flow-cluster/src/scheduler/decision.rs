//! Decides how many workers are submitted for each pool.

/// What is known of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolView {
    /// The number of bundles that no worker has taken.
    pub open: usize,
    /// The number of workers that work on a bundle.
    pub busy: usize,
    /// The number of workers that wait at the scheduler.
    pub queued: usize,
    /// The number of workers that run.
    pub running: usize,
}

impl PoolView {
    /// Returns the number of workers that run and have nothing to do: each takes a bundle soon.
    pub(super) fn idle(&self) -> usize {
        self.running.saturating_sub(self.busy)
    }

    fn missing(&self) -> usize {
        self.open.saturating_sub(self.queued + self.idle())
    }

    fn workers(&self) -> usize {
        self.queued + self.running
    }
}

/// Returns how many workers are to be submitted for each pool, so that all pools together have at most `most` of them, and no array is
/// larger than `largest`.
///
/// Pools get workers in turn. One with work and without a worker gets one in any case: the workers of the other pools may wait for
/// what its jobs compute.
pub fn submissions(pools: &[PoolView], most: usize, largest: usize) -> Vec<usize> {
    let mut granted = vec![0; pools.len()];
    let mut room = most.saturating_sub(pools.iter().map(PoolView::workers).sum());
    for (pool, granted) in pools.iter().zip(&mut granted) {
        if pool.missing() > 0 && pool.workers() == 0 {
            *granted = 1;
            room = room.saturating_sub(1);
        }
    }
    loop {
        let mut is_changed = false;
        for (pool, granted) in pools.iter().zip(&mut granted) {
            if room > 0 && *granted < pool.missing().min(largest) {
                *granted += 1;
                room -= 1;
                is_changed = true;
            }
        }
        if !is_changed {
            return granted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(open: usize, busy: usize, queued: usize, running: usize) -> PoolView {
        PoolView { open, busy, queued, running }
    }

    #[test]
    fn there_are_as_many_workers_as_bundles_up_to_the_limits() {
        assert_eq!(submissions(&[pool(5, 0, 0, 0)], 50, 100), [5]);
        assert_eq!(submissions(&[pool(500, 0, 0, 0)], 50, 100), [50]);
        assert_eq!(submissions(&[pool(500, 0, 0, 0)], 50, 20), [20]);
        assert_eq!(submissions(&[pool(0, 3, 0, 3)], 50, 100), [0]);
        assert_eq!(submissions(&[], 50, 100), [0; 0]);
    }

    #[test]
    fn workers_that_wait_or_have_nothing_to_do_count() {
        assert_eq!(submissions(&[pool(5, 0, 3, 0)], 50, 100), [2]);
        assert_eq!(submissions(&[pool(5, 2, 0, 4)], 50, 100), [3]);
        assert_eq!(submissions(&[pool(5, 4, 0, 4)], 50, 100), [5]);
        assert_eq!(submissions(&[pool(5, 4, 1, 4)], 6, 100), [1]);
        // More bundles are taken than workers are known to run: the scheduler was asked a while ago.
        assert_eq!(submissions(&[pool(2, 4, 0, 1)], 50, 100), [2]);
    }

    #[test]
    fn pools_share_the_workers_and_none_is_left_without() {
        assert_eq!(submissions(&[pool(9, 0, 0, 0), pool(9, 0, 0, 0)], 6, 100), [3, 3]);
        assert_eq!(submissions(&[pool(1, 0, 0, 0), pool(9, 0, 0, 0)], 6, 100), [1, 5]);
        // All workers of the first may wait for the second.
        assert_eq!(submissions(&[pool(9, 6, 0, 6), pool(9, 0, 0, 0)], 6, 100), [0, 1]);
        assert_eq!(submissions(&[pool(9, 6, 0, 6), pool(9, 1, 0, 1)], 6, 100), [0, 0]);
    }
}
