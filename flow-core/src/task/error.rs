//! Errors of loading an output, and of requiring a task while another one runs.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::base::error::StoreError;
use crate::target::names_path;

/// The output of a task that was required by a running task does not exist.
///
/// The message includes that of the [`kind`](Self::kind).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot require {instance}: {kind}")]
#[non_exhaustive]
pub struct RequireError {
    /// The instance that was required.
    pub instance: String,
    /// Why its output does not exist.
    pub kind: RequireErrorKind,
}

/// Why the output of a required task does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequireErrorKind {
    /// The task failed, or a task upstream of it did.
    #[error("{error}")]
    #[non_exhaustive]
    Failed {
        /// What failed, and why.
        error: String,
    },
    /// The task requires the running task, which would wait for itself.
    #[error("it requires itself while it runs: {}", cycle.join(" → "))]
    #[non_exhaustive]
    Cycle {
        /// The instances along the cycle, each of which requires the next.
        cycle: Vec<String>,
    },
    /// The settings that it was required with are wrong.
    #[error("{error}")]
    #[non_exhaustive]
    Settings {
        /// What is wrong.
        error: String,
    },
    /// The execution was stopped.
    ///
    /// A task that returns this error has not failed. A task that continues counts as stopped all the same,
    /// because its output would not be what it computes otherwise.
    #[error("the execution was stopped")]
    Stopped,
    /// The operating system refused to start another thread: too many tasks wait for others.
    #[error("no thread can be started for it: {error}")]
    #[non_exhaustive]
    Thread {
        /// The error of the operating system.
        error: String,
    },
}

/// An output could not be loaded.
///
/// The message includes that of the [`kind`](Self::kind), and so [`source()`](Error::source) returns the source of
/// the kind.
#[derive(Debug)]
#[non_exhaustive]
pub struct LoadError {
    /// The instance.
    pub instance: String,
    /// Why it could not be loaded.
    pub kind: LoadErrorKind,
}

/// Why an output could not be loaded.
///
/// The message of a kind with a `source` includes that of the `source`, so that [`source()`](Error::source) returns
/// the cause of that `source`.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The target could not read the file.
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the target.
        source: anyhow::Error,
    },
    /// The target could not read the requested part: some columns, or the first piece.
    #[non_exhaustive]
    InPart {
        /// The error of the target.
        source: anyhow::Error,
    },
    /// An external file does not exist.
    #[non_exhaustive]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The target could not read an external file.
    #[non_exhaustive]
    External {
        /// The file.
        path: PathBuf,
        /// The error of the target.
        source: anyhow::Error,
    },
    /// The path of an output without a file was requested.
    #[non_exhaustive]
    NoFile {
        /// Why it has no file.
        why: &'static str,
    },
    /// A running task tried to read the log of another.
    LogInTask,
    /// A running task tried to read the figures or notes of another.
    FiguresInTask,
    /// The output was removed after the plan was made.
    Gone,
    /// Another process replaced the output, or the file was changed.
    Changed,
    /// The record of the output was damaged after the plan was made.
    #[non_exhaustive]
    Record {
        /// Why the record cannot be used.
        reason: String,
    },
    /// The task recorded no metadata of that name.
    #[non_exhaustive]
    NoMeta {
        /// The requested name.
        name: String,
        /// The names that were recorded.
        known: Vec<String>,
    },
    /// The store cannot be used.
    Store(StoreError),
    /// The metadata has another type.
    #[non_exhaustive]
    Meta {
        /// The requested name.
        name: String,
        /// Why the value cannot be read.
        source: anyhow::Error,
    },
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot load {}: {}", self.instance, self.kind)
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.kind.source()
    }
}

impl From<StoreError> for LoadErrorKind {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for LoadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => {
                let what = match names_path(source, path) {
                    true => "its output".to_owned(),
                    false => path.display().to_string(),
                };
                write!(
                    f,
                    "cannot read {what} (if its type was changed since it was made, `reset` the task or \
                     write another `version`): {source}"
                )
            }
            Self::InPart { source } => write!(f, "cannot read the requested part of it: {source}"),
            Self::Missing { path } => write!(f, "external file {} does not exist", path.display()),
            Self::External { path, source } => match names_path(source, path) {
                true => write!(f, "cannot read its external file: {source}"),
                false => write!(f, "cannot read external file {}: {source}", path.display()),
            },
            Self::NoFile { why } => write!(f, "it has no file: {why}"),
            Self::LogInTask => f.write_str(
                "a running task cannot read its log, because no later plan would notice a change of it",
            ),
            Self::FiguresInTask => f.write_str(
                "a running task cannot read its figures and notes, because no later plan would notice a change of them",
            ),
            Self::Gone => f.write_str("it was removed after the plan was made: run the task again"),
            Self::Changed => f.write_str(
                "it was replaced after the plan was made: run the tasks that require it again",
            ),
            Self::Record { reason } => write!(f, "its record cannot be used: {reason}"),
            Self::NoMeta { name, known } => {
                let known = list(known);
                write!(f, "its task recorded no metadata `{name}` with `cx.meta`{known}")
            }
            Self::Store(error) => fmt::Display::fmt(error, f),
            Self::Meta { name, source } => write!(f, "metadata `{name}` cannot be read: {source}"),
        }
    }
}

impl Error for LoadErrorKind {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The message includes that of `source`.
            Self::Unreadable { source, .. }
            | Self::InPart { source }
            | Self::External { source, .. }
            | Self::Meta { source, .. } => source.source(),
            Self::Store(error) => error.source(),
            Self::Missing { .. }
            | Self::NoFile { .. }
            | Self::LogInTask
            | Self::FiguresInTask
            | Self::Gone
            | Self::Changed
            | Self::Record { .. }
            | Self::NoMeta { .. } => None,
        }
    }
}

fn list(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(", but `{}`", known.join("`, `")) }
}
