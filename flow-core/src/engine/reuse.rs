//! Reuse of an output that is there already, in place of running the task.
//!
//! A kept version or an output of another store is linked into the folder of the instance, and one of a remote is
//! fetched. Then a record for the instance is staged, as if the task had run.

use daggy::NodeIndex;

use crate::base::error::{IoContext, StoreError};
use crate::engine::message::NewlyMade;
use crate::engine::worker::Worker;
use crate::store::Folder;
use crate::store::kept::Kept;
use crate::store::output::Output;
use crate::store::record::MadeFrom;

impl Worker<'_> {
    /// Links or fetches a kept output into the folder of the instance, and stages a record for it.
    ///
    /// The record names what the task required in the run that produced the output.
    pub(super) fn reuse(
        &self,
        node: NodeIndex,
        folder: &Folder,
        kept: &Kept,
        made_from: MadeFrom,
    ) -> Result<NewlyMade, StoreError> {
        let plan = &self.execution.plan;
        let output = match &kept.bring {
            Some(bring) => plan.fetch_files(node, kept, bring, folder)?,
            None => self.link(node, folder, kept)?,
        };
        let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
        let instance = plan.graph.recorded(node, made_from, fingerprint);
        let mut record = kept.record.reused(instance, output);
        if let Err(error) = plan.store.sign_reused(&mut record) {
            plan.store.discard(folder, &record.output);
            return Err(error);
        }
        self.stage(node, folder.clone(), record)
    }

    /// Links the files of an output of this store, or of another one, into the folder of the instance.
    fn link(&self, node: NodeIndex, folder: &Folder, kept: &Kept) -> Result<Output, StoreError> {
        let plan = &self.execution.plan;
        let entry = plan.graph.task(node);
        if let Some(other) = &kept.from {
            plan.store.keep_code_table(&entry.codes, entry.code_digest);
            if let Some(digest) = kept.record.crates {
                plan.store.keep_crates(digest, || other.crates(digest));
            }
        }
        let owner = kept.from.as_ref().unwrap_or(&plan.store);
        let from = owner.root().join(&kept.folder);
        let output = &kept.record.output;
        if let (Some(other), true) = (&kept.from, output.is_in_memory()) {
            let forgotten = || std::io::Error::from(std::io::ErrorKind::NotFound);
            let value = other.memory().remembered(output.digest).ok_or_else(forgotten);
            let value = value.during("take over", &from)?;
            plan.store.memory().keep(output.digest, value, &entry.decl.name);
        }
        // The links get new names even within one folder: another process may remove the kept version as
        // surplus, and must not remove this output with it.
        plan.store.stage_links(&from, output, folder, kept.record.fingerprint)
    }
}
