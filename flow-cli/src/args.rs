//! The arguments: which verb, which roots, and the parser for them.
//!
//! The options of a verb depend on the tasks that it is used with, so the arguments are read twice. [`roots`] finds the
//! verb and the tasks that follow it. Then [`parser`] builds a parser in which only that verb has the parameters of these
//! tasks: a program with hundreds of tasks starts as fast as one with a few.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};
use flow_core::TaskInfo;

use crate::error::CliError;
use crate::options::globals;
use crate::params;
use crate::verb::{Takes, Verb};

/// Finds the verb, and the tasks that follow it.
///
/// Unknown names are left for the parser, whose errors have suggestions.
pub(crate) fn roots<'a>(
    verbs: &'a [Verb],
    args: &[OsString],
) -> Result<(Option<&'a Verb>, Vec<TaskInfo>), CliError> {
    let options = globals(Command::new("options"));
    let mut rest = args.iter().skip(1).map(OsString::as_os_str);
    let Some(name) = next_positional(&options, &mut rest) else { return Ok((None, Vec::new())) };
    let Some(verb) = verbs.iter().find(|verb| name == verb.name) else {
        return Ok((None, Vec::new()));
    };
    if verb.takes == Takes::Nothing {
        return Ok((Some(verb), Vec::new()));
    }
    let own = (verb.options)(globals(Command::new(verb.name)));
    let own = params::add(own, &[]);
    let mut tasks = Vec::new();
    // Without a known option before it, each argument that is no option is a task.
    while let Some(name) = next_positional(&own, &mut rest) {
        match name.to_str() {
            Some(name) => tasks.push(TaskInfo::named(name)?),
            None => return Err(CliError::usage(format!("the task {name:?} is not UTF-8"))),
        }
        if verb.takes == Takes::Task {
            break;
        }
    }
    Ok((Some(verb), tasks))
}

/// Returns the next argument that is neither an option that `command` has nor its value. An option that it does not have
/// ends the search.
fn next_positional<'a>(
    command: &Command,
    rest: &mut impl Iterator<Item = &'a OsStr>,
) -> Option<&'a OsStr> {
    while let Some(arg) = rest.next() {
        let Some(text) = arg.to_str() else { return Some(arg) };
        if text == "--" || !text.starts_with('-') || text == "-" {
            return (text != "--").then_some(arg);
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text, None),
        };
        let option = command.get_arguments().find(|option| match name.strip_prefix("--") {
            Some(long) => option.get_long() == Some(long),
            None => option
                .get_short()
                .is_some_and(|short| name.strip_prefix('-') == Some(&*short.to_string())),
        })?;
        let takes_value = matches!(option.get_action(), ArgAction::Set | ArgAction::Append);
        if takes_value && value.is_none() {
            rest.next()?;
        }
    }
    None
}

/// Builds the parser.
pub(crate) fn parser(
    verbs: &[Verb],
    name: &str,
    used: Option<&Verb>,
    tasks: &[TaskInfo],
) -> Command {
    let command = globals(Command::new(name.to_owned()).bin_name(name.to_owned()))
        .about("A workflow of typed tasks: runs what is not complete, and shows what is stored")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .max_term_width(100);
    verbs.iter().fold(command, |command, verb| {
        let is_used = used.is_some_and(|used| used.name == verb.name);
        command.subcommand(subcommand(verb, if is_used { tasks } else { &[] }))
    })
}

fn subcommand(verb: &Verb, tasks: &[TaskInfo]) -> Command {
    let command = (verb.options)(Command::new(verb.name).about(verb.about));
    if verb.takes == Takes::Nothing {
        return command;
    }
    let arg = Arg::new("tasks").value_name("TASK").help("The task, as `list` prints it");
    let arg = match verb.takes {
        Takes::Tasks => arg.num_args(1..).required(true),
        Takes::MaybeTasks => arg.num_args(0..),
        Takes::Task | Takes::Nothing => arg.required(true),
    };
    let command = command.arg(arg);
    match tasks {
        [] => params::add(command, &[]).after_help(
            "Write a task before its parameters: `run Train --model tree`. `run Train --help` lists them.",
        ),
        tasks => params::add(command, tasks),
    }
}
