//! Parameters as options: `--model tree` for `Train.model`.
//!
//! The options of a verb are the parameters of its roots and of all tasks upstream, grouped by task. Tasks that have a
//! parameter of the same name share one option: its value is given by that name, and must fit all of them, as
//! [`Flow::with_named`](flow_core::Flow::with_named) describes. `--param Task.name=value` gives a value to one task. An option of
//! the verb itself, such as `--data`, takes precedence over a parameter of the same name, which `--param` still sets.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};
use flow_core::{Error, ParameterInfo, PlanErrorKind, TaskInfo};

use crate::error::CliError;
use crate::given::{Given, in_order, read_params, set};
use crate::options::globals;
use crate::text::shortened;

/// The prefix of the identifiers of options that are parameters, so that they differ from those of the verb.
const PREFIX: &str = "parameter ";

/// The longest argument that an error quotes, in characters.
const QUOTED: usize = 100;

/// Adds `--param` and `--params`, and an option for each parameter of these roots and of the tasks upstream of them.
pub(crate) fn add(command: Command, roots: &[TaskInfo]) -> Command {
    let mut command = command
        .arg(
            Arg::new("param")
                .long("param")
                .value_name("NAME=VALUE")
                .action(ArgAction::Append)
                .help("Gives a parameter a value: `c=0.1` for all tasks, `Fit.c=0.1` for one"),
        )
        .arg(
            Arg::new("params")
                .long("params")
                .value_name("FILE")
                .value_parser(clap::value_parser!(PathBuf))
                .action(ArgAction::Append)
                .help("Reads values of parameters from a TOML, JSON or YAML file"),
        );
    let reserved = reserved(&command);
    let mut hidden = Vec::new();
    let mut seen = reserved.clone();
    for task in tasks_of(roots) {
        for parameter in task.parameters() {
            let name = parameter.name();
            if reserved.contains(name) {
                let full = parameter.full_name();
                hidden.push(format!("  --param {full}=<{}>", value_name(parameter)));
            }
            if seen.insert(name.to_owned()) {
                // `--at-least` is `--at_least`, unless the verb has that option.
                let alias = name.replace('_', "-");
                let alias = seen.insert(alias.clone()).then_some(alias);
                command = command.arg(option(parameter, task).aliases(alias));
            }
        }
    }
    if hidden.is_empty() {
        return command;
    }
    let after = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    let heading = "Parameters that have the name of an option of this command:";
    command.after_help(format!("{after}{heading}\n{}", hidden.join("\n")))
}

/// Returns the names of the options that a command has besides parameters.
fn reserved(command: &Command) -> HashSet<String> {
    let globals = globals(Command::new("globals"));
    let all = command.get_arguments().chain(globals.get_arguments());
    let names = all.filter_map(|arg| arg.get_long().map(str::to_owned));
    names.chain(["help", "version"].map(str::to_owned)).collect()
}

/// Returns what to say if an option of the verb was given that some tasks have as a parameter, too.
pub(crate) fn warnings(matches: &ArgMatches, roots: &[TaskInfo]) -> Vec<String> {
    let is_given = |name: &str| {
        let source = matches.try_contains_id(name).ok().and_then(|_| matches.value_source(name));
        source == Some(ValueSource::CommandLine)
    };
    let parameters = tasks_of(roots).into_iter().flat_map(|task| task.parameters());
    let given = parameters.filter(|parameter| is_given(parameter.name()));
    let warning = |parameter: ParameterInfo| {
        let (name, full) = (parameter.name(), parameter.full_name());
        format!(
            "--{name} is an option of this command: `--param {full}=...` sets the parameter `{full}`"
        )
    };
    given.map(warning).collect()
}

/// Returns the roots and all tasks upstream of them, each once.
pub(crate) fn tasks_of(roots: &[TaskInfo]) -> Vec<TaskInfo> {
    let mut tasks: Vec<TaskInfo> = Vec::new();
    let all = roots.iter().flat_map(|root| std::iter::once(*root).chain(root.upstream()));
    for task in all {
        if !tasks.contains(&task) {
            tasks.push(task);
        }
    }
    tasks
}

/// Returns the option for a parameter.
fn option(parameter: ParameterInfo, task: TaskInfo) -> Arg {
    let mut help = parameter.doc().trim().to_owned();
    let mut notes = Vec::new();
    if let Some(default) = parameter.default() {
        notes.push(format!("default: {default}"));
    }
    notes.extend(parameter.range().map(|range| format!("range: {range}")));
    notes.extend(parameter.choices().map(|choices| format!("choices: {choices}")));
    notes.extend(parameter.from().map(|from| format!("same as {}", from.full_name())));
    if !notes.is_empty() {
        let space = if help.is_empty() { "" } else { " " };
        help = format!("{help}{space}[{}]", notes.join("; "));
    }
    let is_switch = parameter.type_name() == "bool";
    let name = parameter.name();
    let option = Arg::new(format!("{PREFIX}{name}"))
        .long(name.to_owned())
        .value_name(value_name(parameter))
        .help_heading(format!("Parameters of {}", task.name()))
        .help(help)
        .action(ArgAction::Append)
        .allow_hyphen_values(true);
    // `--scale` is `--scale=true`.
    match is_switch {
        true => option.num_args(0..=1).require_equals(true).default_missing_value("true"),
        false => option,
    }
}

/// Returns the type of a parameter, as the name of the option's value. Of an `Option` it is the type inside.
fn value_name(parameter: ParameterInfo) -> String {
    let name = parameter.type_name();
    let inside = name.strip_prefix("Option<").and_then(|name| name.strip_suffix('>'));
    inside.map(str::to_owned).unwrap_or(name)
}

/// The option that gives each value, by the name of the value.
pub(crate) type Origins = BTreeMap<String, String>;

/// Returns the values in the arguments, and their origins. The last value of a name applies: values of files are read first,
/// then options, then `--param`.
pub(crate) fn given(
    matches: &ArgMatches,
    roots: &[TaskInfo],
) -> Result<(Given, Origins), CliError> {
    let (mut given, mut origins) = (Given::new(), Origins::new());
    let tasks = tasks_of(roots);
    let mut add = |origin: String, name: String, value: serde_json::Value| {
        check(&origin, &name, &value, &tasks)?;
        origins.insert(name.clone(), origin);
        set(&mut given, name, value);
        Ok::<(), CliError>(())
    };
    from_files(matches, &mut add)?;
    for (name, texts) in options(matches) {
        if let [first, second, ..] = texts.as_slice() {
            return Err(CliError::usage(format!(
                "the option --{name} is given twice, with {:?} and {:?}: give it once",
                shortened(first, QUOTED),
                shortened(second, QUOTED)
            )));
        }
        let text = texts.into_iter().next_back().unwrap_or_default();
        add(format!("--{name}"), name, text.into())?;
    }
    for param in from_param(matches) {
        let (origin, name, text) = param?;
        add(origin, name, text.into())?;
    }
    Ok((given, origins))
}

/// Passes each value in the files of `--params` to `add`, with its origin and the name.
pub(crate) fn from_files(
    matches: &ArgMatches,
    mut add: impl FnMut(String, String, serde_json::Value) -> Result<(), CliError>,
) -> Result<(), CliError> {
    for file in matches.get_many::<PathBuf>("params").into_iter().flatten() {
        for (name, value) in in_order(read_params(file)?) {
            add(format!("{name} in --params {}", file.display()), name, value)?;
        }
    }
    Ok(())
}

/// Returns the origin, the name and the text of each `--param`.
pub(crate) fn from_param(
    matches: &ArgMatches,
) -> impl Iterator<Item = Result<(String, String, String), CliError>> {
    let texts = matches.get_many::<String>("param").into_iter().flatten();
    texts.map(|text| {
        let (name, value) = name_and_value(text)?;
        Ok((format!("--param {name}"), name.to_owned(), value.to_owned()))
    })
}

/// Splits the text of `--param`.
fn name_and_value(text: &str) -> Result<(&str, &str), CliError> {
    let split = text.split_once('=').map(|(name, value)| (name.trim(), value));
    let is_name = |(name, _): &(&str, &str)| !name.is_empty() && !name.contains(char::is_control);
    split.filter(is_name).ok_or_else(|| {
        CliError::usage(format!(
            "--param is {:?}: write the name and the value, as in `--param Fit.c=0.1`",
            shortened(text, QUOTED)
        ))
    })
}

/// Returns the options that are parameters, each with its values.
pub(crate) fn options(matches: &ArgMatches) -> Vec<(String, Vec<String>)> {
    let ids = matches.ids().filter_map(|id| Some((id.as_str(), id.as_str().strip_prefix(PREFIX)?)));
    let values = |id| matches.get_many::<String>(id).into_iter().flatten().cloned().collect();
    ids.map(|(id, name)| (name.to_owned(), values(id))).collect()
}

/// Returns the parameters of these tasks that a name selects: `c` selects those of all tasks, `Fit.c` that of one task.
pub(crate) fn named(name: &str, tasks: &[TaskInfo]) -> Vec<ParameterInfo> {
    let parameters = tasks.iter().flat_map(|task| task.parameters());
    parameters.filter(|one| one.name() == name || one.full_name() == name).collect()
}

/// Checks that a value fits the parameters of its name in these tasks, so that the message names the option.
pub(crate) fn check(
    origin: &str,
    name: &str,
    value: &serde_json::Value,
    tasks: &[TaskInfo],
) -> Result<(), CliError> {
    named(name, tasks).into_iter().try_for_each(|parameter| {
        parameter.check(value).map_err(|error| {
            CliError::usage(format!("invalid value for {origin}: {}", why(&error)))
        })
    })
}

/// Returns the reason why a value is invalid, without the name of the parameter.
pub(crate) fn why(error: &Error) -> String {
    match error {
        Error::Plan(plan) => match &plan.kind {
            PlanErrorKind::WrongType { task, param, expected, reason, .. } => {
                format!("{reason}; `{task}.{param}` has type {expected}")
            }
            kind => kind.to_string(),
        },
        error => error.to_string(),
    }
}
