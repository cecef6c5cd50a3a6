//! History: how earlier outputs were computed, and how long that took.

use crate::base::key::{Digest, Key};
use crate::store::record::Record;
use crate::store::{Folder, RECORD, Store, TaskFolder};

impl Store {
    /// Returns the latest record among the kept versions of `key` whose output has this content.
    ///
    /// The record is returned even if its output no longer exists.
    pub(crate) fn version_with(
        &self,
        task: &TaskFolder,
        key: Key,
        content: Digest,
    ) -> Option<Box<Record>> {
        let versions = self.versions_of(task, key.short()).ok()?.into_iter();
        let records = versions.filter_map(|path| self.read_record(&path).ok()??.ok());
        let with_content = records.filter(|record| record.output.digest == content);
        with_content.max_by_key(|record| record.started)
    }

    /// Returns the records of up to `count` instances of the task.
    pub(crate) fn some_records(&self, task: &TaskFolder, count: usize) -> Vec<Record> {
        let record = |folder: Folder| {
            let record = self.read_record(&self.path(&folder, RECORD)).ok()??;
            record.ok().map(|record| *record)
        };
        let folders = self.some_listed(task, count).unwrap_or_default();
        folders.into_iter().filter_map(record).collect()
    }
}
