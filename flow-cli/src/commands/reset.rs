//! `reset`: removes outputs, so that they run again.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::Removed;
use serde::Serialize;

use super::confirmed;
use crate::context::Context;
use crate::error::CliError;
use crate::options::yes_option;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "reset",
    about: "Removes outputs of tasks, so that they run again",
    takes: Takes::Tasks,
    access: Access::Writes,
    options,
    run,
};

/// The outputs that were removed.
#[derive(Serialize)]
pub(super) struct RemovedJson {
    instances: Vec<String>,
    files: usize,
}

impl RemovedJson {
    pub(super) fn new(removed: &Removed) -> Self {
        Self { instances: removed.instances.clone(), files: removed.files.len() }
    }
}

fn options(command: Command) -> Command {
    let help = "Also removes the outputs of all tasks upstream";
    yes_option(command)
        .arg(Arg::new("upstream").long("upstream").action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let graph = context.graph()?;
    let is_upstream = context.matches.get_flag("upstream");
    let names: Vec<_> = context.roots.iter().map(ToString::to_string).collect();
    let what = if is_upstream { " and of everything upstream" } else { "" };
    confirmed(context, &format!("Remove the outputs of {}{what}?", names.join(", ")))?;
    let removed = if is_upstream { graph.reset_all()? } else { graph.reset_roots()? };
    context.ui.write(&RemovedJson::new(&removed), &removed)?;
    Ok(ExitCode::SUCCESS)
}
