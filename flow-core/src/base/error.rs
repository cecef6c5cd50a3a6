//! Errors of a store.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::base::signature::SignatureError;

/// An error of a file operation in a store, or a file in it that cannot be used.
///
/// The message of [`Io`](Self::Io), [`Unwritable`](Self::Unwritable) and [`Remote`](Self::Remote) includes that of
/// their `source`, so that [`source()`](Error::source) returns the cause of that `source`.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system returned an error.
    #[non_exhaustive]
    Io {
        /// The failed action, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Nothing can be written to the store: its disk is full, or this user may not write.
    ///
    /// It ends a run: no further task starts. Outputs that were stored before are kept.
    #[non_exhaustive]
    Unwritable {
        /// The folder of the store.
        store: PathBuf,
        /// The action that failed first, such as `write`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The store was opened [for reading](crate::Flow::open_to_read), and its folder did not exist.
    #[non_exhaustive]
    OnlyRead {
        /// The folder of the store.
        folder: PathBuf,
    },
    /// A record, or a file of the history, was written by a newer version of this library. It is not changed.
    #[non_exhaustive]
    Newer {
        /// The path of the file.
        path: PathBuf,
        /// How the file shows it.
        reason: String,
    },
    /// A call of a [`Remote`](crate::Remote) failed.
    #[non_exhaustive]
    Remote {
        /// The failed action, such as `get`.
        action: &'static str,
        /// The name in the remote.
        name: String,
        /// The error of the remote.
        source: io::Error,
    },
    /// A file of a remote, an export or the history does not match its description, and was not read.
    #[non_exhaustive]
    Damaged {
        /// The name in the remote, or the path.
        name: String,
        /// What is wrong with the file.
        reason: String,
    },
    /// An output is not signed by a known key, and the flow [requires that](crate::Flow::require_signatures).
    #[non_exhaustive]
    Unsigned {
        /// The instance, as its record names it.
        output: String,
        /// Why it is not accepted.
        reason: SignatureError,
    },
    /// An output, or a job, could not be signed, and is neither stored nor submitted.
    #[non_exhaustive]
    NotSigned {
        /// The instance, or `a job`.
        output: String,
        /// The error of the [`Signer`](crate::signature::Signer).
        reason: String,
    },
    /// The history of the store has no run with this id.
    #[non_exhaustive]
    NoRun {
        /// The id.
        id: String,
        /// The folder of the store.
        folder: PathBuf,
    },
    /// The file with the store's key, with which secrets are hashed, is damaged.
    #[non_exhaustive]
    SecretKey {
        /// The path of the key.
        path: PathBuf,
    },
    /// This user may not read the file with the store's key.
    #[non_exhaustive]
    SecretKeyDenied {
        /// The path of the key.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { action, path, source } => {
                write!(f, "cannot {action} {}: {source}", path.display())
            }
            Self::Unwritable { store, action, path, source } => write!(
                f,
                "nothing can be stored in {}: cannot {action} {}: {source}; {}",
                store.display(),
                path.display(),
                remedy(source.kind())
            ),
            Self::OnlyRead { folder } => write!(
                f,
                "nothing can be stored in {}, which did not exist when it was opened for reading: open it with \
                 `Flow::open`",
                folder.display()
            ),
            Self::Newer { path, reason } => write!(
                f,
                "{} was written by a newer version of this library ({reason}): update it, or use another \
                 folder",
                path.display()
            ),
            Self::Remote { action, name, source } => {
                write!(f, "cannot {action} {name} of the remote: {source}")
            }
            Self::Damaged { name, reason } => write!(f, "{name} is damaged: {reason}"),
            Self::Unsigned { output, reason } => write!(
                f,
                "{output} is not accepted: {reason}; have it computed by a machine with a known key, or add its key to \
                 those that `flow.require_signatures` accepts (`trusted_keys` in flow.toml)"
            ),
            Self::NotSigned { output, reason } => {
                write!(f, "cannot sign {output}: {reason}")
            }
            Self::NoRun { id, folder } => write!(
                f,
                "the store {} has no run {id:?}: `flow.store().runs()` (`history` on the command line) lists the runs",
                folder.display()
            ),
            Self::SecretKey { path } => write!(
                f,
                "{} is not the key of a store: restore it, or remove it and every task with a secret runs \
                 again",
                path.display()
            ),
            Self::SecretKeyDenied { path, .. } => write!(
                f,
                "cannot read {}, the key by which this store hashes secrets and variables: another user \
                 made it before the group of the store could write its folder; that user lets the group \
                 read it by `chgrp GROUP` and `chmod 640` of the file",
                path.display()
            ),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The message includes that of `source`.
            Self::Io { source, .. }
            | Self::Unwritable { source, .. }
            | Self::Remote { source, .. } => source.source(),
            Self::SecretKeyDenied { source, .. } => Some(source),
            Self::OnlyRead { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Unsigned { .. }
            | Self::NotSigned { .. }
            | Self::NoRun { .. }
            | Self::SecretKey { .. } => None,
        }
    }
}

/// Returns how to make a store writable after this error.
fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::StorageFull => {
            "free space on its disk, then run again: outputs that are stored are kept"
        }
        io::ErrorKind::QuotaExceeded => {
            "free space or raise the quota, then run again: outputs that are stored are kept"
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount its file system for writing, or open a store in another folder"
        }
        _ => "let this user write to the folder, or open a store in another one",
    }
}

/// Returns an equal error. An inner error is kept as text.
pub(crate) fn copy_error(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// Adds the failed action and the path to an I/O error.
pub(crate) trait IoContext<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, StoreError>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn during(self, action: &'static str, path: &Path) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Io { action, path: path.to_owned(), source })
    }
}

impl StoreError {
    pub(crate) fn damaged(name: impl std::fmt::Display, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { name: name.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn newer(path: &Path, reason: &dyn std::fmt::Display) -> Self {
        Self::Newer { path: path.to_owned(), reason: reason.to_string() }
    }
}
