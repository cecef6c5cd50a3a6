//! Errors of `cargo flow`, each with its exit code, and paths in messages.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The exit code for wrong arguments.
pub(crate) const USAGE: u8 = 2;

/// Why no crate was written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// An argument is wrong. Nothing was written.
    #[error("{0}")]
    Refused(String),
    /// A file or folder cannot be written.
    #[error("cannot {what} {}: {error}", shown(.path))]
    Io { what: &'static str, path: PathBuf, error: io::Error },
}

impl StartError {
    /// Returns a function that adds what failed, and on which path, to an I/O error.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| Self::Io { what, path, error }
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Refused(_) => ExitCode::from(USAGE),
            Self::Io { .. } => ExitCode::FAILURE,
        }
    }
}

/// Returns a path for a message: in quotes and escaped, if it has control characters.
pub(crate) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().any(char::is_control) { format!("{text:?}") } else { text.into_owned() }
}
