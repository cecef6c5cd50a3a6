//! `debug`: shows a failed instance, and runs it again by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::{DebugError, DebugInstance, DebugOutcome, Error, SelectError, TaskInfo};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::options::in_option;
use crate::text::escaped;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "debug",
    about: "Shows the last failure of a task, and runs that instance again by itself",
    takes: Takes::Task,
    access: Access::Writes,
    options,
    run,
};

/// An instance, the record of its last run, and the result of running it again.
#[derive(Serialize)]
struct Debugged {
    instance: String,
    /// The error of the last run; none if it did not fail.
    error: Option<String>,
    metadata: BTreeMap<String, serde_json::Value>,
    inputs: Vec<Input>,
    changes: Vec<String>,
    log: Option<PathBuf>,
    again: Option<Again>,
}

/// An input of the instance.
#[derive(Serialize)]
struct Input {
    role: String,
    instance: String,
    path: Option<PathBuf>,
    note: Option<String>,
}

/// The result of running the instance again.
#[derive(Serialize)]
struct Again {
    success: bool,
    committed: bool,
    seconds: f64,
    error: Option<String>,
    metadata: BTreeMap<String, serde_json::Value>,
    log: Vec<String>,
}

fn options(command: Command) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    in_option(command)
        .arg(flag("no-run", "Shows the failure, and runs nothing"))
        .arg(
            flag("commit", "Runs with the current inputs, and stores the output or the failure")
                .conflicts_with("no-run"),
        )
        .arg(flag(
            "accept-changes",
            "Runs with the current inputs if inputs have changed since the last run",
        ))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let task = context.roots[0];
    let debug = context.graph_in()?.debug_of(task).map_err(|error| explained(context, error))?;
    let (is_run, is_commit) =
        (!context.matches.get_flag("no-run"), context.matches.get_flag("commit"));
    let debug = match context.matches.get_flag("accept-changes") {
        true => debug.accept_changes(),
        false => debug,
    };
    if is_run && !context.ui.is_json {
        // The task may print, or wait in a debugger.
        context.ui.text(&debug)?;
    }
    let outcome = match (is_run, is_commit) {
        (false, _) => None,
        (true, false) => Some(debug.run_again()),
        (true, true) => Some(debug.run_and_commit()),
    };
    let outcome = outcome.transpose().map_err(|error| explained(context, error))?;
    let text = match &outcome {
        None => debug.to_string(),
        Some(outcome) => printed(outcome, is_commit),
    };
    context.ui.write(&Debugged::new(&debug, outcome.as_ref(), is_commit), text)?;
    let has_failed = outcome.is_some_and(|outcome| outcome.error().is_some());
    Ok(if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Debugged {
    fn new(
        debug: &DebugInstance<TaskInfo>,
        outcome: Option<&DebugOutcome>,
        committed: bool,
    ) -> Self {
        let failure = debug.failure();
        let inputs = debug.inputs().iter().map(|input| Input {
            role: input.role.clone(),
            instance: input.instance.clone(),
            path: input.path.clone(),
            note: input.note.clone(),
        });
        Self {
            instance: debug.instance().to_string(),
            error: failure.map(|failure| failure.error.clone()),
            metadata: failure.map(|failure| failure.metadata.clone()).unwrap_or_default(),
            inputs: inputs.collect(),
            changes: debug.changes(),
            log: debug.log().map(|log| log.path().to_owned()),
            again: outcome.map(|outcome| Again {
                success: outcome.error().is_none(),
                committed,
                seconds: outcome.seconds(),
                error: outcome.error().map(|error| format!("{error:#}")),
                metadata: outcome.metadata().clone(),
                log: log_lines(outcome),
            }),
        }
    }
}

fn log_lines(outcome: &DebugOutcome) -> Vec<String> {
    let lines = outcome.log().map(|log| log.text().lines().map(str::to_owned).collect());
    lines.unwrap_or_default()
}

/// Returns the result of the new run, with its metadata and log.
fn printed(outcome: &DebugOutcome, is_commit: bool) -> String {
    let mut text = format!("\nagain: {outcome}");
    for (name, value) in outcome.metadata() {
        let _ = write!(text, "\n  {}: {}", escaped(name), escaped(&value.to_string()));
    }
    let log = log_lines(outcome);
    if !log.is_empty() {
        text.push_str("\nlog:");
    }
    for line in log {
        let _ = write!(text, "\n  {}", escaped(&line));
    }
    text.push_str(match (is_commit, outcome.error()) {
        (false, _) => "\nnothing was stored; `--commit` stores the result",
        (true, None) => "\nthe output was stored",
        (true, Some(_)) => "\nthe failure was recorded",
    });
    text
}

/// Returns an error that names verbs and options instead of Rust methods.
fn explained(context: &Context, error: Error) -> CliError {
    let task = context.roots[0];
    match error {
        error @ Error::Debug(DebugError::NotRun { .. }) => CliError::usage(error.to_string()),
        Error::Debug(DebugError::NeverRun { instance, failed, .. }) if failed.is_empty() => {
            let root = context.root_name();
            anyhow::anyhow!("{instance} has never run: run it first, with `run {root}`").into()
        }
        Error::Debug(DebugError::NeverRun { instance, failed, .. }) => {
            let root = context.root_name();
            let line = |(instance, task): &(String, String)| {
                format!("\n  {instance}: `debug {task} --in {root}`")
            };
            let lines: String = failed.iter().map(line).collect();
            anyhow::anyhow!("{instance} has never run, because tasks upstream failed:{lines}")
                .into()
        }
        Error::Debug(DebugError::Record { instance, reason, .. }) => {
            let root = context.root_name();
            anyhow::anyhow!(
                "nothing is known of the last run of {instance}: {reason}; run it with `run {root}`"
            )
            .into()
        }
        Error::Debug(DebugError::Changed { instance, changes, .. }) => {
            let lines: String = changes.iter().map(|change| format!("\n  {change}")).collect();
            anyhow::anyhow!(
                "the inputs of {instance} have changed; --accept-changes runs it with the current inputs:{lines}"
            )
            .into()
        }
        Error::Select(SelectError::SeveralFailed { instances, .. }) => {
            let lines: String = instances.iter().map(|one| format!("\n  {one}")).collect();
            CliError::usage(format!(
                "{} instances of {task} failed: give the parameters of one:{lines}",
                instances.len()
            ))
        }
        Error::Select(SelectError::None { .. }) => CliError::usage(format!(
            "invalid value for --in: {} does not require {task}",
            context.root_name()
        )),
        Error::Select(SelectError::Several { instances, .. }) => {
            let lines: String = instances.iter().map(|one| format!("\n  {one}")).collect();
            CliError::usage(format!(
                "{} requires {} instances of {task}, of which none failed: give the parameters of one, without --in:{lines}",
                context.root_name(),
                instances.len()
            ))
        }
        error => error.into(),
    }
}
