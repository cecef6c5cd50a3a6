//! [`Lines`]: the display where the standard error is not a terminal, such as a file, a pipe or the log of a CI.
//!
//! Each line has the local time. A line follows its causes: an instance ends before those start that require it.
//!
//! ```text
//! 12:04:05 3 instances, 2 pending
//! 12:04:05 Prices {days: 30} started
//! 12:04:15 Prices {days: 30}: 12 of 30
//! 12:04:29 [1/2] Prices {days: 30} ran in 24.1 s
//! 12:04:29 Mean started
//! 12:04:29 [2/2] Mean failed: there are no prices
//! ```

use std::collections::HashMap;
use std::fmt::{Display, Write as _};
use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::key::Key;
use crate::base::pause::Moment;
use crate::plan::instance::Instance;
use crate::report::consumer::Consumer;
use crate::report::event::Event;
use crate::value::escaped;

/// The time between two writes. Lines in between are written at once.
const INTERVAL: Duration = Duration::from_millis(100);

/// The time between two lines about the progress of one instance.
///
/// A task may report a million numbers, and a log should have a few of them.
const PROGRESS: Duration = Duration::from_secs(10);

/// The indentation of further lines of an error: the width of a time and two spaces.
const INDENT: &str = "           ";

/// The length of text that is written before the end of an interval, in bytes.
const LONG: usize = 64 << 10;

/// Writes a line for each event.
pub(super) struct Lines<W> {
    out: W,
    /// The local time zone, which is found at the first line.
    zone: Option<TimeZone>,
    /// The lines that are not written yet.
    text: String,
    pace: Pace,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, zone: None, text: String::new(), pace: Pace::default() }
    }

    /// Returns whether an event has a line.
    fn is_shown(&mut self, event: &Event, at: Duration) -> bool {
        let key = event.instance().map(Instance::key);
        match (event, key) {
            (Event::Planned { pending, .. }, _) => *pending > 0,
            // The log of the instance has them.
            (Event::Log { .. }, _) => false,
            // `Finished` has a line, and a failed commit has one.
            (Event::Committed { .. }, _) => false,
            (Event::Progress { .. }, Some(key)) => self.pace.allows(key, at),
            (Event::Started { .. }, Some(key)) => {
                self.pace.start(key, at);
                true
            }
            (Event::Status { .. } | Event::NotAsExpected { .. }, _) | (_, None) => true,
            (_, Some(key)) => {
                self.pace.end(key);
                true
            }
        }
    }

    fn add(&mut self, line: impl Display, at: Moment) {
        let zone = self.zone.get_or_insert_with(TimeZone::system);
        // The report may have waited in the queue.
        let time = zone.to_datetime(Timestamp::now() - at.at.elapsed());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{hour:02}:{minute:02}:{second:02} {line}");
    }

    fn write(&mut self) {
        // A closed standard error is ignored.
        let _ = self.out.write_all(self.text.as_bytes());
        self.text.clear();
    }
}

impl<W: Write + Send> Consumer for Lines<W> {
    fn receive(&mut self, event: &Event, at: Moment) {
        if self.is_shown(event, at.running) {
            self.add(format_args!("{event:#}"), at);
            self.text.push_str(&rest_of_error(event, INDENT));
        }
        if self.text.len() >= LONG {
            self.write();
        }
    }

    fn print(&mut self, line: &str, at: Moment) {
        self.add(line, at);
    }

    fn interval(&self) -> Option<Duration> {
        Some(INTERVAL)
    }

    fn tick(&mut self) {
        if !self.text.is_empty() {
            self.write();
        }
    }

    fn end(&mut self) {
        self.tick();
    }
}

/// Limits the lines about the progress of each running instance.
#[derive(Default)]
struct Pace {
    /// For each running instance, the running time of the process when it started or a line was allowed.
    last: HashMap<Key, Duration>,
}

impl Pace {
    fn start(&mut self, key: Key, at: Duration) {
        self.last.insert(key, at);
    }

    fn end(&mut self, key: Key) {
        self.last.remove(&key);
    }

    /// Returns whether a line about the progress of an instance is due.
    fn allows(&mut self, key: Key, at: Duration) -> bool {
        let Some(last) = self.last.get_mut(&key) else { return false };
        let is_due = at.saturating_sub(*last) >= PROGRESS;
        if is_due {
            *last = at;
        }
        is_due
    }
}

/// Returns the lines of an error after the first one, which the text of the event has.
pub(super) fn rest_of_error(event: &Event, indent: &str) -> String {
    let lines = event.long_error().into_iter().flat_map(|error| error.trim_end().lines().skip(1));
    let mut text = String::new();
    for line in lines {
        let _ = writeln!(text, "{indent}{}", escaped(line));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_has_a_line_now_and_then() {
        let (mut pace, begun, key) = (Pace::default(), Duration::from_secs(50), Key(1));
        let after = |seconds| begun + Duration::from_secs(seconds);
        assert!(!pace.allows(key, after(0)), "it has not started");
        pace.start(key, begun);
        pace.start(Key(2), begun);
        let allowed: Vec<_> = (0..35).filter(|&second| pace.allows(key, after(second))).collect();
        assert_eq!(allowed, [10, 20, 30]);
        assert!(pace.allows(Key(2), after(11)), "each instance has its own pace");
        pace.end(key);
        assert!(!pace.allows(key, after(60)), "it has ended");
    }
}
