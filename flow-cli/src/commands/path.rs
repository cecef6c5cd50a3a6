//! `path`: prints the paths of the files of an output.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::context::{Context, not_complete};
use crate::error::CliError;
use crate::options::in_option;
use crate::verb::{Access, Takes, Verb};

pub(crate) const VERB: Verb = Verb {
    name: "path",
    about: "Prints the paths of the files of an output",
    takes: Takes::Task,
    access: Access::Reads,
    options: in_option,
    run,
};

fn run(context: &Context) -> Result<ExitCode, CliError> {
    let instance = context.instance()?;
    let paths: Vec<PathBuf> = match (instance.external_path(), instance.recorded()?) {
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(recorded)) => recorded.files.into_iter().map(|file| file.path).collect(),
        (None, None) => return Err(not_complete(&instance)),
    };
    let lines: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    context.ui.write(&paths, lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}
