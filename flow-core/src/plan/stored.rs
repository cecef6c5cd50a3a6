//! Where the output of a complete instance lies.
//!
//! That is its own folder or, if the output would be reused from another place, that place: whatever
//! reads outputs reads it there, and writes nothing.

use daggy::NodeIndex;

use crate::plan::Plan;
use crate::store::error::{IoContext, StoreError};
use crate::store::kept::Kept;
use crate::store::record::Record;
use crate::store::{Folder, Found};

impl Plan {
    /// The folder of an instance's output, or where it would be. It is relative to that of the
    /// store, or absolute if another store has the output.
    pub(crate) fn output_folder(&self, node: NodeIndex) -> Result<Folder, StoreError> {
        match self.verdicts.kept(node) {
            Some(kept) => kept_folder(kept),
            None => self.graph.folder(node, &self.store),
        }
    }

    /// The record of an instance's output, with its folder. What is reused has the record that the
    /// instance gets when a run reuses it.
    pub(crate) fn output_record(&self, node: NodeIndex) -> Result<(Folder, Found), StoreError> {
        let Some(kept) = self.verdicts.kept(node) else {
            let folder = self.graph.folder(node, &self.store)?;
            let found = self.store.record(&folder, self.graph.node(node).key)?;
            return Ok((folder, found));
        };
        let record = Record {
            key: self.graph.node(node).key,
            parameters: self.graph.recorded_parameters(node),
            made_from: self.graph.with_labels(node, kept.record.made_from.clone()),
            ..Record::clone(&kept.record)
        };
        Ok((kept_folder(kept)?, Found::Record(Box::new(record))))
    }
}

/// The folder of an output that is reused, absolute if another store has it.
pub(crate) fn kept_folder(kept: &Kept) -> Result<Folder, StoreError> {
    let Some(other) = &kept.from else { return Ok(kept.folder.clone()) };
    let folder = other.root().join(&kept.folder);
    std::path::absolute(&folder).during("look at", &folder)
}
