//! `describe`: the columns of an output, and how other programs read its files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use flow_core::target::Description;
use serde::Serialize;

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::options::in_option;
use crate::text::escaped;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "describe",
    about: "Shows the files of an output and their columns, for other programs",
    takes: Takes::Task,
    access: Access::Reads,
    options: in_option,
    run,
};

/// An output, for programs that load it.
#[derive(Serialize)]
struct Described {
    task: String,
    instance: String,
    key: String,
    target: &'static str,
    /// Whether it is in the store. The file of an external task is not.
    stored: bool,
    files: Vec<File>,
}

/// A file or folder of the output.
#[derive(Serialize)]
struct File {
    part: String,
    path: PathBuf,
    description: Description,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let recorded = instance.recorded()?;
    let external = instance.external_path().map(Path::to_owned);
    let stored = external.is_none();
    let files: Vec<(String, PathBuf)> = match (external, recorded) {
        (Some(path), _) => vec![(String::new(), path)],
        (None, Some(recorded)) => {
            recorded.files.into_iter().map(|file| (file.part, file.path)).collect()
        }
        (None, None) => return Err(not_complete(&instance)),
    };
    // A value in memory has no file to describe.
    let mut descriptions =
        if files.is_empty() { Default::default() } else { instance.describe()? };
    let describe = |(part, path): (String, PathBuf)| {
        let description = descriptions.remove(part.as_str()).unwrap_or_default();
        File { part, path, description }
    };
    let described = Described {
        task: instance.task().to_owned(),
        instance: instance.to_string(),
        key: instance.key().to_string(),
        target: context.roots[0].target(),
        stored,
        files: files.into_iter().map(describe).collect(),
    };
    let text = text(&described);
    context.ui.write(&described, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for each file, with those of its columns below.
fn text(described: &Described) -> String {
    let mut text = escaped(&described.instance);
    for file in &described.files {
        let part = if file.part.is_empty() { String::new() } else { format!("{}: ", file.part) };
        let _ = write!(text, "\n{part}{}", escaped(&file.path.display().to_string()));
        for column in &file.description.columns {
            let nulls = if column.nullable { ", may be null" } else { "" };
            let _ = write!(text, "\n  {}: {}{nulls}", escaped(&column.name), escaped(&column.kind));
        }
    }
    if described.files.is_empty() {
        text.push_str("\nthe value was only in memory");
    }
    text
}
