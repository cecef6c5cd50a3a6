//! `show --figures`: lists the figures and notes that a task kept with its output, or before its last run failed.

use std::process::ExitCode;

use flow_core::{Figure, StoreError};
use serde::Serialize;

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::json::ShownFigure;
use crate::text::escaped;
use crate::ui;

/// The figures and notes of an instance.
#[derive(Serialize)]
struct Figures {
    instance: String,
    #[serde(flatten)]
    output: Kept,
    /// Those of the last run, if that failed.
    failed: Option<Kept>,
}

/// Figures and notes of an output or of a failure.
#[derive(Default, Serialize)]
struct Kept {
    figures: Vec<ShownFigure>,
    notes: Vec<String>,
}

impl Kept {
    fn new(figures: &[Figure], notes: Vec<String>) -> Self {
        Self { figures: figures.iter().map(ShownFigure::new).collect(), notes }
    }

    fn is_empty(&self) -> bool {
        self.figures.is_empty() && self.notes.is_empty()
    }
}

/// Lists the figures and notes of the instance that the arguments select.
pub(super) fn show(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let (recorded, failure) = (instance.recorded()?, instance.failure()?);
    if recorded.is_none() && failure.is_none() {
        return Err(not_complete(&instance));
    }
    let mut text = escaped(&instance.to_string());
    let (mut output, mut failed) = (Kept::default(), None);
    if let Some(recorded) = &recorded {
        let notes = readable_notes(recorded.notes());
        text.push_str(&figure_lines(&recorded.figures, &notes, ""));
        output = Kept::new(&recorded.figures, notes);
    }
    if let Some(failure) = &failure {
        let notes = readable_notes(failure.notes());
        text.push_str("\nlast run, which failed:");
        text.push_str(&figure_lines(&failure.figures, &notes, "  "));
        failed = Some(Kept::new(&failure.figures, notes));
    }
    if output.is_empty() && failed.as_ref().is_none_or(Kept::is_empty) {
        return Err(anyhow::anyhow!(
            "{instance} has no figures or notes: a task keeps them with `cx.figure` and `cx.note`"
        )
        .into());
    }
    context.ui.write(&Figures { instance: instance.to_string(), output, failed }, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the notes. If one of them was removed or modified, says so on the standard error: all else can still be shown.
pub(super) fn readable_notes(notes: Result<Vec<String>, StoreError>) -> Vec<String> {
    notes.unwrap_or_else(|error| {
        ui::report(format_args!("warning: cannot show the notes: {error}"));
        Vec::new()
    })
}

/// Returns a line for each figure, with its path, and the lines of each note, each after a line break and `indent`.
pub(super) fn figure_lines(figures: &[Figure], notes: &[String], indent: &str) -> String {
    let mut text = String::new();
    for figure in figures {
        let path = escaped(&figure.path().display().to_string());
        text.push_str(&format!("\n{indent}figure: {figure}: {path}"));
    }
    for note in notes {
        let lines: Vec<_> = note.trim_end().lines().map(escaped).collect();
        let lines = lines.join(&format!("\n{indent}      "));
        text.push_str(&format!("\n{indent}note: {lines}"));
    }
    text
}
