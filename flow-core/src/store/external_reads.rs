//! What tasks read from outside the flow: files and variables of the environment.

use std::path::{Path, PathBuf};

use crate::base::error::StoreError;
use crate::base::key::{Digest, Hasher};
use crate::files::Pattern;
use crate::store::Store;
use crate::store::folder::is_env_folder;

/// What a path leads to now, and what it leads to in the project, if the project is in another folder
/// than it was. If both are there, the one that is not as `recorded`.
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
        // Another user's folder may not be readable.
        now => Ok(look(path).unwrap_or_default().filter(|was| Some(*was) != recorded).or(now)),
    }
}

/// The folder of the project: the one that the store lies in, whichever environment is open.
fn project_folder(store: &Store) -> PathBuf {
    let root = std::path::absolute(store.root()).unwrap_or_else(|_| store.root().to_owned());
    let name = root.file_name().and_then(|name| name.to_str());
    let store = match name.is_some_and(is_env_folder) {
        true => root.parent().unwrap_or(&root),
        false => &root,
    };
    store.parent().unwrap_or(store).to_owned()
}

/// The path relative to the project of what an absolute path leads to, if that is in the project.
pub(crate) fn in_project(path: &Path, store: &Store) -> Option<String> {
    let project = path.is_absolute().then(|| project_folder(store))?;
    Some(path.strip_prefix(project).ok()?.to_str()?.to_owned())
}

/// That there is no file where one is needed.
pub(crate) fn no_file(path: &str) -> String {
    match Pattern::parse(Path::new(path)) {
        Some(_) => format!("no file matches {path:?}"),
        None => format!("there is no file {path:?}"),
    }
}

/// The digest of a variable of the environment, if it is set. It may be a secret, and so it is
/// hashed by the key of the store.
pub(crate) fn digest_env(name: &str, store: &Store) -> Result<Option<Digest>, StoreError> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let hash = store.secret_key()?.hash(value.as_encoded_bytes());
    Ok(Some(Hasher::new("env").bytes(&hash).digest()))
}
