//! Several requests at the same time.

use std::sync::Mutex;
use std::thread;

/// How many requests are sent at the same time.
pub(crate) const REQUESTS: usize = 8;

/// Calls `work` with each item, on several threads, and returns the results in order.
pub(crate) fn parallel<T: Sync, U: Send>(items: &[T], work: impl Fn(&T) -> U + Sync) -> Vec<U> {
    if items.len() <= 1 {
        return items.iter().map(work).collect();
    }
    let next = Mutex::new(items.iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(items.len()));
    thread::scope(|scope| {
        for _ in 0..REQUESTS.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().expect("lock poisoned").next();
                    let Some((place, item)) = taken else { break };
                    let result = work(item);
                    done.lock().expect("lock poisoned").push((place, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("lock poisoned");
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        let items: Vec<u64> = (0..100).collect();
        let squares = parallel(&items, |n| n * n);
        assert_eq!(squares, items.iter().map(|n| n * n).collect::<Vec<_>>());
        assert!(parallel(&[0_u8; 0], |n| *n).is_empty());
    }
}
