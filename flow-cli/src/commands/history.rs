//! `history`: lists, shows and compares the runs of this store.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::{InstanceOutcome, InstanceRun, RunInfo, Runs, Seconds};

use crate::context::Context;
use crate::error::CliError;
use crate::grid::{Align, Column, Grid};
use crate::text::escaped;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "history",
    about: "Lists the runs of this store; with one run, shows it; with two, compares them",
    takes: Takes::Nothing,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    command
        .arg(Arg::new("runs").value_name("RUN").num_args(0..=2).help(
            "The beginning of a run's name, or `latest`: one to show it, two to compare them",
        ))
        .arg(
            Arg::new("limit")
                .long("limit")
                .value_name("N")
                .value_parser(clap::value_parser!(u32).range(1..))
                .default_value("20")
                .help("The number of runs that are listed"),
        )
        .arg(
            Arg::new("task")
                .long("task")
                .value_name("TASK")
                .requires("runs")
                .help("With one run, shows only the instances of this task"),
        )
        .arg(
            Arg::new("failed")
                .long("failed")
                .action(ArgAction::SetTrue)
                .requires("runs")
                .help("With one run, shows only the instances that failed"),
        )
        .arg(
            Arg::new("details")
                .long("details")
                .action(ArgAction::SetTrue)
                .requires("runs")
                .help("With one run, also shows reasons, whole errors, attempts and metadata"),
        )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let runs = context.store()?.store().runs()?;
    let named: Vec<_> = context.matches.get_many::<String>("runs").into_iter().flatten().collect();
    match named.as_slice() {
        [] => list(context, &runs)?,
        [one] => show(context, &runs, one)?,
        [before, after, ..] => {
            let before = runs.load(&find(&runs, before)?.id)?;
            let after = runs.load(&find(&runs, after)?.id)?;
            let compared = before.compare(&after);
            context.ui.write(&compared, &compared)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(context: &Context, runs: &Runs) -> Result<(), CliError> {
    let limit = context.matches.get_one::<u32>("limit").copied().unwrap_or_default();
    let listed: Vec<_> = runs.iter().take(limit as usize).collect();
    if listed.is_empty() {
        return context.ui.write(&listed, "no runs");
    }
    let mut text = grid(&listed).text(context.ui.width);
    if runs.len() > listed.len() {
        let _ = write!(text, "\n… and {} earlier runs", runs.len() - listed.len());
    }
    context.ui.write(&listed, text)
}

/// Returns the table of runs, the latest first.
fn grid(runs: &[&RunInfo]) -> Grid {
    let mut times: HashMap<&str, usize> = HashMap::new();
    for run in runs {
        *times.entry(time(&run.id)).or_default() += 1;
    }
    // The beginning of the name is enough to select a run.
    let name = |run: &&RunInfo| match times.get(time(&run.id)) {
        Some(1) => time(&run.id).to_owned(),
        _ => run.id.clone(),
    };
    let left = |header: &str, text: fn(&RunInfo) -> String| {
        Column::new([header], Align::Left, runs.iter().map(|run| text(run)))
    };
    let took = runs.iter().map(|run| match run.seconds {
        Some(seconds) => Seconds(seconds).to_string(),
        None => "-".to_owned(),
    });
    Grid::new([
        Column::new(["run"], Align::Left, runs.iter().map(name)),
        left("outcome", |run| run.outcome.to_string()),
        Column::new(["took"], Align::Right, took),
        left("instances", counts),
        left("roots", roots),
    ])
}

/// Returns the first part of a run's name: when the run began.
fn time(id: &str) -> &str {
    id.split_once('-').map_or(id, |(time, _)| time)
}

/// Returns how many instances had each outcome.
fn counts(run: &RunInfo) -> String {
    let complete = run.planned.get("complete").filter(|count| **count > 0);
    let complete = complete.map(|count| format!("{count} complete already"));
    let counts = run.counts.iter().map(|(outcome, count)| format!("{count} {outcome}"));
    complete.into_iter().chain(counts).collect::<Vec<_>>().join(", ")
}

/// Returns the first root, and how many others there are.
fn roots(run: &RunInfo) -> String {
    match run.roots.as_slice() {
        [] => String::new(),
        [root] if run.root_count <= 1 => root.clone(),
        [root, ..] => format!("{root} and {} more", run.root_count.saturating_sub(1)),
    }
}

/// Prints one run, or the instances of it that the options select.
fn show(context: &Context, runs: &Runs, name: &str) -> Result<(), CliError> {
    let mut run = runs.load(&find(runs, name)?.id)?;
    if let Some(task) = context.matches.get_one::<String>("task") {
        run.instances.retain(|instance| instance.task == *task);
    }
    if context.matches.get_flag("failed") {
        run.instances.retain(|instance| instance.outcome == InstanceOutcome::Failed);
    }
    let mut text = run.info.to_string();
    for instance in &run.instances {
        let _ = write!(text, "\n  {instance}");
        if context.matches.get_flag("details") {
            write_details(&mut text, instance);
        }
    }
    context.ui.write(&run, text)
}

/// Writes the details that the line of an instance leaves out.
fn write_details(text: &mut String, instance: &InstanceRun) {
    for reason in &instance.reasons {
        let _ = write!(text, "\n    why: {}", escaped(reason));
    }
    if let Some(started) = instance.started {
        let _ = write!(text, "\n    started: {started}");
    }
    if let Some(seconds) = instance.cpu_seconds {
        let _ = write!(text, "\n    cpu: {seconds:.3} s");
    }
    if instance.attempts > 1 {
        let _ = write!(text, "\n    attempts: {}", instance.attempts);
    }
    for (name, value) in &instance.metadata {
        let _ = write!(text, "\n    {}: {}", escaped(name), escaped(&value.to_string()));
    }
    for line in instance.error_text.iter().flat_map(|error| error.lines()) {
        let _ = write!(text, "\n    error: {}", escaped(line));
    }
}

/// Returns the run whose name begins with a text, or the latest.
fn find<'a>(runs: &'a Runs, name: &str) -> Result<&'a RunInfo, CliError> {
    let nothing = || CliError::usage(format!("no run is called {name:?}: `history` lists them"));
    if name == "latest" {
        return runs.latest().ok_or_else(nothing);
    }
    let mut found = runs.iter().filter(|run| run.id.starts_with(name));
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(nothing()),
        (Some(first), Some(second)) => Err(CliError::usage(format!(
            "several runs begin with {name:?}, such as {} and {}: write more of the name",
            first.id, second.id
        ))),
    }
}
