//! What tasks read from outside the flow, files and the environment, and whether it is the same
//! now.

use std::path::Path;

use crate::content::{Contents, Pattern};
use crate::key::{Digest, Hasher};
use crate::plan::reason::Reason;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::record::Read;

/// How something that was read from outside is different now, if it is. What was read of inputs is
/// not from outside.
pub(crate) fn changed(
    read: &Read,
    contents: &Contents,
    store: &Store,
) -> Result<Option<Reason>, StoreError> {
    Ok(match read {
        Read::File { path, digest } => {
            let now = contents.digest(Path::new(path))?;
            let what = if now.is_some() { "changed" } else { "is missing" };
            (now != *digest).then(|| Reason::File { path: path.clone(), what })
        }
        Read::Files { path, digest } => {
            let now = contents.meant(Path::new(path))?;
            (now != *digest).then(|| file_changed(path, now))
        }
        Read::Env { name, digest } => {
            let now = digest_env(name, store)?;
            let what = match now {
                None => "is not set any more",
                Some(_) if digest.is_none() => "is set now",
                Some(_) => "changed",
            };
            (now != *digest).then(|| Reason::Env { name: name.clone(), what })
        }
        Read::Task { .. } | Read::Meta { .. } | Read::Seed { .. } => None,
    })
}

/// What is different about the files that a path, as users give it, stands for.
pub(crate) fn file_changed(path: &str, now: Option<Digest>) -> Reason {
    let what = match now {
        Some(_) => "changed",
        None if Pattern::parse(Path::new(path)).is_some() => "matches no file",
        None => "is missing",
    };
    Reason::File { path: path.to_owned(), what }
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
