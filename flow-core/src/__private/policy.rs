//! Converts the values of expressions in the options of a task's execution: `backoff`, and amounts of resources.
//!
//! The trait of a backoff accepts what a user may write, and has its own compiler message.

use std::time::Duration;

use crate::task::amount::Amount;
use crate::task::backoff::Backoff;

/// A value that `#[task(backoff = ...)]` accepts: a [`Backoff`], or a constant delay.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no backoff",
    label = "expected a `Backoff` or a `Duration`",
    note = "write a delay such as `Duration::from_secs(2)`, or `Backoff::exponential(Duration::from_secs(1))`"
)]
pub trait GivesBackoff {
    fn into_backoff(self) -> Backoff;
}

#[diagnostic::do_not_recommend]
impl GivesBackoff for Backoff {
    fn into_backoff(self) -> Backoff {
        self
    }
}

#[diagnostic::do_not_recommend]
impl GivesBackoff for Duration {
    fn into_backoff(self) -> Backoff {
        Backoff::constant(self)
    }
}

/// Converts the value of `#[task(backoff = ...)]`.
pub fn backoff(given: impl GivesBackoff) -> Backoff {
    given.into_backoff()
}

/// Converts the value of an amount in `#[task(resources(...))]`, or returns why it is none.
pub fn amount(given: impl Amount) -> Result<u64, String> {
    given.amount()
}
