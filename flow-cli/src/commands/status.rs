//! `status`: lists stored outputs or, with `--jobs`, the jobs of runs whose tasks run elsewhere.

use std::process::ExitCode;

use clap::Command;
use flow_core::{Bytes, Seconds, StoredOutput};
use serde::Serialize;

#[cfg(feature = "cluster")]
use super::jobs;
use crate::context::Context;
use crate::error::CliError;
use crate::grid::{Align, Column, Grid};
use crate::text::{escaped, time};
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "status",
    about: "Lists stored outputs: instances, sizes, ages",
    takes: Takes::MaybeTasks,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    #[cfg(feature = "cluster")]
    let command = jobs::options(command);
    command
}

/// The contents of the store.
#[derive(Serialize)]
struct Stored {
    folder: String,
    bytes: u64,
    outputs: Vec<Output>,
}

/// A stored output.
#[derive(Serialize)]
struct Output {
    task: String,
    instance: String,
    key: String,
    folder: String,
    bytes: u64,
    files: usize,
    missing: usize,
    started: i64,
    seconds: f64,
}

impl Output {
    fn new(stored: &StoredOutput) -> Self {
        Self {
            task: stored.task.clone(),
            instance: stored.instance.clone(),
            key: stored.key.to_string(),
            folder: stored.folder.display().to_string(),
            bytes: stored.bytes,
            files: stored.files,
            missing: stored.missing,
            started: stored.started,
            seconds: stored.seconds,
        }
    }
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    #[cfg(feature = "cluster")]
    if jobs::is_asked_for(context) {
        return jobs::show(context);
    }
    let flow = context.store()?;
    let mut listed = flow.store().list()?;
    if !context.roots.is_empty() {
        listed.retain(|one| context.roots.iter().any(|task| task.name() == one.task));
    }
    let bytes = listed.iter().map(|one| one.bytes).sum();
    let folder = flow.folder().display().to_string();
    // A store may have many outputs, so only one form is made.
    if context.ui.is_json {
        let outputs = listed.iter().map(Output::new).collect();
        context.ui.json(&Stored { folder, bytes, outputs })?;
        return Ok(ExitCode::SUCCESS);
    }
    let table = match listed.is_empty() {
        true => String::new(),
        false => grid(&listed).text(context.ui.width) + "\n",
    };
    let outputs = match listed.len() {
        1 => "1 output".to_owned(),
        several => format!("{several} outputs"),
    };
    context.ui.text(format!("{table}{outputs}, {} in {}", Bytes(bytes), escaped(&folder)))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the table of stored outputs.
fn grid(listed: &[StoredOutput]) -> Grid {
    let column = |header: &str, align, text: fn(&StoredOutput) -> String| {
        Column::new([header], align, listed.iter().map(text))
    };
    Grid::new([
        column("instance", Align::Left, |one| one.instance.clone()),
        column("size", Align::Right, |one| Bytes(one.bytes).to_string()),
        column("files", Align::Left, files),
        column("ran", Align::Left, |one| time(one.started)),
        column("took", Align::Right, |one| Seconds(one.seconds).to_string()),
    ])
}

/// Returns the number of files of an output, and whether any are missing.
fn files(one: &StoredOutput) -> String {
    match (one.files, one.missing) {
        (0, _) => "in memory only".to_owned(),
        (files, 0) => format!("{files} stored"),
        (files, missing) => format!("{missing} of {files} missing"),
    }
}
