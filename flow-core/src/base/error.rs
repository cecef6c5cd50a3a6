//! What can go wrong with a store.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation of a store that failed, or a file in it that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}", path.display())]
    #[non_exhaustive]
    Io {
        /// What was to be done, such as `write`.
        action: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A record was written by a newer version of this library, and is left alone.
    #[error(
        "{} was written by a newer version of this library ({reason}): update it, or use another folder",
        path.display()
    )]
    #[non_exhaustive]
    Newer {
        /// The record.
        path: PathBuf,
        /// How it can be told.
        reason: String,
    },
    /// A call of a [`Remote`](crate::Remote) failed.
    #[error("cannot {action} {name} of the remote")]
    #[non_exhaustive]
    Remote {
        /// What was to be done, such as `get`.
        action: &'static str,
        /// Under which name.
        name: String,
        /// What the remote said.
        source: io::Error,
    },
    /// What a remote, or an export, holds is not what it says it is, and was not taken.
    #[error("{name} is damaged: {reason}")]
    #[non_exhaustive]
    Damaged {
        /// The name in the remote, or the path.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The file with the store's own key, by which secrets are hashed, is damaged.
    #[error(
        "{} is not the key of a store: restore it, or remove it and every task with a secret runs again",
        path.display()
    )]
    #[non_exhaustive]
    SecretKey {
        /// The file of the key.
        path: PathBuf,
    },
    /// The file with the store's own key may not be read by this user.
    #[error(
        "cannot read {}, the key by which this store hashes secrets and variables: another user \
         made it before the group of the store could write its folder; that user lets the group \
         read it by `chgrp GROUP` and `chmod 640` of the file",
        path.display()
    )]
    #[non_exhaustive]
    SecretKeyDenied {
        /// The file of the key.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Says what was being done to which file when an operation failed.
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
