//! The text of a failed run for a program that prints its error where the display has shown the errors of tasks.

use std::error::Error as StdError;
use std::fmt;

use crate::flow::error::Error;

/// Returns the message of a failed run without the errors of its tasks, if a display has shown them on the standard
/// error.
///
/// Returns `None` for other errors, and for runs without a display. The message of a run is otherwise complete, because a
/// program may print it anywhere.
pub fn without_shown_errors(error: &(dyn StdError + 'static)) -> Option<String> {
    let error = error.downcast_ref::<Error>()?;
    match error {
        Error::Failed(summary) if summary.are_errors_shown() => {
            Some(fmt::from_fn(|f| summary.write(false, f)).to_string())
        }
        Error::Sweep(summary) if summary.are_errors_shown() => {
            Some(fmt::from_fn(|f| summary.write(false, f)).to_string())
        }
        _ => None,
    }
}
