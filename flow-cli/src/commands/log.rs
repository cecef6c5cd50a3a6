//! `log`: prints the log of the last run of a task.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use crate::context::Context;
use crate::error::CliError;
use crate::options::in_option;
use crate::verb::Takes;
use crate::verb::Verb;

/// How often a followed log is read.
const INTERVAL: Duration = Duration::from_millis(200);

pub(crate) const VERB: Verb = Verb {
    name: "log",
    about: "Prints the log of the last run of a task, whether it failed or not",
    takes: Takes::Task,
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
        let mut log = instance.follow_log()?;
        loop {
            let new = log.read_new()?;
            if !new.is_empty() {
                context.ui.part(&new)?;
            }
            std::thread::sleep(INTERVAL);
        }
    }
    let Some(log) = instance.log()? else {
        return Err(anyhow::anyhow!("{instance} has logged nothing").into());
    };
    let lines: Vec<_> = log.text().lines().collect();
    context.ui.write(&lines, &log)?;
    Ok(ExitCode::SUCCESS)
}
