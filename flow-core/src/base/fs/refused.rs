//! Errors for operations that are refused although the operating system would allow them.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// The reason why an operation was refused before it reached the operating system.
///
/// It is the inner error of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A part of the path is a link, which may lead to files outside the folder.
    #[error(
        "{} is a link, and links below {} are not followed: remove it, or replace it with the file or folder itself",
        link.display(), root.display()
    )]
    #[non_exhaustive]
    Link {
        /// The link.
        link: PathBuf,
        /// The folder that was opened.
        root: PathBuf,
    },
    /// The path leads out of the folder that was opened.
    #[error("{} is not below {}", path.display(), root.display())]
    #[non_exhaustive]
    Outside {
        /// The path.
        path: PathBuf,
        /// The folder that was opened.
        root: PathBuf,
    },
    /// The file is a pipe, a socket or a device. Reading it may never end.
    #[error("it is not a regular file but a pipe, a socket or a device")]
    Special,
    /// The file is larger than any valid file of its kind.
    #[error("it has {bytes} bytes, and a file of its kind has at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// The size in bytes, or the number of bytes that were read.
        bytes: u64,
        /// The largest size, in bytes.
        limit: u64,
    },
}

impl Refused {
    /// Returns the reason if `error` means that an operation was refused.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<Refused> for io::Error {
    fn from(refused: Refused) -> Self {
        let kind = match refused {
            Refused::Link { .. } | Refused::Special => ErrorKind::Other,
            Refused::Outside { .. } => ErrorKind::InvalidInput,
            Refused::TooLarge { .. } => ErrorKind::FileTooLarge,
        };
        Self::new(kind, refused)
    }
}
