//! `graph`: draws the graph of the roots.

use std::process::ExitCode;

use clap::{Arg, Command};

use crate::context::Context;
use crate::error::CliError;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "graph",
    about: "Draws the graph: as text, Graphviz, Mermaid or SVG",
    takes: Takes::Tasks,
    access: Access::Reads,
    options,
    run,
};

fn options(command: Command) -> Command {
    command.arg(
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .value_parser(["text", "dot", "mermaid", "svg"])
            .default_value("text")
            .help("The format of the picture"),
    )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let plot = context.graph()?.plot()?;
    let picture = match context.matches.get_one::<String>("format").map(String::as_str) {
        Some("dot") => plot.to_dot(),
        Some("mermaid") => plot.to_mermaid(),
        Some("svg") => plot.to_svg(),
        _ => plot.to_string(),
    };
    context.ui.write(&picture, picture.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
