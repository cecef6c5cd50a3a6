//! Errors of what a task, or a user of a flow, reads: an output that cannot be loaded, and a task that
//! was required in vain.

use std::path::PathBuf;

use crate::base::error::StoreError;

/// Something that a task required while it ran is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot require {instance}")]
#[non_exhaustive]
pub struct RequireError {
    /// The instance that was required.
    pub instance: String,
    /// Why it is not there.
    #[source]
    pub kind: RequireErrorKind,
}

/// Why something that a task required while it ran is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequireErrorKind {
    /// It failed, or something that it requires did.
    #[error("{error}")]
    #[non_exhaustive]
    Failed {
        /// What failed, and why.
        error: String,
    },
    /// It requires the task that requires it, which would wait for itself.
    #[error("it requires itself while it runs: {}", cycle.join(" → "))]
    #[non_exhaustive]
    Cycle {
        /// The instances, of which each requires the next.
        cycle: Vec<String>,
    },
    /// The settings that it was required with are wrong.
    #[error("{error}")]
    #[non_exhaustive]
    Settings {
        /// What is wrong.
        error: String,
    },
    /// The execution was stopped. A task that returns this error has not failed, and one that goes on
    /// counts as stopped all the same.
    #[error("the execution was stopped")]
    Stopped,
    /// The operating system refused to start another thread: too many tasks wait for others.
    #[error("no thread can be started for it: {error}")]
    #[non_exhaustive]
    Thread {
        /// What it said.
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
        /// What the target said.
        source: anyhow::Error,
    },
    /// The target could not read the part that was asked for: some columns, or its first piece.
    #[error("a part of it was asked for")]
    #[non_exhaustive]
    InPart {
        /// What the target said.
        source: anyhow::Error,
    },
    /// A file that is made elsewhere is not there.
    #[error("external file {} does not exist", path.display())]
    #[non_exhaustive]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The target could not read a file that is made elsewhere.
    #[error("cannot read external file {}", path.display())]
    #[non_exhaustive]
    External {
        /// The file.
        path: PathBuf,
        /// What the target said.
        source: anyhow::Error,
    },
    /// A path was asked for, and the output is no file.
    #[error("it has no file: {why}")]
    #[non_exhaustive]
    NoFile {
        /// What it has instead.
        why: &'static str,
    },
    /// It was there when the plan was made.
    #[error("it was removed after the plan was made: run the task again")]
    Gone,
    /// It was made again by another process, or somebody has changed the file.
    #[error("it was replaced after the plan was made: run the tasks that require it again")]
    Changed,
    /// Its record was damaged since the plan was made.
    #[error("its record cannot be used: {reason}")]
    #[non_exhaustive]
    Record {
        /// Why not.
        reason: String,
    },
    /// There is no metadata of that name.
    #[error("its task recorded no metadata `{name}` with `cx.meta`{}", list(known))]
    #[non_exhaustive]
    NoMeta {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The metadata has another type.
    #[error("`{name}` cannot be read")]
    #[non_exhaustive]
    Meta {
        /// The name asked for.
        name: String,
        /// What is wrong.
        source: anyhow::Error,
    },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { String::new() } else { format!(", but `{}`", known.join("`, `")) }
}
