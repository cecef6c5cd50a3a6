//! Reasons: why an instance is not complete.

use std::fmt;

use crate::store::change::CodeChange;

/// How many inputs, or other things that were read, the reasons name.
pub(super) const LISTED: usize = 5;

/// Why an instance is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is no output of this instance, nor was there.
    NeverRun,
    /// It is to run although its output is there.
    Forced,
    /// It failed last time.
    FailedLastTime {
        /// The first line of the error.
        error: String,
        /// How long ago, in seconds.
        seconds_ago: u64,
    },
    /// The code that makes it is another.
    Code {
        /// What is different.
        what: CodeChange,
    },
    /// The version written in `#[task(version = ...)]` is another.
    Version {
        /// What it was.
        was: u32,
        /// What it is now.
        now: u32,
    },
    /// The task's own parameters are others: the task was changed in a way that its key does not
    /// show, such as a parameter that became significant.
    Parameters,
    /// An input has other content, or is another instance.
    Input {
        /// Its role in `requires`, empty if it has none.
        role: String,
        /// What is different.
        what: InputChange,
    },
    /// A file that was read, or those that a pattern stands for, have other content, or are gone.
    File {
        /// The path.
        path: String,
        /// What is different.
        what: &'static str,
    },
    /// A variable of the environment that was read is different.
    Env {
        /// Its name.
        name: String,
        /// What is different.
        what: &'static str,
    },
    /// What was fetched is to be fetched again: `#[task(refresh = ...)]`.
    Refresh {
        /// Why.
        what: String,
    },
    /// Something that was read from an input besides its output is different.
    Read {
        /// What was read.
        what: String,
    },
    /// Something that was required while the task ran is different.
    Required {
        /// What is different.
        what: String,
    },
    /// The target is another.
    Target {
        /// As it was written.
        was: String,
        /// As it is written now.
        now: String,
    },
    /// The file of the output is gone, or has other content.
    Output {
        /// The name of the file.
        file: String,
        /// What is different.
        what: &'static str,
    },
    /// The record cannot be used.
    Record {
        /// Why not.
        what: String,
    },
    /// Something upstream is not complete, so that this is decided when it has run.
    Upstream {
        /// The tasks required that are not complete.
        tasks: Vec<String>,
    },
}

/// How an input is different from what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputChange {
    /// The task required has made something else since.
    OtherData {
        /// Its name.
        task: String,
    },
    /// Another instance is required.
    Instance {
        /// The one that was, as it is printed.
        was: String,
    },
    /// It was not required.
    New,
    /// Another number of instances is required.
    Count {
        /// How many there were.
        was: usize,
        /// How many there are.
        now: usize,
    },
    /// What its output is read by is another.
    Target {
        /// The name of the task required.
        task: String,
    },
    /// The same are required, in another order.
    Order,
    /// More inputs are different than are listed.
    Others,
}

impl fmt::Display for InputChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherData { task } => write!(f, "{task} gave other data"),
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
            Self::FailedLastTime { error, seconds_ago } => {
                write!(f, "failed last time: {error} ({})", Ago(*seconds_ago))
            }
            Self::Code { what } => write!(f, "code: {what}"),
            Self::Version { was, now } => write!(f, "version: was {was}, is {now}"),
            Self::Parameters => f.write_str("parameters: another set of them counts"),
            Self::Input { role, what } if role.is_empty() => write!(f, "input: {what}"),
            Self::Input { role, what } => write!(f, "input {role}: {what}"),
            Self::File { path, what } => write!(f, "file: {path} {what}"),
            Self::Env { name, what } => write!(f, "env: {name} {what}"),
            Self::Refresh { what } => write!(f, "refresh: {what}"),
            Self::Read { what } => write!(f, "{what}"),
            Self::Required { what } => write!(f, "in run: {what}"),
            Self::Target { was, now } => write!(f, "target: was {was}, is {now}"),
            Self::Output { file, what } => write!(f, "output: {file} {what}"),
            Self::Record { what } => write!(f, "record: {what}"),
            Self::Upstream { tasks } => write!(f, "upstream: {} first", tasks.join(", ")),
        }
    }
}

/// A time span as people say it.
struct Ago(u64);

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
