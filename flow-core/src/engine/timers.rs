//! The timers of the coordinator: instances that become ready later, and the time-outs of running tasks.
//!
//! The coordinator waits for messages no longer than until [`Timers::next`]. A timer that has expired is only a hint: the
//! coordinator checks whether the instance is still in the state that the timer was set for. Times are those of
//! [`running_time`](crate::base::pause::running_time), so that timers stand still while the process is suspended.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use daggy::NodeIndex;

use crate::engine::message::At;

/// What happens when a timer expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Another process may have ended with the instance.
    Look { execution: u32, node: NodeIndex },
    /// The instance is ready again.
    Ready { execution: u32, node: NodeIndex },
    /// The job with this number has run for as long as its task may.
    TimedOut { execution: u32, node: NodeIndex, number: u64 },
}

impl Timer {
    pub(super) fn ready(at: At) -> Self {
        Self::Ready { execution: at.0, node: at.1 }
    }

    pub(super) fn look(at: At) -> Self {
        Self::Look { execution: at.0, node: at.1 }
    }

    pub(super) fn timed_out(at: At, number: u64) -> Self {
        Self::TimedOut { execution: at.0, node: at.1, number }
    }
}

/// The timers that have not expired.
#[derive(Default)]
pub(super) struct Timers(BinaryHeap<Reverse<(Duration, Timer)>>);

impl Timers {
    pub(super) fn set(&mut self, at: Duration, timer: Timer) {
        self.0.push(Reverse((at, timer)));
    }

    /// Returns when the next timer expires.
    pub(super) fn next(&self) -> Option<Duration> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Removes and returns the next timer, if it has expired.
    pub(super) fn expired(&mut self, now: Duration) -> Option<Timer> {
        self.next().filter(|at| *at <= now)?;
        self.0.pop().map(|Reverse((_, timer))| timer)
    }
}
