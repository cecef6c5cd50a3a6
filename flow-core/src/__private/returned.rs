//! Converts what the functions of a task return: the output of a task function, and the result of a check.
//!
//! The traits accept a value or a `Result` with any error. Each has its own compiler message.

use crate::task::expectation::{CheckReport, Checks};

/// An error that a task function can return.
#[diagnostic::on_unimplemented(
    message = "a task cannot fail with a `{Self}`",
    label = "not an error",
    note = "return a `flow::Result<T>`, or a `Result` whose error implements `std::error::Error`"
)]
pub trait Failure {
    fn into_error(self) -> anyhow::Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<anyhow::Error>> Failure for E {
    fn into_error(self) -> anyhow::Error {
        self.into()
    }
}

/// A type that a task function can return if its target stores a `T`: a `T` or a `Result` of one.
#[diagnostic::on_unimplemented(
    message = "the function gives a `{Self}`, and its target keeps a `{T}`",
    label = "not what the target keeps",
    note = "the function gives what `#[task(target = ...)]` keeps, or a `Result` of it"
)]
pub trait Gives<T> {
    fn output(self) -> anyhow::Result<T>;
}

#[diagnostic::do_not_recommend]
impl<T> Gives<T> for T {
    fn output(self) -> anyhow::Result<T> {
        Ok(self)
    }
}

impl<T, E: Failure> Gives<T> for Result<T, E> {
    fn output(self) -> anyhow::Result<T> {
        self.map_err(Failure::into_error)
    }
}

/// The return value of a task function. A `Result` with a boxed error, which is no `std::error::Error`, gets an
/// `anyhow::Error`; the inherent function takes precedence over the trait's. Every other value stays as it is.
pub struct Returned<T>(pub T);

impl<T> Returned<Result<T, Box<dyn std::error::Error + Send + Sync>>> {
    pub fn value(self) -> anyhow::Result<T> {
        self.0.map_err(anyhow::Error::from_boxed)
    }
}

pub trait AnyReturned {
    type Value;
    fn value(self) -> Self::Value;
}

impl<T> AnyReturned for Returned<T> {
    type Value = T;

    fn value(self) -> T {
        self.0
    }
}

/// Converts the return value of a task function to the output of its task.
pub fn output<T, G: Gives<T>>(given: G) -> anyhow::Result<T> {
    given.output()
}

/// A type that the function of `#[task(check = ...)]` can return: a `Result<()>`, or a report.
#[diagnostic::on_unimplemented(
    message = "a check returns a `Result<()>`, and this one a `{Self}`",
    label = "expected a function that returns a `Result<()>`",
    note = "return `Ok(())` if the output is as expected, otherwise an error, as `bail!(\"...\")` does",
    note = "a check of a table may return `flow::expect::Expectations`"
)]
pub trait CheckResult {
    /// Returns the report, if the check makes one.
    fn into_report(self) -> anyhow::Result<Option<CheckReport>>;
}

#[diagnostic::do_not_recommend]
impl<E: Into<anyhow::Error>> CheckResult for Result<(), E> {
    fn into_report(self) -> anyhow::Result<Option<CheckReport>> {
        self.map(|()| None).map_err(Into::into)
    }
}

#[diagnostic::do_not_recommend]
impl CheckResult for CheckReport {
    fn into_report(self) -> anyhow::Result<Option<CheckReport>> {
        Ok(Some(self))
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<anyhow::Error>> CheckResult for Result<CheckReport, E> {
    fn into_report(self) -> anyhow::Result<Option<CheckReport>> {
        self.map(Some).map_err(Into::into)
    }
}

/// Takes the result of a check, and adds the name of the part to its error. `part` is empty for a single output.
pub fn checked(
    part: &str,
    result: impl CheckResult,
    checks: &mut Checks<'_>,
) -> anyhow::Result<()> {
    let taken = result.into_report().and_then(|report| match report {
        Some(report) => checks.take(part, report),
        None => Ok(()),
    });
    taken.map_err(|error| {
        error.context(match part {
            "" => "the output is not as expected".to_owned(),
            part => format!("the output `{part}` is not as expected"),
        })
    })
}
