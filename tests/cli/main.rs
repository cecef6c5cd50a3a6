//! The command line of a workflow: what a user types, what is printed, and the exit code.
//!
//! The programs are `weather.rs`, which runs in a folder with `measurements.csv`, `stocks.rs`, whose outputs have
//! several formats, and `quality.rs`, whose outputs violate expectations. Each test runs them in a folder of its own.

mod blessing;
mod debugging;
mod documented;
mod hostile_arguments;
mod instances;
mod loading;
mod outputs;
mod parameters;
mod python;
mod rejected;
mod reporting;
mod restricted;
mod runs;
mod serving;
mod settings;
mod showing;
#[cfg(target_os = "linux")]
mod working;
mod wrong_arguments;

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// What the program printed, and how it ended.
struct Printed {
    code: i32,
    out: String,
    err: String,
}

impl Printed {
    /// Returns the standard output of a program that succeeded.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Returns the JSON of a program that succeeded.
    #[track_caller]
    fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).expect("one JSON document")
    }

    /// Returns the JSON that was printed.
    #[cfg(target_os = "linux")]
    #[track_caller]
    fn json_of(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        serde_json::from_str(&self.out).expect("one JSON document")
    }

    /// Returns the message of a program that refused its arguments.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        self.err
    }
}

/// Returns a folder with the file that the workflow reads.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows = "station,celsius\nOslo,1\nOslo,3\nOslo,\nRome,20\nRome,30\n";
    std::fs::write(folder.path().join("measurements.csv"), rows).expect("a file");
    folder
}

/// Runs the program in a folder.
fn weather(folder: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Printed {
    weather_with(folder, args, &[])
}

/// Runs the program in a folder, with variables.
fn weather_with(
    folder: &Path,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    variables: &[(&str, &str)],
) -> Printed {
    printed(env!("CARGO_BIN_EXE_weather"), folder, args, variables)
}

/// Runs the program with several formats in a folder.
fn stocks(folder: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Printed {
    printed(env!("CARGO_BIN_EXE_stocks"), folder, args, &[])
}

/// Runs the program whose outputs violate expectations in a folder.
fn quality(folder: &Path, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Printed {
    printed(env!("CARGO_BIN_EXE_quality"), folder, args, &[])
}

fn printed(
    program: &str,
    folder: &Path,
    args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    variables: &[(&str, &str)],
) -> Printed {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(std::process::Stdio::null());
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLOW_"))
    {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().expect("the program runs");
    Printed {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Splits a command line at spaces.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}
