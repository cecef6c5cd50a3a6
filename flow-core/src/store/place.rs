//! Places: where a task writes the files that are its output.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::key::Digest;
use crate::store::error::StoreError;
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
}

impl Places {
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder, fingerprint: Digest) -> Self {
        let (store, folder) = (Arc::clone(store), folder.clone());
        Self { store, folder, fingerprint, given: Mutex::default() }
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
        // Tasks may change the current folder, or hand the path to a program that has another one.
        let path = std::path::absolute(&path).unwrap_or(path);
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
