//! The files of one output: that of an instance of this program or, with `--stored`, any output in the store.

use clap::{Arg, Command};
use flow_targets::inspect::{OutputFile, find_stored};

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::options::in_option;
use crate::text::{listed, one_line};

/// An output, as its files.
pub(crate) struct OutputFiles {
    /// The instance as text.
    pub(crate) instance: String,
    /// The files or, after `--part`, one of them.
    pub(crate) files: Vec<OutputFile>,
}

/// The number of instances that a message lists.
const LISTED: usize = 10;

/// Adds the options that select an output: `--in`, `--stored` and `--part`.
pub(crate) fn output_options(command: Command) -> Command {
    in_option(command)
        .arg(
            Arg::new("stored")
                .long("stored")
                .value_name("NAME")
                .conflicts_with_all(["tasks", "in"])
                .help(
                    "Selects a stored output by the name of its task, which this program need not have; \
                     --param c=0.1 selects by parameters",
                ),
        )
        .arg(
            Arg::new("part")
                .long("part")
                .value_name("PART")
                .help("The part of an output that has several"),
        )
}

impl OutputFiles {
    /// Returns the output that the arguments select.
    pub(crate) fn selected(context: &Context) -> Result<Self, CliError> {
        let mut output = match context.matches.get_one::<String>("stored") {
            Some(name) => stored(context, name)?,
            None => of_instance(context)?,
        };
        if let Some(part) = context.matches.get_one::<String>("part") {
            let parts = output.parts();
            output.files.retain(|file| file.part() == part);
            if output.files.is_empty() {
                let there = if parts.is_empty() {
                    "it has only one part, without a name".to_owned()
                } else {
                    format!("it has {parts}")
                };
                return Err(CliError::usage(format!(
                    "invalid value for --part: {} has no part {part:?}: {there}",
                    output.instance
                )));
            }
        }
        if output.files.is_empty() {
            let instance = &output.instance;
            return Err(anyhow::anyhow!(
                "{instance} has no files: its value was only in the memory of the program that ran it"
            )
            .into());
        }
        Ok(output)
    }

    /// Returns the names of the parts, for a message.
    pub(crate) fn parts(&self) -> String {
        let names = self.files.iter().map(OutputFile::part);
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

/// Returns the output of an instance that is complete.
fn of_instance(context: &Context) -> Result<OutputFiles, CliError> {
    let instance = context.instance()?;
    match OutputFile::of(&instance)? {
        Some(files) => Ok(OutputFiles { instance: instance.to_string(), files }),
        None => Err(not_complete(&instance)),
    }
}

/// Returns the stored output of a task with this name, and with the parameters that `--param` gives.
fn stored(context: &Context, name: &str) -> Result<OutputFiles, CliError> {
    let all = context.store()?.store().list()?;
    let of_task: Vec<_> = all.iter().filter(|output| output.task == name).collect();
    if of_task.is_empty() {
        let mut names: Vec<_> = all.iter().map(|output| output.task.as_str()).collect();
        names.dedup();
        names.truncate(LISTED);
        let there = match names.is_empty() {
            true => "it has no outputs".to_owned(),
            false => format!("it has outputs of {}", names.join(", ")),
        };
        return Err(CliError::usage(format!(
            "invalid value for --stored: the store has no output of a task `{}`: {there}; `status` lists them",
            one_line(name)
        )));
    }
    let mut found = find_stored(&all, name, &context.given)?;
    if found.len() == 1 {
        let (output, recorded) = found.remove(0);
        let files = OutputFile::of_recorded(&recorded);
        return Ok(OutputFiles { instance: output.instance.clone(), files });
    }
    let (candidates, problem): (Vec<_>, _) = match found.is_empty() {
        true => {
            let problem = "invalid value for --param: no output has these parameters; there are";
            (of_task, problem.to_owned())
        }
        false => {
            let count = found.len();
            let found = found.iter().map(|(output, _)| *output).collect();
            (found, format!("{count} outputs match, select one with --param NAME=VALUE"))
        }
    };
    let labels = candidates.iter().map(|output| &output.instance);
    Err(CliError::usage(format!("{problem}:{}", listed(labels, LISTED))))
}
