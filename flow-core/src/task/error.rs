//! Errors of loading an output, and of requiring a task while another one runs.

use std::path::PathBuf;

use crate::base::error::StoreError;

/// The output of a task that was required by a running task does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot require {instance}")]
#[non_exhaustive]
pub struct RequireError {
    /// The instance that was required.
    pub instance: String,
    /// Why its output does not exist.
    #[source]
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
#[derive(Debug, thiserror::Error)]
#[error("cannot load {instance}")]
#[non_exhaustive]
pub struct LoadError {
    /// The instance.
    pub instance: String,
    /// Why it could not be loaded.
    #[source]
    pub kind: LoadErrorKind,
}

/// Why an output could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The target could not read the file.
    #[error(
        "cannot read {} (if its type was changed since it was made, `reset` the task or write another \
         `version`)", path.display()
    )]
    #[non_exhaustive]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the target.
        source: anyhow::Error,
    },
    /// The target could not read the requested part: some columns, or the first piece.
    #[error("cannot read the requested part of it")]
    #[non_exhaustive]
    InPart {
        /// The error of the target.
        source: anyhow::Error,
    },
    /// An external file does not exist.
    #[error("external file {} does not exist", path.display())]
    #[non_exhaustive]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The target could not read an external file.
    #[error("cannot read external file {}", path.display())]
    #[non_exhaustive]
    External {
        /// The file.
        path: PathBuf,
        /// The error of the target.
        source: anyhow::Error,
    },
    /// The path of an output without a file was requested.
    #[error("it has no file: {why}")]
    #[non_exhaustive]
    NoFile {
        /// Why it has no file.
        why: &'static str,
    },
    /// The output was removed after the plan was made.
    #[error("it was removed after the plan was made: run the task again")]
    Gone,
    /// Another process replaced the output, or the file was changed.
    #[error("it was replaced after the plan was made: run the tasks that require it again")]
    Changed,
    /// The record of the output was damaged after the plan was made.
    #[error("its record cannot be used: {reason}")]
    #[non_exhaustive]
    Record {
        /// Why the record cannot be used.
        reason: String,
    },
    /// The task recorded no metadata of that name.
    #[error("its task recorded no metadata `{name}` with `cx.meta`{}", list(known))]
    #[non_exhaustive]
    NoMeta {
        /// The requested name.
        name: String,
        /// The names that were recorded.
        known: Vec<String>,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The metadata has another type.
    #[error("`{name}` cannot be read")]
    #[non_exhaustive]
    Meta {
        /// The requested name.
        name: String,
        /// Why the value cannot be read.
        source: anyhow::Error,
    },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(", but `{}`", known.join("`, `")) }
}
