//! The workspace of cargo around the folder of the new crate.
//!
//! `cargo new` adds a crate to the list of members of the workspace. This program changes no existing file. So the manifest of
//! the crate gets an empty table `[workspace]`: without it, cargo refuses to build a crate that is below a workspace and not a
//! member of it. If a pattern such as `crates/*` makes the crate a member, its manifest gets neither that table nor profiles,
//! because cargo reads profiles only in the manifest of the workspace.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::manifest::{Manifest, Members, NoManifest};

/// The workspace around a folder.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Workspace {
    /// There is none, or it excludes the folder: the crate is built by itself.
    None,
    /// The crate is a member of the workspace in this folder.
    Member(PathBuf),
    /// The crate is not a member of the workspace in this folder, so it needs a workspace of its own.
    Other(PathBuf),
}

impl Workspace {
    /// Finds the workspace around a folder, whose path is canonical.
    pub(crate) fn around(folder: &Path) -> Self {
        for root in folder.ancestors().skip(1) {
            let manifest = match Manifest::read(root) {
                Ok(manifest) => manifest,
                Err(NoManifest::Missing) => continue,
                // With a workspace of its own, the crate is built without that file.
                Err(NoManifest::Unreadable) => return Self::Other(root.to_owned()),
            };
            let Some(members) = manifest.workspace else { continue };
            let relative = folder.strip_prefix(root).unwrap_or(folder);
            if members.has(relative) {
                return Self::Member(root.to_owned());
            }
            if !members.excludes(relative) {
                return Self::Other(root.to_owned());
            }
        }
        Self::None
    }
}

impl Members {
    /// Returns whether a pattern makes this folder a member.
    fn has(&self, relative: &Path) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        // A pattern has slashes on every system.
        let names = relative.iter().map(|name| name.to_string_lossy());
        let relative = names.collect::<Vec<_>>().join("/");
        let mut patterns = self.members.iter().filter_map(|member| {
            Pattern::new(member.trim_start_matches("./").trim_end_matches('/')).ok()
        });
        patterns.any(|pattern| pattern.matches_with(&relative, options))
            && !self.excludes(Path::new(&relative))
    }

    /// Returns whether the workspace excludes this folder, so that cargo does not find it from there. A folder that
    /// is also in the list of members, by name, is not excluded.
    fn excludes(&self, relative: &Path) -> bool {
        let is_below = |folder: &String| relative.starts_with(folder.trim_start_matches("./"));
        self.exclude.iter().any(is_below) && !self.members.iter().any(is_below)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns the workspace around `crates/weather` in a folder with this manifest.
    fn around(manifest: &str) -> Workspace {
        let root = tempfile::tempdir().expect("a folder");
        let root = root.path().canonicalize().expect("a path");
        fs::write(root.join("Cargo.toml"), manifest).expect("a file");
        let folder = root.join("crates/weather");
        fs::create_dir_all(&folder).expect("a folder");
        // A package between them, as a project that is no workspace has it, changes nothing.
        fs::write(root.join("crates/Cargo.toml"), "[package]\nname = \"crates\"").expect("a file");
        match Workspace::around(&folder) {
            Workspace::Member(found) if found == root => Workspace::Member(PathBuf::new()),
            Workspace::Other(found) if found == root => Workspace::Other(PathBuf::new()),
            other => other,
        }
    }

    #[test]
    fn a_crate_is_a_member_if_a_pattern_says_so() {
        let (member, other) = (Workspace::Member(PathBuf::new()), Workspace::Other(PathBuf::new()));
        let cases = [
            ("[package]\nname = \"a\"", Workspace::None),
            ("[workspace]", other),
            ("[workspace]\nmembers = [\"crates/weather\"]", member),
        ];
        for (manifest, expected) in cases {
            assert_eq!(around(manifest), expected, "{manifest}");
        }
        let members = |patterns: &str| around(&format!("[workspace]\nmembers = [{patterns}]"));
        for patterns in ["'crates/*'", "'./crates/weather/'", "'a', 'c*/w*'", "'**/weather'"] {
            assert_eq!(members(patterns), Workspace::Member(PathBuf::new()), "{patterns}");
        }
        for patterns in ["'*'", "'crates'", "'crates/weath'", "'crates/*/*'", "'['"] {
            assert_eq!(members(patterns), Workspace::Other(PathBuf::new()), "{patterns}");
        }
    }

    #[test]
    fn an_excluded_crate_is_built_by_itself() {
        assert_eq!(around("[workspace]\nexclude = ['crates']"), Workspace::None);
        let another = "[workspace]\nexclude = ['crates/rain']";
        assert_eq!(around(another), Workspace::Other(PathBuf::new()));
        let listed = "[workspace]\nmembers = ['crates/weather']\nexclude = ['crates']";
        assert_eq!(around(listed), Workspace::Member(PathBuf::new()));
        let matched = "[workspace]\nmembers = ['crates/*']\nexclude = ['crates/weather']";
        assert_eq!(around(matched), Workspace::None);
    }

    #[test]
    fn a_manifest_that_cannot_be_read_is_left_alone() {
        assert_eq!(around("[workspace"), Workspace::Other(PathBuf::new()));
    }
}
