//! Reasons: why an instance is not complete.

use std::fmt;

use crate::base::signature::SignatureError;
use crate::store::change::CodeChange;

/// The number of inputs, or of other reads, that the reasons list.
pub(super) const LISTED: usize = 5;

/// Why an instance is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The instance has no output, and never had one.
    NeverRun,
    /// It is forced to run although it is complete.
    Forced,
    /// It failed last time.
    FailedLastTime {
        /// The first line of the error. [`Instance::failure`](crate::Instance::failure) has all of it.
        error: String,
        /// The number of attempts; 0 if that is not known.
        attempts: u32,
        /// How long ago, in seconds.
        seconds_ago: u64,
    },
    /// Its code changed.
    Code {
        /// The change.
        what: CodeChange,
    },
    /// The version in `#[task(version = ...)]` changed.
    Version {
        /// The recorded version.
        was: u32,
        /// Today's version.
        now: u32,
    },
    /// The set of significant parameters changed in a way that the key does not show.
    ///
    /// For example, an insignificant parameter became significant.
    Parameters,
    /// An input has other content, or is another instance.
    Input {
        /// Its role in `requires`; empty if it has none.
        role: String,
        /// The change.
        what: InputChange,
    },
    /// A file that was read, or the files that match a pattern, changed or do not exist.
    File {
        /// The path.
        path: String,
        /// The change.
        what: &'static str,
    },
    /// An environment variable that was read changed.
    Env {
        /// Its name.
        name: String,
        /// The change.
        what: &'static str,
    },
    /// The output is due to be fetched again: `#[task(refresh = ...)]`.
    Refresh {
        /// Why.
        what: String,
    },
    /// Something else than the output that was read from an input changed.
    Read {
        /// What was read.
        what: String,
    },
    /// A dynamic dependency changed.
    Required {
        /// The change.
        what: String,
    },
    /// The target changed.
    Target {
        /// The recorded target.
        was: String,
        /// Today's target.
        now: String,
    },
    /// A file of the output does not exist, or has other content.
    Output {
        /// The name of the file.
        file: String,
        /// The change.
        what: &'static str,
    },
    /// What the output stands for outside of the store, such as a table of a database, is not as it was written.
    Outside {
        /// The difference.
        what: String,
    },
    /// The record cannot be used.
    Record {
        /// Why not.
        what: String,
    },
    /// The output is not signed as the flow [requires](crate::Flow::require_signatures).
    NotAccepted {
        /// Why it is not accepted.
        why: SignatureError,
    },
    /// An output could be reused, and is not signed as the flow [requires](crate::Flow::require_signatures).
    Signature {
        /// Why it is not accepted.
        why: SignatureError,
    },
    /// A task upstream has to run first, and its output decides.
    Upstream {
        /// The names of the required tasks that are not complete.
        tasks: Vec<String>,
    },
}

impl Reason {
    /// Returns whether it is a file, or a pattern of files, that does not exist.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self, Self::File { what, .. } if *what != "changed")
    }

    /// Returns whether it is likely to make the next run fail too.
    pub(crate) fn is_obstacle(&self) -> bool {
        self.is_missing_file() || matches!(self, Self::FailedLastTime { .. })
    }
}

/// How an input differs from the recorded one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputChange {
    /// The required task has another output now.
    OtherData {
        /// Its name.
        task: String,
    },
    /// The required task has other data in columns that were read; other columns do not count.
    Columns {
        /// The name of the required task.
        task: String,
        /// The names of the columns that changed, or that do not exist any more, in alphabetical order.
        columns: Vec<String>,
    },
    /// The required task has other data in partitions that were read, or other partitions; the rest does not count.
    Partitions {
        /// The name of the required task.
        task: String,
        /// What was read, such as `partitions where year = 2024`.
        read: String,
    },
    /// Another instance is required.
    Instance {
        /// The label of the recorded instance.
        was: String,
    },
    /// It was not required before.
    New,
    /// The number of required instances changed.
    Count {
        /// The recorded number.
        was: usize,
        /// Today's number.
        now: usize,
    },
    /// The target that reads its output changed.
    Target {
        /// The name of the required task.
        task: String,
    },
    /// The same inputs are required in another order.
    Order,
    /// More inputs changed than are listed.
    Others,
}

/// Displays the names of columns; of many, the first few.
pub(super) struct Columns<'a>(pub(super) &'a [String]);

impl fmt::Display for Columns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = if self.0.len() == 1 { "column" } else { "columns" };
        let listed = self.0.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>();
        write!(f, "{columns} {}", listed.join(", "))?;
        match self.0.len().checked_sub(LISTED) {
            Some(more @ 1..) => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for InputChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherData { task } => write!(f, "{task} gave other data"),
            Self::Columns { task, columns } => {
                write!(f, "{task} gave other data in {}", Columns(columns))
            }
            Self::Partitions { task, read } => write!(f, "{task} gave other data in {read}"),
            Self::Instance { was } => write!(f, "was {was}"),
            Self::New => f.write_str("is new"),
            Self::Count { was, now } => write!(f, "was {was} of them, is {now}"),
            Self::Target { task } => write!(f, "the target of {task} changed"),
            Self::Order => f.write_str("in another order"),
            Self::Others => f.write_str("and others"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverRun => f.write_str("never run"),
            Self::Forced => f.write_str("forced"),
            Self::FailedLastTime { error, attempts, seconds_ago } => {
                write!(f, "failed last time: {error} (")?;
                if *attempts > 1 {
                    write!(f, "{attempts} attempts, ")?;
                }
                write!(f, "{})", Ago(*seconds_ago))
            }
            Self::Code { what } => write!(f, "code: {what}"),
            Self::Version { was, now } => write!(f, "version: was {was}, is {now}"),
            Self::Parameters => {
                f.write_str("parameters: the set of significant parameters changed")
            }
            Self::Input { role, what } if role.is_empty() => write!(f, "input: {what}"),
            Self::Input { role, what } => write!(f, "input {role}: {what}"),
            Self::File { path, what } => write!(f, "file: {path} {what}"),
            Self::Env { name, what } => write!(f, "env: {name} {what}"),
            Self::Refresh { what } => write!(f, "refresh: {what}"),
            Self::Read { what } => write!(f, "{what}"),
            Self::Required { what } => write!(f, "in run: {what}"),
            Self::Target { was, now } => write!(f, "target: was {was}, is {now}"),
            Self::Output { file, what } => write!(f, "output: {file} {what}"),
            Self::Outside { what } => write!(f, "output: {what}"),
            Self::Record { what } => write!(f, "record: {what}"),
            Self::NotAccepted { why } => write!(f, "{why}"),
            Self::Signature { why } => write!(f, "not reused: {why}"),
            Self::Upstream { tasks } => write!(f, "waits for {}", tasks.join(", ")),
        }
    }
}

/// Displays a time span in seconds as text.
pub(super) struct Ago(u64);

impl Ago {
    /// Returns the time span since a time in seconds since 1970.
    pub(super) fn since(second: i64) -> Self {
        Self(jiff::Timestamp::now().as_second().saturating_sub(second).max(0).unsigned_abs())
    }
}

impl fmt::Display for Ago {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..60 => write!(f, "{} s ago", self.0),
            60..3600 => write!(f, "{} min ago", self.0 / 60),
            3600..172_800 => write!(f, "{} h ago", self.0 / 3600),
            seconds => write!(f, "{} days ago", seconds / 86_400),
        }
    }
}
