//! [`ClusterError`]: why a queue of jobs cannot be used.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The error of a queue of jobs, or of a worker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// A file or folder of the queue cannot be used.
    #[error("cannot {action} {} of the queue", path.display())]
    #[non_exhaustive]
    Io {
        /// What failed, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file of the queue is damaged, or another program has written it.
    #[error("{} is damaged: {reason}", path.display())]
    #[non_exhaustive]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file of this program cannot be read, so that its build cannot be compared with that of a run.
    #[error(
        "a worker cannot identify this program: its executable file cannot be read, or this system is not supported"
    )]
    NoBuild,
    /// The name of a pool of workers is wrong.
    #[error(
        "`{name}` is not the name of a pool: that is the name of an executor, `-` and 16 hexadecimal digits"
    )]
    #[non_exhaustive]
    NoPool {
        /// The name.
        name: String,
    },
    /// A worker has a pool and a bucket.
    #[error(
        "a worker of a pool takes its jobs from the folder of the store, and this one has a bucket: leave out the pool or the bucket"
    )]
    PoolInBucket,
    /// The operating system refuses to start a thread.
    #[error("cannot start a thread of the worker")]
    Thread(#[source] io::Error),
    /// A text is not the key of an instance.
    #[error(
        "{text:?} is not a key: give 16 to 32 hexadecimal digits, as `status --jobs` and `plan --json` print them"
    )]
    #[non_exhaustive]
    NoKey {
        /// The text.
        text: String,
    },
}

impl ClusterError {
    /// Returns whether the file or folder does not exist.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Io { source, .. } if is_gone(source))
    }

    /// Returns whether the same may succeed a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Io { source, .. } if may_pass(source))
    }

    /// Returns what this error has in common with others of the same cause, so that a message for people is not repeated for
    /// each file of the queue.
    pub(crate) fn cause(&self) -> String {
        match self {
            Self::Io { action, source, .. } => format!("{action}: {:?}", source.kind()),
            Self::Damaged { .. }
            | Self::NoBuild
            | Self::NoPool { .. }
            | Self::PoolInBucket
            | Self::NoKey { .. }
            | Self::Thread(_) => self.to_string(),
        }
    }
}

/// Returns whether an error says that a file or folder does not exist.
///
/// A network file system says in another way that a folder is gone which it has opened before.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle)
}

/// Returns whether the same operation may succeed a moment later.
pub(crate) fn may_pass(error: &io::Error) -> bool {
    use ErrorKind::{
        AlreadyExists, FileTooLarge, InvalidData, InvalidInput, IsADirectory, NotADirectory,
        NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull, Unsupported,
    };

    !matches!(
        error.kind(),
        AlreadyExists
            | FileTooLarge
            | InvalidData
            | InvalidInput
            | IsADirectory
            | NotADirectory
            | NotFound
            | PermissionDenied
            | QuotaExceeded
            | ReadOnlyFilesystem
            | StorageFull
            | Unsupported
    )
}

/// Adds the path to an error of the operating system.
pub(crate) trait IoContext<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, ClusterError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io { action, path: path.to_owned(), source })
    }
}

/// Returns an error with its causes as one text.
pub(crate) fn text(error: &ClusterError) -> String {
    match error {
        ClusterError::Io { source, .. } | ClusterError::Thread(source) => {
            format!("{error}: {source}")
        }
        ClusterError::Damaged { .. }
        | ClusterError::NoBuild
        | ClusterError::NoPool { .. }
        | ClusterError::PoolInBucket
        | ClusterError::NoKey { .. } => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_a_network_file_system_has_lost_is_gone() {
        let error = |kind: ErrorKind| {
            Err::<(), _>(io::Error::from(kind))
                .during("read", Path::new("f"))
                .expect_err("an error")
        };
        assert!(error(ErrorKind::NotFound).is_gone());
        assert!(error(ErrorKind::StaleNetworkFileHandle).is_gone());
        assert!(!error(ErrorKind::PermissionDenied).is_gone());
        assert!(!error(ErrorKind::TimedOut).is_gone());
        assert!(error(ErrorKind::TimedOut).may_pass());
        assert!(!error(ErrorKind::PermissionDenied).may_pass());
        assert!(!error(ErrorKind::IsADirectory).may_pass());
    }
}
