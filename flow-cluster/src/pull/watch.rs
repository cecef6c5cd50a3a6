//! The thread that watches the queue of a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Instant;

use super::queue::Queue;

/// Watches a queue until it ends.
///
/// As long as there is nothing in the queue, the thread sleeps.
pub(super) fn watch(queue: &Queue) {
    // No job may wait for a thread that is gone.
    if catch_unwind(AssertUnwindSafe(|| watch_until_end(queue))).is_err() {
        queue.give_up();
    }
}

fn watch_until_end(queue: &Queue) {
    let mut state = queue.state();
    while !state.is_ended {
        if state.is_idle() {
            state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        queue.step(&mut state, Instant::now());
        let (poll, gather) = (queue.settings.poll, queue.settings.gather);
        let pause = if state.is_gathering() { gather.min(poll) } else { poll };
        // Other threads submit, cancel and send meanwhile.
        drop(state);
        std::thread::sleep(pause);
        state = queue.state();
    }
}
