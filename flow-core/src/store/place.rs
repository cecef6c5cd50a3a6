//! Places: where a task writes the files that are its output.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use anyhow::Context;

use crate::base::error::StoreError;
use crate::base::fs::{FileKind, Refused};
use crate::base::key::Digest;
use crate::store::log::Log;
use crate::store::{Folder, Store};

/// The places that one run of a task was given to write to, by part. What is not taken as an
/// output when the run has ended is removed.
#[doc(hidden)]
pub struct Places {
    store: Arc<Store>,
    folder: Folder,
    fingerprint: Digest,
    given: Mutex<BTreeMap<String, PathBuf>>,
    /// Whether nobody has written there: what lies elsewhere is copied.
    is_copied: bool,
}

impl Places {
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder, fingerprint: Digest) -> Self {
        let (store, folder) = (Arc::clone(store), folder.clone());
        Self { store, folder, fingerprint, given: Mutex::default(), is_copied: false }
    }

    /// The same, for an output that lies elsewhere and is copied.
    pub(crate) fn copying(mut self) -> Self {
        self.is_copied = true;
        self
    }

    /// Whether an output lies elsewhere and is copied.
    pub(crate) fn is_copied(&self) -> bool {
        self.is_copied
    }

    /// Copies a file, or a folder, to the place of a part.
    pub(crate) fn copy(&self, part: &str, extension: &str, path: &Path) -> anyhow::Result<PathBuf> {
        let to = self.give(part, extension)?;
        // The path itself may be a link, for the user has named it.
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
                let why = format!("{} is a link: an output has none", from.display());
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

    /// The log of the run.
    pub(crate) fn log(&self) -> Log {
        Log::new(&self.store, &self.folder)
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, PathBuf>> {
        self.given.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Gives the place of a part: the same one whenever it is asked for.
    pub(crate) fn give(&self, part: &str, extension: &str) -> Result<PathBuf, StoreError> {
        let mut given = self.all();
        if let Some(path) = given.get(part) {
            return Ok(path.clone());
        }
        let (_, path) = self.store.new_output(&self.folder, self.fingerprint, part, extension)?;
        given.insert(part.to_owned(), path.clone());
        Ok(path)
    }

    /// The place that a part was given, if it was.
    pub(crate) fn given(&self, part: &str) -> Option<PathBuf> {
        self.all().get(part).cloned()
    }

    /// Says that what lies there is an output now.
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
