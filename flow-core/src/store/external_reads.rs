//! External reads: the files and environment variables that tasks read.
//!
//! The location of the project does not count. `cx.file` records an absolute path below the
//! project's folder together with the path relative to that folder. A later plan looks for the file
//! at both. If both exist, both must have the recorded content, because the plan cannot know which
//! one the task would read.

use std::path::{Path, PathBuf};

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::files::Pattern;
use crate::store::Store;
use crate::store::folder::is_env_folder;

/// Returns what `look` finds at a recorded path, or at the same path in the project's present
/// folder.
///
/// If files exist at both places, returns the one that differs from `recorded`.
pub(crate) fn found(
    (path, project): (&str, &Option<String>),
    recorded: Option<Digest>,
    store: &Store,
    look: impl Fn(&Path) -> Result<Option<Digest>, StoreError>,
) -> Result<Option<Digest>, StoreError> {
    let path = Path::new(path);
    let moved = project.as_ref().map(|project| project_folder(store).join(project));
    let Some(moved) = moved.filter(|moved| moved != path) else { return look(path) };
    match look(&moved)? {
        None => look(path),
        // The recorded path may lie in the folder of another user and be unreadable.
        now => Ok(look(path).unwrap_or_default().filter(|was| Some(*was) != recorded).or(now)),
    }
}

/// Returns the folder of the project, which contains the store's folder, for every namespace.
fn project_folder(store: &Store) -> PathBuf {
    let root = std::path::absolute(store.root()).unwrap_or_else(|_| store.root().to_owned());
    let name = root.file_name().and_then(|name| name.to_str());
    let store = match name.is_some_and(is_env_folder) {
        true => root.parent().unwrap_or(&root),
        false => &root,
    };
    store.parent().unwrap_or(store).to_owned()
}

/// Returns an absolute path relative to the project, if it lies in the project.
pub(crate) fn in_project(path: &Path, store: &Store) -> Option<String> {
    let project = path.is_absolute().then(|| project_folder(store))?;
    Some(path.strip_prefix(project).ok()?.to_str()?.to_owned())
}

/// Returns the message that a required file does not exist.
pub(crate) fn no_file(path: &str) -> String {
    match Pattern::parse(Path::new(path)) {
        Some(_) => format!("no file matches {path:?}"),
        None => format!("there is no file {path:?}"),
    }
}

/// Returns the digest of an environment variable, if it is set.
///
/// The value is hashed with the key of the store, because it may be a secret and a short password
/// can be guessed from a plain hash. So an output that depends on a variable is not reused by
/// another store.
pub(crate) fn digest_env(name: &str, store: &Store) -> Result<Option<Digest>, StoreError> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let hash = store.secret_key()?.hash(value.as_encoded_bytes());
    Ok(Some(Hasher::new("env").bytes(&hash).digest()))
}
