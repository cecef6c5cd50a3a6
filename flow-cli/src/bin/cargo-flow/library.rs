//! Where the new crate finds typed-flow: on crates.io, or in a checkout.

use std::path::{Path, PathBuf};

use crate::error::{StartError, shown};
use crate::manifest::{Manifest, NoManifest};

/// The name of the package.
const PACKAGE: &str = "typed-flow";

/// Where the new crate finds typed-flow.
pub(crate) enum Library {
    /// On crates.io, in the version of this program.
    Published,
    /// In this folder, whose path is absolute: the crate may be moved.
    Checkout(String),
}

impl Library {
    /// Returns the checkout that was given; otherwise the one from which this program was built, if it still exists;
    /// otherwise the published package.
    pub(crate) fn find(given: Option<&Path>) -> Result<Self, StartError> {
        // A published package has no checkout around it.
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned);
        match given {
            Some(folder) => Self::given(folder),
            None => Ok(Self::around(built_from)),
        }
    }

    fn given(folder: &Path) -> Result<Self, StartError> {
        let refused = |why: &str| {
            StartError::Refused(format!(
                "cannot use --path {}: {why}; give the folder of a checkout of {PACKAGE}",
                shown(folder)
            ))
        };
        match Manifest::read(folder) {
            Ok(manifest) if manifest.name() == Some(PACKAGE) => {}
            Ok(_) => return Err(refused(&format!("its Cargo.toml is not that of {PACKAGE}"))),
            Err(NoManifest::Missing) => return Err(refused("it has no Cargo.toml")),
            Err(NoManifest::Unreadable) => return Err(refused("its Cargo.toml cannot be read")),
        }
        let absolute = std::path::absolute(folder).map_err(StartError::io("find", folder))?;
        let path = absolute.into_os_string().into_string();
        path.map(Self::Checkout).map_err(|_| refused("a Cargo.toml has only paths in UTF-8"))
    }

    fn around(built_from: Option<PathBuf>) -> Self {
        let is_checkout = |folder: &PathBuf| {
            Manifest::read(folder).is_ok_and(|manifest| manifest.name() == Some(PACKAGE))
        };
        let folder = built_from.filter(is_checkout);
        let path = folder.and_then(|folder| folder.into_os_string().into_string().ok());
        path.map_or(Self::Published, Self::Checkout)
    }

    /// Returns the key of the dependency in `Cargo.toml`: `version = "..."` or `path = "..."`.
    pub(crate) fn requirement(&self) -> String {
        match self {
            Self::Published => format!("version = {}", quoted(env!("CARGO_PKG_VERSION"))),
            Self::Checkout(path) => format!("path = {}", quoted(path)),
        }
    }

    /// Returns where it is, for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Published => format!("{PACKAGE} {} of crates.io", env!("CARGO_PKG_VERSION")),
            Self::Checkout(path) => format!("{PACKAGE} in {}", shown(Path::new(path))),
        }
    }
}

/// Returns a text as a basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_checkout_uses_the_published_package() {
        let library = Library::around(Some(PathBuf::from("no/such/folder")));
        assert_eq!(library.requirement(), format!("version = \"{}\"", env!("CARGO_PKG_VERSION")));
        let other = Library::around(Some(PathBuf::from(env!("CARGO_MANIFEST_DIR"))));
        assert!(matches!(other, Library::Published), "another package");
    }

    #[test]
    fn a_path_is_read_by_toml_as_it_was() {
        for path in ["/a b/c", "C:\\new\\tab", "a\"b'c", "a\u{1}\u{7f}\u{9f}\n", "日本語"] {
            let text = Library::Checkout(path.to_owned()).requirement();
            let parsed: std::collections::BTreeMap<String, String> =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(parsed["path"], path);
        }
    }
}
