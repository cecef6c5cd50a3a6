//! Crates that a benchmark generates, to check, build or run them.
//!
//! They depend on this library, and use the versions of its lock file, which are on the machine already. All crates of a
//! benchmark share a target folder, so that their dependencies are built once.

use std::env::consts::EXE_SUFFIX;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate in a folder of its own.
#[derive(Debug)]
pub struct GeneratedCrate {
    folder: PathBuf,
    target: PathBuf,
}

impl GeneratedCrate {
    /// Writes the crate `<bench>-<name>`, and replaces an earlier one.
    ///
    /// `temporary` is the folder for temporary files of the target folder, `CARGO_TARGET_TMPDIR`. `options` are those of
    /// the dependency on the library, such as `features = ["cli"]`. The paths of `files` are relative to `src`.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn new(
        temporary: &Path,
        bench: &str,
        name: &str,
        options: &str,
        files: &[(&str, String)],
    ) -> Result<Self> {
        let folder = temporary.join(bench).join(name);
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"{bench}-{name}\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
             flow = {{ package = \"typed-flow\", path = {library:?}, {options} }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        let lock = library.join("Cargo.lock");
        if lock.exists() {
            fs::copy(lock, folder.join("Cargo.lock"))?;
        }
        for (file, text) in files {
            let path = folder.join("src").join(file);
            fs::create_dir_all(path.parent().expect("a file in `src`"))?;
            fs::write(path, text)?;
        }
        Ok(Self { folder, target: temporary.join(format!("{bench}-target")) })
    }

    /// Returns the path of a source file.
    pub fn source(&self, file: &str) -> PathBuf {
        self.folder.join("src").join(file)
    }

    /// Returns the path of a program that a build has written. `profile` is the name of its folder: `debug`, `release`.
    pub fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{EXE_SUFFIX}"))
    }

    /// Runs cargo on the crate.
    ///
    /// # Errors
    ///
    /// Cargo cannot be started, or fails. The message has what it printed.
    pub fn cargo(&self, arguments: &[&str], is_incremental: bool) -> Result<()> {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--quiet", "--offline"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_INCREMENTAL", if is_incremental { "1" } else { "0" })
            .output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(Error::other(String::from_utf8_lossy(&output.stderr).into_owned())),
        }
    }
}
