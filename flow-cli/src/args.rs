//! Finds the verb and the roots in the arguments, and builds the parser for them.
//!
//! The options of a verb depend on the tasks that it is used with, so the arguments are read twice. [`roots`] finds the
//! verb and the tasks that follow it. Then [`parser`] builds a parser in which only that verb has the parameters of these
//! tasks: a program with hundreds of tasks starts as fast as one with a few.

use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::iter::Peekable;
use std::num::{IntErrorKind, ParseIntError};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, ColorChoice, Command};
use flow_core::TaskInfo;

use crate::error::CliError;
use crate::options::globals;
use crate::params;
use crate::settings::COLOR;
use crate::text::{one_line, shortened};
use crate::ui::Color;
use crate::verb::{Takes, Verb};

/// The options whose values are paths, which need not be UTF-8.
const PATHS: [&str; 6] = ["--bucket", "--config", "--data", "--from", "--params", "--to"];

/// The parts of an error of the parser that quote an argument.
const QUOTES: [ContextKind; 3] =
    [ContextKind::InvalidArg, ContextKind::InvalidSubcommand, ContextKind::InvalidValue];

/// Methods of the library, each with the verb that does the same under another name.
const METHODS: [(&str, &str); 4] =
    [("preview", "plan"), ("plot", "graph"), ("get", "load"), ("runs", "history")];

/// The longest argument that an error quotes, in characters.
const QUOTED: usize = 100;

/// Finds the verb, and the tasks that follow it.
///
/// Unknown names are left for the parser, whose errors have suggestions.
pub(crate) fn roots<'a>(
    verbs: &'a [Verb],
    args: &[OsString],
) -> Result<(Option<&'a Verb>, Vec<TaskInfo>), CliError> {
    let options = globals(Command::new("options"));
    let mut rest = args.iter().skip(1).map(OsString::as_os_str).peekable();
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
        if matches!(verb.takes, Takes::Task | Takes::MaybeTask) {
            break;
        }
    }
    Ok((Some(verb), tasks))
}

/// Returns the next argument that is neither an option that `command` has nor its value. An option that it does not have
/// ends the search.
fn next_positional<'a>(
    command: &Command,
    rest: &mut Peekable<impl Iterator<Item = &'a OsStr>>,
) -> Option<&'a OsStr> {
    while let Some(arg) = rest.next() {
        let Some(text) = arg.to_str() else {
            // The argument may be an option with a value.
            return (!arg.as_encoded_bytes().starts_with(b"-")).then_some(arg);
        };
        if text == "--" || !text.starts_with('-') || text == "-" {
            return (text != "--").then_some(arg);
        }
        // The parser reports a value that is missing.
        let is_missing = rest.peek().is_some_and(|next| is_option(next));
        if takes_next(command, text)? && !is_missing {
            rest.next()?;
        }
    }
    None
}

/// Returns whether an argument is an option, or `--`. A `-` is a value.
fn is_option(arg: &OsStr) -> bool {
    arg.as_encoded_bytes().starts_with(b"-") && arg != "-"
}

/// Returns whether an option takes the next argument as its value; `None` if the command does not have the option.
///
/// An option that requires `=`, such as `--force`, does not.
fn takes_next(command: &Command, text: &str) -> Option<bool> {
    let takes = |option: &Arg| {
        matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
            && !option.is_require_equals_set()
    };
    if let Some(long) = text.strip_prefix("--") {
        let name = long.split('=').next();
        let option = command.get_arguments().find(|option| option.get_long() == name)?;
        return Some(takes(option) && !long.contains('='));
    }
    let mut shorts = text.strip_prefix('-')?.chars();
    while let Some(short) = shorts.next() {
        let option = command.get_arguments().find(|option| option.get_short() == Some(short))?;
        if takes(option) {
            // The rest of `-w4` is the value.
            return Some(shorts.as_str().is_empty());
        }
    }
    Some(false)
}

/// Refuses a parameter without a value, which would take the option after it: `--station --data DIR`.
///
/// The value of a parameter may begin with `-`, so the parser takes any argument.
pub(crate) fn check_values(
    parser: &Command,
    used: Option<&Verb>,
    args: &[OsString],
) -> Result<(), CliError> {
    let Some(command) = used.and_then(|verb| parser.find_subcommand(verb.name)) else {
        return Ok(());
    };
    let mut rest = args.iter().skip(1).map(|arg| arg.to_str().unwrap_or_default());
    while let Some(text) = rest.next().filter(|text| *text != "--") {
        let takes_any = option_of([parser, command], text).is_some_and(|option| {
            option.is_allow_hyphen_values_set() && !option.is_require_equals_set()
        });
        if text.contains('=') || !takes_any {
            continue;
        }
        let Some(value) = rest.next() else { break };
        let next = value.split('=').next().unwrap_or_default();
        let is_help = matches!(next, "--help" | "-h");
        if is_help || option_of([parser, command], next).is_some() {
            return Err(CliError::usage(format!(
                "{text} has no value: `{next}` after it is an option of this command. If it is the value, write \
                 `{text}={value}`"
            )));
        }
    }
    Ok(())
}

/// Returns the option of some commands that an argument such as `--data`, `--data=DIR`, `-q` or `-w4` gives. Of `-qw4`, it is the
/// last one.
fn option_of<'a>(commands: [&'a Command; 2], text: &str) -> Option<&'a Arg> {
    let all = || commands.into_iter().flat_map(Command::get_arguments);
    if let Some(long) = text.strip_prefix("--") {
        let name = long.split('=').next().unwrap_or_default();
        return all().find(|option| {
            let aliases = option.get_all_aliases().unwrap_or_default();
            option.get_long() == Some(name) || aliases.contains(&name)
        });
    }
    let mut found = None;
    for short in text.strip_prefix('-')?.chars() {
        let option = all().find(|option| option.get_short() == Some(short))?;
        found = Some(option);
        if matches!(option.get_action(), ArgAction::Set | ArgAction::Append) {
            // The rest is its value.
            break;
        }
    }
    found
}

/// Returns the tasks that the parser has found.
pub(crate) fn tasks(matches: &ArgMatches) -> Result<Vec<TaskInfo>, CliError> {
    let names = matches.try_get_many::<String>("tasks").ok().flatten().into_iter().flatten();
    names.map(|name| Ok(TaskInfo::named(name)?)).collect()
}

/// Returns the value of `--color` or `FLOW_COLOR`, which also applies to the help and the errors of the parser.
pub(crate) fn color(args: &[OsString]) -> ColorChoice {
    let texts = args.iter().skip(1).map(|arg| arg.to_string_lossy());
    let texts: Vec<_> = texts.take_while(|text| text != "--").collect();
    let joined = texts.iter().filter_map(|text| text.strip_prefix("--color="));
    let apart = texts.windows(2).filter(|pair| pair[0] == "--color").map(|pair| &*pair[1]);
    let of_option = joined.chain(apart).next_back().and_then(Color::named);
    // A wrong value of the variable is reported later, with the other settings.
    let of_variable = || Color::named(&std::env::var(COLOR).ok()?);
    match of_option.or_else(of_variable).unwrap_or_default() {
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
        Color::Auto => ColorChoice::Auto,
    }
}

/// Converts an error of the parser to the error that is printed.
///
/// The parser quotes arguments unchanged, so this function escapes and shortens them. If an argument is not UTF-8, the
/// error also names the option.
pub(crate) fn refused(mut error: clap::Error, args: &[OsString]) -> CliError {
    if error.kind() == ErrorKind::InvalidUtf8
        && let Some(message) = not_utf8(args)
    {
        return CliError::usage(message);
    }
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(ContextValue::String(text)) = error.get(ContextKind::InvalidArg)
        && let Some(message) = of_another_task(text)
    {
        return CliError::usage(message);
    }
    if error.kind() == ErrorKind::ValueValidation
        && let Some(message) = not_a_number(&error)
    {
        return CliError::usage(message);
    }
    if let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand)
        && let Some((_, verb)) = METHODS.iter().find(|(method, _)| method == name)
    {
        let tip = StyledStr::from(format!("the verb `{verb}` does that"));
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    for kind in QUOTES {
        let Some(ContextValue::String(text)) = error.get(kind) else { continue };
        let quoted = shortened(&one_line(text), QUOTED);
        if quoted != *text {
            // The tips quote the argument, too.
            error.remove(ContextKind::Suggested);
            error.insert(kind, ContextValue::String(quoted));
        }
    }
    error.into()
}

/// Returns the message about a value that must be a whole number and is not.
fn not_a_number(error: &clap::Error) -> Option<String> {
    let cause = error.source()?.downcast_ref::<ParseIntError>()?;
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let (option, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let why = match cause.kind() {
        IntErrorKind::PosOverflow => "it is too large",
        IntErrorKind::NegOverflow => "it is too small",
        _ => "it is not a whole number",
    };
    Some(format!("invalid value '{}' for '{option}': {why}", shortened(&one_line(value), QUOTED)))
}

/// Returns the message about the first argument that must be UTF-8 and is not.
fn not_utf8(args: &[OsString]) -> Option<String> {
    let mut before = "";
    for arg in args.iter().skip(1) {
        let Some(text) = arg.to_str() else {
            let text = arg.to_string_lossy();
            let joined = text.split_once('=').filter(|(name, _)| name.starts_with('-'));
            let name = joined.map_or(before, |(name, _)| name);
            if PATHS.contains(&name) {
                before = "";
                continue;
            }
            let value = shortened(&one_line(joined.map_or(&*text, |(_, value)| value)), QUOTED);
            return Some(match name.starts_with('-') {
                true => format!("invalid value for {}: \"{value}\" is not UTF-8", one_line(name)),
                false => format!("the argument \"{value}\" is not UTF-8"),
            });
        };
        before = text;
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
        .about("Runs the tasks of a pipeline that are not complete, and shows stored outputs")
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
        Takes::Tasks | Takes::Variants => arg.num_args(1..).required(true),
        Takes::MaybeTasks => arg.num_args(0..),
        Takes::MaybeTask => arg.required_unless_present("stored"),
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

/// Returns what to say of an option that is a parameter, but of no task that the command has before it.
fn of_another_task(option: &str) -> Option<String> {
    let name = option.strip_prefix("--")?.replace('-', "_");
    let has_it = |task: &TaskInfo| task.parameters().iter().any(|one| one.name() == name);
    let tasks: Vec<_> =
        flow_core::tasks().into_iter().filter(has_it).map(|task| task.name()).collect();
    let first = tasks.first()?;
    let names: Vec<_> = tasks.iter().take(3).map(|task| format!("`{task}`")).collect();
    let more = if tasks.len() > 3 { " and others" } else { "" };
    Some(format!(
        "unexpected argument '{option}': it is a parameter of {}{more}. Write a task that is one of these, or requires \
         one, before it: `run {first} {option} ...`",
        names.join(", ")
    ))
}
