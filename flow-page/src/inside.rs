//! Which files the page may read: those of outputs in the store, and no others.
//!
//! No address names a path: a file is the number of a part in a record. A record may come from anyone, though, and the file
//! of an external task is somewhere else. So the path of each file is resolved, links included, before it is opened.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use flow_targets::inspect::OutputFile;

use crate::error::ViewError;

/// The folder with what the library itself keeps in a store, such as the key of secrets.
const INTERNAL: &str = ".flow";

/// Returns the path of an output's file, if it is in the store whose folder is `root`.
///
/// # Errors
///
/// The file is outside of the store, or in its internal folder, or does not exist.
pub(crate) fn path_inside(root: &Path, path: &Path) -> Result<PathBuf, ViewError> {
    let refused = || {
        ViewError::Refused("the file is not in the store, and the page shows no others".to_owned())
    };
    let missing = |_| ViewError::not_found("the file does not exist");
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(refused());
    }
    let root = root.canonicalize().map_err(missing)?;
    let path = path.canonicalize().map_err(missing)?;
    let below = path.strip_prefix(&root).map_err(|_| refused())?;
    match below.components().next() {
        Some(Component::Normal(first)) if first != OsStr::new(INTERNAL) => Ok(path),
        _ => Err(refused()),
    }
}

/// Checks that a file of an output may be read: see [`path_inside`].
pub(crate) fn check(root: &Path, file: &OutputFile) -> Result<(), ViewError> {
    path_inside(root, file.path()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_files_of_the_store_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store");
        fs::create_dir_all(store.join(".flow")).expect("a folder");
        fs::create_dir_all(store.join("Task/a")).expect("a folder");
        for name in ["store/.flow/key", "store/Task/a/data.json", "outside.txt"] {
            fs::write(folder.path().join(name), "x").expect("a file");
        }
        let reads = |path: &str| path_inside(&store, &store.join(path)).is_ok();
        assert!(reads("Task/a/data.json"));
        for path in [
            "../outside.txt",
            "Task/../../outside.txt",
            "Task/../.flow/key",
            ".flow/key",
            ".",
            "none",
        ] {
            assert!(!reads(path), "{path}");
        }
        assert!(!reads("/etc/passwd"));
        #[cfg(unix)]
        {
            let link = |to: &Path, name: &str| {
                std::os::unix::fs::symlink(to, store.join(name)).expect("a link");
            };
            link(&folder.path().join("outside.txt"), "Task/a/out");
            link(folder.path(), "Task/up");
            link(&store.join(".flow"), "Task/internal");
            for path in ["Task/a/out", "Task/up/outside.txt", "Task/internal/key"] {
                assert!(!reads(path), "{path}");
            }
        }
    }
}
