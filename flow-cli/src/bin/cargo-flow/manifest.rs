//! Reads the parts of a `Cargo.toml` that decide how the new crate is built.

use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;

/// A `Cargo.toml`.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Manifest {
    package: Option<Package>,
    pub(crate) workspace: Option<Members>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
}

/// The packages of a workspace, as patterns of paths relative to it.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Members {
    #[serde(default)]
    pub(crate) members: Vec<String>,
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
}

/// The reason why there is no manifest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoManifest {
    /// The folder has no `Cargo.toml`.
    Missing,
    /// The file cannot be read or parsed.
    Unreadable,
}

impl Manifest {
    /// Reads the `Cargo.toml` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self, NoManifest> {
        let text = std::fs::read_to_string(folder.join("Cargo.toml"));
        let text = text.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => NoManifest::Missing,
            _ => NoManifest::Unreadable,
        })?;
        toml::from_str(&text).map_err(|_| NoManifest::Unreadable)
    }

    /// Returns the name of the package; `None` for a workspace without a package of its own.
    pub(crate) fn name(&self) -> Option<&str> {
        Some(&self.package.as_ref()?.name)
    }
}
