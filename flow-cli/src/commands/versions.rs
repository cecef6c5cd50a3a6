//! `versions`: lists the stored versions of an output, the current one and earlier ones.

use std::path::PathBuf;
use std::process::ExitCode;

use flow_core::{Bytes, RecordedVersion, Seconds};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::grid::{Align, Column, Grid};
use crate::options::in_option;
use crate::text::time;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "versions",
    about: "Lists the stored versions of an output, and their differences from the current code and inputs",
    takes: Takes::Task,
    access: Access::Reads,
    options: in_option,
    run,
};

/// A stored version of an output.
#[derive(Serialize)]
struct Version<'a> {
    started: i64,
    seconds: f64,
    bytes: u64,
    current: bool,
    differences: Vec<String>,
    fingerprint: String,
    host: &'a str,
    files: Vec<&'a PathBuf>,
}

impl<'a> Version<'a> {
    fn new(version: &'a RecordedVersion) -> Self {
        let output = &version.output;
        Self {
            started: output.started,
            seconds: output.seconds,
            bytes: output.files.iter().map(|file| file.bytes).sum(),
            current: version.is_current,
            differences: version.differences.iter().map(ToString::to_string).collect(),
            fingerprint: output.fingerprint.to_string(),
            host: &output.host,
            files: output.files.iter().map(|file| &file.path).collect(),
        }
    }
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let versions = instance.versions()?;
    let versions: Vec<_> = versions.iter().map(Version::new).collect();
    if versions.is_empty() {
        context.ui.write(&versions, format!("{instance} has no stored output"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let column = |header: &str, align, cell: fn(&Version<'_>) -> String| {
        Column::new([header], align, versions.iter().map(cell))
    };
    let grid = Grid::new([
        column("ran", Align::Left, |one| time(one.started)),
        column("took", Align::Right, |one| Seconds(one.seconds).to_string()),
        column("size", Align::Right, |one| Bytes(one.bytes).to_string()),
        column("version", Align::Left, |one| {
            (if one.current { "current" } else { "earlier" }).to_owned()
        }),
        column("differs in", Align::Left, |one| match one.differences.as_slice() {
            [] => "nothing".to_owned(),
            differences => differences.join("; "),
        }),
    ]);
    context.ui.write(&versions, grid.text(context.ui.width))?;
    Ok(ExitCode::SUCCESS)
}
