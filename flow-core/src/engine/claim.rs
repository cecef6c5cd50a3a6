//! Claims an instance before its task runs, so that no other process runs it meanwhile.
//!
//! The [store](crate::store::claims) says what a claim is, and [`busy`](crate::engine::busy) how a run waits for one that
//! another process holds.
//!
//! Another process may commit the output after a worker has judged the instance, and before the worker has claimed it. So
//! the worker judges the instance once more if it has a record with the fingerprint then. The claim goes to the
//! committer with the output, and is released after the commit. If the task fails or takes too long, it is released at
//! once.
//!
//! A run without a coordinator, which debugs one instance, waits for the claim on its own thread
//! ([`Execution::claim_alone`]).

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::{Digest, Key};
use crate::engine::Execution;
use crate::engine::busy::{FIRST, LONGEST, Others, PATIENCE};
use crate::engine::worker::Worker;
use crate::plan::Plan;
use crate::plan::reason::Reason;
use crate::store::claims::{Claim, Claimed};
use crate::store::record::Record;
use crate::store::waits::Wait;
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

    /// Whether another process has computed a complete output since the plan was judged.
    ///
    /// Otherwise its inputs have turned out to be unchanged. Then it was pending for no other reason than those.
    pub(super) fn is_new(&self, node: NodeIndex, record: &Record) -> bool {
        let is_own = |reason: &Reason| !matches!(reason, Reason::Upstream { .. } | Reason::Forced);
        record.started >= self.execution.session.begun
            || self.execution.plan.verdicts.reasons(node).iter().any(is_own)
    }
}

/// Why an instance that runs by itself was not claimed.
pub(crate) enum Unclaimed {
    /// Another process has computed its output meanwhile.
    Computed,
    /// The task calls for its own instance: the names of the tasks that lead to it.
    Cycle(String),
    /// The flow was stopped while another process ran the instance.
    Stopped,
    /// The store cannot be read.
    Store(StoreError),
}

impl Execution {
    /// Whether there is a record with this fingerprint.
    pub(super) fn has_record(
        &self,
        node: NodeIndex,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<bool, StoreError> {
        let Plan { store, graph, .. } = &*self.plan;
        // In most cases there is no record, and one system call suffices.
        if !store.has_record(folder) {
            return Ok(false);
        }
        let found = store.record(folder, graph.node(node).key)?;
        Ok(matches!(found, Found::Record(record) if record.fingerprint == fingerprint))
    }

    /// Claims an instance that runs without a coordinator. Waits as long as another process runs it.
    ///
    /// Returns `None` if the instance cannot be claimed: then another process may run it, too. So it does if runs would wait
    /// for each other in a circle, as in [`busy`](crate::engine::busy). A value in memory is not claimed, because no other
    /// process can take it.
    ///
    /// # Errors
    ///
    /// See [`Unclaimed`]. Only an output with this fingerprint, for which this call has waited, counts as computed.
    pub(crate) fn claim_alone(
        &self,
        node: NodeIndex,
        folder: &Folder,
        fingerprint: Digest,
    ) -> Result<Option<Claimed>, Unclaimed> {
        let Plan { store, graph, .. } = &*self.plan;
        let (session, key) = (&self.session, graph.node(node).key);
        if let Some(cycle) = session.enclosing.cycle(store, key) {
            return Err(Unclaimed::Cycle(cycle.join(" → ")));
        }
        let Some(claims) = &session.claims else { return Ok(None) };
        if graph.task(node).task.in_memory {
            return Ok(None);
        }
        let enclosing: HashSet<Key> = session.enclosing.keys_in(store).collect();
        // The tasks that this one runs inside of keep their claims. A run that waits for them must not wait forever.
        let publish = |waits: &BTreeSet<Wait>| {
            if let Some(run_lock) = session.run_lock().filter(|_| !enclosing.is_empty()) {
                run_lock.publish(waits);
            }
        };
        let (mut looks, mut circle, mut pause) = (0, None, FIRST);
        let claimed = loop {
            match claims.try_claim(key) {
                Claim::Taken(taken) => break Ok(Some(taken)),
                Claim::Unsupported => break Ok(None),
                Claim::Held if self.is_stopped() => break Err(Unclaimed::Stopped),
                Claim::Held => {}
            }
            if looks == 0 {
                publish(&enclosing.iter().map(|by| (*by, key)).collect());
            } else if looks >= PATIENCE && !enclosing.is_empty() {
                // Equal circles that are found one after the other are one that lasts.
                let found = store.waits().ok().and_then(|waits| waits.circle(key, &enclosing));
                if found.is_some() && found == circle {
                    break Ok(None);
                }
                circle = found;
            }
            looks += 1;
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2).min(LONGEST);
        };
        if looks > 0 {
            publish(&BTreeSet::new());
        }
        let is_computed = looks > 0
            && matches!(claimed, Ok(Some(_)))
            && self.has_record(node, folder, fingerprint).map_err(Unclaimed::Store)?;
        if is_computed { Err(Unclaimed::Computed) } else { claimed }
    }
}
