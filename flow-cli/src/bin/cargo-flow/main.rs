//! `cargo flow new weather`: writes a crate with a first pipeline, which builds as it is.
//!
//! The crate has tasks, a command line, tests and data. Its files are those of the folder `template` of this package.
//!
//! ```text
//! arguments ──► new           the folder, in which nothing is overwritten
//!                ├─► name       the name of the crate, which is checked
//!                ├─► library    where the crate finds typed-flow
//!                ├─► workspace  the workspace of cargo around the folder, if there is one
//!                ▼
//!             template        the files, with these filled in
//! ```
//!
//! cargo runs the program `cargo-flow` with `flow` as the first argument. Run by itself, it needs no such argument.
//!
//! The exit code is 2 if an argument is wrong, in which case nothing was written, and 1 if a file cannot be written.

mod error;
mod library;
mod manifest;
mod name;
mod new;
mod template;
mod workspace;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, ValueHint};

use crate::error::{StartError, USAGE};
use crate::new::Request;

fn main() -> ExitCode {
    let args = own_arguments(std::env::args_os().collect());
    let matches = match parser().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) => {
            // It prints help to the standard output, and errors to the standard error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    let (_, matches) = matches.subcommand().expect("a verb is required");
    match new::run(&request(matches)) {
        Ok(text) => {
            // The crate is written, whether or not someone reads this.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => report(&error),
    }
}

fn report(error: &StartError) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {error}");
    error.code()
}

/// Removes the argument `flow` that cargo passes as the first one.
fn own_arguments(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|arg| arg == "flow") {
        args.remove(1);
    }
    args
}

fn parser() -> Command {
    let new = Command::new("new")
        .about("Writes a crate with a first pipeline: tasks, a command line, tests, data")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .required(true)
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("The folder of the crate, which must be empty or not exist"),
        )
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .help("The name of the crate [default: that of the folder]"),
        )
        .arg(
            Arg::new("path")
                .long("path")
                .value_name("DIR")
                .value_parser(clap::value_parser!(PathBuf))
                .value_hint(ValueHint::DirPath)
                .help("A checkout of typed-flow to depend on [default: that of this program, or crates.io]"),
        );
    Command::new("cargo-flow")
        .bin_name("cargo flow")
        .about("Starts pipelines of typed tasks")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .max_term_width(100)
        .subcommand(new)
}

fn request(matches: &ArgMatches) -> Request {
    Request {
        folder: matches.get_one::<PathBuf>("folder").cloned().expect("a required argument"),
        name: matches.get_one::<String>("name").cloned(),
        checkout: matches.get_one::<PathBuf>("path").cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parser_is_sound() {
        parser().debug_assert();
    }

    #[test]
    fn the_argument_that_cargo_passes_is_removed_once() {
        let own = |args: &[&str]| own_arguments(args.iter().map(OsString::from).collect());
        assert_eq!(own(&["cargo-flow", "flow", "new", "flow"]), ["cargo-flow", "new", "flow"]);
        assert_eq!(own(&["cargo-flow", "new", "flow"]), ["cargo-flow", "new", "flow"]);
        assert_eq!(own(&["cargo-flow"]), ["cargo-flow"]);
    }
}
