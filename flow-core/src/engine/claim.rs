//! Claims an instance before its task runs, so that no other process runs it meanwhile.
//!
//! The [store](crate::store::claims) says what a claim is, and [`busy`](crate::engine::busy) how a run waits for one that
//! another process holds.
//!
//! Another process may commit the output after a worker has judged the instance, and before the worker has claimed it. So
//! the worker judges the instance once more if it has a record with the fingerprint then. The claim goes to the
//! committer with the output, and is released after the commit. If the task fails or takes too long, it is released at
//! once.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::engine::busy::Others;
use crate::engine::worker::Worker;
use crate::plan::Plan;
use crate::plan::reason::Reason;
use crate::store::claims::{Claim, Claimed};
use crate::store::record::Record;
use crate::store::{Folder, Found};

impl Worker<'_> {
    /// Claims an instance that has to run. Returns `false` if another process is running it.
    ///
    /// A value in memory is not claimed, because no other process can take it.
    pub(super) fn claim(&self, claim: &mut Option<Arc<Claimed>>) -> bool {
        let job = self.job;
        let graph = &self.execution.plan.graph;
        let Some(claims) = &self.execution.session.claims else { return true };
        if graph.task(job.node).task.in_memory || job.others == Others::Circle {
            return true;
        }
        match claims.try_claim(graph.node(job.node).key) {
            Claim::Taken(taken) => {
                let taken = Arc::new(taken);
                job.control.hold(&taken);
                *claim = Some(taken);
            }
            Claim::Held => return false,
            Claim::Unsupported => {}
        }
        true
    }

    /// Whether there is a record with this fingerprint.
    pub(super) fn has_record(
        &self,
        node: NodeIndex,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<bool, StoreError> {
        let Plan { store, graph, .. } = &*self.execution.plan;
        // In most cases there is no record, and one system call suffices.
        if !store.has_record(folder) {
            return Ok(false);
        }
        let found = store.record(folder, graph.node(node).key)?;
        Ok(matches!(found, Found::Record(record) if record.fingerprint == fingerprint))
    }

    /// Whether another process has computed a complete output since the plan was judged.
    ///
    /// Otherwise its inputs have turned out to be unchanged. Then it was pending for no other reason than those.
    pub(super) fn is_new(&self, node: NodeIndex, record: &Record) -> bool {
        let is_own = |reason: &Reason| !matches!(reason, Reason::Upstream { .. } | Reason::Forced);
        record.started >= self.execution.session.begun
            || self.execution.plan.verdicts.reasons(node).iter().any(is_own)
    }
}
