//! `cargo flow new`: what it writes and refuses, and that the crate builds and passes outside the repository.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// How a program ended, and what it printed.
struct Printed {
    code: i32,
    out: String,
    err: String,
}

impl Printed {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Returns the standard output of a program that succeeded.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Returns the message of a program that refused its arguments.
    #[track_caller]
    fn refused(self) -> String {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        self.err
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Runs `cargo-flow` in a folder.
fn cargo_flow(folder: &Path, args: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-flow"));
    Printed::of(command.args(args).current_dir(folder).output().expect("the program runs"))
}

/// Returns the root of the repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of the workspace")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the paths of all files below a folder, with slashes.
fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(folder).expect("a path below the folder");
            found.insert(relative.to_string_lossy().replace('\\', "/"));
        }
    }
    found
}

#[test]
fn a_crate_is_written_and_the_next_commands_are_printed() {
    let folder = temporary();
    let folder = folder.path();
    let printed = cargo_flow(folder, &["new", "my-rain"]).ok();
    assert!(printed.starts_with("wrote the crate `my-rain` to my-rain"), "{printed}");
    let commands = [
        "cd my-rain\n",
        "cargo run -- plan report ",
        "cargo run -- run report ",
        "cargo run -- load report ",
        "cargo test ",
    ];
    for command in commands {
        assert!(printed.contains(&format!("\n    {command}")), "{printed}");
    }
    let expected = BTreeSet::from(
        [
            ".gitignore",
            "Cargo.toml",
            "README.md",
            "flow.toml",
            "measurements.csv",
            "src/lib.rs",
            "src/main.rs",
            "tests/pipeline.rs",
        ]
        .map(str::to_owned),
    );
    assert_eq!(files(&folder.join("my-rain")), expected);

    // This program was built from a checkout.
    let manifest = read(folder.join("my-rain/Cargo.toml"));
    assert!(manifest.contains("name = \"my-rain\""), "{manifest}");
    assert!(manifest.contains("package = \"typed-flow\", path = "), "{manifest}");
    assert!(manifest.contains("[profile.dev.package.\"*\"]\nopt-level = 2\n"), "{manifest}");
    assert!(read(folder.join("my-rain/src/main.rs")).contains("use my_rain as _;"));

    // As cargo runs it, into a folder that exists and is empty, under another name.
    let empty = folder.join("below/empty folder");
    fs::create_dir_all(&empty).expect("a folder");
    let args = ["flow", "new", "below/empty folder", "--name", "hail"];
    let printed = cargo_flow(folder, &args).ok();
    assert!(printed.contains("\n    cd 'below/empty folder'\n"), "{printed}");
    assert!(read(empty.join("src/main.rs")).contains("use hail as _;"));

    let here = temporary();
    let printed = cargo_flow(here.path(), &["flow", "new", ".", "--name", "hail"]).ok();
    assert!(!printed.contains("    cd "), "{printed}");
    assert_eq!(files(here.path()), expected);
}

#[test]
fn nothing_is_overwritten() {
    let folder = temporary();
    let folder = folder.path();
    fs::create_dir(folder.join("taken")).expect("a folder");
    fs::write(folder.join("taken/notes.txt"), "mine").expect("a file");
    let refused = cargo_flow(folder, &["new", "taken"]).refused();
    assert!(refused.starts_with("error: cannot write a crate to taken: "), "{refused}");
    assert!(refused.contains("the folder is not empty; nothing is overwritten"), "{refused}");

    let refused = cargo_flow(folder, &["new", "taken/notes.txt", "--name", "notes"]).refused();
    assert!(refused.contains("it is not a folder"), "{refused}");
    assert_eq!(files(folder), BTreeSet::from(["taken/notes.txt".to_owned()]));
    assert_eq!(read(folder.join("taken/notes.txt")), "mine");

    cargo_flow(folder, &["new", "rain"]).ok();
    fs::write(folder.join("rain/src/lib.rs"), "// mine").expect("a file");
    cargo_flow(folder, &["new", "rain"]).refused();
    assert_eq!(read(folder.join("rain/src/lib.rs")), "// mine");
}

#[test]
fn a_wrong_argument_is_refused_and_nothing_is_written() {
    let folder = temporary();
    let folder = folder.path();
    fs::create_dir(folder.join("other")).expect("a folder");
    fs::write(folder.join("other/Cargo.toml"), "[package]\nname = \"other\"").expect("a file");
    fs::create_dir(folder.join("damaged")).expect("a folder");
    fs::write(folder.join("damaged/Cargo.toml"), "[package").expect("a file");
    let before = files(folder);
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage: cargo flow"),
        (&["flow"], "Usage: cargo flow"),
        (&["start"], "unrecognized subcommand 'start'"),
        (&["new"], "<FOLDER>"),
        (&["new", "a", "b"], "unexpected argument 'b'"),
        (&["new", "a", "--nmae", "b"], "'--name'"),
        (&["new", ".."], "the path has no name at its end"),
        (&["new", "Rain"], "it contains 'R'"),
        (&["new", "test"], "it is the name of a crate of Rust"),
        (&["new", "match"], "it is a keyword of Rust"),
        (&["new", "build"], "it is the name of a folder in which cargo builds"),
        (&["new", "nul"], "it is the name of a device on Windows"),
        (&["new", "serde"], "it is the name of a dependency"),
        (&["new", "report"], "the template uses it for something else"),
        (&["new", "rain", "--name", "a b"], "it contains ' '"),
        (&["new", "rain", "--path", "nowhere"], "it has no Cargo.toml"),
        (&["new", "rain", "--path", "other"], "its Cargo.toml is not that of typed-flow"),
        (&["new", "rain", "--path", "damaged"], "its Cargo.toml cannot be read"),
    ];
    for (args, message) in cases {
        let refused = cargo_flow(folder, args).refused();
        assert!(refused.contains(message), "{args:?}: {refused}");
        assert_eq!(files(folder), before, "{args:?}");
        assert!(!folder.join("rain").exists(), "{args:?}");
    }
}

#[test]
fn hostile_names_are_refused_and_never_panic() {
    let folder = temporary();
    let folder = folder.path();
    let values = [
        "",
        " ",
        ".",
        "..",
        "../..",
        "/",
        "//",
        "-",
        "--",
        "--name",
        "-x",
        "=",
        "a=b",
        "a,b",
        "a;b",
        "a\"b",
        "a'b",
        "a\\b",
        "a\n[workspace]",
        "a\r",
        "a\t",
        "\u{1b}[2J",
        "\u{202e}abc",
        "é",
        "日本語",
        "🦀",
        "$(id)",
        "`id`",
        "%s%n",
        "{}",
        "{name}",
        "*",
        "?",
        "[",
        "a::b",
        "a.b",
        "a/b.c",
        "0",
        "_",
        "con",
        "self",
        "crate",
        "std",
        "flow",
        "typed-flow",
    ];
    let huge = "x".repeat(100_000);
    for value in values.into_iter().chain([huge.as_str()]) {
        let named = format!("--name={value}");
        let calls: [&[&str]; 3] =
            [&["new", value], &["new", "a", named.as_str()], &["flow", "new", value]];
        for args in calls {
            let refused = cargo_flow(folder, args).refused();
            assert!(!refused.contains("panicked"), "{value:.50}: {refused:.300}");
            assert!(!refused.contains(['\u{1b}', '\u{202e}']), "{value:.50}: {refused:.300}");
            assert!(refused.len() < 2_000, "{value:.50}: {refused:.300}");
            assert!(files(folder).is_empty(), "{value:.50}");
        }
    }
}

#[test]
fn a_given_checkout_becomes_an_absolute_path() {
    let folder = temporary();
    let folder = folder.path();
    let library = folder.join("library");
    fs::create_dir(&library).expect("a folder");
    fs::write(library.join("Cargo.toml"), "[package]\nname = \"typed-flow\"\n").expect("a file");
    let printed = cargo_flow(folder, &["new", "rain", "--path", "library"]).ok();
    assert!(printed.contains("it depends on typed-flow in "), "{printed}");
    let manifest = read(folder.join("rain/Cargo.toml"));
    let (_, path) = manifest.split_once("path = \"").expect("a path");
    let (path, _) = path.split_once('"').expect("the end of the path");
    assert!(Path::new(path).is_absolute() && path.ends_with("library"), "{path}");
}

#[test]
fn a_crate_below_a_workspace_is_one_of_its_own_or_a_member() {
    let folder = temporary();
    let folder = folder.path();
    let workspace = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";
    fs::write(folder.join("Cargo.toml"), workspace).expect("a file");
    let printed = cargo_flow(folder, &["new", "rain"]).ok();
    assert!(printed.contains("The crate is not a member of the workspace in "), "{printed}");
    let manifest = read(folder.join("rain/Cargo.toml"));
    assert!(manifest.ends_with("\n[workspace]\n"), "{manifest}");

    let printed = cargo_flow(folder, &["new", "crates/hail"]).ok();
    assert!(printed.contains("The crate is a member of the workspace in "), "{printed}");
    assert!(printed.ends_with("    opt-level = 2\n"), "{printed}");
    let manifest = read(folder.join("crates/hail/Cargo.toml"));
    assert!(!manifest.contains("[workspace]") && !manifest.contains("[profile"), "{manifest}");
    assert_eq!(read(folder.join("Cargo.toml")), workspace, "no other file is changed");

    // cargo agrees on both.
    let root_of = |of: &str| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["locate-project", "--workspace", "--message-format", "plain"]);
        let root = Printed::of(cargo.current_dir(folder.join(of)).output().expect("cargo")).ok();
        PathBuf::from(root.trim()).canonicalize().expect("a path")
    };
    let canonical = folder.canonicalize().expect("a path");
    assert_eq!(root_of("rain"), canonical.join("rain/Cargo.toml"));
    assert_eq!(root_of("crates/hail"), canonical.join("Cargo.toml"));
}

#[test]
fn the_workspace_tests_the_template_with_its_own_data() {
    let data = |folder: &str| read(repository().join(folder).join("measurements.csv"));
    assert_eq!(data("tests/template"), data("flow-cli/template"));
}

/// A written crate, and how cargo builds it.
struct Written {
    folder: PathBuf,
    target: PathBuf,
    /// Options of cargo.
    options: Vec<String>,
}

impl Written {
    /// Builds as a user does: with the newest dependencies, in a target folder of its own.
    fn as_a_user(folder: PathBuf, target: PathBuf) -> Self {
        Self { folder, target, options: Vec::new() }
    }

    /// Builds with the versions, features and profiles of this repository, so that Arrow and Parquet are not built once
    /// more, and without a network.
    fn beside_the_tests(folder: PathBuf) -> Self {
        fs::copy(repository().join("Cargo.lock"), folder.join("Cargo.lock")).expect("a lock file");
        let same = format!(
            "[dependencies]\nflow-same-features = {{ path = \"{}/tests/same_features\", default-features = false, \
             features = [\"tests\"] }}\n",
            repository().display()
        );
        let manifest = read(folder.join("Cargo.toml"))
            .replace("[dependencies]\n", &same)
            .replace("features = [\"cli\"]", "features = [\"cli\", \"excel\"]");
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");

        let lines = "debug=\"line-tables-only\"";
        let mut settings = vec![
            format!("profile.dev.{lines}"),
            "profile.dev.package.\"*\".debug=false".to_owned(),
            "profile.dev.package.\"*\".opt-level=0".to_owned(),
        ];
        for member in ["flow-core", "flow-derive", "flow-targets", "typed-flow"] {
            settings.push(format!("profile.dev.package.{member}.{lines}"));
        }
        let mut options = vec!["--offline".to_owned()];
        options.extend(settings.into_iter().flat_map(|setting| ["--config".to_owned(), setting]));
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
        Self { folder, target: target.to_owned(), options }
    }

    fn run(&self, program: impl AsRef<OsStr>, args: &[&str], options: &[String]) -> Printed {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FLOW_") {
                command.env_remove(name);
            }
        }
        command.args(args).args(options).current_dir(&self.folder);
        Printed::of(command.env("CARGO_TARGET_DIR", &self.target).output().expect("it starts"))
    }

    fn cargo(&self, args: &[&str]) -> Printed {
        self.run(env!("CARGO"), args, &self.options)
    }

    /// Runs the program that cargo has built.
    fn program(&self, args: &[&str]) -> Printed {
        let name = format!("debug/my-rain{}", std::env::consts::EXE_SUFFIX);
        self.run(self.target.join(name), args, &[])
    }
}

#[test]
#[ignore = "it builds a crate: .ci/long does it with FLOW_TEST_ALL=1, as a user does"]
fn a_written_crate_builds_and_its_tests_pass_outside_the_repository() {
    let outside = temporary();
    cargo_flow(outside.path(), &["flow", "new", "my-rain"]).ok();
    let folder = outside.path().join("my-rain");
    let written = match std::env::var_os("FLOW_TEST_ALL") {
        Some(_) => Written::as_a_user(folder, outside.path().join("target")),
        None => Written::beside_the_tests(folder),
    };
    // The source is formatted with this name, too.
    written.run(env!("CARGO"), &["fmt", "--check"], &[]).ok();

    let tested = written.cargo(&["test"]).ok();
    assert!(tested.contains("test result: ok. 3 passed"), "{tested}");

    let plan = written.program(&["plan", "report"]).ok();
    assert!(plan.starts_with("report {digits: 1} PENDING never run\n"), "{plan}");
    written.program(&["run", "report", "-q"]).ok();
    assert_eq!(written.program(&["load", "report"]).ok(), "Oslo: -2.5 °C\nRome: 11.5 °C\n");
    assert_eq!(written.program(&["plan", "report", "--exit-code"]).code, 0, "it is complete");
    assert_eq!(written.program(&["plan", "report", "--digits", "2", "--exit-code"]).code, 3);
    assert!(written.folder.join("data/report").is_dir(), "flow.toml names the folder");
}
