//! A line of the table of a task's code: something that takes part in making its output.

use std::fs;
use std::ops::Range;

use super::names::Name;
use super::source::{FileId, ModuleId, Source};
use super::tokens::digest_of_bytes;
use super::{file, scan};

/// An item, a file, a variable of the environment, or a feature, with its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) digest: u128,
    /// What the names in it mean.
    pub(crate) names: u64,
    pub(crate) name: String,
    pub(crate) file: String,
}

impl Row {
    fn fact(name: String, file: String, value: &[u8]) -> Self {
        Self { digest: digest_of_bytes(value), names: 0, name, file }
    }

    /// The content of the file that `include_str!` and the like name.
    pub(crate) fn included(source: &Source, from: FileId, arguments: Range<usize>) -> Option<Self> {
        let path = source.included(from, arguments)?;
        let content = fs::read(&path).ok()?;
        let package = &source.packages[source.files[from].package].folder;
        Some(Self::fact(file::shown(&path, package), String::new(), &content))
    }

    /// The value of a variable that `env!` names. Folders are not counted: they are others on each
    /// machine, and what is in them is not their name.
    pub(crate) fn variable(source: &Source, from: FileId, literal: Name) -> Option<Self> {
        let name = scan::unquote(source.names.text(literal))?;
        let package = &source.packages[source.files[from].package];
        let is_folder = matches!(name.as_str(), "OUT_DIR" | "CARGO" | "CARGO_MANIFEST_PATH")
            || name.starts_with("CARGO_BIN_EXE_")
            || name.starts_with("CARGO_") && name.ends_with("DIR");
        if is_folder {
            return None;
        }
        let value = match name.as_str() {
            "CARGO_PKG_VERSION" => Some(package.version.clone()),
            // Those of a dependency are not known here.
            own if own.starts_with("CARGO_") && !package.is_own => return None,
            name => std::env::var(name).ok(),
        };
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("={value}"));
        Some(Self::fact(format!("env {name}"), String::new(), value.as_bytes()))
    }

    /// Whether a feature is on, in the package of `module`.
    pub(crate) fn feature(source: &Source, module: ModuleId, literal: Name) -> Option<Self> {
        let name = scan::unquote(source.names.text(literal))?;
        let package = &source.packages[source.modules[module].package];
        let is_on = package.features.contains(&name);
        let value = format!("{name} {is_on}");
        Some(Self::fact(format!("feature {name}"), String::new(), value.as_bytes()))
    }
}
