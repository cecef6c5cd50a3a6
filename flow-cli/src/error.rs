//! Errors of the command line, each with its exit code.

use std::process::ExitCode;

use flow_core::{Error, PlanErrorKind, UnknownTask};
use flow_targets::inspect::InspectError;

/// The error of a verb.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// An argument, an option or a value is wrong.
    #[error("{0}")]
    Usage(String),
    /// The user has answered a confirmation with no.
    #[error("{0}")]
    Declined(String),
    /// The arguments do not parse, or `--help` was asked for.
    #[error(transparent)]
    Clap(#[from] clap::Error),
    /// Planning, a run or an operation on the store failed.
    #[error(transparent)]
    Flow(Box<Error>),
    /// The standard output cannot be written.
    #[error("cannot write to the standard output: {0}")]
    Output(#[source] std::io::Error),
    /// Any other error, such as a file that cannot be read.
    #[error("{0:#}")]
    Other(anyhow::Error),
}

/// The exit code for wrong arguments.
const USAGE: u8 = 2;

/// The exit code of `--exit-code` if something is not complete.
pub(crate) const PENDING: u8 = 3;

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) | Self::Declined(_) => ExitCode::from(USAGE),
            Self::Clap(error) => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE)),
            Self::Flow(error) => match **error {
                Error::Plan(_) | Error::Select(_) => ExitCode::from(USAGE),
                _ => ExitCode::FAILURE,
            },
            // The reader of a pipe has ended, as `head` does.
            Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Self::Output(_) | Self::Other(_) => ExitCode::FAILURE,
        }
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        match error {
            Error::Plan(plan) => match &plan.kind {
                // The library names its own means.
                PlanErrorKind::NoValue { task, param, .. } => Self::usage(format!(
                    "`{task}.{param}` has no value: give one with `--{param} VALUE`, `--param {task}.{param}=VALUE` or \
                     `[params]` of flow.toml"
                )),
                #[cfg(feature = "cluster")]
                PlanErrorKind::NotElsewhere { task, executor, reason, .. } => {
                    let what =
                        format!("`{task}` cannot run elsewhere, by the executor `{executor}`");
                    Self::usage(format!("{what}: {reason}"))
                }
                _ => Self::Flow(Box::new(Error::Plan(plan))),
            },
            error => Self::Flow(Box::new(error)),
        }
    }
}

impl From<UnknownTask> for CliError {
    fn from(error: UnknownTask) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<flow_core::StoreError> for CliError {
    fn from(error: flow_core::StoreError) -> Self {
        Error::from(error).into()
    }
}

impl From<flow_core::LoadError> for CliError {
    fn from(error: flow_core::LoadError) -> Self {
        Error::from(error).into()
    }
}

impl From<InspectError> for CliError {
    fn from(error: InspectError) -> Self {
        match error {
            InspectError::NotTable { .. } => Self::usage(error.to_string()),
            InspectError::Store(error) => (*error).into(),
            InspectError::Load(error) => (*error).into(),
            error => Self::Other(error.into()),
        }
    }
}

impl From<anyhow::Error> for CliError {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Calls in the errors of the library, before and after the name of a task, and what does the same on the command line.
const CALLS: [(&str, &str, &str); 2] =
    [("`flow.run::<", ">()`", "`run "), ("`flow.in_process::<", ">()`", "`--in-process ")];

/// Returns an error with verbs and options instead of the calls of the library.
pub(crate) fn on_command_line(error: &str) -> String {
    let mut text = error.to_owned();
    for (before, after, instead) in CALLS {
        while let Some((first, rest)) = text.split_once(before)
            && let Some((task, last)) = rest.split_once(after)
        {
            // Several roots are a tuple.
            let several = task.strip_prefix('(').and_then(|tasks| tasks.strip_suffix(')'));
            let task = several.map_or_else(|| task.to_owned(), |tasks| tasks.replace(", ", " "));
            text = format!("{first}{instead}{task}`{last}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_cannot_run_elsewhere_is_kept_by_an_option() {
        let reason = "its job would be a file with the secret `Fetch.token`: run it in this process, by \
                      `flow.in_process::<Fetch>()`";
        let expected = "its job would be a file with the secret `Fetch.token`: run it in this process, by \
                        `--in-process Fetch`";
        assert_eq!(on_command_line(reason), expected);
    }

    #[test]
    fn tasks_are_run_by_a_verb() {
        let error =
            "A is not complete: run it with `flow.run::<(A, Fit<B>)>()`, or `flow.run::<A>()`";
        let expected = "A is not complete: run it with `run A Fit<B>`, or `run A`";
        assert_eq!(on_command_line(error), expected);
        assert_eq!(on_command_line("see `flow.run::<A"), "see `flow.run::<A");
    }
}
