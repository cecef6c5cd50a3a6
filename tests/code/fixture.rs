//! A crate that a test writes, edits, builds and runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of one file with a pipeline, and the folder that its store is in.
pub(crate) struct Fixture {
    folder: PathBuf,
}

/// What the pipeline printed.
pub(crate) struct Printed(String);

impl Fixture {
    /// Writes the crate; one of the same name is replaced.
    pub(crate) fn new(name: &str, main: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("code").join(name);
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src")).expect("a new folder");
        let library = Path::new(env!("CARGO_MANIFEST_DIR"));
        let manifest = format!(
            "[package]\nname = \"fixture-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies.flow]\n\
             package = \"typed-flow\"\npath = {library:?}\ndefault-features = false\nfeatures = [\"json\"]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("a manifest");
        fs::write(folder.join("src/main.rs"), main).expect("a source file");
        // The same versions as those that are being tested, which are on the machine already.
        let lock = library.join("Cargo.lock");
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock")).expect("a lock file");
        }
        Self { folder }
    }

    /// Replaces the one place where `from` stands.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.folder.join("src/main.rs");
        let text = fs::read_to_string(&path).expect("the source");
        assert_eq!(text.matches(from).count(), 1, "{from:?} stands once in the source");
        fs::write(&path, text.replace(from, to)).expect("the edited source");
    }

    /// Builds and runs it.
    pub(crate) fn run(&self) -> Printed {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("code-target"))
            .output()
            .expect("cargo");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        Printed(String::from_utf8(output.stdout).expect("text"))
    }
}

impl Printed {
    /// What follows `start` on its line.
    pub(crate) fn line(&self, start: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(start));
        line.unwrap_or_else(|| panic!("no line {start:?} in:\n{}", self.0)).trim()
    }

    pub(crate) fn has(&self, text: &str) {
        assert!(self.0.contains(text), "no {text:?} in:\n{}", self.0);
    }
}
