//! Settles one instance: judges it again, and then accepts the output that is there, reuses a kept one, or runs the task.

use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::base::stop::Stopped;
use crate::engine::busy::Others;
use crate::engine::job::Job;
use crate::engine::message::{How, NewlyMade};
use crate::engine::remake::Remake;
use crate::engine::worker::Worker;
use crate::plan::Plan;
use crate::plan::judge::{Judge, Judged, Verdict};
use crate::plan::verdicts::Status;
use crate::store::claims::Claimed;
use crate::store::kept::Kept;
use crate::store::made::Made;
use crate::store::record::FORMAT;
use crate::store::trust::Trust;
use crate::task::expectation::is_same_metadata;

/// The result of settling an instance.
pub(super) enum Settled {
    As(How, NewlyMade),
    /// The instance has to run, but the files of these inputs are missing.
    Demand(Vec<NodeIndex>),
    /// The instance has to run, but this instance with the same fingerprint is about to run.
    Wait(NodeIndex),
    /// The instance has to run, but another process is running it.
    Busy,
}

impl Worker<'_> {
    /// Settles the instance, which may have to be judged twice.
    pub(super) fn settle(&self) -> anyhow::Result<Settled> {
        let mut claim = None;
        loop {
            if let Some(settled) = self.try_settle(&mut claim)? {
                return Ok(settled);
            }
        }
    }

    /// Settles the instance. Returns `None` if it has to be judged again, now that it is claimed.
    fn try_settle(&self, claim: &mut Option<Arc<Claimed>>) -> anyhow::Result<Option<Settled>> {
        let Job { node, needed, control, others, .. } = self.job;
        let node = *node;
        let plan = &self.execution.plan;
        let remake = Remake { execution: self.execution, control };
        let judge = Judge::new(plan, &**self.execution, &remake);
        let Judged { folder, verdict, .. } = judge.judge(node)?;
        let relied_on = match &verdict {
            Verdict::Evicted(record, _) => Some(record.meta.clone()),
            _ => None,
        };
        let other_meta = |made: &NewlyMade| {
            let meta = made.made.as_ref().map(|made| &made.meta);
            relied_on
                .as_ref()
                .is_some_and(|relied_on| meta.is_none_or(|meta| !is_same_metadata(meta, relied_on)))
        };
        // A value in memory is identified by its fingerprint, which depends on the format of the record.
        let format = match &verdict {
            Verdict::Evicted(record, _) if record.output.is_in_memory() => record.format,
            _ => FORMAT,
        };
        let (kept, made_from, fingerprint) = match verdict {
            Verdict::Complete(record) => {
                let has_waited = *others == Others::Waited || claim.is_some();
                let how = match has_waited || self.is_new(node, &record) {
                    true => How::OtherProcess,
                    false => How::Unchanged,
                };
                self.execution.held.set_made(node, Made::new(folder, *record));
                return Ok(Some(Settled::As(how, NewlyMade::default())));
            }
            // Its files are in a remote, and nothing has needed them so far.
            Verdict::Adopt(kept, _) if kept.bring.is_some() && !needed => {
                self.execution.held.set_gone(node, Made::new(folder, *kept.record));
                return Ok(Some(Settled::As(How::Unchanged, NewlyMade::default())));
            }
            Verdict::Adopt(kept, made_from) => {
                // The kept output may have been computed from other content with the same columns. If it is gone
                // meanwhile, the task runs, and its output has today's fingerprint.
                let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
                (Some(kept), made_from, fingerprint)
            }
            Verdict::Evicted(record, made_from) => {
                // Another instance may have an output with this fingerprint.
                let fingerprint = made_from.fingerprint(plan.graph.task(node).decl.identity());
                let kept = judge.kept(node, &made_from, fingerprint)?;
                if !needed && kept.as_ref().is_none_or(|kept| kept.bring.is_some()) {
                    self.execution.held.set_gone(node, Made::new(folder, *record));
                    return Ok(Some(Settled::As(How::Unchanged, NewlyMade::default())));
                }
                (kept, made_from, fingerprint)
            }
            Verdict::Run(made_from, fingerprint) => (None, made_from, fingerprint),
            Verdict::There(digest) => return Ok(Some(self.found(node, digest))),
            Verdict::Missing => {
                let path = plan.graph.external(node).display();
                anyhow::bail!("external file {path} does not exist");
            }
            // The instances that its record lists as required could not be produced before the stop.
            Verdict::Upstream if self.execution.is_stopped() => return Err(Stopped.into()),
            Verdict::Upstream => {
                anyhow::bail!("an input is not settled: a mistake of this library")
            }
        };
        if let Some(kept) = kept {
            match self.reuse(node, &folder, &kept, made_from.clone()) {
                Ok(made) => {
                    let other_meta = other_meta(&made);
                    let made = NewlyMade { other_meta, ..made };
                    return Ok(Some(Settled::As(How::Reused, made)));
                }
                // The kept output was removed after it was found, or its content is not what its signed record says: run
                // the task.
                Err(_) if !self.is_whole(&kept)? => {}
                Err(error) => return Err(error.into()),
            }
        }
        let enclosing = &self.execution.session.enclosing;
        if let Some(cycle) = enclosing.cycle(&plan.store, plan.graph.node(node).key) {
            anyhow::bail!("it requires itself while it runs: {}", cycle.join(" → "));
        }
        if claim.is_none() {
            if !self.claim(claim) {
                return Ok(Some(Settled::Busy));
            }
            // Another process may have committed it before it was claimed.
            if claim.is_some() && self.execution.has_record(node, &folder, fingerprint)? {
                return Ok(None);
            }
        }
        if self.execution.id == 0
            && let Some(first) =
                self.execution.session.running_fingerprints.enter(plan, node, fingerprint)
        {
            return Ok(Some(Settled::Wait(first)));
        }
        let gone = self.gone_inputs(node);
        if gone.is_empty() {
            let mut made = self.run(node, folder, made_from, fingerprint, format)?;
            if let Some(staged) = &mut made.staged {
                staged.claim = claim.take();
            }
            let how = match plan.graph.stand_in(node) {
                Some(_) => How::Given,
                None => How::Ran,
            };
            let other_meta = other_meta(&made);
            Ok(Some(Settled::As(how, NewlyMade { other_meta, ..made })))
        } else {
            Ok(Some(Settled::Demand(gone)))
        }
    }

    /// Returns whether the files of an output that could not be reused are whole.
    fn is_whole(&self, kept: &Kept) -> Result<bool, StoreError> {
        let Plan { store, trust, .. } = &*self.execution.plan;
        let trust = if store.checks_content() { Trust::Content } else { *trust };
        store.is_whole(kept, trust)
    }

    /// Settles an external or aggregate instance, whose content has this digest.
    fn found(&self, node: NodeIndex, digest: Digest) -> Settled {
        let graph = &self.execution.plan.graph;
        let gone = match graph.is_root(node) {
            true => self.gone_inputs(node),
            // A consumer that loads the aggregate demands the missing files itself.
            false => Vec::new(),
        };
        if !gone.is_empty() {
            return Settled::Demand(gone);
        }
        self.execution.held.set_made(node, graph.not_made(node, digest));
        Settled::As(How::Found, NewlyMade::default())
    }

    /// Returns the inputs whose files are known to be missing, members of aggregates included.
    fn gone_inputs(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut inputs = self.execution.plan.graph.gathered_inputs(node);
        inputs.retain(|&input| self.is_gone(input));
        inputs
    }

    /// Whether the file of an input is known to be missing.
    fn is_gone(&self, input: NodeIndex) -> bool {
        let verdicts = &self.execution.plan.verdicts;
        let there = matches!(verdicts.status(input), Status::Complete);
        !there && self.execution.held.made(input).is_none()
    }
}
