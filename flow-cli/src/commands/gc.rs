//! `gc`: removes files that no record names, and versions beyond the limits.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use serde::Serialize;

use super::confirmed;
use super::reset::RemovedJson;
use crate::context::Context;
use crate::error::CliError;
use crate::options::yes_option;
use crate::ui;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "gc",
    about: "Removes files that no record names, and versions beyond the limits",
    takes: Takes::Nothing,
    access: Access::Writes,
    options,
    run,
};

/// The files that would be removed.
#[derive(Serialize)]
struct GarbageJson {
    files: usize,
    bytes: u64,
    paths: Vec<PathBuf>,
}

fn options(command: Command) -> Command {
    let help = "Shows what would be removed, and removes nothing";
    yes_option(command)
        .arg(Arg::new("dry-run").long("dry-run").short('n').action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let flow = context.store()?;
    let garbage = flow.store().gc().find()?;
    if context.matches.get_flag("dry-run") || garbage.is_empty() {
        let json =
            GarbageJson { files: garbage.files(), bytes: garbage.bytes(), paths: garbage.paths() };
        context.ui.write(&json, &garbage)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !context.matches.get_flag("yes") {
        ui::report(&garbage);
    }
    confirmed(context, "Remove these files?")?;
    let removed = garbage.remove()?;
    context.ui.write(&RemovedJson::new(&removed), &removed)?;
    Ok(ExitCode::SUCCESS)
}
