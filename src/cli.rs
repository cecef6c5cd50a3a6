//! The command line of every workflow, with the cargo feature `cli`.
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use flow::prelude::*;
//!
//! /// The first squares.
//! #[task(target = Json<Vec<u64>>)]
//! fn squares(#[param(default = 5)] n: u64) -> Vec<u64> {
//!     (1..=n).map(|i| i * i).collect()
//! }
//!
//! fn main() -> ExitCode {
//!     flow::main!()
//! }
//! ```
//!
//! ```text
//! $ squares list
//! squares  The first squares.
//! $ squares run squares --n 3
//! $ squares path squares --n 3
//! data/squares/n=3-7f3a91c04b77e010/data-8c1f02ab44d01e9f-5b2e9c01.json
//! ```
//!
//! `--help` lists the subcommands, the *verbs*. `run squares --help` lists the parameters of a task and of all tasks
//! upstream, with their doc comments. The tasks of a library crate are linked into a program if it names the crate:
//! `use my_tasks as _;`.
//!
//! A program that provides clients or parameter values passes its own flow to [`run`]. A program with arguments of its own opens
//! the configured store with [`open_configured`](crate::open_configured).

use std::ffi::OsString;
use std::process::ExitCode;

use crate::Flow;
use crate::interrupts::install;

/// Runs the command line with the arguments of the process, and handlers for Ctrl-C and other signals.
///
/// [`main!`](crate::main) calls it. The store is the folder `data`, unless `--data`, `FLOW_DATA` or `flow.toml` name
/// another one.
pub fn main() -> ExitCode {
    with_handlers(flow_cli::main)
}

/// Runs the command line on a flow of the program, with handlers for Ctrl-C and other signals.
///
/// The first argument is the name of the program, as in [`std::env::args_os`].
///
/// ```standalone_crate
/// use std::process::ExitCode;
///
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let code = flow::cli::run(flow.clone(), ["square", "run", "square", "--n", "3"]);
/// assert_eq!(code, ExitCode::SUCCESS);
/// assert_eq!(*flow.with(square::N, 3).load::<square>()?, 9);
/// # Ok(())
/// # }
/// ```
pub fn run(flow: Flow, args: impl IntoIterator<Item = impl Into<OsString>>) -> ExitCode {
    with_handlers(|| flow_cli::run(flow, args))
}

fn with_handlers(run: impl FnOnce() -> ExitCode) -> ExitCode {
    // A program works without handlers, too.
    let _interrupts =
        install().map_err(|error| eprintln!("warning: signals are not handled: {error}")).ok();
    run()
}
