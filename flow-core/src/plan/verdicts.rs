//! The verdicts on all instances of a plan, stored in few bytes each.
//!
//! [`Plan::judge_all`] judges the instances upstream first. Afterwards, in the opposite direction, it decides
//! for each output whose file is gone whether anything needs it.

use std::collections::HashMap;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::key::Digest;
use crate::plan::dynamic::{Answered, Replay};
use crate::plan::judge::{Judge, Judged, Seen, Upstream, Verdict};
use crate::plan::reason::Reason;
use crate::plan::{Graph, Plan};
use crate::store::kept::Kept;
use crate::store::output::Output;
use crate::store::record::Meta;
use crate::store::trust::Trust;
use crate::task::Kind;

/// Whether an instance is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Its output is what running it now would produce.
    Complete,
    /// Its output is what running it now would produce, but the file is gone and nothing needs it.
    Evicted,
    /// Its output would be reused from another place without running, and counts as complete.
    ///
    /// A run links the output to this instance.
    Kept,
    /// It was not checked, because the roots are complete according to their records.
    ///
    /// This happens only with [`Trust::Records`](crate::Trust::Records).
    Unchecked,
    /// It has to run, or instances upstream have to run and their outputs decide.
    Pending,
}

impl Status {
    /// Returns whether there is an output that is what running the instance now would produce.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Complete | Self::Kept)
    }
}

/// The verdicts on the instances of a plan before anything runs.
#[derive(Default)]
pub(crate) struct Verdicts {
    nodes: Vec<NodeVerdict>,
    reasons: Vec<Vec<Reason>>,
    /// The outputs that are reused from another place.
    kept: HashMap<NodeIndex, Arc<Kept>>,
    /// The dynamic dependencies of each instance, as far as they were required again.
    in_run: HashMap<NodeIndex, Vec<Answered>>,
}

/// The verdict on an instance that several plans share.
#[derive(Clone)]
pub(crate) struct Known {
    status: Status,
    digest: Option<Digest>,
    reasons: Vec<Reason>,
    kept: Option<Arc<Kept>>,
}

impl Known {
    /// Returns the verdict that an output with this digest exists.
    pub(super) fn complete(digest: Digest) -> Self {
        let (status, digest, reasons) = (Status::Complete, Some(digest), Vec::new());
        Self { status, digest, reasons, kept: None }
    }
}

#[derive(Clone, Copy)]
struct NodeVerdict {
    status: Status,
    /// The digest of its output, if it is known.
    digest: Option<Digest>,
    /// The index of its list of reasons; the list at index 0 is empty.
    reasons: u32,
}

impl Verdicts {
    fn new(nodes: usize) -> Self {
        let nodes = Vec::with_capacity(nodes);
        Self { nodes, reasons: vec![Vec::new()], ..Self::default() }
    }

    pub(crate) fn status(&self, node: NodeIndex) -> Status {
        self.nodes[node.index()].status
    }

    pub(crate) fn reasons(&self, node: NodeIndex) -> &[Reason] {
        &self.reasons[self.nodes[node.index()].reasons as usize]
    }

    /// Returns the output that an instance reuses from another place.
    pub(crate) fn kept(&self, node: NodeIndex) -> Option<&Kept> {
        self.kept.get(&node).map(|kept| &**kept)
    }

    /// Returns all outputs that are reused from another place.
    pub(crate) fn all_kept(&self) -> impl Iterator<Item = (NodeIndex, &Kept)> {
        self.kept.iter().map(|(&node, kept)| (node, &**kept))
    }

    /// Returns the dynamic dependencies of an instance, as far as they were required again.
    pub(crate) fn in_run(&self, node: NodeIndex) -> &[Answered] {
        self.in_run.get(&node).map_or(&[], Vec::as_slice)
    }

    /// Returns the plans of all dynamic dependencies, and transitively of theirs.
    pub(crate) fn all_in_run(&self) -> Vec<&Plan> {
        let mut plans: Vec<&Plan> = Vec::new();
        let mut new: Vec<&Self> = vec![self];
        while let Some(verdicts) = new.pop() {
            for answered in verdicts.in_run.values().flatten() {
                plans.push(&answered.plan);
                new.push(&answered.plan.verdicts);
            }
        }
        plans
    }

    /// Adds the verdict that another plan has on this node.
    fn push_known(&mut self, node: NodeIndex, known: Known) {
        let Known { status, digest, reasons, kept } = known;
        self.kept.extend(kept.map(|kept| (node, kept)));
        self.push(status, digest, reasons);
    }

    /// Returns the verdict on a node, for other plans.
    fn known(&self, node: NodeIndex) -> Known {
        let NodeVerdict { status, digest, .. } = self.nodes[node.index()];
        let kept = self.kept.get(&node).cloned();
        Known { status, digest, reasons: self.reasons(node).to_vec(), kept }
    }

    fn push(&mut self, status: Status, digest: Option<Digest>, reasons: Vec<Reason>) {
        let place = if reasons.is_empty() { 0 } else { self.reasons.len() as u32 };
        if place > 0 {
            self.reasons.push(reasons);
        }
        self.nodes.push(NodeVerdict { status, digest, reasons: place });
    }
}

impl Plan {
    /// Judges every instance, upstream first.
    pub(crate) fn judge_all(&mut self) -> Result<(), StoreError> {
        let replay = match self.trust {
            Trust::Content => Replay::default(),
            // Who can write a record can write the cache, and a signature is only in the record.
            _ if self.store.signatures().are_required() => Replay::default(),
            Trust::Stamps | Trust::Records => Replay::with_record_cache(),
        };
        let judged = self.judge_all_by(&replay);
        if let Some(records) = &replay.records {
            records.keep(&self.store);
        }
        judged
    }

    /// Judges every instance, upstream first, with the state in `replay`.
    pub(crate) fn judge_all_by(&mut self, replay: &Replay<'_>) -> Result<(), StoreError> {
        let mut verdicts = Verdicts::new(self.graph.len());
        let seen = Seen::default();
        let trusted =
            self.trusted_records(&Judge::new(self, &verdicts, replay).having_seen(&seen))?;
        for node in self.graph.nodes() {
            if let Some(trusted) = trusted.as_ref().filter(|all| !all.judged[node.index()]) {
                match trusted.records.get(&node) {
                    Some(record) => {
                        replay.other_crates.borrow_mut().look(&self.graph, node, record.crates);
                        verdicts.push(Status::Complete, Some(record.output.digest), Vec::new());
                    }
                    None => verdicts.push(Status::Unchecked, None, Vec::new()),
                }
                continue;
            }
            let in_run = self.judge_next(node, &mut verdicts, replay, &seen)?;
            if !in_run.is_empty() {
                verdicts.in_run.insert(node, in_run);
            }
        }
        self.settle_evicted(&mut verdicts, replay)?;
        self.warnings.extend(replay.other_crates.take().warnings(&self.store));
        self.verdicts = verdicts;
        self.warnings.extend(self.refresh_warnings());
        Ok(())
    }

    /// Judges a plan of dynamic dependencies.
    ///
    /// Several such plans may share instances, whose verdicts are cached. An instance whose own verdict waits
    /// for this plan requires itself.
    pub(crate) fn judge_required(&mut self, replay: &Replay<'_>) -> Result<(), StoreError> {
        let mut verdicts = Verdicts::new(self.graph.len());
        let seen = Seen::default();
        for node in self.graph.nodes() {
            let key = self.graph.node(node).key;
            if let Some(known) = replay.known.get(key) {
                verdicts.push_known(node, known);
            } else if replay.requesters.borrow().contains(&key) {
                let what = "it requires itself".to_owned();
                verdicts.push(Status::Pending, None, vec![Reason::Required { what }]);
            } else {
                self.judge_next(node, &mut verdicts, replay, &seen)?;
                replay.known.insert(key, verdicts.known(node));
            }
        }
        self.settle_evicted(&mut verdicts, replay)?;
        self.verdicts = verdicts;
        Ok(())
    }

    /// Judges an instance whose inputs have been judged.
    fn judge_next(
        &self,
        node: NodeIndex,
        verdicts: &mut Verdicts,
        replay: &Replay<'_>,
        seen: &Seen,
    ) -> Result<Vec<Answered>, StoreError> {
        let judge = Judge::new(self, verdicts, replay).having_seen(seen);
        let judge = judge.with_record_cache(replay.records.as_ref());
        if let Some(complete) = judge.complete_by_cache(node)? {
            replay.other_crates.borrow_mut().look(&self.graph, node, complete.crates);
            verdicts.push(Status::Complete, Some(complete.digest), Vec::new());
            return Ok(Vec::new());
        }
        let Judged { verdict, mut reasons, in_run, .. } = judge.judge(node)?;
        let (status, digest) = match verdict {
            Verdict::Complete(record) => {
                replay.other_crates.borrow_mut().look(&self.graph, node, record.crates);
                (Status::Complete, Some(record.output.digest))
            }
            Verdict::Evicted(record, _) => (Status::Evicted, Some(record.output.digest)),
            Verdict::Adopt(kept, _) => {
                let digest = kept.record.output.digest;
                verdicts.kept.insert(node, Arc::new(kept));
                (Status::Kept, Some(digest))
            }
            Verdict::Run(..) | Verdict::Missing => (Status::Pending, None),
            Verdict::There(digest) => {
                let is_open = |input| verdicts.status(input) != Status::Complete;
                let open = required(&self.graph, node, is_open);
                let is_kept = |&&input: &&NodeIndex| verdicts.status(input).is_complete();
                let status = match open.is_empty() {
                    true => Status::Complete,
                    // A run links the reused inputs first.
                    false if self.graph.inputs(node).iter().all(|i| is_kept(&i)) => Status::Kept,
                    false => Status::Evicted,
                };
                let open = if status == Status::Kept { Vec::new() } else { open };
                reasons.extend((!open.is_empty()).then_some(Reason::Upstream { tasks: open }));
                (status, Some(digest))
            }
            Verdict::Upstream => {
                reasons.extend(upstream(&self.graph, node, verdicts, &reasons));
                (Status::Pending, None)
            }
        };
        verdicts.push(status, digest, reasons);
        Ok(in_run)
    }
}

/// Returns the task names of those inputs of an instance for which `holds` is true.
fn required(graph: &Graph, node: NodeIndex, holds: impl Fn(NodeIndex) -> bool) -> Vec<String> {
    let inputs = graph.inputs(node).iter().filter(|&&input| holds(input));
    let mut tasks: Vec<_> = inputs.map(|&input| graph.task(input).decl.name.to_string()).collect();
    tasks.sort_unstable();
    tasks.dedup();
    tasks
}

impl Upstream for Verdicts {
    fn digest(&self, node: NodeIndex) -> Option<Digest> {
        self.nodes[node.index()].digest
    }

    fn meta(&self, node: NodeIndex) -> Option<Meta> {
        self.kept.get(&node).map(|kept| kept.record.meta.clone())
    }

    fn output(&self, node: NodeIndex) -> Option<Output> {
        self.kept.get(&node).map(|kept| kept.record.output.clone())
    }
}

/// Returns the reason that instances upstream are pending, unless another reason implies that it runs.
pub(super) fn upstream(
    graph: &Graph,
    node: NodeIndex,
    verdicts: &Verdicts,
    reasons: &[Reason],
) -> Option<Reason> {
    if reasons.iter().any(|reason| matches!(reason, Reason::NeverRun | Reason::Forced)) {
        return None;
    }
    let tasks = required(graph, node, |input| verdicts.digest(input).is_none());
    // If there are none, the instance waits for its dynamic dependencies.
    (!tasks.is_empty()).then_some(Reason::Upstream { tasks })
}

impl Plan {
    /// Decides for each output whose file is gone whether it is needed.
    ///
    /// It is needed if its instance is a root, or if a consumer is pending. Then an equal output in another
    /// place is reused or, if there is none, the instance runs again.
    fn settle_evicted(
        &self,
        verdicts: &mut Verdicts,
        replay: &Replay<'_>,
    ) -> Result<(), StoreError> {
        let graph = &self.graph;
        for node in graph.nodes().rev() {
            if verdicts.status(node) != Status::Evicted {
                continue;
            }
            let needs = |consumer| verdicts.status(consumer) == Status::Pending;
            if !graph.is_root(node) && !graph.consumers(node).any(needs) {
                continue;
            }
            let elsewhere = match graph.kind(node) {
                Kind::Made => self.kept_elsewhere(node, verdicts, replay)?,
                Kind::External | Kind::Aggregate => None,
            };
            verdicts.nodes[node.index()].status = match elsewhere {
                Some(kept) => {
                    verdicts.kept.insert(node, Arc::new(kept));
                    Status::Kept
                }
                None => Status::Pending,
            };
        }
        Ok(())
    }

    /// Returns an output in another place that equals one whose file is gone.
    fn kept_elsewhere(
        &self,
        node: NodeIndex,
        verdicts: &Verdicts,
        replay: &Replay<'_>,
    ) -> Result<Option<Kept>, StoreError> {
        let judge = Judge::new(self, verdicts, replay);
        let Verdict::Evicted(record, made_from) = judge.judge(node)?.verdict else {
            return Ok(None);
        };
        let kept = judge.kept(node, &made_from, record.fingerprint)?;
        let is_same = |kept: &Kept| {
            kept.remote.is_none() && kept.record.output.digest == record.output.digest
        };
        Ok(kept.filter(is_same))
    }
}
