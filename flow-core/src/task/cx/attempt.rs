//! [`Attempt`]: what one attempt to run a task leaves behind besides its output.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::store::figures::FigureDrafts;
use crate::store::log::Log;
use crate::store::record::Meta;
use crate::store::{Folder, Store};

/// What one attempt to run a task leaves behind besides its output: its log, the metadata that it has recorded, and its
/// figures and notes.
///
/// It outlives the context of the task, because all of them are reported if the task fails.
pub(crate) struct Attempt {
    log: Log,
    meta: Mutex<Meta>,
    figures: FigureDrafts,
}

impl Attempt {
    /// Creates an attempt that logs into this folder.
    pub(crate) fn new(store: &Arc<Store>, folder: &Folder) -> Self {
        Self {
            log: Log::new(store, folder),
            meta: Mutex::default(),
            figures: FigureDrafts::new(store, folder),
        }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// Returns the figures and notes. The record of the output or of the failure takes them; otherwise they are removed.
    pub(crate) fn figures(&self) -> &FigureDrafts {
        &self.figures
    }

    fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_meta(&self, name: &str, value: serde_json::Value) {
        self.meta().insert(name.to_owned(), value);
    }

    /// Returns whether metadata of this name was recorded.
    pub(crate) fn has_meta(&self, name: &str) -> bool {
        self.meta().contains_key(name)
    }

    /// Returns a recorded metadata entry.
    pub(crate) fn recorded(&self, name: &str) -> Option<serde_json::Value> {
        self.meta().get(name).cloned()
    }

    /// Returns the metadata that was recorded so far.
    ///
    /// The coordinator may read it for the failure of a task that takes too long, while the worker reads it for the output.
    pub(crate) fn all_meta(&self) -> Meta {
        self.meta().clone()
    }
}
