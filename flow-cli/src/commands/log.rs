//! `log`: prints the log of the last run of a task.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};
use flow_core::FollowedLog;

use crate::context::Context;
use crate::error::CliError;
use crate::options::in_option;
use crate::verb::{Access, Takes, Verb};

/// How often a followed log is read.
const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) const VERB: Verb = Verb {
    name: "log",
    about: "Prints the log of the last run of a task, whether it failed or not",
    takes: Takes::Task,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    let help = "Prints new lines as they are logged, until Ctrl-C";
    in_option(command)
        .arg(Arg::new("follow").long("follow").short('f').action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    if context.matches.get_flag("follow") {
        return follow(context, &mut instance.follow_log()?);
    }
    let Some(log) = instance.log()? else {
        return Err(anyhow::anyhow!("{instance} has logged nothing").into());
    };
    let lines: Vec<_> = log.text().lines().collect();
    context.ui.write(&lines, &log)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints new lines, or with `--json` each new line as a JSON text on a line of its own, until the process is stopped.
fn follow(context: &Context, log: &mut FollowedLog) -> Result<ExitCode, CliError> {
    // The beginning of a line whose end was not logged yet.
    let mut line = String::new();
    loop {
        let new = log.read_new()?;
        if context.ui.is_json {
            line.push_str(&new);
            let end = line.rfind('\n').map_or(0, |at| at + 1);
            for whole in line[..end].lines() {
                context.ui.json_line(&whole)?;
            }
            line.drain(..end);
        } else if !new.is_empty() {
            context.ui.part(&new)?;
        }
        std::thread::sleep(INTERVAL);
    }
}
