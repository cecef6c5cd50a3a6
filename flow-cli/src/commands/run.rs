//! `run`: runs tasks that are not complete.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::{Error, Summary};

use super::plan;
use crate::context::Context;
use crate::error::CliError;
use crate::json::RunResult;
use crate::options::{restrict_options, run_options};
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "run",
    about: "Runs tasks and everything upstream that is not complete",
    takes: Takes::Tasks,
    access: Access::Writes,
    options,
    run,
};

fn options(command: Command) -> Command {
    let help = "Shows what a run would do, as `plan` does, and runs nothing";
    restrict_options(run_options(command))
        .arg(Arg::new("dry-run").long("dry-run").short('n').action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let graph = context.graph()?;
    if context.matches.get_flag("dry-run") {
        return plan::show(context, &graph.preview()?);
    }
    #[cfg(feature = "cluster")]
    context.announce_bucket_of_run()?;
    match graph.run() {
        Ok(summary) => {
            print(context, &summary)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Error::Failed(summary)) => {
            print(context, &summary)?;
            Ok(match summary.interrupted() {
                Some(signal) => ExitCode::from(signal.exit_code()),
                None => ExitCode::FAILURE,
            })
        }
        Err(error) => Err(error.into()),
    }
}

fn print(context: &Context, summary: &Summary) -> Result<(), CliError> {
    context.ui.write(&RunResult::new(summary), summary)
}
