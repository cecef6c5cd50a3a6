//! A path as users write it, and what of the store lies below it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::base::names::INTERNAL;
use crate::base::names::key_of;

/// A path that users give: a folder, or that of a pattern.
pub(super) struct Written<'a> {
    path: &'a Path,
    /// The way from there to the store, which is none if it lies in the store; `None` if what lies
    /// below it is nowhere in the store.
    store: Option<PathBuf>,
}

impl<'a> Written<'a> {
    /// `store` is the folder of the store, from the root of the file system.
    pub(super) fn new(path: &'a Path, store: &Path) -> Self {
        let here = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        // A path that cannot be made absolute is no path that anything lies below.
        let store =
            std::path::absolute(here).ok().and_then(|here| match store.strip_prefix(&here) {
                Ok(way) => Some(way.to_owned()),
                Err(_) => here.starts_with(store).then(PathBuf::new),
            });
        Self { path, store }
    }

    /// Whether a path below it is one of the store's own folders, or lies in one. Who names such a
    /// folder means it.
    pub(super) fn is_stored(&self, path: &Path) -> bool {
        let own = |name: &OsStr| {
            name == INTERNAL || name.to_str().is_some_and(|name| key_of(name).is_some())
        };
        self.in_store(path).is_some_and(|way| way.iter().any(own))
    }

    /// How a path below it goes on in the store, if it lies there.
    pub(super) fn in_store<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        path.strip_prefix(self.path).ok()?.strip_prefix(self.store.as_ref()?).ok()
    }

    /// Whether a folder at it or below it is written to by runs: it holds the store, or lies in it.
    pub(super) fn holds_store(&self, folder: &Path) -> bool {
        let is_above = |way: &PathBuf| {
            folder.strip_prefix(self.path).is_ok_and(|below| way.starts_with(below))
        };
        self.in_store(folder).is_some() || self.store.as_ref().is_some_and(is_above)
    }
}
