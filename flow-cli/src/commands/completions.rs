//! `completions`: the completions of a shell.

use std::process::ExitCode;

use clap::{Arg, Command};
use clap_complete::Shell;

use super::VERBS;
use crate::args;
use crate::context::Context;
use crate::error::CliError;
use crate::ui;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "completions",
    about: "Prints a script that completes verbs and options in a shell",
    takes: Takes::Nothing,
    access: Access::Reads,
    options: |command: Command| {
        command.arg(
            Arg::new("shell")
                .value_name("SHELL")
                .required(true)
                .value_parser(clap::value_parser!(Shell))
                .help("The shell"),
        )
    },
    run,
};

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let shell = context.matches.get_one::<Shell>("shell").copied().expect("a required argument");
    let mut script = Vec::new();
    let mut parser = args::parser(VERBS, &context.name, None, &[]);
    clap_complete::generate(shell, &mut parser, &context.name, &mut script);
    ui::write(&script)?;
    Ok(ExitCode::SUCCESS)
}
