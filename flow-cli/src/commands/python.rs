//! `python`: writes the Python package that loads outputs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, Command, ValueHint};
use flow_core::PYTHON_PACKAGE;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::verb::{Access, Takes, Verb};

/// The name of the package, and of its folder.
const PACKAGE: &str = "flow_outputs";

/// The file that shows whether a folder is an earlier copy of the package, and a text in it.
const FIRST: (&str, &str) = ("__init__.py", "Written by the verb `python` of a program.");

pub(crate) const VERB: Verb = Verb {
    name: "python",
    about: "Writes a Python package that loads the outputs of a store, and runs this program",
    takes: Takes::Nothing,
    access: Access::Reads,
    options: |command: Command| {
        command.arg(
            Arg::new("to")
                .long("to")
                .value_name("DIR")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("The folder in which the folder `flow_outputs` is written"),
        )
    },
    run,
};

/// The package that was written.
#[derive(Serialize)]
struct Written {
    folder: PathBuf,
    files: Vec<&'static str>,
}

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let folder = context.matches.get_one::<PathBuf>("to").cloned().unwrap_or_default();
    let folder = folder.join(PACKAGE);
    check(&folder)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot create the folder {}", folder.display()))?;
    for (name, text) in PYTHON_PACKAGE {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let text = format!(
        "the Python package {PACKAGE} was written to {}: `from {PACKAGE} import Program, Store`",
        folder.display()
    );
    let files = PYTHON_PACKAGE.iter().map(|(name, _)| *name).collect();
    context.ui.write(&Written { folder, files }, text)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks that the folder does not exist, is empty, or has an earlier copy of the package.
fn check(folder: &Path) -> Result<(), CliError> {
    let is_empty = match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => {
            let what = format!("cannot list the folder {}", folder.display());
            return Err(anyhow::Error::from(error).context(what).into());
        }
    };
    let is_ours = || {
        let there = std::fs::read_to_string(folder.join(FIRST.0)).unwrap_or_default();
        there.contains(FIRST.1)
    };
    if is_empty || is_ours() {
        return Ok(());
    }
    Err(anyhow::anyhow!(
        "{} is not replaced: it has files, and is not an earlier copy of this package; choose another folder, or remove it",
        folder.display()
    )
    .into())
}
