//! Completeness by the record cache: finds that an instance is complete without reading its record.
//!
//! The cache has what a plan compares of each record ([`Extract`]). If all of it is as it was, the instance is
//! complete. In any other case [`Judge::judge`] reads the record and decides, so that the cache has no part in
//! any other verdict, and in no reason.

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::fs::Stat;
use crate::plan::judge::Judge;
use crate::store::record::Record;
use crate::store::record_cache::{Extract, ExtractFile, RecordCache, Stamp};
use crate::store::{Folder, Found};
use crate::task::Kind;

impl<'a> Judge<'a> {
    /// Returns this judge with a cache of records.
    pub(super) fn with_record_cache(self, records: Option<&'a RecordCache>) -> Self {
        Self { records, ..self }
    }

    /// Returns the extract of an instance's record, if it is in the cache and shows that the instance is
    /// complete.
    ///
    /// This takes one system call for the record and one for each file of the output.
    pub(super) fn complete_by_cache(&self, node: NodeIndex) -> Result<Option<Extract>, StoreError> {
        let (graph, store) = (self.graph, self.store);
        let Some(records) = self.records else { return Ok(None) };
        // What is outside of the store is compared with the record itself.
        let is_outside = graph.task(node).outside.is_some();
        if graph.kind(node) != Kind::Made || graph.is_forced(node) || is_outside {
            return Ok(None);
        }
        let (entry, key) = (graph.task(node), graph.node(node).key);
        let Some(folder) = store.listed_folder(&entry.folder, key.short())? else {
            return Ok(None);
        };
        let Some(extract) = records.get(store, &entry.folder, &folder, key) else {
            return Ok(None);
        };
        if self.fingerprint(node)? != Some(extract.fingerprint)
            || self.due(node, extract.started).is_some()
        {
            return Ok(None);
        }
        for read in &extract.reads {
            if self.changed_read(node, read)?.is_some() {
                return Ok(None);
            }
        }
        let is_whole = match extract.files.as_slice() {
            [] => store.memory().contains(extract.digest),
            files => files.iter().all(|file| {
                store.stat_in(&folder, &file.name).is_ok_and(|stat| is_as_recorded(&stat, file))
            }),
        };
        Ok(is_whole.then_some(extract))
    }

    /// Reads the record of an instance. Returns it with its stamp, if it may be cached.
    pub(super) fn read_record(
        &self,
        node: NodeIndex,
        folder: &Folder,
    ) -> Result<(Found, Option<Stamp>), StoreError> {
        let key = self.graph.node(node).key;
        match self.records {
            Some(records) => records.read(self.store, &self.graph.task(node).folder, folder, key),
            None => Ok((self.store.record(folder, key)?, None)),
        }
    }

    /// Caches the record of an instance that is complete, and whose files are as recorded.
    pub(super) fn cache_record(&self, node: NodeIndex, stamp: Option<Stamp>, record: &Record) {
        if let (Some(records), Some(stamp)) = (self.records, stamp) {
            records.add(self.store, &self.graph.task(node).folder, stamp, record);
        }
    }
}

/// Returns whether a file of an output has the recorded size and time, and is no link.
fn is_as_recorded(stat: &Stat, file: &ExtractFile) -> bool {
    let is_regular = !stat.folder && !stat.special;
    is_regular && (stat.bytes, stat.modified) == (file.bytes, file.modified)
}
