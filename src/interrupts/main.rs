//! [`main!`](crate::main): the `main` of a program that runs flows.

use std::io::Write;
use std::process::ExitCode;

use crate::Result;
use crate::interrupts::install;

/// Defines `main`: calls a function, with handlers for Ctrl-C and other signals.
///
/// Without a function, as the body of `main`, it is the [command line](crate::cli), with the cargo feature `cli`.
///
/// ```no_run
/// use flow::prelude::*;
///
/// #[task(target = Json<u64>)]
/// fn answer() -> u64 {
///     42
/// }
///
/// fn run() -> Result<()> {
///     let flow = Flow::open("data")?;
///     println!("{}", flow.get::<answer>()?);
///     Ok(())
/// }
///
/// flow::main!(run);
/// ```
///
/// The function takes no arguments and returns [`flow::Result<()>`](crate::Result). An error is printed to the standard
/// error with its causes. The program exits with
///
/// | code | |
/// | --- | --- |
/// | 0 | The function returned `Ok`. |
/// | 1 | The function returned an error, such as that of a run in which tasks failed. |
/// | 130, 143, 129 | The process received `SIGINT`, `SIGTERM` or `SIGHUP`, whatever the function returned. |
///
/// The module [`interrupts`](crate::interrupts) describes what a signal does. A program whose `main` is another one
/// calls [`install`](crate::interrupts::install).
#[macro_export]
macro_rules! main {
    () => {
        $crate::__cli_main!()
    };
    ($run:expr $(,)?) => {
        fn main() -> ::std::process::ExitCode {
            $crate::interrupts::run_main($run)
        }
    };
}

/// The command line, which is a cargo feature.
#[cfg(feature = "cli")]
#[doc(hidden)]
#[macro_export]
macro_rules! __cli_main {
    () => {
        $crate::cli::main()
    };
}

/// The error without the cargo feature.
#[cfg(not(feature = "cli"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __cli_main {
    () => {
        ::std::compile_error!(
            "`flow::main!()` is the command line, which needs the cargo feature `cli` of `typed-flow`; to run a function \
             of your own, name it: `flow::main!(run);`"
        )
    };
}

/// Runs a program, and returns its exit code.
#[doc(hidden)]
pub fn run_main(run: impl FnOnce() -> Result<()>) -> ExitCode {
    // A program works without handlers, too.
    let _interrupts = install()
        .map_err(|error| report(format_args!("warning: signals are not handled: {error}")))
        .ok();
    let result = run();
    if let Err(error) = &result {
        report(format_args!("Error: {error:?}"));
    }
    match (flow_core::process::interrupted(), result) {
        (Some(signal), _) => ExitCode::from(signal.exit_code()),
        (None, Ok(())) => ExitCode::SUCCESS,
        (None, Err(_)) => ExitCode::FAILURE,
    }
}

/// Prints a line to the standard error, which may be closed.
fn report(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
