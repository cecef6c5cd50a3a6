//! Requests that are sent at the same time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};

/// How many requests are sent at the same time.
const REQUESTS: usize = 8;

/// Calls a function with each item, several at a time. Returns the results in order.
pub(super) fn parallel<T: Sync, R: Send>(items: &[T], call: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if items.len() <= 1 {
        return items.iter().map(call).collect();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { break };
            let result = call(item);
            results.lock().expect("lock poisoned").push((place, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..REQUESTS.min(items.len()) {
            // Without a further thread, this one does its part.
            let _ = Builder::new().name("flow-bucket".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    let mut results = results.into_inner().expect("lock poisoned");
    results.sort_unstable_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(parallel(&items, |item| item + 1), (1..101).collect::<Vec<_>>());
        assert!(parallel(&[] as &[u32], |item| *item).is_empty());
    }
}
