//! Reads logs: as text, and line by line while a task writes them.
//!
//! A log may hold anything: programs print control characters and bytes that are no text, and the folder may be
//! hostile. So a log is read within a limit, invalid bytes become `�`, and control characters are escaped where a log
//! is displayed.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::Stat;
use crate::base::key::Key;
use crate::files::{SETTLED, is_absent};
use crate::store::log::{END, LIMIT, LOG, attempt_of};
use crate::store::{Folder, Found, RECORD, Store};
use crate::value::escaped_text;

/// The most bytes that are read of a log: those of the longest log that is written, with its notices.
const LARGEST: u64 = LIMIT + END as u64 + 4096;

/// The log of an attempt to run a task: what the task logged, and what its programs printed.
///
/// [`Instance::log`](crate::Instance::log) and [`Flow::log`](crate::Flow::log) return it. It is displayed with escaped
/// control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLog {
    path: PathBuf,
    attempt: Option<u32>,
    text: String,
}

impl TaskLog {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns how often the task had been started when it wrote this log, beginning with 1; `None` for the last time.
    ///
    /// A start that was [lost](crate::Event::Lost) counts here, and is no attempt.
    pub fn attempt(&self) -> Option<u32> {
        self.attempt
    }

    /// Returns the text as it was written, control characters included. Bytes that are not UTF-8 are `�`.
    ///
    /// The middle of a log of more than 64 MiB is left out, and a line says so.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the last lines of the text, at most `lines`.
    pub fn tail(&self, lines: usize) -> &str {
        let text = self.text.trim_end_matches('\n');
        let starts = text.rmatch_indices('\n').map(|(at, _)| at + 1);
        let start = starts.chain([0]).nth(lines.saturating_sub(1));
        if lines == 0 { "" } else { &text[start.unwrap_or(0)..] }
    }
}

impl fmt::Display for TaskLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped_lines(&self.text))
    }
}

/// Escapes control characters in each line of a text, except tabs.
pub(crate) fn escaped_lines(text: &str) -> String {
    let escaped = |part: &str| escaped_text(part.chars());
    let line = |line: &str| line.split('\t').map(escaped).collect::<Vec<_>>().join("\t");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// A log that is read while a task writes it. [`Instance::follow_log`](crate::Instance::follow_log) returns it.
///
/// ```
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn sum(cx: &Cx<sum>) -> u64 {
///     cx.log("adding");
///     (1..=3).sum()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let mut log = flow.graph::<sum>().follow_log::<sum>()?;
/// assert_eq!(log.read_new()?, ""); // it has not begun
/// flow.run::<sum>()?; // elsewhere: in another thread or process
/// assert!(log.read_new()?.ends_with(" adding\n"));
/// assert_eq!(log.read_new()?, "");
/// # Ok(())
/// # }
/// ```
pub struct FollowedLog {
    store: Arc<Store>,
    path: PathBuf,
    /// The number of bytes that were read.
    read: u64,
    /// The first bytes of the file, which begin with the time. Another run's log has others.
    head: Vec<u8>,
    /// The beginning of a character whose end was not written yet.
    partial: Vec<u8>,
}

/// The number of first bytes by which a log is recognized.
const HEAD: usize = 64;

impl FollowedLog {
    /// Returns the path of the file, which may not exist yet.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the text that was written since the last call; empty if there is none.
    ///
    /// If another run or attempt has begun a new log, it continues with the beginning of that log. It does not wait:
    /// call it again after a while.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn read_new(&mut self) -> Result<String, StoreError> {
        let mut file = match self.store.fs().open(&self.path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(String::new()),
            Err(error) => return Err(error).during("open", &self.path),
        };
        let bytes = self.read_bytes(&mut file).during("read", &self.path)?;
        self.partial.extend(bytes);
        let whole = match std::str::from_utf8(&self.partial) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let rest = self.partial.split_off(whole);
        let text = std::mem::replace(&mut self.partial, rest);
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Reads on, or from the beginning if the file is another one.
    fn read_bytes(&mut self, file: &mut File) -> io::Result<Vec<u8>> {
        let mut head = vec![0; self.head.len()];
        let is_same = match file.read_exact(&mut head) {
            Ok(()) => head == self.head && file.metadata()?.len() >= self.read,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        };
        if !is_same {
            self.read = 0;
            self.head.clear();
            self.partial.clear();
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.take(LARGEST).read_to_end(&mut bytes)?;
        if self.head.len() as u64 == self.read {
            let more = bytes.len().min(HEAD - self.head.len());
            self.head.extend(&bytes[..more]);
        }
        self.read += bytes.len() as u64;
        Ok(bytes)
    }
}

impl Store {
    /// Returns the log of the last run of an instance, whether it failed or not. `None` if it logged nothing.
    pub(crate) fn last_log(
        &self,
        folder: &Folder,
        key: Key,
    ) -> Result<Option<TaskLog>, StoreError> {
        Ok(match self.begun(folder, key)? {
            Begun::Silently => None,
            Begun::After(since) => self.log(folder, LOG, since)?,
        })
    }

    /// Returns the log of the last run of the instance whose output is in this folder.
    pub(crate) fn log_of_output(&self, folder: &Folder) -> Result<Option<TaskLog>, StoreError> {
        match self.read_record(&self.path(folder, RECORD))? {
            Some(Ok(record)) => self.last_log(folder, record.key),
            Some(Err(_)) | None => Ok(None),
        }
    }

    /// Returns the logs of the failed attempts of an instance's last run that are kept, in order.
    pub(crate) fn earlier_logs(
        &self,
        folder: &Folder,
        key: Key,
    ) -> Result<Vec<TaskLog>, StoreError> {
        // An attempt that logged nothing may follow one that did.
        let since = match self.begun(folder, key)? {
            Begun::Silently => i64::MIN,
            // The log of an attempt replaces those of earlier runs, and the record has the time of the last attempt.
            Begun::After(since) if self.log(folder, LOG, since)?.is_some() => i64::MIN,
            Begun::After(since) => since,
        };
        // If the last run failed, it is known how often it has started the task. Other logs are those of earlier runs.
        let run = self.failure(folder, key).and_then(|failure| failure.run);
        let starts = run.map_or(u32::MAX, |run| run.attempts);
        let mut logs = Vec::new();
        for name in self.log_names(folder)? {
            if attempt_of(&name).is_some_and(|attempt| attempt < starts) {
                logs.extend(self.log(folder, &name, since)?);
            }
        }
        Ok(logs)
    }

    /// Returns the log in a folder, of whichever run it is.
    pub(crate) fn log_in(&self, folder: &Folder) -> Result<Option<TaskLog>, StoreError> {
        self.log(folder, LOG, i64::MIN)
    }

    /// Returns a log that is read while it is written. It need not exist.
    pub(crate) fn follow_log(self: &Arc<Self>, folder: &Folder) -> FollowedLog {
        let (store, path) = (Arc::clone(self), self.path(folder, LOG));
        FollowedLog { store, path, read: 0, head: Vec::new(), partial: Vec::new() }
    }

    /// Returns when the last run of an instance began.
    fn begun(&self, folder: &Folder, key: Key) -> Result<Begun, StoreError> {
        let record = match self.record(folder, key)? {
            Found::Record(record) => Some(record.started),
            Found::Nothing | Found::Damaged(_) => None,
        };
        let failure = self.failure(folder, key);
        let failure = failure.filter(|failure| record.is_none_or(|started| failure.at > started));
        Ok(match failure {
            Some(failure) => match failure.run {
                Some(run) if run.log.is_none() => Begun::Silently,
                // The record names the log, so its age does not matter.
                _ => Begun::After(i64::MIN),
            },
            // File systems store times in steps, and the clock of a server may differ a little.
            None => Begun::After(
                record.map_or(i64::MIN, |started| nanoseconds(started).saturating_sub(SETTLED)),
            ),
        })
    }

    /// Reads a log, unless it was last written before `since`, in nanoseconds since 1970.
    fn log(&self, folder: &Folder, name: &str, since: i64) -> Result<Option<TaskLog>, StoreError> {
        let path = self.path(folder, name);
        let Stat { bytes, modified, .. } = match self.fs.stat(&path) {
            Ok(stat) => stat,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error).during("inspect", &path),
        };
        if modified < since {
            return Ok(None);
        }
        let skipped = bytes.saturating_sub(LARGEST);
        let read = match self.fs.read_from(&path, skipped, LARGEST + (1 << 20)) {
            Ok(read) => read,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error).during("read", &path),
        };
        let mut text = match skipped {
            0 => String::new(),
            bytes => format!("[the first {bytes} bytes are not shown]\n"),
        };
        text.push_str(&String::from_utf8_lossy(&read));
        Ok(Some(TaskLog { path, attempt: attempt_of(name), text }))
    }
}

/// When the last run of an instance began.
enum Begun {
    /// At this time, in nanoseconds since 1970.
    After(i64),
    /// It logged nothing.
    Silently,
}

fn nanoseconds(at: jiff::Timestamp) -> i64 {
    i64::try_from(at.as_nanosecond()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> TaskLog {
        TaskLog { path: PathBuf::from("log.txt"), attempt: None, text: text.to_owned() }
    }

    #[test]
    fn the_tail_has_the_last_lines() {
        let three = log("one\ntwo\nthree\n");
        assert_eq!(three.tail(0), "");
        assert_eq!(three.tail(1), "three");
        assert_eq!(three.tail(2), "two\nthree");
        assert_eq!(three.tail(3), "one\ntwo\nthree");
        assert_eq!(three.tail(9), "one\ntwo\nthree");
        assert_eq!(log("").tail(3), "");
    }

    #[test]
    fn control_characters_are_escaped_and_lines_stay() {
        let hostile = log("a\tb\x1b[31mred\r\nnext\u{202e}\0");
        assert_eq!(hostile.to_string(), "a\tb\\u{1b}[31mred\nnext\\u{202e}\\u{0}");
        assert_eq!(hostile.text(), "a\tb\x1b[31mred\r\nnext\u{202e}\0");
    }
}
