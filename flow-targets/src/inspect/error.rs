//! The error of reading an output without its type.

use std::io;
use std::path::{Path, PathBuf};

use flow_core::{LoadError, StoreError};

use super::Format;

/// The error of reading an output without its type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InspectError {
    /// The operating system returned an error, or the path leads to no regular file.
    #[error("cannot read {}", .path.display())]
    #[non_exhaustive]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The content of the file is damaged, or has a form that its format does not allow.
    #[error("cannot read {}", .path.display())]
    #[non_exhaustive]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The error of the reader.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is not a table.
    #[error("{} is not a table", .path.display())]
    #[non_exhaustive]
    NotTable {
        /// The file or folder.
        path: PathBuf,
    },
    /// The program is built without the feature that reads files of this format.
    #[error("this program reads no {} files: {}", .format.name(), .path.display())]
    #[non_exhaustive]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: Format,
    },
    /// The store cannot be read.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// The output of the instance is not complete, or cannot be described.
    #[error(transparent)]
    Load(Box<LoadError>),
}

impl InspectError {
    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    #[cfg(feature = "inspect-tables")]
    pub(super) fn damaged(
        path: &Path,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Damaged { path: path.to_owned(), source: source.into() }
    }
}

impl From<StoreError> for InspectError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<LoadError> for InspectError {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}
