//! [`RemoteError`]: why an operation of an object store failed.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};

/// The error of the object store, or of another cause.
type Source = Box<dyn StdError + Send + Sync>;

/// An error of an object store as a remote, with a variant for each cause.
///
/// The methods of [`Remote`](flow_core::Remote) return it inside an [`io::Error`]: [`RemoteError::of`] finds it there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The text is not the URL of a bucket.
    #[error("`{url}` is not the URL of a remote: {why}")]
    #[non_exhaustive]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program was built without the cargo feature for this kind of store.
    #[error(
        "`{url}` needs the cargo feature `{feature}` of typed-flow, and this program is built without it"
    )]
    #[non_exhaustive]
    Feature {
        /// The URL.
        url: String,
        /// The feature.
        feature: &'static str,
    },
    /// A setting is unknown or wrong.
    #[error("the settings of `{url}` are wrong: {why}")]
    #[non_exhaustive]
    Settings {
        /// The URL.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// The bucket or container does not exist.
    #[error(
        "the bucket of `{url}` does not exist: create it, or check the URL, the region and the endpoint"
    )]
    #[non_exhaustive]
    NoBucket {
        /// The URL.
        url: String,
        /// The answer of the store.
        source: Source,
    },
    /// No credentials were found.
    #[error(
        "there are no credentials for `{url}`: set them in the environment, such as AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    )]
    #[non_exhaustive]
    NoCredentials {
        /// The URL.
        url: String,
        /// What was tried.
        source: Source,
    },
    /// The store refused the credentials.
    #[error(
        "`{url}` refuses the credentials ({code}): check the key and the secret, or renew the token"
    )]
    #[non_exhaustive]
    Credentials {
        /// The URL.
        url: String,
        /// The code of the store, such as `InvalidAccessKeyId`.
        code: String,
        /// The answer of the store.
        source: Source,
    },
    /// The credentials are right, and may not do this.
    #[error("the credentials for `{url}` do not allow to {action} {name}: grant the permission")]
    #[non_exhaustive]
    Denied {
        /// The URL.
        url: String,
        /// The operation, such as `put`.
        action: &'static str,
        /// The name in the store.
        name: String,
        /// The answer of the store.
        source: Source,
    },
    /// The clock of this machine is wrong, so that the store refuses its signatures.
    #[error(
        "the clock of this machine differs too much from that of `{url}`: set it, then try again"
    )]
    #[non_exhaustive]
    Clock {
        /// The URL.
        url: String,
        /// The answer of the store.
        source: Source,
    },
    /// No connection to the store could be made.
    #[error(
        "`{url}` cannot be reached: {why}; check the endpoint, the network and the proxy, then try again: a push or a \
         pull continues"
    )]
    #[non_exhaustive]
    Unreachable {
        /// The URL.
        url: String,
        /// The last error, in one line.
        why: String,
        /// The last error.
        source: Source,
    },
    /// The store answered with errors each time, or broke off.
    #[error("`{url}` fails again and again: {why}; try again, a push or a pull continues")]
    #[non_exhaustive]
    Unavailable {
        /// The URL.
        url: String,
        /// The last answer or error, in one line.
        why: String,
        /// The last answer or error.
        source: Source,
    },
    /// Nothing was pushed there.
    #[error("nothing was pushed to `{url}`: check the URL, or push to it first")]
    #[non_exhaustive]
    NothingPushed {
        /// The URL.
        url: String,
    },
    /// The remote has a format of a newer version of this library.
    #[error("`{url}` was written by a newer version of this library (format {format}): update it")]
    #[non_exhaustive]
    Newer {
        /// The URL.
        url: String,
        /// The number of the format.
        format: u64,
    },
    /// A push or a garbage collection of another process is in progress.
    #[error("{what} of `{url}` is in progress ({name}): try again when it has ended")]
    #[non_exhaustive]
    Busy {
        /// The URL.
        url: String,
        /// What is in progress.
        what: &'static str,
        /// The name in the remote that shows it. It counts for a day, if its process has died.
        name: String,
    },
    /// The remote has no content of this name.
    #[error("there is no {name} in `{url}`")]
    #[non_exhaustive]
    Missing {
        /// The URL.
        url: String,
        /// The name.
        name: String,
    },
    /// A content is not what its name or the index says.
    #[error("{name} in `{url}` is damaged: {why}")]
    #[non_exhaustive]
    Damaged {
        /// The URL.
        url: String,
        /// The name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Content that was to be put could not be read, or a thread could not be started.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Any other error of the store.
    #[error("cannot {action} {name} in `{url}`: {source}")]
    #[non_exhaustive]
    Store {
        /// The URL.
        url: String,
        /// The operation, such as `put`.
        action: &'static str,
        /// The name in the store.
        name: String,
        /// The error of the store.
        source: Source,
    },
}

impl RemoteError {
    /// Returns the error inside an [`io::Error`] that a remote returned.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Returns the error with its cause, from what `object_store` reports.
    pub(crate) fn classify(
        url: &str,
        action: &'static str,
        name: &str,
        error: object_store::Error,
    ) -> Self {
        let (url, name) = (url.to_owned(), name.to_owned());
        let text = chain(&error);
        let code = code(&text);
        let is = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
        let is_no_bucket = is(&["NoSuchBucket", "ContainerNotFound", "FilesystemNotFound"])
            || text.contains("The specified bucket does not exist");
        if is_no_bucket {
            return Self::NoBucket { url, source: error.into() };
        }
        if is(&["RequestTimeTooSkewed"]) {
            return Self::Clock { url, source: error.into() };
        }
        // Elsewhere than in a cloud, nothing answers there.
        if asks_machine(&text) {
            return Self::NoCredentials { url, source: error.into() };
        }
        let is_refused = is(&[
            "AuthenticationFailed",
            "AuthorizationHeaderMalformed",
            "ExpiredToken",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "SignatureDoesNotMatch",
        ]);
        if is_refused || matches!(error, object_store::Error::Unauthenticated { .. }) {
            let code = code.unwrap_or_else(|| "401 Unauthorized".to_owned());
            return Self::Credentials { url, code, source: error.into() };
        }
        let is_unreachable = is_unreachable(&error);
        match error {
            object_store::Error::PermissionDenied { .. } => {
                Self::Denied { url, action, name, source: error.into() }
            }
            object_store::Error::NotFound { .. } => Self::Missing { url, name },
            object_store::Error::Generic { .. } => {
                let why = shorten(text.split_whitespace().collect::<Vec<_>>().join(" "));
                match is_unreachable {
                    true => Self::Unreachable { url, why, source: error.into() },
                    false => Self::Unavailable { url, why, source: error.into() },
                }
            }
            error => Self::Store { url, action, name, source: error.into() },
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Url { .. } | Self::Feature { .. } | Self::Settings { .. } => {
                ErrorKind::InvalidInput
            }
            Self::NoCredentials { .. } | Self::Credentials { .. } | Self::Denied { .. } => {
                ErrorKind::PermissionDenied
            }
            Self::Unreachable { .. } => ErrorKind::NotConnected,
            Self::Unavailable { .. } => ErrorKind::ConnectionAborted,
            Self::Busy { .. } => ErrorKind::ResourceBusy,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Damaged { .. } => ErrorKind::InvalidData,
            Self::Io(error) => error.kind(),
            // A bucket that does not exist is not one missing name: nothing may take it for that.
            Self::NoBucket { .. }
            | Self::Clock { .. }
            | Self::NothingPushed { .. }
            | Self::Newer { .. }
            | Self::Store { .. } => ErrorKind::Other,
        }
    }
}

impl From<RemoteError> for io::Error {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Io(error) => error,
            error => Self::new(error.kind(), error),
        }
    }
}

/// Returns whether a request may succeed if it is sent again.
pub(crate) fn is_transient(error: &object_store::Error) -> bool {
    if !matches!(error, object_store::Error::Generic { .. }) {
        return is_conflict(error);
    }
    let text = chain(error);
    let (code, status) = (code(&text), status(&text));
    let is = |codes: &[&str]| code.as_deref().is_some_and(|code| codes.contains(&code));
    if asks_machine(&text) {
        // Where there are credentials, too many processes may have asked for them. Elsewhere nothing answers, or a proxy.
        return matches!(status, Some(429 | 500 | 503));
    }
    // S3 gives a connection that was too slow the status 400.
    let is_final = match status {
        Some(408 | 425 | 429) => false,
        Some(300..=499) => !is(&["RequestTimeout"]),
        _ => text.contains("redirect without LOCATION"),
    };
    !is_final && !is(&["NoSuchBucket", "RequestTimeTooSkewed", "InvalidAccessKeyId"])
}

/// Returns whether a conditional put met another request for the object in progress: whether the object exists is not known.
pub(crate) fn is_conflict(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::AlreadyExists { .. }) && {
        let code = code(&chain(error));
        matches!(code.as_deref(), Some("ConditionalRequestConflict" | "OperationAborted"))
    }
}

/// Returns whether a request had no answer in time.
pub(crate) fn is_timeout(error: &object_store::Error) -> bool {
    // The words of the HTTP client.
    chain(error).contains("operation timed out")
}

/// Returns whether an error is about the addresses at which machines in a cloud get credentials.
fn asks_machine(text: &str) -> bool {
    text.contains("169.254.169.254") || text.contains("metadata.google.internal")
}

/// Returns whether no connection to the store could be made, so that it has not received the request.
pub(crate) fn is_unreachable(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::Generic { .. }) && {
        // The words of the HTTP client, also if the time to connect has run out.
        chain(error).contains("client error (Connect)")
    }
}

/// Returns an error with all its causes as text.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Returns the code in an answer in XML, as S3, Google and Azure send it.
fn code(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.trim().to_owned())
}

/// Returns the status of an answer, in the words of `object_store`.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

/// Returns a text of a bearable length.
fn shorten(mut text: String) -> String {
    const LONGEST: usize = 300;
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> object_store::Error {
        object_store::Error::NotFound { path: "team/x".to_owned(), source: body.into() }
    }

    fn shown(error: object_store::Error) -> String {
        RemoteError::classify("s3://team/x", "list", "objects", error).to_string()
    }

    #[test]
    fn each_cause_has_words_of_its_own() {
        let code = |code: &str| answer(&format!("403: <Error><Code>{code}</Code></Error>"));
        assert_eq!(
            shown(code("NoSuchBucket")),
            "the bucket of `s3://team/x` does not exist: create it, or check the URL, the region and the endpoint"
        );
        assert_eq!(
            shown(code("SignatureDoesNotMatch")),
            "`s3://team/x` refuses the credentials (SignatureDoesNotMatch): check the key and the secret, or \
             renew the token"
        );
        assert_eq!(
            shown(code("RequestTimeTooSkewed")),
            "the clock of this machine differs too much from that of `s3://team/x`: set it, then try again"
        );
        assert_eq!(shown(code("NoSuchKey")), "there is no objects in `s3://team/x`");
        let generic =
            |text: &str| object_store::Error::Generic { store: "S3", source: text.into() };
        assert!(
            shown(generic("http://169.254.169.254/latest")).starts_with("there are no credentials")
        );
        assert_eq!(
            shown(generic("503 Slow\n  Down")),
            "`s3://team/x` fails again and again: Generic S3 error: 503 Slow Down; try again, a push or a pull \
             continues"
        );
        assert_eq!(
            shown(generic("client error (Connect): tcp connect error")),
            "`s3://team/x` cannot be reached: Generic S3 error: client error (Connect): tcp connect error; check \
             the endpoint, the network and the proxy, then try again: a push or a pull continues"
        );
    }

    #[test]
    fn only_what_may_pass_is_sent_again() {
        let generic =
            |text: &str| object_store::Error::Generic { store: "S3", source: text.into() };
        let answered = |status: &str| {
            format!(
                "Error performing GET http://x in 1ms - Server returned non-2xx status code: {status}: "
            )
        };
        for passing in ["408 Request Timeout", "429 Too Many Requests", "503 Service Unavailable"] {
            assert!(is_transient(&generic(&answered(passing))), "{passing}");
        }
        let slow = answered("400 Bad Request") + "<Error><Code>RequestTimeout</Code></Error>";
        assert!(is_transient(&generic(&slow)));
        assert!(is_transient(&generic("connection reset by peer")));
        for lasting in ["301 Moved Permanently", "400 Bad Request", "416 Range Not Satisfiable"] {
            assert!(!is_transient(&generic(&answered(lasting))), "{lasting}");
        }
        assert!(!is_transient(&generic("Received redirect without LOCATION, this normally")));
        // A machine in a cloud asks for its credentials, or another one does in vain.
        let of_machine = |text: &str| generic(&format!("http://169.254.169.254/latest: {text}"));
        assert!(is_transient(&of_machine(&answered("503 Service Unavailable"))));
        let missing = answered("404 Not Found");
        for lasting in ["client error (Connect)", missing.as_str(), "timed out"] {
            assert!(!is_transient(&of_machine(lasting)), "{lasting}");
        }
    }

    #[test]
    fn a_conflict_of_conditional_puts_does_not_say_that_the_object_exists() {
        let refused = |code: &str| object_store::Error::AlreadyExists {
            path: "team/x".to_owned(),
            source: format!("409 Conflict: <Error><Code>{code}</Code></Error>").into(),
        };
        assert!(is_conflict(&refused("ConditionalRequestConflict")));
        assert!(is_transient(&refused("ConditionalRequestConflict")));
        assert!(!is_conflict(&refused("PreconditionFailed")));
        assert!(!is_transient(&refused("PreconditionFailed")));
    }

    #[test]
    fn the_cause_is_found_inside_an_io_error() {
        let error = RemoteError::classify(
            "s3://team/x",
            "list",
            "objects",
            answer("<Code>NoSuchBucket</Code>"),
        );
        let error = io::Error::from(error);
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(matches!(RemoteError::of(&error), Some(RemoteError::NoBucket { .. })));
    }
}
