//! The command line of every workflow.
//!
//! A program that calls [`main`] has subcommands, the *verbs*, for everything that a flow can do. They know all tasks that
//! are linked into the program:
//!
//! ```text
//! train list                          the tasks of the program
//! train plan Train --model tree       what a run would do, and why
//! train run Train --model tree        runs the tasks that are not complete
//! train show Train                    the first rows of the output
//! train load Train --format csv       the output, for another program
//! train debug Train                   the last failure; runs the instance again by itself
//! train sweep Train --c 0.1,1,10      several values of a parameter, and a table of the results
//! ```
//!
//! # From the arguments to the result
//!
//! ```text
//! arguments ──► args       the verb, and the roots that follow it
//!                 │        the options of the verb and, as typed options, the parameters of the roots and of all tasks
//!                 ▼        upstream (params)
//!               matches ──► settings   with `FLOW_...` variables and `flow.toml`
//!                 ▼
//!               commands    a file for each verb: a function from the context to an exit code
//!                 ▼
//!               ui          text or JSON on the standard output; errors on the standard error; tables are a `grid`
//! ```
//!
//! This crate neither plans nor runs tasks, and knows no format: a verb calls one or two functions of [`flow_core`] and
//! [`flow_targets::inspect`] and prints the result.
//!
//! # Exit codes
//!
//! | code | |
//! | --- | --- |
//! | 0 | The verb succeeded. |
//! | 1 | Tasks failed, an output is missing, damaged or different, or the store or a file could not be read or written. |
//! | 2 | An argument, an option or a value is wrong, or a confirmation was declined. Nothing has run. |
//! | 3 | `plan --exit-code` or `why --exit-code` found that something is not complete. |
//! | 130, 143, 129 | The process received `SIGINT`, `SIGTERM` or `SIGHUP`. |
//!
//! # Precedence
//!
//! A setting takes the first of these values that exists:
//!
//! 1. the option;
//! 2. the variable `FLOW_...`;
//! 3. the value in the configuration file: that of `--config`, or of `FLOW_CONFIG`, or `flow.toml` in the current folder;
//! 4. the value that the program set on its flow;
//! 5. the default.
//!
//! Each value of `[params]`, and each limit, is a setting of its own.
//!
//! # Features
//!
//! - `tables`: `show` and `load` read tables in Arrow IPC and CSV.
//! - `parquet`: `show` and `load` read Parquet files, and `load` writes them.
//! - `yaml`: `--params` reads YAML files.
//! - `remote`: `push`, `pull` and `[remotes]` of `flow.toml` take URLs of object stores. `typed-flow` enables it with `s3`,
//!   `gcs` or `azure`.
//! - `page`: the verbs `serve` and `report`.
//! - `cluster`: the verb `worker`, and `--executor` of runs: `pull`, `slurm` and `hq`.
//! - `signatures`: the verb `keys`, and the settings `sign_with` and `trusted_keys`.

mod app;
mod args;
mod commands;
mod context;
mod error;
#[cfg(feature = "cluster")]
mod executor;
mod given;
mod grid;
mod json;
mod options;
mod output;
mod params;
mod remotes;
mod settings;
#[cfg(feature = "tables")]
mod table;
mod text;
mod toml_error;
mod ui;
mod verb;

use std::ffi::OsString;
use std::process::ExitCode;

use flow_core::Flow;

use crate::context::Opener;

/// Runs the command line with the arguments of the process, on the store that is configured.
///
/// The store is the folder `data`, unless `--data`, `FLOW_DATA` or `flow.toml` name another one.
pub fn main() -> ExitCode {
    // In a child process that runs a task, this call does not return. Its arguments are those of the parent, and a pipe that
    // they name can be read only once.
    flow_core::process::take_over();
    app::run(Opener::Configured, std::env::args_os())
}

/// Runs the command line on a flow of the program, which may provide clients, observers or parameter values.
///
/// The first argument is the name of the program, as in [`std::env::args_os`].
///
/// ```
/// use std::process::ExitCode;
///
/// use flow_core::Flow;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let flow = Flow::open(folder)?.workers(2);
/// let code = flow_cli::run(flow, ["train", "status"]);
/// assert_eq!(code, ExitCode::SUCCESS);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn run(flow: Flow, args: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    app::run(Opener::Given(Box::new(flow)), args.into_iter().map(Into::into))
}

/// Opens the store that `FLOW_...` variables and `flow.toml` configure, as [`main`] does.
///
/// # Errors
///
/// The file `flow.toml` or a variable is wrong, or the store cannot be opened.
pub fn open_configured() -> anyhow::Result<Flow> {
    let settings = settings::Settings::read(None, None)?;
    let flow = settings.apply(Flow::open(settings.folder())?)?;
    let params = settings.params.iter();
    Ok(params.fold(flow, |flow, (name, value)| flow.with_configured(name, value)))
}
