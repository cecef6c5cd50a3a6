//! Runs the command line: from the arguments to the exit code.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::args;
use crate::commands::VERBS;
use crate::context::{Context, Opener};
use crate::error::CliError;
use crate::ui;

/// Runs the command line. The first argument is the name of the program.
pub(crate) fn run(opener: Opener, args: impl Iterator<Item = OsString>) -> ExitCode {
    match try_run(opener, args.collect()) {
        Ok(code) => code,
        Err(error) => {
            match &error {
                // `print` writes help to the standard output, and errors to the standard error.
                CliError::Clap(error) => drop(error.print()),
                CliError::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
                CliError::Declined(message) => ui::report(message),
                error => ui::report_error(error),
            }
            error.code()
        }
    }
}

fn try_run(opener: Opener, args: Vec<OsString>) -> Result<ExitCode, CliError> {
    let name = args.first().and_then(|arg| Path::new(arg).file_stem());
    let name = name.map_or_else(|| "flow".to_owned(), |name| name.to_string_lossy().into_owned());
    let (used, roots) = args::roots(VERBS, &args)?;
    let parser = args::parser(VERBS, &name, used, &roots).color(args::color(&args));
    args::check_values(&parser, used, &args)?;
    let matches = parser.try_get_matches_from(&args);
    let matches = matches.map_err(|error| args::refused(error, &args))?;
    let (verb, matches) = matches.subcommand().expect("a verb is required");
    let verb = VERBS.iter().find(|one| one.name == verb).expect("the parser has only verbs");
    // `roots` does not find tasks after an option of a parameter, or after `--`.
    let roots = args::tasks(matches)?;
    let mut context = Context::new(name, opener, verb.access, matches.clone(), roots)?;
    if verb.takes.one_value_each() {
        context.take_parameters()?;
    }
    (verb.run)(&context).map_err(|error| context.located(error))
}
