//! Paths that users write, and which paths below them belong to the store.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::base::names::INTERNAL;
use crate::base::names::key_of;

/// A path that users write: a folder, or the base of a pattern.
pub(super) struct UserPath<'a> {
    path: &'a Path,
    /// The path from there to the store. Empty if the path itself is inside the store, `None` if
    /// nothing below it is in the store.
    store: Option<PathBuf>,
}

impl<'a> UserPath<'a> {
    /// `store` is the absolute path of the store.
    pub(super) fn new(path: &'a Path, store: &Path) -> Self {
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        // Nothing can lie below a path that cannot be made absolute.
        let store =
            std::path::absolute(here).ok().and_then(|here| match store.strip_prefix(&here) {
                Ok(below) => Some(below.to_owned()),
                Err(_) => here.starts_with(store).then(PathBuf::new),
            });
        Self { path, store }
    }

    /// Returns whether a path below this one is inside `.flow` or the folder of an instance.
    ///
    /// A user who names such a folder itself wants it to be read.
    pub(super) fn is_stored(&self, path: &Path) -> bool {
        let own = |name: &OsStr| {
            name == INTERNAL || name.to_str().is_some_and(|name| key_of(name).is_some())
        };
        self.in_store(path).is_some_and(|below| below.iter().any(own))
    }

    /// Returns the path relative to the store, if it is inside the store.
    pub(super) fn in_store<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.strip_prefix(self.path).ok()?.strip_prefix(self.store.as_ref()?).ok()
    }

    /// Returns whether runs write to a folder at or below this path: it holds the store, or is
    /// inside it.
    pub(super) fn holds_store(&self, folder: &Path) -> bool {
        let is_above = |store: &PathBuf| {
            folder.strip_prefix(self.path).is_ok_and(|below| store.starts_with(below))
        };
        self.in_store(folder).is_some() || self.store.as_ref().is_some_and(is_above)
    }
}
