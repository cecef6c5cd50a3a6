//! The time that this process has been running, without the time for which it was suspended.
//!
//! Ctrl-Z suspends a process until its shell continues it. The system's clocks go on meanwhile. A time-out that is
//! measured by [`running_time`] does not expire because of that: the facade calls [`pause`] before the process is
//! suspended, and [`resume`] after it was continued. In between, `running_time` stands still, so that a thread that is
//! continued first finds the time at which the process was suspended.
//!
//! `SIGSTOP` cannot be caught, so a suspension by it counts as running time.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::base::callbacks::{Callbacks, Registered};

/// A change of the process that concerns what is drawn on the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The process is about to be suspended.
    Pause,
    /// The process was continued.
    Resume,
    /// The process is about to exit, without unwinding.
    Exit,
}

#[derive(Clone, Copy, Default)]
struct Clock {
    /// The time for which the process was suspended, without the suspension that has not ended.
    suspended: Duration,
    /// When the process was suspended, if it was not continued since.
    since: Option<Instant>,
}

impl Clock {
    fn running_time(&self, start: Instant, now: Instant) -> Duration {
        let until = self.since.unwrap_or(now);
        until.saturating_duration_since(start).saturating_sub(self.suspended)
    }

    fn pause(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    fn resume(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.suspended += now.saturating_duration_since(since);
        }
    }
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
static CLOCK: Mutex<Clock> = Mutex::new(Clock { suspended: Duration::ZERO, since: None });
static CHANGES: Callbacks<Change> = Callbacks::new();

fn clock() -> MutexGuard<'static, Clock> {
    CLOCK.lock().expect("lock poisoned")
}

/// Returns the time since an arbitrary moment, without the time for which the process was suspended.
///
/// Use it in place of [`Instant::now`] for time-outs: `let deadline = running_time() + timeout`.
pub fn running_time() -> Duration {
    let start = *START;
    clock().running_time(start, Instant::now())
}

/// A moment, by the system's clock and by that of this module.
///
/// An event is kept with both: the time of day follows from the one, and how long something took from the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// The [`running_time`].
    pub(crate) running: Duration,
}

impl Moment {
    pub(crate) fn now() -> Self {
        let start = *START;
        let at = Instant::now();
        Self { at, running: clock().running_time(start, at) }
    }
}

/// Returns the seconds since an earlier [`running_time`].
pub(crate) fn seconds_since(begun: Duration) -> f64 {
    running_time().saturating_sub(begun).as_secs_f64()
}

/// Stops the clock, because the process is about to be suspended.
pub fn pause() {
    CHANGES.call(Change::Pause);
    let _ = LazyLock::force(&START);
    clock().pause(Instant::now());
}

/// Starts the clock again after the process was continued.
pub fn resume() {
    clock().resume(Instant::now());
    CHANGES.call(Change::Resume);
}

/// Announces that the process is about to exit, without unwinding.
pub fn announce_exit() {
    CHANGES.call(Change::Exit);
}

/// Calls a function before the process is suspended, after it was continued, and before it exits at once, until the
/// guard is dropped.
///
/// The function is called on the thread that handles signals: it returns within a fraction of a second, whatever it waits
/// for, because a second Ctrl-C is handled after it.
pub fn on_change(call: impl Fn(Change) + Send + Sync + 'static) -> Registered {
    let id = CHANGES.add(Arc::new(call));
    Registered::new(move || CHANGES.remove(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_suspension_does_not_count() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut clock = Clock::default();
        let seconds = |clock: &Clock, now| clock.running_time(start, at(now)).as_secs();
        assert_eq!(seconds(&clock, 5), 5);
        clock.pause(at(5));
        // Ctrl-Z twice: the second has no effect.
        clock.pause(at(6));
        assert_eq!(seconds(&clock, 9), 5);
        clock.resume(at(10));
        clock.resume(at(12));
        assert_eq!(seconds(&clock, 12), 7);
        clock.pause(at(12));
        clock.resume(at(13));
        assert_eq!(seconds(&clock, 20), 14);
    }

    #[test]
    fn the_running_time_never_goes_back() {
        let first = running_time();
        assert!(running_time() >= first);
    }
}
