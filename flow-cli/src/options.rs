//! The options that many verbs have.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Arg, ArgAction, Command, ValueHint};

#[cfg(feature = "cluster")]
use crate::executor::ExecutorName;

/// Adds the options that every verb has.
pub(crate) fn globals(command: Command) -> Command {
    command
        .arg(
            Arg::new("data")
                .long("data")
                .value_name("DIR")
                .global(true)
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("The folder of the store [default: data]"),
        )
        .arg(
            Arg::new("namespace")
                .long("namespace")
                .value_name("NAME")
                .global(true)
                .value_parser(NonEmptyStringValueParser::new())
                .help("Uses the store of a namespace, such as `prod`"),
        )
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .global(true)
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::FilePath)
                .help("The configuration file [default: flow.toml, if there is one]"),
        )
        .arg(
            Arg::new("profile")
                .long("profile")
                .value_name("NAME")
                .global(true)
                .value_parser(NonEmptyStringValueParser::new())
                .help("Uses the settings of `[profile.NAME]` of the configuration file before the others"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Prints the result as JSON"),
        )
        .arg(
            Arg::new("quiet")
                .long("quiet")
                .short('q')
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Hides the progress"),
        )
        .arg(
            Arg::new("color")
                .long("color")
                .value_name("WHEN")
                .global(true)
                .value_parser(["auto", "always", "never"])
                .help("When to color the output [default: auto]"),
        )
}

/// Adds the options of runs.
pub(crate) fn run_options(command: Command) -> Command {
    #[cfg(feature = "cluster")]
    let command = executor_options(command);
    command
        .arg(
            Arg::new("workers")
                .long("workers")
                .short('w')
                .value_name("N")
                .value_parser(clap::value_parser!(u16))
                .help("The number of tasks that run at the same time; 0 runs them one after the other on the main thread, for debuggers [default: one for each processor]"),
        )
        .arg(
            Arg::new("force")
                .long("force")
                .value_name("TASK")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("")
                .action(ArgAction::Append)
                .help("Runs the roots even if they are complete; with `--force=Task`, runs that task"),
        )
        .arg(
            Arg::new("allow-failures")
                .long("allow-failures")
                .action(ArgAction::SetTrue)
                .help("Exits with 0 even if tasks failed"),
        )
}

/// Adds the options of runs whose tasks run elsewhere.
#[cfg(feature = "cluster")]
fn executor_options(command: Command) -> Command {
    command
        .arg(
            Arg::new("executor")
                .long("executor")
                .value_name("NAME")
                .value_parser(ExecutorName::NAMES)
                .help(
                    "Runs the tasks elsewhere: `pull` by the workers that were started with `worker`, `slurm` and `hq` by \
                     workers that Slurm or HyperQueue starts",
                ),
        )
        .arg(
            Arg::new("jobs")
                .long("jobs")
                .value_name("N")
                .value_parser(clap::value_parser!(u16).range(1..))
                .help(
                    "The number of jobs that the executor has at the same time [default: that of --workers, or 100]",
                ),
        )
        .arg(bucket_option())
        .arg(
            Arg::new("in-process")
                .long("in-process")
                .value_name("TASK")
                .action(ArgAction::Append)
                .help("Runs this task in this process, and not by the executor, besides those of `in_process` in `flow.toml`"),
        )
}

/// Returns the option for the bucket of an executor and its workers.
#[cfg(feature = "cluster")]
pub(crate) fn bucket_option() -> Arg {
    Arg::new("bucket")
        .long("bucket")
        .value_name("URL")
        .value_parser(clap::value_parser!(std::path::PathBuf))
        .help(
            "Where runs and workers exchange jobs and files that have no folder in common: the URL of an object store, a \
             folder, or a name in `flow.toml`",
        )
}

/// Adds `--exit-code`.
pub(crate) fn exit_code_option(command: Command) -> Command {
    let help = "Exits with 3 if something is not complete";
    command.arg(Arg::new("exit-code").long("exit-code").action(ArgAction::SetTrue).help(help))
}

/// Adds `--in`, for verbs that select one output.
pub(crate) fn in_option(command: Command) -> Command {
    command.arg(Arg::new("in").long("in").value_name("ROOT").help(
        "Selects the instance that this root requires, with its parameters in the graph of the root",
    ))
}

/// Adds `--yes`, for verbs that remove something.
pub(crate) fn yes_option(command: Command) -> Command {
    let help = "Does not ask for confirmation; required without a terminal";
    command.arg(Arg::new("yes").long("yes").short('y').action(ArgAction::SetTrue).help(help))
}

/// Adds `--until` and `--only`, which restrict what runs.
pub(crate) fn restrict_options(command: Command) -> Command {
    command
        .arg(
            Arg::new("until")
                .long("until")
                .value_name("TASK")
                .action(ArgAction::Append)
                .help("Runs only this task and all tasks upstream, with their parameters in the graph of the roots"),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("TASK")
                .action(ArgAction::Append)
                .conflicts_with("until")
                .help("Runs this task alone; the tasks that it requires must be complete"),
        )
}
