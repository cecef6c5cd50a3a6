//! The command line: `cargo run -- --help` lists its verbs.

use std::process::ExitCode;

// The linker leaves out a library, and its tasks, that the program does not name.
use weather as _;

fn main() -> ExitCode {
    flow::main!()
}
