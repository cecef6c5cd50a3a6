//! `list`: lists the tasks of the program.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Command;
use flow_core::{TaskInfo, tasks};

use crate::context::Context;
use crate::error::CliError;
use crate::json;
use crate::params::tasks_of;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "list",
    about: "Lists the tasks of this program, or a task with all tasks upstream and their parameters",
    takes: Takes::MaybeTasks,
    access: Access::Reads,
    options: |command: Command| command,
    run,
};

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let listed = match context.roots.as_slice() {
        [] => tasks(),
        roots => tasks_of(roots),
    };
    // A program may have many tasks, and JSON has the defaults of all parameters, so only one form is made.
    match context.ui.is_json {
        true => {
            let tasks = listed.into_iter().map(json::Task::new);
            context.ui.json(&tasks.collect::<Vec<_>>())?;
        }
        false => context.ui.text(text(&listed, !context.roots.is_empty()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for each task, with those of its parameters below if `with_parameters`.
fn text(listed: &[TaskInfo], with_parameters: bool) -> String {
    let mut text = String::new();
    let width = listed.iter().map(|task| task.name().chars().count()).max().unwrap_or_default();
    for task in listed {
        let doc = task.doc().lines().next().unwrap_or_default();
        let _ = writeln!(text, "{}", format!("{:width$}  {doc}", task.name()).trim_end());
        for parameter in task.parameters().into_iter().filter(|_| with_parameters) {
            let _ = write!(text, "    {}: {}", parameter.name(), parameter.type_name());
            if let Some(default) = parameter.default() {
                let _ = write!(text, " = {default}");
            }
            let doc = parameter.doc().lines().next().unwrap_or_default();
            let _ = writeln!(
                text,
                "{}",
                if doc.is_empty() { String::new() } else { format!("  {doc}") }
            );
        }
    }
    if listed.is_empty() {
        text.push_str("no tasks are linked into this program; name the crate that declares them: `use my_tasks as _;`\n");
    } else if !with_parameters {
        text.push_str(
            "\nA generic task is listed if another task requires it, or if the program\n\
             registers it: `flow::register!(Fit<Ols>);`\n",
        );
    }
    text.trim_end().to_owned()
}
