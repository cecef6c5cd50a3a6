//! The errors of the page: those of its server, and those of a request.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::StatusCode;
use flow_core::{Error, LoadError, StoreError};
use flow_targets::inspect::InspectError;

/// The error of starting the page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The address cannot be bound.
    #[error("cannot listen on {address}: choose another port, or 0 for any free one")]
    #[non_exhaustive]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system has no random numbers for the token.
    #[error("cannot create a token")]
    Token(#[source] io::Error),
    /// The threads of the server cannot be started.
    #[error("cannot start the threads of the page")]
    Thread(#[source] io::Error),
}

/// The error of a [report](crate::Report).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Planning failed, or the store cannot be read.
    #[error(transparent)]
    Flow(#[from] Box<Error>),
    /// The operating system has no random numbers for the policy of the report.
    #[error("cannot create a random number")]
    Random(#[source] io::Error),
    /// The file of the report cannot be written.
    #[error("cannot write the report to {}", path.display())]
    #[non_exhaustive]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl From<Error> for ReportError {
    fn from(error: Error) -> Self {
        Self::Flow(Box::new(error))
    }
}

/// The error of a request, which is shown as a page of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ViewError {
    /// There is no such thing, or it is none of the store.
    #[error("{0}")]
    NotFound(String),
    /// The page may not do this.
    #[error("{0}")]
    Refused(String),
    /// Planning failed, or the store cannot be read.
    #[error(transparent)]
    Flow(#[from] Box<Error>),
    /// A file of an output cannot be read.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// The code of the request has panicked.
    #[error("the page has a bug: the code of this view panicked")]
    Panicked,
}

impl ViewError {
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::Flow(_) | Self::Inspect(_) | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<Error> for ViewError {
    fn from(error: Error) -> Self {
        Self::Flow(Box::new(error))
    }
}

impl From<StoreError> for ViewError {
    fn from(error: StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<LoadError> for ViewError {
    fn from(error: LoadError) -> Self {
        Error::from(error).into()
    }
}

/// Returns an error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}
