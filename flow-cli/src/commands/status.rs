//! `status`: what is stored.

use std::fmt::Write as _;
use std::process::ExitCode;

use flow_core::{Bytes, StoredOutput};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::options::no_options;
use crate::verb::Takes;
use crate::verb::Verb;

pub(crate) const VERB: Verb = Verb {
    name: "status",
    about: "Shows what is stored: instances, sizes, ages",
    takes: Takes::MaybeTasks,
    options: no_options,
    run,
};

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
    let flow = context.store()?;
    let mut listed = flow.store().list()?;
    if !context.roots.is_empty() {
        listed.retain(|one| context.roots.iter().any(|task| task.name() == one.task));
    }
    let bytes = listed.iter().map(|one| one.bytes).sum();
    let mut text = String::new();
    for one in &listed {
        let _ = writeln!(text, "{one}");
    }
    let outputs = match listed.len() {
        1 => "1 output".to_owned(),
        several => format!("{several} outputs"),
    };
    let _ = write!(text, "{outputs}, {} in {}", Bytes(bytes), flow.folder().display());
    let folder = flow.folder().display().to_string();
    let stored = Stored { folder, bytes, outputs: listed.iter().map(Output::new).collect() };
    context.ui.write(&stored, text)?;
    Ok(ExitCode::SUCCESS)
}
