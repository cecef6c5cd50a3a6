//! A line of the table of a task's code: something that takes part in making its output.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::Path;

use super::builds::Variable;
use super::names::Name;
use super::source::{FileId, ModuleId, Package, Source};
use super::tokens::digest_of_bytes;
use super::{file, scan};

/// The largest file that is read because a text names it, in bytes.
const LARGEST: u64 = 64 << 20;

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
        Self::content(source, from, &path)
    }

    /// The content of a file that the code in the file `from` is made of. An error says that it is not
    /// known: a file that is named by accident may be of any size.
    pub(crate) fn file(source: &Source, from: FileId, path: &Path) -> Result<Self, String> {
        let package = &source.packages[source.files[from].package].folder;
        let shown = file::shown(path, package);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_file() && metadata.len() > LARGEST => {
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

    /// The value of a variable that `env!` names; an error says that it is not known. Folders do not
    /// count: they differ between machines.
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

    /// Whether a condition of `cfg` holds in the package of `module`: a feature, by its literal, or
    /// another `cfg`, by its name. An error says that it is not known.
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

/// The value of a variable without the folders of this machine.
fn without_folders(value: String, package: &Package) -> String {
    let out_dir = package.environment.out_dir();
    let folders = out_dir.iter().chain([&package.folder]).map(|folder| folder.to_string_lossy());
    folders.fold(value, |value, folder| match folder.is_empty() {
        true => value,
        false => value.replace(&*folder, ""),
    })
}
