//! The verbs, each in a file: its options, and a function that does it.

mod completions;
mod gc;
mod graph;
mod history;
mod list;
mod log;
mod meta;
mod path;
mod plan;
mod reset;
mod run;
mod share;
mod status;
mod sweep;
mod verify;
mod why;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};

use crate::args::{self, Takes};
use crate::context::{Context, Opener};
use crate::error::CliError;
use crate::ui;

/// A verb of the command line.
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) takes: Takes,
    /// Adds its options, apart from those of all verbs and those that are parameters.
    pub(crate) options: fn(Command) -> Command,
    pub(crate) run: fn(&Context) -> Result<ExitCode, CliError>,
}

/// All verbs, in the order of the help.
pub(crate) const VERBS: &[Verb] = &[
    list::VERB,
    plan::VERB,
    run::VERB,
    why::VERB,
    sweep::VERB,
    status::VERB,
    path::VERB,
    meta::VERB,
    log::VERB,
    graph::VERB,
    history::VERB,
    reset::VERB,
    gc::VERB,
    verify::VERB,
    share::EXPORT,
    share::IMPORT,
    share::PUSH,
    share::PULL,
    completions::VERB,
];

/// Runs the command line. The first argument is the name of the program.
pub(crate) fn run(opener: Opener, args: impl Iterator<Item = OsString>) -> ExitCode {
    match try_run(opener, args.collect()) {
        Ok(code) => code,
        Err(error) => {
            match &error {
                // It prints help to the standard output, and errors to the standard error.
                CliError::Clap(error) => drop(error.print()),
                CliError::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                error => ui::report(format_args!("error: {error}")),
            }
            error.code()
        }
    }
}

fn try_run(opener: Opener, args: Vec<OsString>) -> Result<ExitCode, CliError> {
    let name = args.first().and_then(|arg| Path::new(arg).file_stem());
    let name = name.map_or_else(|| "flow".to_owned(), |name| name.to_string_lossy().into_owned());
    let (used, roots) = args::roots(&args)?;
    let matches = args::parser(&name, used, &roots).try_get_matches_from(&args)?;
    let (verb, matches) = matches.subcommand().expect("a verb is required");
    let verb = VERBS.iter().find(|one| one.name == verb).expect("the parser has only verbs");
    let mut context = Context::new(name, opener, matches.clone(), roots)?;
    // A sweep takes several values of a parameter.
    if verb.takes != Takes::Nothing && verb.name != sweep::VERB.name {
        context.take_parameters()?;
    }
    (verb.run)(&context)
}

/// Adds no options.
fn no_options(command: Command) -> Command {
    command
}

/// Adds `--exit-code`.
fn exit_code_option(command: Command) -> Command {
    let help = "Exits with 3 if something is not complete";
    command.arg(Arg::new("exit-code").long("exit-code").action(ArgAction::SetTrue).help(help))
}

/// Adds `--in`, for verbs that are about one output.
fn in_option(command: Command) -> Command {
    command.arg(Arg::new("in").long("in").value_name("ROOT").help(
        "Selects the instance that this task requires, with the parameters that it has there",
    ))
}

/// Adds `--yes`, for verbs that remove something.
fn yes_option(command: Command) -> Command {
    let help = "Does not ask; required without a terminal";
    command.arg(Arg::new("yes").long("yes").short('y').action(ArgAction::SetTrue).help(help))
}

/// Asks whether to continue, unless `--yes` was given.
fn confirmed(context: &Context, question: &str) -> Result<(), CliError> {
    if context.matches.get_flag("yes") || ui::confirm(question) {
        return Ok(());
    }
    Err(CliError::usage(format!("nothing was removed: {question} Use --yes to confirm")))
}
