//! Runs an example, and reads what it prints and writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

/// An example with a temporary folder for its store and other files.
pub(crate) struct Example {
    name: String,
    folder: TempDir,
}

/// What an example printed, and how it ended.
pub(crate) struct Printed {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Example {
    pub(crate) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { name: name.to_owned(), folder }
    }

    /// Returns a path beside the store, which is the folder `data`.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        path.into_os_string().into_string().expect("a name in Unicode")
    }

    /// Returns the command that runs the example in the folder of the library, with the arguments of `line`.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = command(&self.name, library(), line);
        command.env("FLOW_DATA", self.path("data"));
        command
    }

    /// Runs the example, and returns its standard output.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> String {
        Printed::of(self.command(line)).ok()
    }

    /// Runs a verb of the example, and returns the JSON that it prints.
    #[track_caller]
    pub(crate) fn json(&self, line: &str) -> Value {
        parse_json(&self.run(&format!("{line} --json")))
    }

    /// Runs the example, which must fail, and returns what it printed.
    #[track_caller]
    pub(crate) fn fail(&self, line: &str) -> Printed {
        let printed = Printed::of(self.command(line));
        assert_ne!(printed.code, 0, "{}", printed.out);
        printed
    }

    /// Runs tasks, and returns the instances that ran.
    #[track_caller]
    pub(crate) fn ran(&self, line: &str) -> Vec<String> {
        instances(&self.json(&format!("run {line}")), "ran")
    }
}

impl Printed {
    pub(crate) fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("the example starts");
        Self {
            code: status.code().expect("no signal"),
            out: String::from_utf8(stdout).expect("text"),
            err: String::from_utf8(stderr).expect("text"),
        }
    }

    /// Returns the standard output of an example that succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }
}

/// Returns the command that runs an example in this folder, with the arguments of `line`.
pub(crate) fn command(example: &str, folder: &Path, line: &str) -> Command {
    let mut command = Command::new(built().join(example));
    command.args(line.split_whitespace()).current_dir(folder).env("RUST_BACKTRACE", "0");
    // Those of the user would change what is printed.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("FLOW_") || text == "NO_COLOR" || text == "REPORT_CURRENCY" {
            command.env_remove(&name);
        }
    }
    command
}

/// Returns the JSON of a text.
#[track_caller]
pub(crate) fn parse_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Returns the instances that the JSON of a run lists under an outcome, such as `ran`.
#[track_caller]
pub(crate) fn instances(run: &Value, outcome: &str) -> Vec<String> {
    fields(run, outcome, "instance")
}

/// Returns the tasks of the instances that the JSON of a run lists under an outcome.
#[track_caller]
pub(crate) fn tasks(run: &Value, outcome: &str) -> Vec<String> {
    fields(run, outcome, "task")
}

#[track_caller]
fn fields(run: &Value, outcome: &str, field: &str) -> Vec<String> {
    let entries = run[outcome].as_array().unwrap_or_else(|| panic!("no {outcome} in {run}"));
    let text = |entry: &Value| entry.as_str().or(entry[field].as_str()).map(str::to_owned);
    entries.iter().map(|entry| text(entry).expect("a text")).collect()
}

/// Returns the instances that a printed summary lists below this title, without times.
pub(crate) fn listed<'a>(printed: &'a str, title: &str) -> Vec<&'a str> {
    let lines = printed.lines().skip_while(|line| line.trim() != title).skip(1);
    // A reason that does not fit is on a line of its own, which is indented further.
    let entries = lines.map_while(|line| line.strip_prefix("    "));
    let entries = entries.filter(|entry| !entry.starts_with(' '));
    entries.map(|entry| entry.split_once(" in ").map_or(entry, |(entry, _)| entry)).collect()
}

/// Returns all files below a folder, each with its time and content.
pub(crate) fn files(folder: impl AsRef<Path>) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder.as_ref()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let modified = path.metadata().and_then(|metadata| metadata.modified());
            let content = fs::read(&path).expect("a file");
            files.insert(path, (modified.expect("a time"), content));
        }
    }
    files
}

/// Checks that a text has these parts in this order.
#[track_caller]
pub(crate) fn has_in_order(printed: &str, parts: &[&str]) {
    let mut rest = printed;
    for part in parts {
        let found = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not in {rest}"));
        rest = &rest[found + part.len()..];
    }
}

/// Returns the folder of the built examples. With the features of the whole workspace, which `cargo test
/// --workspace` has, they are built already.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let polars: &[&str] =
            if cfg!(feature = "polars") { &["--features", "typed-flow/polars-sql"] } else { &[] };
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--examples"])
            .args(polars)
            .arg("--manifest-path")
            .arg(library().join("Cargo.toml"))
            .status();
        assert!(status.expect("cargo starts").success(), "the examples do not compile");
        let test = std::env::current_exe().expect("the path of this test");
        let profile = test.parent().and_then(Path::parent).expect("a folder of the target folder");
        profile.join("examples")
    })
}

/// Returns the folder of the library, in which the data of the examples is.
pub(crate) fn library() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
