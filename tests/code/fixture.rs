//! A crate that a test writes, edits, builds and runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The placeholder in manifests for the folder of the library.
const LIBRARY: &str = "@LIBRARY@";

/// A crate with a pipeline, in a folder that also holds its store.
pub(crate) struct Fixture {
    folder: PathBuf,
    /// The target folder, once something was built.
    target: OnceLock<PathBuf>,
    /// Whether cargo compiles incrementally, whatever the tests were compiled with.
    is_incremental: bool,
}

/// The output of cargo or of the pipeline.
pub(crate) struct Printed(String);

impl Fixture {
    /// Writes a crate of one file, and replaces a crate of the same name.
    pub(crate) fn new(name: &str, main: &str) -> Self {
        let manifest = format!(
            "[package]\nname = \"fixture-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies.flow]\n\
             package = \"typed-flow\"\npath = \"{LIBRARY}\"\ndefault-features = false\nfeatures = [\"json\"]\n\n\
             [profile.dev]\ndebug = false\n"
        );
        let fixture = Self::empty(name);
        fixture.write("Cargo.toml", &manifest);
        fixture.write("src/main.rs", main);
        fixture
    }

    /// Copies the crate of this name from `fixtures/`, where `manifest.toml` is its `Cargo.toml`.
    pub(crate) fn copy(name: &str) -> Self {
        Self::copy_as(name, name)
    }

    /// Copies a crate from `fixtures/` into a folder of another name.
    pub(crate) fn copy_as(name: &str, folder: &str) -> Self {
        let fixture = Self::empty(folder);
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/code/fixtures").join(name);
        fixture.copy_folder(&from, Path::new(""));
        fixture
    }

    fn empty(name: &str) -> Self {
        let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tmp.join("code").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a new folder");
        // The locked versions are those of this repository, so that nothing is downloaded.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock")).expect("a lock file");
        }
        Self { folder, target: OnceLock::new(), is_incremental: true }
    }

    fn copy_folder(&self, from: &Path, to: &Path) {
        for entry in fs::read_dir(from).expect("a fixture") {
            let entry = entry.expect("a file of a fixture");
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() {
                self.copy_folder(&path, &to.join(name));
                continue;
            }
            // As `Cargo.toml`, cargo would take it for a package of this repository.
            let name = if name == "manifest.toml" { "Cargo.toml".into() } else { name };
            let text = fs::read_to_string(&path).expect("text");
            self.write(to.join(name).to_str().expect("a name in ASCII"), &text);
        }
    }

    /// Returns the target folder. Cargo lets one build at a time into a folder, so that each fixture has one of its own,
    /// in which the library and its dependencies are built already.
    fn target(&self) -> &Path {
        self.target.get_or_init(|| {
            let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let name = self.folder.strip_prefix(tmp.join("code")).expect("a folder of a fixture");
            let target = tmp.join("code-targets").join(name);
            let _ = fs::remove_dir_all(&target);
            link_folder(&built().join("debug"), &target.join("debug"));
            target
        })
    }

    /// Builds into a target folder of this name, in which nothing is built already.
    pub(crate) fn with_target(self, name: &str) -> Self {
        self.with_target_at(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }

    /// Builds into the target folder at this path.
    pub(crate) fn with_target_at(self, folder: &Path) -> Self {
        Self { target: OnceLock::from(folder.to_owned()), is_incremental: false, ..self }
    }

    /// Returns the folder of the crate.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the text of a file, or `None` if it does not exist.
    pub(crate) fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    /// Writes a file.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a new folder");
        let library = env!("CARGO_MANIFEST_DIR").replace('\\', "/");
        fs::write(path, text.replace(LIBRARY, &library)).expect("a file");
    }

    /// Removes a file.
    pub(crate) fn remove(&self, file: &str) {
        fs::remove_file(self.folder.join(file)).expect("a file to remove");
    }

    /// Replaces the only occurrence of `from` in `src/main.rs`.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        self.edit_in("src/main.rs", from, to);
    }

    /// Replaces the only occurrence of `from` in a file.
    pub(crate) fn edit_in(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file).unwrap_or_else(|| panic!("there is no file {file}"));
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in {file}");
        self.write(file, &text.replace(from, to));
    }

    /// Builds and runs the crate.
    pub(crate) fn run(&self) -> Printed {
        self.cargo(&["run"]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Builds the crate and prints a preview, which writes nothing.
    pub(crate) fn preview(&self) -> Result<Printed, String> {
        self.cargo(&["run", "--", "preview"])
    }

    /// Runs cargo, and returns its standard output, or everything it printed if it fails.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<Printed, String> {
        self.cargo_with(&[], arguments)
    }

    /// Runs cargo with these environment variables.
    pub(crate) fn cargo_with(
        &self,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Result<Printed, String> {
        let (command, rest) = arguments.split_first().expect("a command of cargo");
        let mut cargo = Command::new(env!("CARGO"));
        if self.is_incremental {
            cargo.env("CARGO_INCREMENTAL", "1");
        }
        let output = cargo
            // Accepting the golden keys of this repository must not accept those of the fixture.
            .env_remove("FLOW_ACCEPT_KEYS")
            .envs(variables.iter().copied())
            .args([command, "--quiet", "--offline"])
            .args(rest)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.target())
            .output()
            .expect("cargo");
        let stdout = String::from_utf8(output.stdout).expect("text");
        let stderr = String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(Printed(stdout)) } else { Err(format!("{stdout}{stderr}")) }
    }
}

/// Returns a target folder with the library, as a crate of one file depends on it, and with its dependencies.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-target");
        let fixture = Fixture::new("built", "fn main() {}\n");
        let fixture = Fixture { target: OnceLock::from(folder.clone()), ..fixture };
        fixture.cargo(&["build"]).unwrap_or_else(|error| panic!("{error}"));
        folder
    })
}

/// Links all files of a target folder, which keep their times, but for those by which cargo locks the folder and those of
/// incremental compilation.
fn link_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a target folder") {
        let entry = entry.expect("a file of a target folder");
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type().expect("its type").is_dir() {
            if name != "incremental" {
                link_folder(&path, &to.join(name));
            }
        } else if !name.to_string_lossy().starts_with(".cargo") {
            fs::hard_link(&path, to.join(name)).expect("a link");
        }
    }
}

impl Printed {
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.lines()
    }

    /// Returns the rest of the line that starts with `start`.
    pub(crate) fn line(&self, start: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(start));
        line.unwrap_or_else(|| panic!("no line {start:?} in:\n{}", self.0)).trim()
    }

    pub(crate) fn has(&self, text: &str) {
        assert!(self.0.contains(text), "no {text:?} in:\n{}", self.0);
    }

    pub(crate) fn has_not(&self, text: &str) {
        assert!(!self.0.contains(text), "there is {text:?} in:\n{}", self.0);
    }

    /// Returns the instances that a preview shows as pending, with their reasons.
    pub(crate) fn pending(&self) -> Vec<(String, Vec<String>)> {
        let lines = self.0.lines().filter_map(|line| line.split_once(" PENDING"));
        lines
            .map(|(label, reasons)| {
                let label = label.trim_start_matches(['│', '├', '└', '─', ' ']);
                let task = label.split(" {").next().unwrap_or(label);
                (task.to_owned(), reasons.trim().split("; ").map(str::to_owned).collect())
            })
            .collect()
    }
}
