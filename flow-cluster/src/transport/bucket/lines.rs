//! Lines that are appended, over objects that are written once.
//!
//! Each append is an object with the next number. A worker alone writes the messages of its lease, so their numbers have no
//! gaps, and a reader stops where one is missing. What could not be written is written again under the same number with the
//! same content, because the first attempt may have succeeded. Orders may come from several runs, and are taken in whatever
//! order they are found.

use std::collections::{BTreeMap, HashSet};

use crate::format::Line;

/// What a worker has written to a lease.
#[derive(Default)]
pub(super) struct Sent {
    /// The number of the next object.
    next: u64,
    /// How many of the bytes that the caller still holds back were written.
    done: usize,
    /// How many of the bytes after them were put, without an answer that they are there.
    in_flight: usize,
    /// The last heartbeat that is an object.
    pub(super) beat: Option<u64>,
}

impl Sent {
    /// Returns the number of a heartbeat, if the lines are nothing else but for how long a job has run, and none of them was put
    /// before.
    pub(super) fn only_beat(&self, lines: &[u8]) -> Option<u64> {
        // Others, which may be long, are not parsed for it.
        let begins = lines.starts_with(b"{\"beat\":") || lines.starts_with(b"{\"runs\":");
        if self.done + self.in_flight > 0 || !begins {
            return None;
        }
        let mut beat = None;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice(line) {
                Ok(Line::Beat(number)) => beat = Some(number),
                Ok(Line::Runs { .. }) => {}
                _ => return None,
            }
        }
        beat
    }

    /// Returns the next object to put, with its number; `None` if all lines were written.
    ///
    /// `lines` are those that the caller holds back: the same ones as before, if the last append has failed, and those that
    /// have come since.
    pub(super) fn begin<'a>(&mut self, lines: &'a [u8]) -> Option<(u64, &'a [u8])> {
        let rest = lines.get(self.done..).unwrap_or_default();
        if self.in_flight == 0 || self.in_flight > rest.len() {
            self.in_flight = rest.len();
        }
        let bytes = &rest[..self.in_flight];
        (!bytes.is_empty()).then_some((self.next, bytes))
    }

    /// Takes note that the object of [`begin`](Self::begin) was put.
    pub(super) fn succeed(&mut self) {
        self.next += 1;
        self.done += self.in_flight;
        self.in_flight = 0;
    }

    /// Takes note that all lines were written, so that the caller holds back none of them.
    pub(super) fn end(&mut self) {
        (self.done, self.in_flight) = (0, 0);
    }
}

/// What was read of the messages of a lease, as a file that grows.
#[derive(Default)]
pub(super) struct Log {
    /// The number of the next object.
    next: u64,
    /// The last heartbeat that was seen.
    beat: Option<u64>,
    read: Bytes,
}

/// The end of what was read.
#[derive(Default)]
struct Bytes {
    /// The place of the first byte that is still here.
    begin: u64,
    bytes: Vec<u8>,
}

impl Bytes {
    fn since(&mut self, place: u64) -> Vec<u8> {
        let known = usize::try_from(place.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let known = known.min(self.bytes.len());
        self.bytes.drain(..known);
        self.begin += known as u64;
        self.bytes.clone()
    }
}

impl Log {
    /// Returns the numbers of the objects that can be read now, of those that exist.
    pub(super) fn new_numbers(&self, existing: &BTreeMap<u64, String>) -> Vec<u64> {
        let numbers = existing.range(self.next..).map(|(&number, _)| number);
        let in_order = (self.next..).zip(numbers).take_while(|(next, number)| next == number);
        in_order.map(|(_, number)| number).collect()
    }

    /// Adds the content of the next object.
    pub(super) fn add(&mut self, number: u64, bytes: &[u8]) {
        if number == self.next {
            self.next += 1;
            self.read.bytes.extend_from_slice(bytes);
        }
    }

    /// Adds a heartbeat that exists.
    pub(super) fn add_beat(&mut self, beat: u64) {
        if self.beat.is_none_or(|last| last < beat) {
            self.beat = Some(beat);
            // Between two objects of messages, each of which ends with a whole line.
            self.read.bytes.extend(crate::format::line(&Line::Beat(beat)));
        }
    }

    /// Adds what a heartbeat says. It takes the place of the one before, so this is for one that reads the lease once.
    pub(super) fn add_content_of_beat(&mut self, lines: &[u8]) {
        if lines.ends_with(b"\n") {
            self.read.bytes.extend_from_slice(lines);
        }
    }

    /// Returns the bytes from a place on. Those before it are not needed any more.
    pub(super) fn since(&mut self, place: u64) -> Vec<u8> {
        self.read.since(place)
    }
}

/// What was read of the orders of a lease, or of the requests to a run, as a file that grows.
#[derive(Default)]
pub(super) struct Received {
    seen: HashSet<String>,
    read: Bytes,
}

impl Received {
    pub(super) fn has_seen(&self, name: &str) -> bool {
        self.seen.contains(name)
    }

    pub(super) fn add(&mut self, name: String, bytes: &[u8]) {
        if self.seen.insert(name) {
            self.read.bytes.extend_from_slice(bytes);
        }
    }

    /// Returns the bytes from a place on. Those before it are not needed any more.
    pub(super) fn since(&mut self, place: u64) -> Vec<u8> {
        self.read.since(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_been_written_is_written_again_under_the_same_number() {
        let mut sent = Sent::default();
        assert_eq!(sent.begin(b"a\n"), Some((0, &b"a\n"[..])));
        // It has failed, and a line has come since.
        assert_eq!(sent.begin(b"a\nb\n"), Some((0, &b"a\n"[..])));
        sent.succeed();
        assert_eq!(sent.begin(b"a\nb\n"), Some((1, &b"b\n"[..])));
        // That has failed, too, so the caller still holds back both.
        assert_eq!(sent.begin(b"a\nb\nc\n"), Some((1, &b"b\n"[..])));
        sent.succeed();
        assert_eq!(sent.begin(b"a\nb\nc\n"), Some((2, &b"c\n"[..])));
        sent.succeed();
        assert_eq!(sent.begin(b"a\nb\nc\n"), None);
        sent.end();
        assert_eq!(sent.begin(b"d\n"), Some((3, &b"d\n"[..])));
    }

    #[test]
    fn a_heartbeat_is_known_from_other_lines() {
        let sent = Sent::default();
        assert_eq!(sent.only_beat(&crate::format::line(&Line::Beat(7))), Some(7));
        let mut with_duration = crate::format::line(&Line::Runs { job: 2, seconds: 0.5 });
        assert_eq!(sent.only_beat(&with_duration), None);
        with_duration.extend(crate::format::line(&Line::Beat(8)));
        assert_eq!(sent.only_beat(&with_duration), Some(8));
        assert_eq!(sent.only_beat(b"{\"beat\":7}\n\"over\"\n"), None);
        assert_eq!(sent.only_beat(b"\"over\"\n"), None);
        assert_eq!(Sent { in_flight: 1, ..Sent::default() }.only_beat(b"{\"beat\":7}\n"), None);
    }

    #[test]
    fn messages_are_read_up_to_the_first_that_is_missing() {
        let mut log = Log::default();
        let mut existing = BTreeMap::from([0, 1, 3].map(|number| (number, String::new())));
        assert_eq!(log.new_numbers(&existing), [0, 1]);
        log.add(0, b"a\n");
        log.add(1, b"b\n");
        log.add(1, b"b\n");
        assert_eq!(log.since(0), b"a\nb\n");
        assert_eq!(log.since(2), b"b\n");
        log.add_beat(4);
        log.add_beat(4);
        assert_eq!(log.since(4), b"{\"beat\":4}\n");
        existing.insert(2, String::new());
        assert_eq!(log.new_numbers(&existing), [2, 3]);
        assert!(log.since(u64::MAX).is_empty());
    }
}
