//! Push and pull: copying outputs to a [`Remote`](crate::remote::Remote), and from there into another store.
//!
//! A pull builds a plan. Wherever the planner searches a store for an output with a given fingerprint, it also
//! searches the remote ([`finder`](crate::remote::finder)). So fingerprints, recorded reads and instances that tasks
//! required while they ran are judged by the same code as for a run. The files of the outputs that were found are fetched
//! afterwards, and committed in groups.
//!
//! Like a load, a pull ignores the age of an output. It evaluates expressions of `refresh`, because their values are
//! part of fingerprints.

mod packed;
mod pull;
mod push;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::base::error::StoreError;
use crate::flow::Flow;
use crate::remote::Remote;

impl Flow {
    /// Returns the number of threads that transfer outputs to or from a remote.
    fn transfer_threads(&self, remote: &dyn Remote) -> usize {
        remote.transfers().unwrap_or_else(|| self.threads())
    }

    /// Calls `work` with each item, on this number of threads, and returns the results in order.
    ///
    /// After the first error no other item is started; the result of such an item is `None`.
    fn each<T: Sync, U: Send>(
        threads: usize,
        all: &[T],
        work: impl Fn(&T) -> Result<U, StoreError> + Sync,
    ) -> Vec<Option<Result<U, StoreError>>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let threads = threads.clamp(1, all.len().max(1));
        let mut done: Vec<_> = all.iter().map(|_| None).collect();
        let worker = || {
            let mut results = Vec::new();
            while !failed.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = all.get(place) else { break };
                let result = work(one);
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                results.push((place, result));
            }
            results
        };
        let all_results = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Vec<_>>()
        });
        for results in all_results {
            let results = results.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            results.into_iter().for_each(|(place, result)| done[place] = Some(result));
        }
        done
    }
}
