//! What is refused although the operating system would allow it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Why an operation on a file or folder was refused before the operating system did it.
///
/// It is the inner error of an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A part of the path is a link. It may lead to files of somebody else.
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
    /// It is a pipe, a socket or a device. Reading it may never end.
    #[error("it is not a regular file but a pipe, a socket or a device")]
    Special,
    /// It is larger than any file of its kind.
    #[error("it has {bytes} bytes, and a file of its kind has at most {limit}")]
    #[non_exhaustive]
    TooLarge {
        /// Its size, or how much of it was read.
        bytes: u64,
        /// The largest size, in bytes.
        limit: u64,
    },
}

impl Refused {
    /// Returns why an operation was refused, if that is what the error says.
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
