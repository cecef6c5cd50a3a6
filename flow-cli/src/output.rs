//! The files of one output: that of an instance of this program or, with `--stored`, any output in the store.

use std::fs::{File, Metadata};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Arg, Command};
use flow_core::{RecordedOutput, StoredOutput};

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::format::{CsvOptions, Format};
use crate::options::in_option;
use crate::text::{listed, one_line};

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
    /// Whether another program has written the file. Its path may be a link.
    is_external: bool,
    /// How the cells of a CSV file are separated.
    #[cfg_attr(not(feature = "tables"), allow(dead_code))]
    pub(crate) csv: CsvOptions,
    /// Whether each column of a CSV file is text, as far as the program knows.
    #[cfg_attr(not(feature = "tables"), allow(dead_code))]
    pub(crate) texts: Vec<bool>,
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
        let csv = CsvOptions::of(&recorded.target);
        let files = recorded.files.into_iter().map(|file| OutputFile {
            part: file.part,
            path: file.path,
            is_external: false,
            csv,
            texts: Vec::new(),
        });
        Self { instance, files: files.collect() }
    }
}

impl OutputFile {
    /// Returns whether the output is a folder.
    pub(crate) fn is_folder(&self) -> bool {
        self.metadata().is_ok_and(|metadata| metadata.is_dir())
    }

    /// Returns the metadata of the file. Links in a store are not followed, because they may lead out of it.
    fn metadata(&self) -> std::io::Result<Metadata> {
        if self.is_external { self.path.metadata() } else { self.path.symlink_metadata() }
    }

    /// Opens the file, which must be a regular file. Opening a pipe would wait for another program.
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
    let mut output = if let Some(path) = instance.external_path() {
        let (path, csv) = (path.to_owned(), CsvOptions::of(instance.info().target()));
        let file =
            OutputFile { part: String::new(), path, is_external: true, csv, texts: Vec::new() };
        OutputFiles { instance: label, files: vec![file] }
    } else {
        match instance.recorded()? {
            Some(recorded) => OutputFiles::recorded(label, recorded),
            None => return Err(not_complete(&instance)),
        }
    };
    if needs_types(context, &output) {
        let descriptions = instance.describe()?;
        for file in &mut output.files {
            let description = descriptions.get(file.part.as_str());
            let columns = description.into_iter().flat_map(|description| &description.columns);
            file.texts = columns.map(|column| column.kind.contains("Utf8")).collect();
        }
    }
    Ok(output)
}

/// Returns whether a table in CSV is read with the types of its columns. The beginning is shown without them.
fn needs_types(context: &Context, output: &OutputFiles) -> bool {
    let matches = &context.matches;
    let is_converted = matches!(matches.try_get_one::<String>("format"), Ok(Some(_)));
    let is_described = matches!(matches.try_get_one::<bool>("statistics"), Ok(Some(true)));
    let is_csv = |file: &OutputFile| {
        !file.is_folder() && matches!(Format::of(&file.path), Format::Csv | Format::CsvGz)
    };
    (is_converted || is_described) && output.files.iter().any(is_csv)
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
    let labels = candidates.iter().map(|output| &output.instance);
    Err(CliError::usage(format!("{problem}:{}", listed(labels, LISTED))))
}

/// Returns whether a recorded parameter has this value. A text counts as JSON, too.
fn fits(recorded: &RecordedOutput, task: &str, name: &str, value: &serde_json::Value) -> bool {
    let own = name.strip_prefix(task).and_then(|rest| rest.strip_prefix('.'));
    let parameters = &recorded.parameters;
    let Some(there) = parameters.get(name).or_else(|| parameters.get(own?)) else { return false };
    let Some(text) = value.as_str() else { return is_same(there, value) };
    match there {
        serde_json::Value::String(there) => there == text,
        there => serde_json::from_str(text).is_ok_and(|text| is_same(there, &text)),
    }
}

/// Returns whether two values are equal. As numbers, `1` and `1.0` are.
fn is_same(one: &serde_json::Value, other: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};

    match (one, other) {
        (Number(one), Number(other)) if one.is_f64() != other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        (Array(one), Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Object(one), Object(other)) => {
            let has = |(name, one)| other.get(name).is_some_and(|other| is_same(one, other));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_equal_to_a_float() {
        for (one, other) in [
            (json!(1.0), json!(1)),
            (json!([1.0, {"c": 2}]), json!([1, {"c": 2.0}])),
            (json!(u64::MAX), json!(u64::MAX)),
        ] {
            assert!(is_same(&one, &other), "{one} {other}");
        }
        for (one, other) in [
            (json!(1.5), json!(1)),
            (json!(u64::MAX), json!(u64::MAX - 1)),
            (json!(true), json!(1)),
            (json!("1"), json!(1)),
            (json!([1]), json!([1, 2])),
            (json!({"c": 1}), json!({"d": 1})),
        ] {
            assert!(!is_same(&one, &other), "{one} {other}");
        }
    }
}
