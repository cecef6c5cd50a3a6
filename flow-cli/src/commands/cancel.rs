//! `cancel`: cancels jobs of runs whose tasks run elsewhere.

use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgGroup, Command};
use flow_cluster::{ClusterError, JobCounts, JobQueues, JobSelection, UnreadableFile};
use flow_core::TaskInfo;
use serde::Serialize;

use super::confirmed_or;
use super::jobs::{count, queues, several};
use crate::context::Context;
use crate::error::CliError;
use crate::options::{bucket_option, yes_option};
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
    let given = context.matches.get_many::<String>("key").into_iter().flatten();
    let given: Vec<_> = given.collect();
    // Before anything is read: a text that is not a key is a mistake.
    let mut keys = given.iter();
    let keys = keys.try_fold(JobSelection::default(), |selection, key| selection.and_key(key));
    let keys = keys.map_err(wrong_key)?;
    let (queues, all) = count(queues(context)?, &JobSelection::all())?;
    let queues = check_keys(queues, &given)?;
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
        confirmed_or(context, &question(found.counts, is_running), "nothing was cancelled")?;
    }
    let summary = queues.cancel(&selection).map_err(anyhow::Error::from)?;
    for file in &summary.unreadable {
        report(format_args!("warning: {}", file.reason));
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

/// Refuses a key that no job has: it was copied wrongly, or its job has left the queue.
fn check_keys(mut queues: JobQueues, keys: &[&String]) -> Result<JobQueues, CliError> {
    for key in keys {
        let one = JobSelection::default().and_key(key).map_err(wrong_key)?;
        let (back, found) = count(queues, &one)?;
        queues = back;
        if found.counts.all() == 0 {
            return Err(CliError::usage(format!(
                "invalid value for --key: no job has the key {key}: `status --jobs` prints the keys of all jobs"
            )));
        }
    }
    Ok(queues)
}

fn wrong_key(error: ClusterError) -> CliError {
    CliError::usage(format!("invalid value for --key: {error}"))
}

/// Returns what is asked before jobs are cancelled, such as `Cancel 3 jobs (1 running, 2 waiting)?`.
///
/// Runs in progress also cancel selected jobs that they submit later.
fn question(counts: JobCounts, is_running: bool) -> String {
    let JobCounts { waiting, running, .. } = counts;
    let states = [(running, "running"), (waiting, "waiting")];
    let states = states.into_iter().filter(|(jobs, _)| *jobs > 0);
    let states: Vec<_> = states.map(|(jobs, state)| format!("{jobs} {state}")).collect();
    let jobs = several(waiting + running, "job", "jobs");
    match (states.is_empty(), is_running) {
        (true, _) => "Cancel the jobs that runs in progress submit later?".to_owned(),
        (false, false) => format!("Cancel {jobs} ({})?", states.join(", ")),
        (false, true) => {
            let states = states.join(", ");
            format!("Cancel {jobs} ({states}), and those that runs in progress submit later?")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_counts_what_would_be_cancelled() {
        let question = |running, waiting, is_running| {
            let mut counts = JobCounts::default();
            (counts.running, counts.waiting, counts.ended) = (running, waiting, 7);
            super::question(counts, is_running)
        };
        assert_eq!(question(1, 2, false), "Cancel 3 jobs (1 running, 2 waiting)?");
        assert_eq!(
            question(0, 1, true),
            "Cancel 1 job (1 waiting), and those that runs in progress submit later?"
        );
        assert_eq!(question(0, 0, true), "Cancel the jobs that runs in progress submit later?");
    }
}
