//! `plan`: shows what a run would do, and why.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::{Preview, Show};
use serde::Serialize;

use crate::context::Context;
use crate::error::{CliError, PENDING};
use crate::json::PlannedInstance;
use crate::options::{exit_code_option, restrict_options, run_options};
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "plan",
    about: "Shows what a run would do, and why",
    takes: Takes::Tasks,
    access: Access::Reads,
    options,
    run,
};

/// The plan of a run.
#[derive(Serialize)]
struct Planned {
    pending: usize,
    seconds: f64,
    instances: Vec<PlannedInstance>,
    warnings: Vec<String>,
}

fn options(command: Command) -> Command {
    let all = "Shows every instance and all of its parameters";
    exit_code_option(restrict_options(run_options(command)))
        .arg(Arg::new("all").long("all").action(ArgAction::SetTrue).help(all))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    show(context, &context.graph()?.preview()?)
}

/// Prints a preview.
pub(super) fn show(context: &Context, preview: &Preview) -> Result<ExitCode, CliError> {
    let pending = preview.pending().len();
    let planned = Planned {
        pending,
        seconds: preview.cost().seconds,
        instances: preview.instances().map(|instance| PlannedInstance::new(&instance)).collect(),
        warnings: preview.warnings().iter().map(ToString::to_string).collect(),
    };
    let mut text = preview.clone().color(context.ui.has_color);
    if let Ok(Some(true)) = context.matches.try_get_one::<bool>("all") {
        text = text.all().parameters(Show::Full);
    }
    context.ui.write(&planned, text)?;
    let is_asked = matches!(context.matches.try_get_one::<bool>("exit-code"), Ok(Some(true)));
    Ok(if is_asked && pending > 0 { ExitCode::from(PENDING) } else { ExitCode::SUCCESS })
}
