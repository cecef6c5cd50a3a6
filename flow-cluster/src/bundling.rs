//! Divides jobs into bundles by how long they are expected to take.
//!
//! To take a bundle costs a worker several operations on a shared file system, so short jobs go together. A bundle is no
//! longer than it should be, and no longer than its share if all workers are to have work at the same time.

use std::ops::Range;

/// The most bundles that no worker has taken, for each slot of a worker, and at least. The other jobs wait in the memory of the
/// run: a worker lists all these bundles before it takes one.
const POSTED_PER_SLOT: usize = 2;
const FEWEST_POSTED: usize = 256;

/// The expected seconds of work for which a further worker is worth starting.
const WORTH_STARTING: f64 = 1.0;

/// What a bundle may have at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The expected seconds of its jobs. A job that is expected to take longer is alone.
    pub seconds: f64,
    /// The number of its jobs.
    pub jobs: usize,
}

/// Returns how many bundles that no worker has taken may be in the queue, if workers can run this many at the same time.
pub fn most_posted(slots: usize) -> usize {
    slots.saturating_mul(POSTED_PER_SLOT).max(FEWEST_POSTED)
}

/// Returns among how many slots jobs are divided, if workers that are known have `known` slots, and a scheduler may start up to
/// `most` workers, of one slot each.
///
/// As long as no worker runs, all jobs were the share of one slot otherwise, and so few bundles that few workers would be started.
pub fn slots_to_fill(expected: &[Option<f64>], known: usize, most: usize) -> usize {
    let seconds = expected.iter().flatten().map(|seconds| seconds.max(0.0)).sum::<f64>();
    known.max(most.min((seconds / WORTH_STARTING) as usize))
}

/// Divides jobs, of which the expected seconds are given in order, into bundles of neighbors.
///
/// `slots` is the number of bundles that workers can run at the same time. A job whose duration is not known is alone.
pub fn bundles(expected: &[Option<f64>], slots: usize, limits: Limits) -> Vec<Range<usize>> {
    let known = expected.iter().flatten().map(|seconds| seconds.max(0.0));
    let share = known.sum::<f64>() / slots.max(1) as f64;
    // Of equal jobs, a share may be a whole number of them up to rounding.
    let most = limits.seconds.min(share) * (1.0 + 1e-9);
    let mut bundles = Vec::new();
    let (mut begin, mut sum) = (0, 0.0);
    for (place, seconds) in expected.iter().enumerate() {
        let seconds = seconds.map(|seconds| seconds.max(0.0));
        let fits = place > begin
            && place - begin < limits.jobs
            && expected[begin].is_some()
            && seconds.is_some_and(|seconds| sum + seconds <= most);
        if !fits {
            if place > begin {
                bundles.push(begin..place);
            }
            (begin, sum) = (place, 0.0);
        }
        sum += seconds.unwrap_or_default();
    }
    if begin < expected.len() {
        bundles.push(begin..expected.len());
    }
    bundles
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a bundle may have by default.
    const LIMITS: Limits = Limits { seconds: 10.0, jobs: 10_000 };

    fn sizes(expected: &[Option<f64>], slots: usize, seconds: f64, jobs: usize) -> Vec<usize> {
        let bundles = bundles(expected, slots, Limits { seconds, jobs });
        let mut next = 0;
        for bundle in &bundles {
            assert_eq!(bundle.start, next, "no job is left out, and the order stays");
            next = bundle.end;
        }
        assert_eq!(next, expected.len());
        bundles.iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn short_jobs_go_together_up_to_the_limit_of_seconds() {
        assert_eq!(sizes(&[Some(1.0); 100], 1, 30.0, 1000), [30, 30, 30, 10]);
        assert_eq!(sizes(&[Some(0.1); 7], 1, 0.3, 1000), [3, 3, 1]);
        let mixed = [5.0, 4.0, 2.0, 40.0, 1.0, 1.0].map(Some);
        assert_eq!(sizes(&mixed, 1, 10.0, 1000), [2, 1, 1, 2]);
    }

    #[test]
    fn every_worker_gets_a_share() {
        assert_eq!(sizes(&[Some(1.0); 12], 4, 30.0, 1000), [3, 3, 3, 3]);
        assert_eq!(sizes(&[Some(1.0); 4], 200, 30.0, 1000), [1, 1, 1, 1]);
        assert_eq!(sizes(&[Some(0.7); 9], 3, 30.0, 1000), [3, 3, 3]);
        // A limit of seconds below the share decides.
        assert_eq!(sizes(&[Some(10.0); 6], 2, 20.0, 1000), [2, 2, 2]);
    }

    #[test]
    fn a_job_of_unknown_duration_is_alone() {
        let expected = [Some(1.0), Some(1.0), None, None, Some(1.0), Some(1.0)];
        assert_eq!(sizes(&expected, 1, 30.0, 1000), [2, 1, 1, 2]);
        assert_eq!(sizes(&[None; 3], 1, 30.0, 1000), [1, 1, 1]);
    }

    #[test]
    fn there_are_bundles_for_each_slot_and_some_for_workers_to_come() {
        assert_eq!([0, 1, 128, 1000].map(most_posted), [256, 256, 256, 2000]);
        assert_eq!(most_posted(usize::MAX), usize::MAX);
    }

    #[test]
    fn jobs_are_divided_among_the_workers_that_are_worth_starting() {
        let short = |jobs: usize| vec![Some(0.125); jobs];
        assert_eq!(slots_to_fill(&short(6400), 0, 1000), 800);
        assert_eq!(slots_to_fill(&short(6400), 900, 1000), 900);
        assert_eq!(slots_to_fill(&short(80_000), 0, 1000), 1000);
        // One worker does the rest faster than a second one starts.
        assert_eq!(slots_to_fill(&short(12), 0, 1000), 1);
        assert_eq!(slots_to_fill(&[None; 3], 2, 1000), 2);
        // How many workers will be started is not known.
        assert_eq!(slots_to_fill(&short(6400), 0, 0), 0);
        assert_eq!(bundles(&short(6400), 800, LIMITS).len(), 800);
        assert_eq!(bundles(&short(6400), 0, LIMITS).len(), 80);
    }

    #[test]
    fn a_bundle_has_a_largest_number_of_jobs() {
        assert_eq!(sizes(&[Some(0.0); 10], 1, 30.0, 4), [4, 4, 2]);
        assert_eq!(sizes(&[Some(-1.0); 3], 1, 30.0, 4), [3]);
        assert_eq!(sizes(&[], 1, 30.0, 4), [0; 0]);
    }
}
