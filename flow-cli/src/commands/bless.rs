//! `bless`: declares outputs complete after a change of code that changed no result.

use std::process::ExitCode;

use clap::{Arg, Command};
use flow_core::{Error, NotBlessed};
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "bless",
    about: "Declares outputs complete after a change of code, if running the tasks produces equal outputs",
    takes: Takes::Tasks,
    access: Access::Writes,
    options,
    run,
};

/// The result of `bless`.
#[derive(Serialize)]
struct BlessedJson {
    blessed: Vec<String>,
    compared: Vec<String>,
    pending: Vec<String>,
    different: Vec<DifferenceJson>,
}

/// An output that differs from its record.
#[derive(Serialize)]
struct DifferenceJson {
    instance: String,
    difference: String,
}

fn options(command: Command) -> Command {
    command.arg(
        Arg::new("sample")
            .long("sample")
            .value_name("N")
            .value_parser(clap::value_parser!(u32).range(1..))
            .help("Compares only N instances of each task [default: all]"),
    )
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let flow = context.flow()?;
    let store = flow.store();
    let bless = store.bless_of(context.roots.iter().copied());
    let bless = match context.matches.get_one::<u32>("sample") {
        Some(instances) => bless.sample(*instances as usize),
        None => bless,
    };
    match bless.run() {
        Ok(blessed) => {
            let json = BlessedJson {
                blessed: blessed.instances().to_vec(),
                compared: blessed.compared().to_vec(),
                pending: blessed.pending().to_vec(),
                different: Vec::new(),
            };
            context.ui.write(&json, &blessed)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(Error::NotBlessed(not_blessed)) => {
            context.ui.write(&different(&not_blessed), printed(&not_blessed))?;
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn different(not_blessed: &NotBlessed) -> BlessedJson {
    let different = not_blessed
        .different()
        .iter()
        .map(|one| DifferenceJson { instance: one.instance.clone(), difference: one.what.clone() });
    BlessedJson {
        blessed: Vec::new(),
        compared: Vec::new(),
        pending: Vec::new(),
        different: different.collect(),
    }
}

fn printed(not_blessed: &NotBlessed) -> String {
    let lines = not_blessed.different().iter().map(|one| format!("\n  {one}"));
    let lines: String = lines.collect();
    format!(
        "nothing was blessed: these outputs differ from their records; `run` replaces them:{lines}"
    )
}
