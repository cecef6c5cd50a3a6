//! `cancel`: cancels jobs of runs whose tasks run elsewhere.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgGroup, Command};
use flow_cluster::{JobSelection, UnreadableFile};
use flow_core::TaskInfo;
use serde::Serialize;

use super::confirmed_or;
use super::jobs::{count, counts, queues};
use crate::context::Context;
use crate::error::CliError;
use crate::options::{bucket_option, yes_option};
use crate::text::escaped;
use crate::ui::report;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "cancel",
    about: "Cancels jobs of runs with an executor, also what a run that was killed has left in the queue",
    takes: Takes::Nothing,
    // It writes into the queue of a store that exists.
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    yes_option(command)
        .arg(
            Arg::new("cancelled")
                .value_name("TASK")
                .num_args(0..)
                .help("The tasks whose jobs are cancelled, with any parameters"),
        )
        .arg(
            Arg::new("key").long("key").value_name("KEY").action(ArgAction::Append).help(
                "Cancels the job of the instance with this key, as `status --jobs` prints it",
            ),
        )
        .arg(
            Arg::new("all")
                .long("all")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["cancelled", "key"])
                .help("Cancels all jobs"),
        )
        .arg(bucket_option())
        .group(
            ArgGroup::new("selected")
                .args(["cancelled", "key", "all"])
                .multiple(true)
                .required(true),
        )
}

/// What was cancelled.
#[derive(Serialize)]
struct CancelledJson {
    runs: usize,
    asked: usize,
    ended: usize,
    others: usize,
    unreadable: Vec<UnreadableFile>,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let named: Vec<_> =
        context.matches.get_many::<String>("cancelled").into_iter().flatten().collect();
    let mut keys = context.matches.get_many::<String>("key").into_iter().flatten();
    // Before anything is read: a text that is no key is a mistake.
    let keys = keys.try_fold(JobSelection::default(), |selection, key| selection.and_key(key));
    let keys =
        keys.map_err(|error| CliError::usage(format!("invalid value for --key: {error}")))?;
    let (queues, all) = count(queues(context)?, &JobSelection::all())?;
    let mut tasks = Vec::new();
    for name in named {
        match TaskInfo::named(name) {
            Ok(task) => tasks.push(task.name()),
            // Another program may have submitted its jobs.
            Err(_) if all.tasks.iter().any(|jobs| jobs.task == *name) => tasks.push(name.clone()),
            Err(error) => return Err(error.into()),
        }
    }
    let selection = match context.matches.get_flag("all") {
        true => JobSelection::all(),
        false => keys.and_tasks(tasks),
    };
    let (queues, found) = count(queues, &selection)?;
    let is_running = found.runs.iter().any(|run| run.is_running);
    if is_running || found.counts.waiting + found.counts.running > 0 {
        let later = if is_running { " and those that follow in runs in progress" } else { "" };
        let question = format!("Cancel {}{later}?", counts(found.counts));
        confirmed_or(context, &question, "Nothing was cancelled")?;
    }
    let summary = queues.cancel(&selection).map_err(anyhow::Error::from)?;
    for file in &summary.unreadable {
        report(format_args!("warning: {}", escaped(&file.reason)));
    }
    let text = summary.to_string();
    let json = CancelledJson {
        runs: summary.runs,
        asked: summary.asked,
        ended: summary.ended,
        others: summary.others,
        unreadable: summary.unreadable,
    };
    context.ui.write(&json, text)?;
    Ok(ExitCode::SUCCESS)
}
