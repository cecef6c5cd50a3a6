//! An error of user code as text, which outlives the error: its message, its causes, the place of a panic, and the
//! backtrace.
//!
//! The error itself belongs to the task's thread. What summaries and records need of it is text.

use std::error::Error;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::panics;

/// An error of user code as text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErrorText {
    /// The message followed by all causes, in one text.
    pub(crate) text: String,
    /// The message, then each cause, the nearest first. Empty if only `text` is known.
    pub(crate) chain: Vec<String>,
    /// The file and line of the panic, such as `src/train.rs:12`, if it was a panic.
    pub(crate) panicked_at: Option<String>,
    /// The user's frames of the backtrace, if one was captured.
    pub(crate) backtrace: Option<String>,
}

impl ErrorText {
    /// Describes an error. A panic of its `Display` or `source` is contained.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        let text = panics::text(error);
        let chain = panics::catch(|| error.chain().map(ToString::to_string).collect());
        let foreign = panics::catch(|| {
            let foreign = error.chain().find_map(|cause| cause.downcast_ref::<ForeignError>());
            foreign.map(|foreign| (foreign.panicked_at.clone(), foreign.backtrace.clone()))
        });
        let (panicked_at, backtrace) = match foreign.ok().flatten() {
            // The backtrace of this process shows where the error was received.
            Some(foreign) => foreign,
            None => (panics::place(error), panics::backtrace(error)),
        };
        let chain = chain.unwrap_or_else(|_| vec![text.clone()]);
        Self { chain, panicked_at, backtrace, text }
    }
}

/// An error that occurred in another process, of which the text is known.
#[derive(Debug)]
pub(crate) struct ForeignError {
    message: String,
    source: Option<Box<ForeignError>>,
    panicked_at: Option<String>,
    backtrace: Option<String>,
}

impl ForeignError {
    /// Returns an error with these messages, each caused by the next.
    pub(crate) fn new(error: ErrorText) -> Self {
        let ErrorText { text, mut chain, panicked_at, backtrace } = error;
        let last = chain.pop().unwrap_or(text);
        let last = Self { message: last, source: None, panicked_at, backtrace };
        chain.into_iter().rev().fold(last, |cause, message| {
            let (panicked_at, backtrace) = (cause.panicked_at.clone(), cause.backtrace.clone());
            Self { message, source: Some(Box::new(cause)), panicked_at, backtrace }
        })
    }
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ForeignError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<String> for ErrorText {
    fn from(text: String) -> Self {
        Self { chain: vec![text.clone()], text, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_causes_are_listed_and_the_text_has_all_of_them() {
        let error = Err::<(), _>(anyhow::anyhow!("no such file")).context("cannot read a.csv");
        let text = ErrorText::of(&error.expect_err("it fails"));
        assert_eq!(text.chain, ["cannot read a.csv", "no such file"]);
        assert_eq!(text.text, "cannot read a.csv: no such file");
        assert_eq!(text.panicked_at, None);
    }

    #[test]
    fn the_place_of_a_panic_is_known_below_a_context() {
        let panicked = panics::catch_error(|| -> anyhow::Result<()> { panic!("index 7") });
        let error = panicked.context("the file changed").expect_err("it panics");
        let text = ErrorText::of(&error);
        let place = text.panicked_at.expect("the place of a panic");
        assert!(place.starts_with(&format!("{}:", file!())), "{place}");
        assert_eq!(text.chain[1], format!("it panicked at {place}: index 7"));
        assert_eq!(text.backtrace, None);
    }

    #[test]
    fn an_error_of_another_process_has_the_same_text() {
        let panicked = panics::catch_error(|| -> anyhow::Result<()> { panic!("index 7") });
        let error = panicked.context("row 2").context("a.csv").expect_err("it panics");
        let text = ErrorText::of(&error);
        assert_eq!(text.chain.len(), 3);
        let again = ErrorText::of(&ForeignError::new(text.clone()).into());
        assert_eq!(again, text);
    }

    #[test]
    fn an_error_that_cannot_be_displayed_has_a_text() {
        #[derive(Debug)]
        struct Mute;

        impl std::fmt::Display for Mute {
            fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                panic!("no comment")
            }
        }

        impl std::error::Error for Mute {}

        let text = ErrorText::of(&Mute.into());
        assert_eq!(text.text, "its error has no message: it panicked: no comment");
        assert_eq!(text.chain, std::slice::from_ref(&text.text));
    }
}
