//! The JSON of results. Fields are only added; their names and meanings are in `docs/guide/src/json.md`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use flow_core::{
    Entry, Figure, Instance, ParameterInfo, RecordedOutput, Status, Summary, TaskInfo,
};
use serde::Serialize;

/// A task of the program.
#[derive(Serialize)]
pub(crate) struct Task {
    name: String,
    module: &'static str,
    doc: &'static str,
    /// `run`, `external` or `aggregate`.
    kind: &'static str,
    target: &'static str,
    output_type: String,
    group: Option<&'static str>,
    parameters: Vec<Parameter>,
    requires: Vec<String>,
}

/// A parameter of a task.
#[derive(Serialize)]
pub(crate) struct Parameter {
    name: &'static str,
    doc: &'static str,
    #[serde(rename = "type")]
    kind: String,
    default: Option<String>,
    range: Option<String>,
    choices: Option<String>,
    from: Option<String>,
    file: bool,
    significant: bool,
}

impl Task {
    pub(crate) fn new(task: TaskInfo) -> Self {
        let kind = match (task.is_external(), task.is_aggregate()) {
            (true, _) => "external",
            (_, true) => "aggregate",
            _ => "run",
        };
        Self {
            name: task.name(),
            module: task.module(),
            doc: task.doc(),
            kind,
            target: task.target(),
            output_type: task.output_type(),
            group: task.group(),
            parameters: task.parameters().into_iter().map(Parameter::new).collect(),
            requires: task.requires().iter().map(TaskInfo::name).collect(),
        }
    }
}

impl Parameter {
    fn new(parameter: ParameterInfo) -> Self {
        Self {
            name: parameter.name(),
            doc: parameter.doc(),
            kind: parameter.type_name(),
            default: parameter.default(),
            range: parameter.range(),
            choices: parameter.choices(),
            from: parameter.from().map(|from| from.full_name()),
            file: parameter.is_file(),
            significant: parameter.is_significant(),
        }
    }
}

/// An instance of a plan.
#[derive(Serialize)]
pub(crate) struct PlannedInstance {
    task: String,
    instance: String,
    key: String,
    parameters: BTreeMap<String, String>,
    status: &'static str,
    reasons: Vec<String>,
}

impl PlannedInstance {
    pub(crate) fn new(instance: &Instance) -> Self {
        Self {
            task: instance.task().to_owned(),
            instance: instance.to_string(),
            key: instance.key().to_string(),
            parameters: instance.parameters().into_iter().collect(),
            status: status(instance.status()),
            reasons: instance.reasons().iter().map(ToString::to_string).collect(),
        }
    }
}

/// Returns the word for a status.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Complete => "complete",
        Status::Evicted => "evicted",
        Status::Kept => "reused",
        Status::Unchecked => "unchecked",
        Status::Pending => "pending",
        _ => "unknown",
    }
}

/// What a run did.
#[derive(Serialize)]
pub(crate) struct RunResult {
    pub(crate) success: bool,
    seconds: f64,
    complete_already: Vec<String>,
    ran: Vec<Done>,
    reused: Vec<Done>,
    unchanged: Vec<Done>,
    other_process: Vec<Done>,
    failed: Vec<Done>,
    not_run: Vec<Done>,
    warnings: Vec<String>,
}

/// An instance that a run settled.
#[derive(Serialize)]
pub(crate) struct Done {
    task: String,
    instance: String,
    key: String,
    seconds: f64,
    reasons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<PathBuf>,
    #[serde(skip_serializing_if = "is_zero")]
    attempts: u32,
}

fn is_zero(attempts: &u32) -> bool {
    *attempts == 0
}

impl RunResult {
    pub(crate) fn new(summary: &Summary) -> Self {
        let all = |entries: Vec<Entry>| entries.iter().map(Done::new).collect();
        let complete = summary.already_complete();
        Self {
            success: summary.is_success(),
            seconds: summary.seconds(),
            complete_already: complete.iter().map(|entry| entry.instance.to_string()).collect(),
            ran: all(summary.ran()),
            reused: all(summary.reused()),
            unchanged: all(summary.unchanged()),
            other_process: all(summary.by_other_process()),
            failed: all(summary.failed()),
            not_run: all(summary.not_run()),
            warnings: summary.warnings().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Done {
    fn new(entry: &Entry) -> Self {
        Self {
            task: entry.task().to_owned(),
            instance: entry.instance.to_string(),
            key: entry.instance.key().to_string(),
            seconds: entry.seconds,
            reasons: entry.instance.reasons().iter().map(ToString::to_string).collect(),
            error: entry.error.clone(),
            log: entry.log.clone(),
            attempts: entry.attempts,
        }
    }
}

/// A stored output.
#[derive(Serialize)]
pub(crate) struct Output {
    task: String,
    instance: String,
    key: String,
    target: String,
    parameters: BTreeMap<String, serde_json::Value>,
    files: Vec<File>,
    metadata: BTreeMap<String, serde_json::Value>,
    figures: Vec<ShownFigure>,
    notes: Vec<String>,
    inputs: Vec<Input>,
    started: i64,
    seconds: f64,
    host: String,
}

/// A file of an output.
#[derive(Serialize)]
pub(crate) struct File {
    part: String,
    path: PathBuf,
    bytes: u64,
}

/// A figure that a task kept.
#[derive(Serialize)]
pub(crate) struct ShownFigure {
    name: String,
    /// `svg` or `png`.
    format: &'static str,
    path: PathBuf,
    bytes: u64,
}

impl ShownFigure {
    pub(crate) fn new(figure: &Figure) -> Self {
        Self {
            name: figure.name().to_owned(),
            format: figure.format().extension(),
            path: figure.path().to_owned(),
            bytes: figure.bytes(),
        }
    }
}

/// An instance that an output was computed from.
#[derive(Serialize)]
pub(crate) struct Input {
    role: String,
    instance: String,
    key: Option<String>,
}

impl Output {
    pub(crate) fn new(instance: String, recorded: RecordedOutput, notes: Vec<String>) -> Self {
        let files = recorded.files.into_iter();
        let inputs = recorded.inputs.into_iter();
        Self {
            task: recorded.task,
            instance,
            key: recorded.key.to_string(),
            target: recorded.target,
            parameters: recorded.parameters,
            files: files
                .map(|file| File { part: file.part, path: file.path, bytes: file.bytes })
                .collect(),
            metadata: recorded.metadata,
            figures: recorded.figures.iter().map(ShownFigure::new).collect(),
            notes,
            inputs: inputs
                .map(|input| Input {
                    role: input.role,
                    instance: input.instance,
                    key: input.key.map(|key| key.to_string()),
                })
                .collect(),
            started: recorded.started,
            seconds: recorded.seconds,
            host: recorded.host,
        }
    }
}
