//! `worker`: runs jobs of runs on other machines.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, Command};
use flow_cluster::{ClusterError, Worker, WorkerSummary};
use flow_core::jiff::Timestamp;
use flow_core::process;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::executor::duration;
use crate::options::bucket_option;
use crate::ui::report;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "worker",
    about: "Runs the jobs of `run --executor pull`, which may be on another machine with the same store or bucket, until Ctrl-C or SIGTERM. \
            The executors slurm and hq start it themselves",
    takes: Takes::Nothing,
    access: Access::Writes,
    options,
    run,
};

fn options(command: Command) -> Command {
    command
        .arg(
            Arg::new("slots")
                .long("slots")
                .value_name("N")
                .value_parser(clap::value_parser!(u16).range(1..))
                .default_value("1")
                .help("The number of jobs that it runs at the same time"),
        )
        .arg(
            Arg::new("exit-when-idle")
                .long("exit-when-idle")
                .value_name("TIME")
                .value_parser(duration)
                .help("Ends after it has had nothing to do for this long: 90, 90s or 2h"),
        )
        .arg(
            Arg::new("pool")
                .long("pool")
                .value_name("NAME")
                .conflicts_with("bucket")
                .value_parser(|text: &str| match Worker::is_pool(text) {
                    true => Ok(text.to_owned()),
                    false => Err("the name of a pool is that of an executor, `-` and 16 hexadecimal digits".to_owned()),
                })
                .help("Takes the jobs of a pool of `--executor slurm` or `hq`, instead of those of `pull`"),
        )
        .arg(
            Arg::new("time-limit")
                .long("time-limit")
                .value_name("TIME")
                .value_parser(|text: &str| match duration(text) {
                    Ok(time) if time.is_zero() => Err("the worker would have no time".to_owned()),
                    other => other,
                })
                .help("The time after which the worker will be ended, such as 7200 or 2h: it begins no job that cannot end before"),
        )
        .arg(bucket_option())
}

/// What the worker has done.
#[derive(Serialize)]
struct Done {
    bundles: usize,
    jobs: usize,
    failed: usize,
    given_back: usize,
    taken_away: usize,
    lost: usize,
}

/// Writes a line of the log of the worker.
fn log(line: &str) {
    report(format_args!("{} {line}", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ")));
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let matches = &context.matches;
    let bucket = context.settings.bucket()?;
    if matches.contains_id("pool") && bucket.is_some() {
        return Err(CliError::usage(ClusterError::PoolInBucket.to_string()));
    }
    let is_quiet = context.settings.quiet == Some(true);
    if let Some(folder) = context.missing_store().filter(|_| !is_quiet) {
        log(&format!("creates the store {}, which does not exist", folder.display()));
    }
    context.announce_bucket(log)?;
    let flow = context.store()?;
    let slots = matches.get_one::<u16>("slots").copied().unwrap_or(1);
    let mut worker = Worker::new(&flow).slots(usize::from(slots));
    if let Some(time) = matches.get_one::<Duration>("exit-when-idle") {
        worker = worker.exit_when_idle(*time);
    }
    if let Some(pool) = matches.get_one::<String>("pool") {
        worker = worker.pool(pool);
    }
    if let Some(time) = matches.get_one::<Duration>("time-limit") {
        worker = worker.time_limit(*time);
    }
    if let Some(bucket) = context.settings.open_bucket()? {
        worker = worker.bucket(bucket);
    }
    if !is_quiet {
        let from = bucket.as_deref().unwrap_or(flow.folder());
        log(&format!("takes jobs from {}", from.display()));
        worker = worker.on_message(log);
    }
    let summary = worker.run().map_err(anyhow::Error::from)?;
    let WorkerSummary { bundles, jobs, failed, given_back, taken_away, lost, .. } = summary;
    context.ui.write(&Done { bundles, jobs, failed, given_back, taken_away, lost }, summary)?;
    Ok(process::interrupted().map_or(ExitCode::SUCCESS, |signal| signal.exit_code().into()))
}
