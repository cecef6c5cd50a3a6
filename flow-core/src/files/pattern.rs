//! Patterns: paths such as `data/*.csv`, which stand for files.
//!
//! `*` matches any part of a name, `?` one character, `[a-c]` one of the listed characters, and
//! `**`, as a whole part of a path, any number of folders. As in a shell, a name that starts with a
//! dot matches only if the pattern has the dot. `**` does not follow links, so that the search
//! always ends. A pattern matches files only, so that each match can be opened.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use glob::MatchOptions;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{FileKind, Fs};
use crate::files::is_absent;

/// A path of which at least one part is a pattern.
pub(crate) struct Pattern {
    /// The path before the first of these parts.
    base: PathBuf,
    parts: Vec<Part>,
}

enum Part {
    /// A name without wildcards.
    Plain(OsString),
    /// All names that match.
    Fits(glob::Pattern),
    /// Any number of folders.
    Folders,
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

impl Pattern {
    /// Parses a path as a pattern. Returns `None` if it has no wildcards.
    pub(crate) fn parse(path: &Path) -> Option<Self> {
        let mut pattern = Self { base: PathBuf::new(), parts: Vec::new() };
        for component in path.components() {
            let name = component.as_os_str();
            let text = name.to_str().filter(|text| text.contains(['*', '?', '[']));
            match (component, text) {
                (Component::Normal(_), Some("**")) => {
                    // Repeating `**` has no effect.
                    if !matches!(pattern.parts.last(), Some(Part::Folders)) {
                        pattern.parts.push(Part::Folders);
                    }
                }
                (Component::Normal(_), Some(text)) => {
                    pattern.parts.push(Part::Fits(glob::Pattern::new(text).ok()?));
                }
                _ if pattern.parts.is_empty() => pattern.base.push(name),
                _ => pattern.parts.push(Part::Plain(name.to_owned())),
            }
        }
        match pattern.parts.last()? {
            Part::Folders => pattern.parts.push(Part::Fits(glob::Pattern::new("*").ok()?)),
            Part::Plain(_) | Part::Fits(_) => {}
        }
        Some(pattern)
    }

    /// Returns the folder below which all matches lie.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    /// Returns the matching files, in order.
    pub(crate) fn files(&self, fs: &dyn Fs) -> Result<Vec<PathBuf>, StoreError> {
        let mut search = Search { fs, found: BTreeSet::new(), seen: HashSet::new() };
        search.folder(&self.base, &self.parts)?;
        Ok(search.found.into_iter().collect())
    }
}

struct Search<'a> {
    fs: &'a dyn Fs,
    found: BTreeSet<PathBuf>,
    /// The folders that were searched, each with the number of remaining parts. With several `**`,
    /// the search reaches a folder in many ways.
    seen: HashSet<(PathBuf, usize)>,
}

impl Search<'_> {
    fn folder(&mut self, at: &Path, parts: &[Part]) -> Result<(), StoreError> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if !self.seen.insert((at.to_owned(), parts.len())) {
            return Ok(());
        }
        match part {
            Part::Plain(name) => self.step(&at.join(name), rest),
            Part::Fits(pattern) => {
                for name in self.names(at)? {
                    if pattern.matches_with(&name.to_string_lossy(), OPTIONS) {
                        self.step(&at.join(name), rest)?;
                    }
                }
                Ok(())
            }
            Part::Folders => {
                self.folder(at, rest)?;
                for name in self.names(at)? {
                    let path = at.join(&name);
                    let is_hidden = name.as_encoded_bytes().starts_with(b".");
                    if !is_hidden && self.kind(&path)? == Some(FileKind::Folder) {
                        self.folder(&path, parts)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Continues the search at a path that matches so far.
    fn step(&mut self, path: &Path, rest: &[Part]) -> Result<(), StoreError> {
        if !rest.is_empty() {
            return self.folder(path, rest);
        }
        match self.fs.stat(path) {
            Ok(stat) if stat.folder || stat.special => {}
            Ok(_) => drop(self.found.insert(path.to_owned())),
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(error).during("read", path),
        }
        Ok(())
    }

    /// Returns the names in a folder. A path that is not a folder has none.
    fn names(&self, at: &Path) -> Result<Vec<OsString>, StoreError> {
        let at = if at.as_os_str().is_empty() { Path::new(".") } else { at };
        match self.fs.list(at) {
            Err(error) if is_absent(&error) => Ok(Vec::new()),
            names => names.during("read", at),
        }
    }

    fn kind(&self, path: &Path) -> Result<Option<FileKind>, StoreError> {
        match self.fs.kind(path) {
            Err(error) if is_absent(&error) => Ok(None),
            kind => kind.during("read", path).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::fs::Disk;

    /// Returns the files in `folder` that match a pattern, relative to it.
    fn found(folder: &Path, pattern: &str) -> Vec<String> {
        let pattern = Pattern::parse(&folder.join(pattern)).expect("a pattern");
        let files = pattern.files(&Disk).expect("a folder that can be read").into_iter();
        let relative = |file: PathBuf| {
            let file = file.strip_prefix(folder).expect("it lies in the folder").to_owned();
            file.to_str().expect("Unicode").replace('\\', "/")
        };
        files.map(relative).collect()
    }

    #[test]
    fn a_pattern_matches_files_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        for file in
            ["b.csv", "a.csv", ".c.csv", "x.txt", "s/d.csv", "s/t/e.csv", ".h/f.csv", "z[1]"]
        {
            std::fs::create_dir_all(at.join(file).parent().expect("a folder")).expect("a folder");
            std::fs::write(at.join(file), "").expect("a file");
        }
        std::fs::create_dir(at.join("folder.csv")).expect("a folder");
        for (pattern, files) in [
            ("*.csv", &["a.csv", "b.csv"][..]),
            ("?.csv", &["a.csv", "b.csv"]),
            ("[b-z].csv", &["b.csv"]),
            (".*.csv", &[".c.csv"]),
            ("**/*.csv", &["a.csv", "b.csv", "s/d.csv", "s/t/e.csv"]),
            ("**/**/e.csv", &["s/t/e.csv"]),
            ("s/**", &["s/d.csv", "s/t/e.csv"]),
            ("*/d.csv", &["s/d.csv"]),
            ("*/t/*", &["s/t/e.csv"]),
            ("z[[]1]", &["z[1]"]),
            ("b.csv/*", &[]),
            ("gone/*.csv", &[]),
            ("*.parquet", &[]),
        ] {
            assert_eq!(found(at, pattern), files, "{pattern}");
        }
    }

    #[test]
    fn a_path_without_wildcards_is_no_pattern() {
        for path in ["data/a.csv", "data/[.csv", "a**b", "", ".."] {
            assert!(Pattern::parse(Path::new(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn a_folder_that_is_reached_in_many_ways_is_searched_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join(["a"; 40].join("/"));
        std::fs::create_dir_all(&deep).expect("a folder");
        std::fs::write(deep.join("x"), "").expect("a file");
        assert_eq!(found(folder.path(), &format!("{}/x", ["**/a"; 12].join("/"))).len(), 1);
    }
}
