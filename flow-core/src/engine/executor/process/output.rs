//! What a child writes to its standard output and error: lines of the log of its task, and the last ones before a crash.
//!
//! The parent writes the file of the log, so that lines of the task and of its process cannot overwrite each other.
//! Output is logged line by line: pieces of two lines are never mixed.

use std::collections::VecDeque;
use std::io::{self, Read};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::child::Child;

/// How many bytes of a pipe are read at a time, and the longest line that is logged in one piece.
const CHUNK: usize = 64 << 10;

/// The number of last lines of the standard error that an error message shows.
const SHOWN: usize = 10;

/// The most bytes of a line that an error message shows.
const SHOWN_OF_LINE: usize = 4 << 10;

/// The pipes of a child that runs a task.
pub(super) struct Output {
    out: Lines,
    err: Lines,
    /// The last lines of the standard error.
    pub(super) last: VecDeque<String>,
    /// Whether the child has taken over. What it has written before is not output of the task, and is not logged.
    is_of_task: bool,
    /// Whether the standard error says that an allocation failed.
    pub(super) is_out_of_memory: bool,
}

/// The text of a pipe after its last line break.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
    is_over: bool,
}

/// A pipe of the child.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pipe {
    Out,
    Err,
}

impl Output {
    pub(super) fn new(is_of_task: bool) -> Self {
        let (out, err, last) = (Lines::default(), Lines::default(), VecDeque::new());
        Self { out, err, last, is_of_task, is_out_of_memory: false }
    }

    /// Whether the child has closed a pipe.
    pub(super) fn is_over(&self, pipe: Pipe) -> bool {
        match pipe {
            Pipe::Out => self.out.is_over,
            Pipe::Err => self.err.is_over,
        }
    }

    /// Reads once from a pipe that has something to read. Returns the lines that are to be logged.
    pub(super) fn read(&mut self, child: &mut Child, pipe: Pipe) -> Vec<u8> {
        let mut chunk = vec![0; CHUNK];
        let read = match pipe {
            Pipe::Out => child.out.read(&mut chunk),
            Pipe::Err => child.err.read(&mut chunk),
        };
        let lines = match pipe {
            Pipe::Out => &mut self.out,
            Pipe::Err => &mut self.err,
        };
        match read {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Vec::new(),
            Ok(0) | Err(_) => {
                lines.is_over = true;
                return Vec::new();
            }
            Ok(read) => lines.begun.extend_from_slice(&chunk[..read]),
        }
        let end = match lines.begun.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => end + 1,
            None if lines.begun.len() >= CHUNK => lines.begun.len(),
            None => return Vec::new(),
        };
        let rest = lines.begun.split_off(end);
        let whole = std::mem::replace(&mut lines.begun, rest);
        self.take(pipe, whole)
    }

    /// Takes whole lines. Returns them if they are to be logged.
    fn take(&mut self, pipe: Pipe, text: Vec<u8>) -> Vec<u8> {
        if pipe == Pipe::Err {
            for line in String::from_utf8_lossy(&text).lines().filter(|line| is_shown(line)) {
                // Rust writes this before it aborts.
                self.is_out_of_memory |= line.starts_with("memory allocation of ");
                let start = line.ceil_char_boundary(line.len().saturating_sub(SHOWN_OF_LINE));
                self.last.push_back(line[start..].to_owned());
            }
            self.last.drain(..self.last.len().saturating_sub(SHOWN));
        }
        if self.is_of_task { text } else { Vec::new() }
    }

    /// Begins the output of the task, now that the child has taken over.
    pub(super) fn begin_task(&mut self, child: &mut Child) {
        // It is not output of the task.
        let _ = self.drain(child);
        self.last.clear();
        (self.is_of_task, self.is_out_of_memory) = (true, false);
    }

    /// Reads what the child has written before now, and ends the lines that it has begun. Returns the lines that are to be
    /// logged.
    pub(super) fn drain(&mut self, child: &mut Child) -> Vec<u8> {
        let mut logged = Vec::new();
        for pipe in [Pipe::Out, Pipe::Err] {
            while !self.is_over(pipe) && has_more(child, pipe) {
                logged.extend(self.read(child, pipe));
            }
            let lines = match pipe {
                Pipe::Out => &mut self.out,
                Pipe::Err => &mut self.err,
            };
            let mut rest = std::mem::take(&mut lines.begun);
            if !rest.is_empty() {
                rest.push(b'\n');
                logged.extend(self.take(pipe, rest));
            }
        }
        logged
    }
}

/// Returns whether an error message shows a line: it is neither empty nor a part of a backtrace, which is in the log.
fn is_shown(line: &str) -> bool {
    let frame = line.trim_start();
    let is_numbered = || frame.split_once(": ").is_some_and(|(n, _)| n.parse::<u32>().is_ok());
    let is_frame = frame.len() < line.len() && (frame.starts_with("at ") || is_numbered());
    let is_note = line.starts_with("note: Some details") || line.contains("`RUST_BACKTRACE=");
    !line.is_empty() && !is_frame && !is_note && line != "stack backtrace:"
}

/// Returns whether a pipe has something to read now, or has ended.
fn has_more(child: &Child, pipe: Pipe) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let mut fds = [match pipe {
        Pipe::Out => PollFd::new(&child.out, PollFlags::IN),
        Pipe::Err => PollFd::new(&child.err, PollFlags::IN),
    }];
    poll(&mut fds, Some(&now)).is_ok_and(|ready| ready > 0)
}

/// Reads and drops what an idle child has written: it belongs to no task.
pub(super) fn discard(child: &mut Child) {
    let mut chunk = vec![0; CHUNK];
    while has_more(child, Pipe::Out) && child.out.read(&mut chunk).is_ok_and(|read| read > 0) {}
    while has_more(child, Pipe::Err) && child.err.read(&mut chunk).is_ok_and(|read| read > 0) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_message_leaves_out_backtraces() {
        let text = "thread 'main' panicked at src/a.rs:1:2:\nno luck\nstack backtrace:\n   0: a::b\n             at \
                    src/a.rs:1\n  10: c\nnote: Some details are omitted\n\nat last";
        let shown: Vec<_> = text.lines().filter(|line| is_shown(line)).collect();
        assert_eq!(shown, ["thread 'main' panicked at src/a.rs:1:2:", "no luck", "at last"]);
    }
}
