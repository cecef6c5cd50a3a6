//! `status --jobs`: lists the jobs of runs whose tasks run elsewhere, and the workers.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use flow_cluster::{
    JobCounts, JobQueues, JobSelection, QueueStatus, QueuedJob, QueuedWorker, TaskJobs,
};
use flow_core::Seconds;

use crate::context::Context;
use crate::error::CliError;
use crate::grid::{Align, Column, Grid};
use crate::options::bucket_option;
use crate::text::escaped;
use crate::ui::report;

/// The number of files that cannot be read which are listed.
const UNREADABLE: usize = 20;

/// Adds the options of `status`.
pub(super) fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("show-jobs").long("jobs").action(ArgAction::SetTrue).help(
                "Lists the jobs of runs with an executor, and the workers, instead of outputs",
            ),
        )
        .arg(
            Arg::new("most")
                .long("most")
                .value_name("N")
                .value_parser(clap::value_parser!(u32))
                .default_value("100")
                .requires("show-jobs")
                .help("The number of jobs that are listed"),
        )
        .arg(bucket_option().requires("show-jobs"))
}

/// Returns the queues of the store, or that of the bucket which is set.
pub(super) fn queues(context: &Context) -> Result<JobQueues, CliError> {
    if let Some(folder) = context.settings.missing_bucket()? {
        return Err(CliError::usage(format!(
            "the folder {} of the bucket does not exist, so that no run and no worker can have used it: check the path",
            folder.display()
        )));
    }
    let flow = context.store()?;
    let queues = match context.settings.open_bucket()? {
        Some(bucket) => JobQueues::in_bucket(&flow, bucket),
        None => JobQueues::of(&flow).map_err(anyhow::Error::from)?,
    };
    if context.settings.quiet == Some(true) {
        return Ok(queues);
    }
    Ok(queues.on_wait(|most| {
        let most = most.as_secs_f64().ceil();
        report(format_args!("checks whether a run is in progress: up to {most} s"));
    }))
}

/// Returns whether jobs are asked for.
pub(super) fn is_asked_for(context: &Context) -> bool {
    context.matches.get_flag("show-jobs")
}

/// Shows what is in the queues.
pub(super) fn show(context: &Context) -> Result<ExitCode, CliError> {
    let most = context.matches.get_one::<u32>("most").copied().unwrap_or_default();
    let queues = queues(context)?;
    let selection = match context.roots.as_slice() {
        [] => JobSelection::all(),
        roots => JobSelection::tasks(roots.iter().map(ToString::to_string)),
    };
    let status = queues.list(most as usize).status(&selection).map_err(anyhow::Error::from)?;
    context.ui.write(&status, text(&status, context.ui.width))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the number of jobs in the queues, without looking whether workers are alive.
pub(super) fn count(
    queues: JobQueues,
    selection: &JobSelection,
) -> Result<(JobQueues, QueueStatus), CliError> {
    let queues = queues.list(0).listen(Duration::ZERO);
    let status = queues.status(selection).map_err(anyhow::Error::from)?;
    Ok((queues, status))
}

fn text(status: &QueueStatus, width: Option<usize>) -> String {
    let mut text = String::new();
    if !status.workers.is_empty() {
        let _ = writeln!(text, "{}\n", workers(&status.workers).text(width));
    }
    if status.tasks.len() > 1 {
        let column = |header: &str, align, cell: fn(&TaskJobs) -> String| {
            Column::new([header], align, status.tasks.iter().map(cell))
        };
        let tasks = Grid::new([
            column("task", Align::Left, |one| one.task.clone()),
            column("waiting", Align::Right, |one| one.counts.waiting.to_string()),
            column("running", Align::Right, |one| one.counts.running.to_string()),
            column("ended", Align::Right, |one| one.counts.ended.to_string()),
        ]);
        let _ = writeln!(text, "{}\n", tasks.text(width));
    }
    if !status.jobs.is_empty() {
        let _ = writeln!(text, "{}", jobs(&status.jobs).text(width));
        if let Some(more @ 1..) = status.counts.all().checked_sub(status.jobs.len()) {
            let _ = writeln!(text, "… and {more} more");
        }
        text.push('\n');
    }
    for file in status.unreadable.iter().take(UNREADABLE) {
        let _ = writeln!(text, "cannot be read: {}", escaped(&file.reason));
    }
    if let Some(more @ 1..) = status.unreadable.len().checked_sub(UNREADABLE) {
        let _ = writeln!(text, "… and {more} more files that cannot be read");
    }
    let running = status.runs.iter().filter(|run| run.is_running).count();
    let killed = status.runs.len() - running;
    text.push_str(&counts(status.counts));
    let _ = write!(text, "; {}", several(running, "run in progress", "runs in progress"));
    if killed > 0 {
        let what = several(killed, "run that was killed", "runs that were killed");
        let _ = write!(text, ", {what}");
    }
    let silent = |worker: &&QueuedWorker| worker.is_alive == Some(false);
    let alive = status.workers.len() - status.workers.iter().filter(silent).count();
    let _ = write!(text, "; {}", several(alive, "worker", "workers"));
    let queued: usize = status.runs.iter().map(|run| run.queued_workers).sum();
    if queued > 0 {
        let what = several(queued, "worker waits", "workers wait");
        let _ = write!(text, ", {what} in the queue of the scheduler");
        if let Some(reason) = status.runs.iter().find_map(|run| run.queued_for.as_deref()) {
            let _ = write!(text, " ({})", escaped(reason));
        }
    }
    text
}

/// Returns the numbers of jobs by state.
fn counts(counts: JobCounts) -> String {
    let JobCounts { waiting, running, ended, .. } = counts;
    match counts.all() {
        0 => "no jobs".to_owned(),
        all => {
            let jobs = several(all, "job", "jobs");
            format!("{jobs}: {running} running, {waiting} waiting, {ended} ended")
        }
    }
}

/// Returns a number with its noun.
pub(super) fn several(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn workers(workers: &[QueuedWorker]) -> Grid {
    let column = |header: &str, align, cell: fn(&QueuedWorker) -> String| {
        Column::new([header], align, workers.iter().map(cell))
    };
    let pool = || column("pool", Align::Left, |one| one.pool.clone().unwrap_or_default());
    let has_pools = workers.iter().any(|one| one.pool.is_some());
    let job = || column("job", Align::Left, |one| one.job.clone().unwrap_or_default());
    let has_jobs = workers.iter().any(|one| one.job.is_some());
    let first =
        column("worker", Align::Left, |one| format!("{} (process {})", one.host, one.process));
    let rest = [
        column("slots", Align::Right, |one| one.slots.to_string()),
        column("program", Align::Left, |one| one.program.clone()),
        column("build", Align::Left, |one| {
            if one.is_same_build { "this one" } else { "another one" }.to_owned()
        }),
        column("state", Align::Left, |one| {
            if one.is_alive == Some(false) { "not heard of" } else { "alive" }.to_owned()
        }),
    ];
    let of_scheduler = has_pools.then(pool).into_iter().chain(has_jobs.then(job));
    Grid::new([first].into_iter().chain(of_scheduler).chain(rest))
}

fn jobs(jobs: &[QueuedJob]) -> Grid {
    let column = |header: &str, align, cell: fn(&QueuedJob) -> String| {
        Column::new([header], align, jobs.iter().map(cell))
    };
    let seconds = |seconds: Option<f64>| {
        seconds.map_or_else(|| "-".to_owned(), |seconds| Seconds(seconds).to_string())
    };
    let seconds_of = |header: &str, of: fn(&QueuedJob) -> Option<f64>| {
        Column::new([header], Align::Right, jobs.iter().map(|job| seconds(of(job))))
    };
    Grid::new([
        column("instance", Align::Left, |one| one.instance.clone()),
        column("state", Align::Left, |one| one.state.name().to_owned()),
        column("worker", Align::Left, |one| one.worker.clone().unwrap_or_default()),
        seconds_of("runs for", |one| one.seconds),
        seconds_of("expected", |one| one.expected_seconds),
        column("attempt", Align::Right, |one| one.attempt.to_string()),
        column("key", Align::Left, |one| one.key.chars().take(16).collect()),
    ])
}
