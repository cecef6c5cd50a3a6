//! Finds where the output of a complete instance lies.
//!
//! That is the instance's own folder or, if its output would be reused, the place of that output. Everything
//! that reads outputs outside a run reads them there, and writes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::store::record::{Record, RecordedInstance};
use crate::store::{Folder, Found, Store};

/// The place of an output: a store and a folder in it.
pub(crate) struct Place {
    pub(crate) store: Arc<Store>,
    pub(crate) folder: Folder,
}

impl Place {
    pub(crate) fn path(&self) -> PathBuf {
        self.store.root().join(&self.folder)
    }
}

impl Plan {
    /// Returns where an instance's output lies, or would lie.
    pub(crate) fn output_place(&self, node: NodeIndex) -> Result<Place, StoreError> {
        let kept = self.verdicts.kept(node);
        if let Some(kept) = kept
            && let Some(bring) = &kept.bring
        {
            // The caller reads the files at this place.
            self.bring(node, kept, bring)?;
            let folder = self.graph.folder(node, &self.store)?;
            return Ok(Place { store: Arc::clone(&self.store), folder });
        }
        let store = Arc::clone(kept.and_then(|kept| kept.from.as_ref()).unwrap_or(&self.store));
        let folder = match kept {
            Some(kept) => kept.folder.clone(),
            None => self.graph.folder(node, &self.store)?,
        };
        Ok(Place { store, folder })
    }

    /// Returns the record of an instance's output.
    ///
    /// For an output that would be reused, this is the record that a run would write for the instance.
    pub(crate) fn output_record(&self, node: NodeIndex) -> Result<Found, StoreError> {
        let Some(kept) = self.verdicts.kept(node) else {
            let key = self.graph.node(node).key;
            return self.store.record(&self.graph.folder(node, &self.store)?, key);
        };
        if kept.bring.is_some()
            && let Found::Record(own) = self
                .store
                .record(&self.graph.folder(node, &self.store)?, self.graph.node(node).key)?
            && (own.fingerprint, own.output.digest)
                == (kept.record.fingerprint, kept.record.output.digest)
        {
            // It was fetched since, and its files have other names here.
            return Ok(Found::Record(own));
        }
        let record: &Record = &kept.record;
        let instance = RecordedInstance {
            format: record.format,
            task: record.task.clone(),
            ..self.graph.recorded(node, record.made_from.clone(), record.fingerprint)
        };
        Ok(Found::Record(Box::new(Record::new(instance, record.run()))))
    }
}
