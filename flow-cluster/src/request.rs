//! [`JobSelection`] and [`Request`]: which jobs, and what another process asks of a run.

use std::collections::BTreeSet;

use flow_core::process::local_time;
use serde::{Deserialize, Serialize};

use crate::error::ClusterError;
use crate::format::{FORMAT, line, plain, versioned};

/// The number of digits of a key, and the fewest that name an instance: those in the name of its folder.
const KEY: usize = 32;
const SHORT_KEY: usize = 16;

/// The most bytes of a request. A longer line is no request of this library.
const LONGEST: usize = 16 << 20;

/// Jobs of a queue: all of them, those of some tasks, or those of some instances.
///
/// ```
/// use flow::cluster::JobSelection;
///
/// # fn main() -> flow::prelude::Result<()> {
/// let jobs = JobSelection::tasks(["Train", "Score"]).and_key("00c5a1b2d3e4f506")?;
/// assert!(jobs.has("Train", "0123456789abcdef0123456789abcdef"));
/// assert!(jobs.has("Get", "00c5a1b2d3e4f5060123456789abcdef"));
/// assert!(!jobs.has("Get", "0123456789abcdef0123456789abcdef"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSelection {
    #[serde(default)]
    all: bool,
    #[serde(default)]
    tasks: BTreeSet<String>,
    #[serde(default)]
    keys: BTreeSet<String>,
}

impl JobSelection {
    /// Selects all jobs.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Selects the jobs of tasks with these names.
    pub fn tasks(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::default().and_tasks(names)
    }

    /// Also selects the jobs of tasks with these names.
    #[must_use]
    pub fn and_tasks(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tasks.extend(names.into_iter().map(Into::into));
        self
    }

    /// Also selects the jobs of the instance with a key: all of its 32 hexadecimal digits, or at least the first 16.
    ///
    /// # Errors
    ///
    /// The text is not a key.
    pub fn and_key(mut self, key: &str) -> Result<Self, ClusterError> {
        let is_key = (SHORT_KEY..=KEY).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_key {
            return Err(ClusterError::NoKey { text: plain(key) });
        }
        self.keys.insert(key.to_ascii_lowercase());
        Ok(self)
    }

    /// Returns whether a job of a task, whose instance has this key, is selected.
    pub fn has(&self, task: &str, key: &str) -> bool {
        self.all || self.tasks.contains(task) || self.has_key(key)
    }

    fn has_key(&self, key: &str) -> bool {
        // Of the keys that begin like this one, the shortest is a prefix of it.
        let mut ends = SHORT_KEY..=key.len().min(KEY);
        !self.keys.is_empty()
            && ends.any(|end| key.get(..end).is_some_and(|start| self.keys.contains(start)))
    }
}

/// A line of the requests of a run: another process asks it to cancel jobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Request {
    format: u32,
    cancel: JobSelection,
    /// The machine and the user that ask, if the name of the user is known, and when, for people. The process that asks ends at
    /// once, so that its number would tell nothing.
    host: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    at: String,
}

impl Request {
    /// Asks to cancel jobs, in the name of the user of this process on a machine.
    pub(crate) fn cancel(selection: &JobSelection, host: &str) -> Self {
        let (cancel, host) = (selection.clone(), host.to_owned());
        Self { format: FORMAT, cancel, host, user: user(), at: local_time() }
    }

    /// Reads a line. One that cannot be read asks for nothing.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        if line.len() > LONGEST {
            return None;
        }
        versioned(line).ok()
    }

    /// Returns the request as a line. An empty line ends one of which another process could write the beginning only.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut lines = vec![b'\n'];
        lines.extend(line(self));
        lines
    }

    /// Returns the jobs that are to be cancelled.
    pub(crate) fn cancelled(&self) -> &JobSelection {
        &self.cancel
    }

    /// Returns who asks, and when, as it is shown.
    pub(crate) fn by(&self) -> String {
        let host = plain(&self.host);
        let by = match &self.user {
            Some(user) => format!("by request of {}@{host}", plain(user)),
            None => format!("by request of {host}"),
        };
        match self.at.is_empty() {
            true => by,
            false => format!("{by} at {}", plain(&self.at)),
        }
    }
}

/// Returns the name of the user of this process, if the environment has it.
fn user() -> Option<String> {
    let named = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(std::env::var_os);
    named.map(|name| name.to_string_lossy().into_owned()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_1: &str = "00112233445566778899aabbccddeeff";
    const KEY_2: &str = "00112233445566778899aabbccddee00";

    #[test]
    fn jobs_are_selected_by_task_or_key() {
        assert!(JobSelection::all().has("A", KEY_1));
        assert!(!JobSelection::default().has("A", KEY_1));
        let tasks = JobSelection::tasks(["A"]);
        assert!(tasks.has("A", KEY_1) && !tasks.has("AB", KEY_1) && !tasks.has("a", KEY_1));
        let one = JobSelection::default().and_key(&KEY_1.to_uppercase()).expect("a key");
        assert!(one.has("A", KEY_1) && !one.has("A", KEY_2));
        let both = JobSelection::default().and_key(&KEY_1[..20]).expect("a key");
        assert!(both.has("A", KEY_1) && both.has("A", KEY_2));
        // A damaged file of the queue may have any text as a key.
        for other in ["", "0011", "ü0112233445566778899aabbccddeeff"] {
            assert!(!both.has("A", other), "{other}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = format!("{KEY_1}0");
        for text in ["", "0011223344556677x", "00112233445566", long.as_str(), "../../x"] {
            let error = JobSelection::all().and_key(text).expect_err("it is no key").to_string();
            assert!(error.contains("is not a key: give 16 to 32"), "{error}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let request = Request::cancel(&JobSelection::tasks(["A", "B"]), "no\u{1b}de");
        let line = request.line();
        assert_eq!((line[0], line[line.len() - 1]), (b'\n', b'\n'));
        let line = &line[1..line.len() - 1];
        assert_eq!(Request::parse(line), Some(request.clone()));
        let by = request.by();
        let who = user().map_or_else(|| "no?de".to_owned(), |user| format!("{user}@no?de"));
        let at = by.strip_prefix(&format!("by request of {who} at ")).expect("who and when");
        let (day, time) = at.split_once(' ').expect("a day and a time");
        assert!(day.len() == 10 && time.len() == "23:12:05 +01:00".len(), "{by}");
        for wrong in [&line[..line.len() - 1], b"{}", b"[1]", b"{\"format\":9,\"cancel\":{}}"] {
            assert_eq!(Request::parse(wrong), None);
        }
    }
}
