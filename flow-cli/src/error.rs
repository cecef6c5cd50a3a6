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
                    let reason = with_option(task, reason);
                    let what =
                        format!("`{task}` cannot run elsewhere, by the executor `{executor}`");
                    Self::usage(format!("{what}: {reason}"))
                }
                _ => Self::Flow(Box::new(Error::Plan(plan))),
            },
            Error::NotComplete { ref root, .. } | Error::Nothing { ref root, .. } => {
                Self::Other(anyhow::anyhow!(with_verb(&error.to_string(), root)))
            }
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

/// Returns an error with the verb `run` in the place of the call `flow.run`, which names the roots as a type.
///
/// Nothing else of the text changes: it may quote paths, and errors of tasks.
fn with_verb(error: &str, root: &str) -> String {
    error.replacen(&format!("`flow.run::<{root}>()`"), &format!("`run {}`", arguments(root)), 1)
}

/// Returns roots as arguments. Several are a tuple of types.
fn arguments(root: &str) -> String {
    let several = root.strip_prefix('(').and_then(|tasks| tasks.strip_suffix(')'));
    let Some(tasks) = several else { return root.to_owned() };
    let mut depth = 0_usize;
    let is_kept = |c: &char| {
        match c {
            '<' | '(' => depth += 1,
            '>' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        // Other commas are those of a generic task.
        *c != ',' || depth > 0
    };
    tasks.chars().filter(is_kept).collect()
}

/// Returns why a task cannot run elsewhere, with the option that keeps it in this process instead of the call.
#[cfg(feature = "cluster")]
fn with_option(task: &str, reason: &str) -> String {
    reason.replace(&format!("`flow.in_process::<{task}>()`"), &format!("`--in-process {task}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "cluster")]
    #[test]
    fn a_task_that_cannot_run_elsewhere_is_kept_by_an_option() {
        let reason = "its job would be a file with the secret `Fetch.token`: run it in this process, by \
                      `flow.in_process::<Fetch>()`";
        let expected = "its job would be a file with the secret `Fetch.token`: run it in this process, by \
                        `--in-process Fetch`";
        assert_eq!(with_option("Fetch", reason), expected);
    }

    #[test]
    fn roots_are_run_by_a_verb_and_no_other_text_changes() {
        let error = "A is not complete: run it with `flow.run::<A>()`";
        assert_eq!(with_verb(error, "A"), "A is not complete: run it with `run A`");
        let error = "run them first with `flow.run::<(A, Fit<B, C>)>()`\n  A: failed: see `flow.run::<B>()`";
        let expected = "run them first with `run A Fit<B, C>`\n  A: failed: see `flow.run::<B>()`";
        assert_eq!(with_verb(error, "(A, Fit<B, C>)"), expected);
    }

    #[test]
    fn the_error_of_a_task_keeps_the_calls_that_it_names() {
        let text = "see `flow.run::<A>()` or `flow.in_process::<A>()` in /tmp/`flow.run::<A>()`";
        let error = CliError::from(anyhow::anyhow!(text));
        assert_eq!(error.to_string(), text);
    }
}
