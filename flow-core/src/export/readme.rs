//! Generates the README of an export: a list of its outputs, with code that loads them.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::export::consumer;
use crate::export::manifest::{Exported, ExportedFile, Manifest};
use crate::export::text::{self, between_backticks as code};

/// The file name of the README.
pub(crate) const README: &str = "README.md";

/// The maximal number of listed outputs of a task.
const LISTED: usize = 20;

/// Returns the README. `library` is the name of the crate, if the folder is one.
pub(crate) fn readme(manifest: &Manifest, library: Option<&str>) -> String {
    let mut text = "# Outputs\n\n\
        Written by an export of typed-flow. `manifest.json` describes each output and its inputs.\n\
        `flow.import(folder)` copies the outputs into a store. `flow_outputs.py` loads them in Python:\n\n\
        ```python\n\
        import flow_outputs  # with this folder in `sys.path`\n\n\
        flow_outputs.load(task, name=value)  # by the parameters of the task and of its upstream tasks\n\
        ```\n\n\
        If several upstream tasks have a parameter of one name, with different values, pass its qualified name:\n\
        `flow_outputs.load(task, {\"Upstream.name\": value})`.\n"
        .to_owned();
    if let Some(library) = library {
        let _ = write!(
            text,
            "\nThe folder is also a crate with a task for each kind of output: see [`src/lib.rs`](<src/lib.rs>).\n\n\
             ```rust\nuse {library}::*; // with the folder as a dependency\n```\n",
        );
    }
    let mut tasks: BTreeMap<&str, Vec<&Exported>> = BTreeMap::new();
    for output in &manifest.outputs {
        tasks.entry(&output.task).or_default().push(output);
    }
    for (task, outputs) in tasks {
        let _ = writeln!(text, "\n## {}\n", in_line(task));
        for output in outputs.iter().take(LISTED) {
            let started = output.started.strftime("%Y-%m-%d %H:%M UTC");
            let _ = write!(text, "- `{}`, created {started}", code(&output.instance));
            let _ = write!(text, " in {:.1} s", output.seconds);
            for input in &output.inputs {
                let _ = write!(text, "; input `{}`", code(&input.instance));
            }
            text.push('\n');
            for file in &output.files {
                let _ = writeln!(text, "  - [`{0}`](<{0}>), {1} bytes", file.path, file.bytes);
            }
            if output.files.is_empty() {
                text.push_str("  - it was in memory, and has no file\n");
            }
            for figure in &output.figures {
                let what = match figure.part.as_str() {
                    "" => "note".to_owned(),
                    name => format!("figure `{}`", code(name)),
                };
                let _ = writeln!(text, "  - {what}: [`{0}`](<{0}>)", figure.path);
            }
        }
        if let Some(more @ 1..) = outputs.len().checked_sub(LISTED) {
            let _ = writeln!(text, "- … and {more} more");
        }
        let kinds = kinds(&outputs);
        for kind in &kinds {
            if kinds.len() > 1 {
                let listed = kind.iter().take(LISTED).map(|of| format!("`{}`", code(&of.instance)));
                let more = if kind.len() > LISTED { ", …" } else { "" };
                let listed = listed.collect::<Vec<_>>().join(", ");
                let _ = writeln!(text, "\nOf {listed}{more}:");
            }
            snippets(&mut text, kind[0]);
        }
    }
    text
}

/// Groups the outputs of a task by the code that loads them, into at most [`LISTED`] kinds.
///
/// Outputs of other code or other data may have other columns, and so another description.
fn kinds<'a>(outputs: &[&'a Exported]) -> Vec<Vec<&'a Exported>> {
    let mut kinds: Vec<Vec<&Exported>> = Vec::new();
    let described = |output: &'a Exported| {
        output.files.iter().map(|file| (&file.part, &file.description)).collect::<Vec<_>>()
    };
    for output in outputs {
        match kinds.iter().position(|kind| described(kind[0]) == described(output)) {
            Some(kind) => kinds[kind].push(output),
            None if kinds.len() < LISTED => kinds.push(vec![output]),
            None => {}
        }
    }
    kinds
}

/// Writes the columns of an output, and the code that loads it in Rust and Python.
fn snippets(text: &mut String, output: &Exported) {
    for file in &output.files {
        columns(text, file);
        let name = consumer::type_name(&output.task, &file.part);
        let target = match (&file.description.rust, file.part.as_str()) {
            (Some(target), _) => target.as_str(),
            (None, "") if !output.target.is_empty() => output.target.as_str(),
            // The target of a part, and of an output that another store exported, is unknown.
            (None, _) => "File",
        };
        let _ = write!(
            text,
            "\n```rust\n\
             #[derive(Task)]\n\
             #[task(external, path = {path:?}, target = {target})]\n\
             struct {name};\n\n\
             let value = Flow::open(\"data\")?.load::<{name}>()?;\n\
             ```\n",
            path = file.path,
        );
        if file.description.python.is_none() {
            continue;
        }
        // A JSON string is a valid Python string.
        let path = serde_json::Value::from(file.path.as_str());
        let _ = writeln!(
            text,
            "\n```python\nimport flow_outputs\n\nvalue = flow_outputs.read({path})\n```"
        );
    }
}

/// Writes the table of the columns of a file, if they are known.
fn columns(text: &mut String, file: &ExportedFile) {
    if file.description.columns.is_empty() {
        return;
    }
    text.push_str("\n| column | type | nulls |\n| --- | --- | --- |\n");
    for column in &file.description.columns {
        let nulls = if column.nullable { "yes" } else { "no" };
        let _ =
            writeln!(text, "| {} | {} | {nulls} |", in_line(&column.name), in_line(&column.kind));
    }
}

/// Escapes text as one line without Markdown.
fn in_line(text: &str) -> String {
    let mut escaped = String::new();
    for c in text::in_line(text).chars() {
        match c {
            '|' | '<' | '>' | '*' | '[' | ']' | '`' | '\\' | '#' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}
