//! `verify`: compares the content of all files with the records.

use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::Verified;
use serde::Serialize;

use super::confirmed;
use crate::context::Context;
use crate::error::CliError;
use crate::options::yes_option;
use crate::ui;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "verify",
    about: "Compares the files of all outputs with their records",
    takes: Takes::Nothing,
    access: Access::Writes,
    options,
    run,
};

/// The result of `verify`.
#[derive(Serialize)]
struct VerifiedJson {
    outputs: usize,
    damage: Vec<String>,
    /// The outputs that are not signed as the flow requires.
    unsigned: Vec<String>,
    /// Those with a wrong signature, if none is required.
    wrong_signatures: Vec<String>,
    reset: Vec<String>,
}

fn options(command: Command) -> Command {
    let help = "Removes damaged outputs, so that they run again";
    yes_option(command).arg(Arg::new("reset").long("reset").action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let flow = context.store()?;
    let verified = flow.store().verify()?;
    let is_reset = context.matches.get_flag("reset");
    let mut text = report(&verified, is_reset);
    let mut reset = Vec::new();
    if is_reset && !verified.is_whole() {
        if !context.matches.get_flag("yes") {
            // Before the question; not again after it.
            ui::report(std::mem::take(&mut text));
        }
        confirmed(context, "Remove the damaged outputs?")?;
        let removed = verified.reset()?;
        text = match text.is_empty() {
            true => removed.to_string(),
            false => format!("{text}\n{removed}"),
        };
        reset = removed.instances;
    }
    let damage = verified.damage().iter().map(ToString::to_string).collect();
    let unsigned: Vec<_> = verified.unsigned().iter().map(ToString::to_string).collect();
    let wrong_signatures = verified.wrong_signatures().iter().map(ToString::to_string).collect();
    let is_repaired = verified.is_whole() || !reset.is_empty();
    let is_accepted = is_repaired && unsigned.is_empty();
    let outputs = verified.outputs();
    let json = VerifiedJson { outputs, damage, unsigned, wrong_signatures, reset };
    context.ui.write(&json, text)?;
    Ok(if is_accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns the report with what this verb does, where the library names a method.
fn report(verified: &Verified, is_reset: bool) -> String {
    if !is_reset {
        return verified.report(Some("`verify --reset`"));
    }
    let text = verified.report(None);
    match verified.is_whole() {
        true => format!("{text}\nnothing to remove: no file is damaged"),
        false => text,
    }
}
