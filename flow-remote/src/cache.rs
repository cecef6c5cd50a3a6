//! The segments of the index of remotes on the local disk.
//!
//! A segment never changes under its name, which is its digest. So it is fetched once on each machine, and a file that was
//! damaged or written by another user does no harm: its digest is compared when it is read. Errors are ignored: this is
//! only a cache.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::names;

/// The variable that names the folder of the cache.
const FOLDER: &str = "FLOW_REMOTE_CACHE";

/// A folder with segments of the index.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cache {
    /// `None` if nothing is cached.
    folder: Option<PathBuf>,
}

impl Cache {
    /// Returns a cache in this folder, or one that caches nothing.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Returns the cache of this user: in `FLOW_REMOTE_CACHE`, or in the folder for caches.
    pub(crate) fn of_user() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let folder = variable(FOLDER).map(PathBuf::from).or_else(|| {
            let base = variable("XDG_CACHE_HOME")
                .or_else(|| variable("LOCALAPPDATA"))
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))?;
            Some(base.join("typed-flow").join("remotes"))
        });
        // A path relative to the current folder would be another one in each folder.
        Self { folder: folder.filter(|folder| folder.is_absolute()) }
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(&digest[..2]).join(format!("{digest}.json")))
    }

    /// Returns the segment with this digest.
    pub(crate) fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let bytes = fs::read(self.path(digest)?).ok()?;
        (names::digest(&bytes) == digest).then_some(bytes)
    }

    /// Keeps a segment.
    pub(crate) fn keep(&self, digest: &str, bytes: &[u8]) {
        let Some(path) = self.path(digest) else { return };
        let Some(folder) = path.parent() else { return };
        let incoming = folder.join(format!(".{digest}.{}", std::process::id()));
        let kept = fs::create_dir_all(folder)
            .and_then(|()| fs::write(&incoming, bytes))
            .and_then(|()| fs::rename(&incoming, &path));
        if kept.is_err() {
            let _ = fs::remove_file(&incoming);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_file_is_no_segment() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(Some(folder.path().to_owned()));
        let digest = names::digest(b"segment");
        assert_eq!(cache.get(&digest), None);
        cache.keep(&digest, b"segment");
        assert_eq!(cache.get(&digest).as_deref(), Some(&b"segment"[..]));
        fs::write(cache.path(&digest).expect("a path"), "other").expect("it is written");
        assert_eq!(cache.get(&digest), None);
        Cache::new(None).keep(&digest, b"segment");
    }
}
