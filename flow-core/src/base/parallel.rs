//! Work on many items, spread over several threads.

use std::panic::resume_unwind;
use std::thread;

use crate::base::machine::processors;

/// The number of items for which another thread is started.
const LEAST: usize = 64;

/// Calls a function with each item, and returns the results in the order of the items.
///
/// A panic of the function is passed on.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], of: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = processors().min(items.len() / LEAST);
    if threads < 2 {
        return items.iter().map(of).collect();
    }
    let of = &of;
    let mut parts = items.chunks(items.len().div_ceil(threads));
    let own = parts.next().unwrap_or_default();
    thread::scope(|scope| {
        // The operating system may refuse another thread. Then this one does the work of that.
        let others: Vec<_> = parts
            .map(|part| {
                let work = move || part.iter().map(of).collect::<Vec<R>>();
                (part, thread::Builder::new().spawn_scoped(scope, work).ok())
            })
            .collect();
        let mut results: Vec<R> = own.iter().map(of).collect();
        for (part, other) in others {
            match other.map(|other| other.join()) {
                Some(Ok(part)) => results.extend(part),
                Some(Err(panic)) => resume_unwind(panic),
                None => results.extend(part.iter().map(of)),
            }
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_order_of_the_items() {
        for count in [0, 1, LEAST, 2 * LEAST + 1, 1_000] {
            let items: Vec<usize> = (0..count).collect();
            let expected: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(&items, |item| item * 2), expected);
        }
    }

    #[test]
    #[should_panic(expected = "the last one")]
    fn a_panic_is_passed_on() {
        let items: Vec<usize> = (0..1_000).collect();
        map(&items, |item| assert!(*item < 999, "the last one"));
    }
}
