//! Fetches the output of an instance that a remote holds.
//!
//! A load commits it at once. In a run, the committer commits it with the outputs of others.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::plan::Plan;
use crate::store::kept::{Bring, Kept};
use crate::store::made::Made;
use crate::store::output::{Look, Output};
use crate::store::record::RecordedInstance;
use crate::store::{Folder, Found};

impl Plan {
    /// Fetches an output into the store, unless an earlier call has, and returns it.
    pub(crate) fn bring(
        &self,
        node: NodeIndex,
        kept: &Kept,
        bring: &Arc<dyn Bring>,
    ) -> Result<Made, StoreError> {
        let (graph, store) = (&self.graph, &self.store);
        let folder = graph.folder(node, store)?;
        let found = &kept.record;
        if let Found::Record(record) = store.record(&folder, graph.node(node).key)?
            && record.fingerprint == found.fingerprint
            && record.output.digest == found.output.digest
            && store.look_at(&folder, &record.output, self.trust)?.look == Look::Whole
        {
            return Ok(Made::new(folder, *record));
        }
        // The lock keeps a garbage collection from removing the files before the commit.
        let _run_lock = store.begin()?;
        let output = self.fetch_files(node, kept, bring, &folder)?;
        let instance = RecordedInstance {
            format: found.format,
            task: found.task.clone(),
            ..graph.recorded(node, found.made_from.clone(), found.fingerprint)
        };
        let mut record = found.reused(instance, output);
        let signed = store.sign_reused(&mut record);
        let staged = signed.and_then(|()| store.stage_record(&folder, &record, true));
        let staged = staged.inspect_err(|_| store.discard(&folder, &record.output))?;
        let task = Arc::clone(&graph.task(node).folder);
        let mut committed = store.commit(vec![(task, staged)]);
        let (_, _, result) = committed.pop().expect("one result for one output");
        if let Err(error) = result {
            store.discard(&folder, &record.output);
            return Err(error);
        }
        Ok(Made::new(folder, record))
    }

    /// Fetches the files of an output under new names into the folder of the instance, and keeps what explains its code.
    pub(crate) fn fetch_files(
        &self,
        node: NodeIndex,
        kept: &Kept,
        bring: &Arc<dyn Bring>,
        folder: &Folder,
    ) -> Result<Output, StoreError> {
        let (store, entry, found) = (&self.store, self.graph.task(node), &kept.record);
        store.keep_code_table(&entry.codes, entry.code_digest);
        if let Some(digest) = found.crates {
            store.keep_crates(digest, || bring.crates(digest));
        }
        store.stage_files(&found.output, folder, found.fingerprint, |piece, to| {
            bring.bring(store, (piece.digest, piece.bytes), to)
        })
    }
}
