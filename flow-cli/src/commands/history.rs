//! `history`: the runs of this store.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Arg, Command};
use flow_core::{RunInfo, Runs};

use crate::context::Context;
use crate::error::CliError;
use crate::verb::Takes;
use crate::verb::Verb;

pub(crate) const VERB: Verb = Verb {
    name: "history",
    about: "Lists the runs of this store; shows one, or compares two",
    takes: Takes::Nothing,
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
                .value_parser(clap::value_parser!(usize))
                .default_value("20")
                .help("The number of runs that are listed"),
        )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let runs = context.store()?.store().runs()?;
    let named: Vec<_> = context.matches.get_many::<String>("runs").into_iter().flatten().collect();
    match named.as_slice() {
        [] => list(context, &runs)?,
        [one] => {
            let run = runs.load(&find(&runs, one)?.id)?;
            let mut text = run.info.to_string();
            for instance in &run.instances {
                let _ = write!(text, "\n  {instance}");
            }
            context.ui.write(&run, text)?;
        }
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
    let limit = context.matches.get_one::<usize>("limit").copied().unwrap_or_default();
    let listed: Vec<_> = runs.iter().take(limit).collect();
    let mut text: Vec<_> = listed.iter().map(ToString::to_string).collect();
    if listed.is_empty() {
        text.push("no runs".to_owned());
    } else if runs.len() > listed.len() {
        text.push(format!("… and {} earlier runs", runs.len() - listed.len()));
    }
    context.ui.write(&listed, text.join("\n"))
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
