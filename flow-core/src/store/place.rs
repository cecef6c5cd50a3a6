//! Places: the paths at which a task writes its output itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;

use crate::base::error::StoreError;
use crate::base::fs::{FileKind, Refused};
use crate::base::key::Digest;
use crate::store::{Folder, Store};

/// The paths that one run of a task received for its output, by part.
///
/// The files at paths that did not become an output are removed when this is dropped.
#[doc(hidden)]
pub struct Places {
    store: Arc<Store>,
    folder: Folder,
    fingerprint: Digest,
    given: Mutex<BTreeMap<String, PathBuf>>,
    /// Whether the output is external and is copied. Then the task writes nothing to the places.
    is_copied: bool,
}

impl Places {
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder, fingerprint: Digest) -> Self {
        let (store, folder) = (Arc::clone(store), folder.clone());
        Self { store, folder, fingerprint, given: Mutex::default(), is_copied: false }
    }

    /// Returns the same places, for an external output that is copied to them.
    pub(crate) fn copying(mut self) -> Self {
        self.is_copied = true;
        self
    }

    /// Returns whether the output is external and is copied.
    pub(crate) fn is_copied(&self) -> bool {
        self.is_copied
    }

    /// Copies a file or folder to the place of a part.
    pub(crate) fn copy(&self, part: &str, extension: &str, path: &Path) -> anyhow::Result<PathBuf> {
        let to = self.give(part, extension)?;
        // The user named this path, so it may be a link.
        let from = self.store.unconfined().canonical(path);
        let copied = from.and_then(|from| self.copy_all(&from, &to));
        copied.with_context(|| format!("cannot copy {path:?}"))?;
        Ok(to)
    }

    fn copy_all(&self, from: &Path, to: &Path) -> std::io::Result<()> {
        let (user, store) = (self.store.unconfined(), self.store.fs());
        match user.kind(from)? {
            FileKind::Folder => {}
            FileKind::File => return store.copy(from, to),
            FileKind::Link => {
                let why =
                    format!("{} is a link, and an output must not contain links", from.display());
                return Err(std::io::Error::other(why));
            }
            FileKind::Other => return Err(Refused::Special.into()),
        }
        store.create_folder(to)?;
        for name in user.list(from)? {
            self.copy_all(&from.join(&name), &to.join(&name))?;
        }
        Ok(())
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, PathBuf>> {
        self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Returns the place of a part. Repeated calls return the same path.
    pub(crate) fn give(&self, part: &str, extension: &str) -> Result<PathBuf, StoreError> {
        let mut given = self.all();
        if let Some(path) = given.get(part) {
            return Ok(path.clone());
        }
        let (_, path) = self.store.new_output(&self.folder, self.fingerprint, part, extension)?;
        given.insert(part.to_owned(), path.clone());
        Ok(path)
    }

    /// Returns the place of a part, if `give` was called for it.
    pub(crate) fn given(&self, part: &str) -> Option<PathBuf> {
        self.all().get(part).cloned()
    }

    /// Marks the files of a part as an output, so that they are not removed.
    pub(crate) fn taken(&self, part: &str) {
        self.all().remove(part);
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        for path in self.all().values() {
            self.store.discard_path(path);
        }
    }
}
