//! An existing output, with what is needed to load it.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::key::Digest;
use crate::store::output::Output;
use crate::store::record::{Meta, Record};
use crate::store::{Folder, Store};

/// An existing output, with what is needed to load it. It is small, because a plan may hold many.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) folder: Folder,
    pub(crate) output: Output,
    pub(crate) meta: Meta,
    /// The fingerprint in the record; `None` if there is no record, as for an external file.
    pub(crate) fingerprint: Option<Digest>,
    /// The store that holds the output, if it is not the plan's own.
    pub(crate) from: Option<Arc<Store>>,
}

impl Made {
    pub(crate) fn new(folder: Folder, record: Record) -> Self {
        let fingerprint = Some(record.fingerprint);
        Self { folder, output: record.output, meta: record.meta, fingerprint, from: None }
    }

    /// Returns the path of the output: its file or, if it has several, the folder. `None` if it is in memory.
    ///
    /// `own` is the store of the plan.
    pub(crate) fn path(&self, own: &Arc<Store>) -> Option<PathBuf> {
        let store = self.store(own);
        match self.output.files.as_slice() {
            [] => None,
            [file] => Some(store.path(&self.folder, &file.file)),
            _ => Some(store.root().join(&self.folder)),
        }
    }

    /// Returns the store that holds the output. `own` is the store of the plan.
    pub(crate) fn store<'a>(&'a self, own: &'a Arc<Store>) -> &'a Arc<Store> {
        self.from.as_ref().unwrap_or(own)
    }
}
