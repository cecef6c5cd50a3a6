//! The files of one output: of an instance of this program or, with `--stored`, of any output in the store.

use std::fs::{File, Metadata};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Arg, Command};
use flow_core::{RecordedOutput, StoredOutput};

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::options::in_option;
use crate::text::one_line;

/// An output, as its files.
pub(crate) struct OutputFiles {
    /// The instance as text.
    pub(crate) instance: String,
    /// The files or, after `--part`, one of them.
    pub(crate) files: Vec<OutputFile>,
}

/// A file of an output.
pub(crate) struct OutputFile {
    /// The name of the part; empty if the output has only one.
    pub(crate) part: String,
    pub(crate) path: PathBuf,
    /// Whether another program has written it. Its path may be a link.
    is_external: bool,
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
            output.files.retain(|file| file.part == *part);
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
        let names = self.files.iter().map(|file| file.part.as_str());
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", ")
    }

    fn recorded(instance: String, recorded: RecordedOutput) -> Self {
        let files = recorded.files.into_iter().map(|file| OutputFile {
            part: file.part,
            path: file.path,
            is_external: false,
        });
        Self { instance, files: files.collect() }
    }
}

impl OutputFile {
    /// Returns whether it is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// Returns its metadata. A link in a store is not followed: it may lead anywhere.
    fn metadata(&self) -> std::io::Result<Metadata> {
        if self.is_external { self.path.metadata() } else { self.path.symlink_metadata() }
    }

    /// Opens the file. It is a regular file, so that this does not wait for another program.
    pub(crate) fn open(&self) -> Result<File, CliError> {
        let open = || -> anyhow::Result<File> {
            anyhow::ensure!(self.metadata()?.is_file(), "it is not a regular file");
            Ok(File::open(&self.path)?)
        };
        Ok(open().with_context(|| format!("cannot read {}", self.path.display()))?)
    }
}

/// Returns the output of an instance that is complete.
fn of_instance(context: &Context) -> Result<OutputFiles, CliError> {
    let instance = context.instance()?;
    let label = instance.to_string();
    if let Some(path) = instance.external_path() {
        let path = path.to_owned();
        let file = OutputFile { part: String::new(), path, is_external: true };
        return Ok(OutputFiles { instance: label, files: vec![file] });
    }
    match instance.recorded()? {
        Some(recorded) => Ok(OutputFiles::recorded(label, recorded)),
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
    let mut found: Vec<(&StoredOutput, RecordedOutput)> = Vec::new();
    for &output in &of_task {
        if let Some(recorded) = output.recorded()?
            && context.given.iter().all(|(param, value)| fits(&recorded, name, param, value))
        {
            found.push((output, recorded));
        }
    }
    if found.len() == 1 {
        let (output, recorded) = found.remove(0);
        return Ok(OutputFiles::recorded(output.instance.clone(), recorded));
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
    let mut lines: Vec<_> =
        candidates.iter().take(LISTED).map(|output| format!("\n  {}", output.instance)).collect();
    if let Some(more @ 1..) = candidates.len().checked_sub(LISTED) {
        lines.push(format!("\n  … and {more} more"));
    }
    Err(CliError::usage(format!("{problem}:{}", lines.concat())))
}

/// Returns whether a recorded parameter has this value. A text counts as JSON, too.
fn fits(recorded: &RecordedOutput, task: &str, name: &str, value: &serde_json::Value) -> bool {
    let own = name.strip_prefix(task).and_then(|rest| rest.strip_prefix('.'));
    let parameters = &recorded.parameters;
    let Some(there) = parameters.get(name).or_else(|| parameters.get(own?)) else { return false };
    let Some(text) = value.as_str() else { return there == value };
    match there {
        serde_json::Value::String(there) => there == text,
        there => serde_json::from_str::<serde_json::Value>(text).is_ok_and(|text| text == *there),
    }
}
