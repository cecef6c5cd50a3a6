//! `meta`: shows the metadata of an output.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgAction, Command};
use flow_core::Quality;

use super::figures::{figure_lines, readable_notes};
use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::json::Output;
use crate::options::in_option;
use crate::text::escaped;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "meta",
    about: "Shows the metadata, figures and notes of an output; with --json, also files, parameters and inputs",
    takes: Takes::Task,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    let help = "Also shows the metadata of all tasks upstream";
    in_option(command)
        .arg(Arg::new("upstream").long("upstream").action(ArgAction::SetTrue).help(help))
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let mut all = vec![instance.clone()];
    if context.matches.get_flag("upstream") {
        let mut next = 0;
        while let Some(one) = all.get(next).cloned() {
            next += 1;
            for input in one.inputs() {
                if !all.iter().any(|other| other.key() == input.key()) {
                    all.push(input);
                }
            }
        }
    }
    let (mut outputs, mut text) = (Vec::new(), String::new());
    for one in &all {
        let Some(recorded) = one.recorded()? else { continue };
        let _ = writeln!(text, "{one}");
        let quality = Quality::of(&recorded.metadata).map(|quality| format!("{quality:#}"));
        for (name, value) in &recorded.metadata {
            let _ = match &quality {
                // A line for each expectation, below the others.
                Some(quality) if name == "expectations" => {
                    let lines: Vec<_> = quality.lines().map(escaped).collect();
                    writeln!(text, "  {name}: {}", lines.join("\n  "))
                }
                _ => writeln!(text, "  {}: {}", escaped(name), escaped(&value.to_string())),
            };
        }
        let notes = readable_notes(recorded.notes());
        let kept = figure_lines(&recorded.figures, &notes, "  ");
        if let Some(kept) = kept.strip_prefix('\n') {
            let _ = writeln!(text, "{kept}");
        }
        outputs.push(Output::new(one.to_string(), recorded, notes));
    }
    if outputs.is_empty() {
        return Err(not_complete(&instance));
    }
    context.ui.write(&outputs, text.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
