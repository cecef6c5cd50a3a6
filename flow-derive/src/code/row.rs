//! A row of the table of a task's code: an item, file, variable or condition that its output depends on.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::builds::Variable;
use super::names::Name;
use super::source::{FileId, ModuleId, Package, Source};
use super::tokens::digest_of_bytes;
use super::{file, scan};

/// The maximum size in bytes of a file that is read because a string names it.
const MAX_FILE_SIZE: u64 = 64 << 20;

/// An item, a file, an environment variable, or a condition, with its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) digest: u128,
    /// A digest of the items to which the names in it resolve.
    pub(crate) names: u64,
    /// The name that a reason shows. It does not count, and neither does the file.
    pub(crate) name: String,
    pub(crate) file: String,
}

impl Row {
    fn fact(name: String, file: String, value: &[u8]) -> Self {
        Self { digest: digest_of_bytes(value), names: 0, name, file }
    }

    /// Returns the content of the file that `include!`, `include_str!` or `include_bytes!` names.
    pub(crate) fn included(source: &Source, from: FileId, arguments: Range<usize>) -> Option<Self> {
        let path = source.included(from, arguments)?;
        Self::content(source, from, &path)
    }

    /// Returns the content of a file that the code in the file `from` uses.
    ///
    /// Returns a warning as the error if the file cannot be read or is too large: a string may name any file by
    /// accident.
    pub(crate) fn file(source: &Source, from: FileId, path: &Path) -> Result<Self, String> {
        let package = &source.packages[source.files[from].package].folder;
        let shown = file::shown(path, package);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && metadata.len() > MAX_FILE_SIZE => {
                Err(format!("the file {shown} is larger than 64 MB"))
            }
            _ => Self::content(source, from, path)
                .ok_or_else(|| format!("the file {shown} cannot be read")),
        }
    }

    fn content(source: &Source, from: FileId, path: &Path) -> Option<Self> {
        let content = fs::read(path).ok()?;
        let package = &source.packages[source.files[from].package].folder;
        Some(Self::fact(file::shown(path, package), String::new(), &content))
    }

    /// Returns the value of a variable that `env!` reads, or a warning as the error if it is unknown.
    ///
    /// Variables that hold folders do not count, since these differ between machines.
    pub(crate) fn variable(
        source: &Source,
        from: FileId,
        literal: Name,
    ) -> Result<Option<Self>, String> {
        let Some(name) = scan::unquote(source.names.text(literal)) else {
            return Ok(None);
        };
        let package = &source.packages[source.files[from].package];
        let is_folder = matches!(name.as_str(), "OUT_DIR" | "CARGO" | "CARGO_MANIFEST_PATH")
            || name.starts_with("CARGO_BIN_EXE_")
            || name.starts_with("CARGO_") && name.ends_with("DIR");
        if is_folder {
            return Ok(None);
        }
        let value = match name.as_str() {
            "CARGO_PKG_VERSION" => Some(package.version.clone()),
            name => match package.environment.variable(name) {
                Variable::Set(value) => Some(without_folders(value, package)),
                Variable::Unset => None,
                Variable::Unknown => {
                    let package = &package.name;
                    return Err(format!(
                        "the value of `env!(\"{name}\")` in the package `{package}` is not known"
                    ));
                }
            },
        };
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("={value}"));
        Ok(Some(Self::fact(format!("env {name}"), String::new(), value.as_bytes())))
    }

    /// Returns whether a condition of a `cfg` holds in the package of `module`.
    ///
    /// The condition is the literal of a feature, or the name of another `cfg`. Returns a warning as the error
    /// if the result is unknown.
    pub(crate) fn condition(
        source: &Source,
        module: ModuleId,
        condition: Name,
    ) -> Result<Self, String> {
        let text = source.names.text(condition);
        let package = &source.packages[source.modules[module].package];
        if let Some(name) = scan::unquote(text) {
            let value = format!("{name} {}", package.features.contains(&name));
            return Ok(Self::fact(format!("feature {name}"), String::new(), value.as_bytes()));
        }
        let Some(cfgs) = &package.cfgs else {
            let package = &package.name;
            return Err(format!(
                "whether `cfg({text})` holds in the package `{package}` is not known"
            ));
        };
        let is_of = |cfg: &&String| cfg.split('=').next() == Some(text);
        let set: BTreeSet<&str> = cfgs.iter().filter(is_of).map(String::as_str).collect();
        let value = set.into_iter().collect::<Vec<_>>().join(" ");
        Ok(Self::fact(format!("cfg {text}"), String::new(), value.as_bytes()))
    }
}

/// Removes the folders of this machine from the value of a variable.
fn without_folders(value: String, package: &Package) -> String {
    let out_dir = package.environment.out_dir();
    let folders = out_dir.iter().chain([&package.folder]).map(|folder| folder.to_string_lossy());
    folders.fold(value, |value, folder| match folder.is_empty() {
        true => value,
        false => value.replace(&*folder, ""),
    })
}
