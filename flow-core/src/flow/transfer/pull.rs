//! Pull: copies outputs from a remote into this store.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::base::trace::span;
use crate::flow::error::Error;
use crate::flow::plan::{RefreshMode, roots_of};
use crate::flow::transferred::Transferred;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::force::Force;
use crate::plan::judge::{Judge, Upstream, Verdict};
use crate::plan::label::Show;
use crate::plan::reason::Reason;
use crate::plan::variant::Root;
use crate::remote::Remote;
use crate::remote::finder::RemoteFinder;
use crate::remote::manifest;
use crate::remote::pull::{LocalFiles, ToPull};
use crate::remote::push::Copied;
use crate::store::limit::Replaced;
use crate::store::record::MadeFrom;
use crate::store::stage::Staged;
use crate::store::trust::Trust;
use crate::task::Kind;

/// The maximal number of outputs in a group: they are fetched, and then committed together.
const GROUP: usize = 512;

/// A group is complete at this size in bytes, once it has an output for each thread. It bounds the download
/// that an interruption wastes.
const GROUP_BYTES: u64 = 32 << 20;

/// The maximal number of manifests that are read to explain why a remote lacks an output.
const COMPARED: usize = 20;

impl Flow {
    /// Copies outputs that were [pushed](Self::push) to a remote into this store, without running anything.
    ///
    /// It covers these roots and all instances upstream. An instance that is not complete gets the output that
    /// the remote has for its present fingerprint: the same code, parameters and input content. If its task reads single
    /// columns of an input, an output is good that was computed from a table with the same columns. Instances for which the
    /// remote has none are [skipped](Transferred::skipped).
    ///
    /// Each file is hashed as it arrives. A file with other content than was pushed is an error, and no output
    /// that needs it is committed; [`push_verified`](Self::push_verified) repairs it. If a pull is
    /// interrupted, the outputs pulled so far are complete, and the next pull continues.
    ///
    /// The age of an output does not count: like [`load`](Self::load), a pull takes an output that is older than
    /// `#[task(refresh = ...)]` allows. Outputs that depend on secrets or environment variables are never found,
    /// because each store hashes those with a key of its own.
    ///
    /// Digests detect damage, not forgery: anyone who can write to the remote decides what an output claims to be
    /// computed from, unless the flow [requires signatures](Self::require_signatures).
    ///
    /// # Errors
    ///
    /// Planning fails, the remote cannot be read or [was never pushed to](Remote::check), or a file or manifest
    /// in it is damaged. The remote has an output that is not signed as the flow requires. Outputs that were pulled before the error are complete.
    pub fn pull<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.pull_roots(&roots_of::<R>(), remote)
    }

    /// Returns what [`pull`](Self::pull) would copy, and copies nothing.
    ///
    /// It reads manifests from the remote, and no files.
    ///
    /// ```
    /// # use flow::remote::RemoteFolder;
    /// # use flow::prelude::*;
    /// # #[derive(Task)]
    /// # #[task(target = Json<u64>)]
    /// # struct Answer;
    /// # #[tracked]
    /// # impl Run for Answer {
    /// #     fn run(&self, _cx: &Cx<Self>) -> Result<u64> { Ok(42) }
    /// # }
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let shared = RemoteFolder::new(folder.path().join("shared"));
    /// # let made = Flow::open(folder.path().join("made"))?.quiet();
    /// # made.run::<Answer>()?;
    /// # made.push::<Answer>(&shared)?;
    /// # let flow = Flow::open(folder.path().join("data"))?.quiet();
    /// assert_eq!(flow.pull_dry_run::<Answer>(&shared)?.instances(), ["Answer"]);
    /// assert!(!flow.is_complete::<Answer>()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, the remote cannot be read or [was never pushed to](Remote::check), or a manifest in it is damaged.
    pub fn pull_dry_run<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.pull_roots_dry_run(&roots_of::<R>(), remote)
    }

    /// Pulls the outputs of these roots, which may be those of the variants of a sweep.
    pub(crate) fn pull_roots(
        &self,
        roots: &[Root<'_>],
        remote: &dyn Remote,
    ) -> Result<Transferred, Error> {
        self.pull_or_count(roots, remote, false)
    }

    /// Returns what [`pull_roots`](Self::pull_roots) would copy.
    pub(crate) fn pull_roots_dry_run(
        &self,
        roots: &[Root<'_>],
        remote: &dyn Remote,
    ) -> Result<Transferred, Error> {
        self.pull_or_count(roots, remote, true)
    }

    fn pull_or_count(
        &self,
        roots: &[Root<'_>],
        remote: &dyn Remote,
        is_dry_run: bool,
    ) -> Result<Transferred, Error> {
        span!("pull", roots = roots.len());
        let trust = match self.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        let refresh = RefreshMode::EvaluateIgnoringAge;
        let mut plan = self.unjudged(roots, &Force::default(), trust, refresh)?;
        remote.check().map_err(|error| Error::NoRemote { why: error.to_string() })?;
        // An output that the flow would reuse from a remote is to be copied from this one.
        plan.remotes.clear();
        let finder = RemoteFinder::new(remote);
        finder.prefetch(&plan.graph)?;
        let replay = Replay::finding(&finder);
        {
            span!("judge", instances = plan.graph.len());
            plan.judge_all_by(&replay)?;
        }
        plan.contents.keep();
        let mut pulled = Transferred::new(if is_dry_run { "would be pulled" } else { "pulled" });
        let all = to_pull(Arc::new(plan), (remote, &replay), &mut pulled)?;
        if is_dry_run {
            all.iter().for_each(|pull| add(&mut pulled, pull));
        }
        if all.is_empty() || is_dry_run {
            return Ok(pulled);
        }
        let run_lock = self.store.begin()?;
        let mut replaced = Vec::new();
        let local = LocalFiles::default();
        let sizes: Vec<u64> = all.iter().map(|pull| pull.files().1).collect();
        let result = groups(&sizes, self.transfer_threads(remote)).try_for_each(|group| {
            self.pull_group(remote, (&all[group], &local), &mut replaced, &mut pulled)
        });
        // An error is ignored: the next run, or `gc`, removes replaced files that are left.
        let _ = self.store.tidy(replaced, self.limits, run_lock.as_ref());
        result.map(|()| pulled)
    }

    /// Fetches a group of outputs and commits those before the first failure.
    fn pull_group(
        &self,
        remote: &dyn Remote,
        (group, local): (&[ToPull], &LocalFiles),
        replaced: &mut Vec<Replaced>,
        pulled: &mut Transferred,
    ) -> Result<(), Error> {
        let mut staged = Vec::with_capacity(group.len());
        let mut failed = None;
        let threads = self.transfer_threads(remote);
        let results = Self::each(threads, group, |pull| pull.stage(remote, local));
        for (pull, result) in group.iter().zip(results) {
            match result {
                Some(Ok(one)) if failed.is_none() => staged.push((pull, one)),
                Some(Ok(one)) => discard(self, &one),
                Some(Err(error)) => failed = failed.or(Some(error)),
                // Not started, because another fetch had failed.
                None => {}
            }
        }
        let (pulls, staged): (Vec<_>, Vec<_>) = staged.into_iter().unzip();
        let tasks = pulls.iter().map(|pull| Arc::clone(&pull.plan.graph.task(pull.node).folder));
        let committed = self.store.commit(tasks.zip(staged).collect());
        for (pull, (task, staged, result)) in pulls.iter().zip(committed) {
            match result {
                Ok(()) => {
                    replaced.extend(Replaced::by(task, staged));
                    add(pulled, pull);
                }
                Err(error) => {
                    discard(self, &staged);
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Counts an output that was pulled, or would be pulled.
fn add(pulled: &mut Transferred, pull: &ToPull) {
    let (files, bytes) = pull.files();
    let label = pull.plan.graph.label(pull.node, Show::Clipped);
    let copied = Copied { is_new: true, files, bytes };
    pulled.add(label, pull.is_metadata_only(), copied);
}

/// Returns the outputs of a plan that the remote has and the store lacks, upstream first.
fn to_pull(
    plan: Arc<Plan>,
    (remote, replay): (&dyn Remote, &Replay<'_>),
    pulled: &mut Transferred,
) -> Result<Vec<ToPull>, Error> {
    let mut plans = vec![plan];
    let mut found: Vec<Vec<ToPull>> = Vec::new();
    let mut seen = HashSet::new();
    while let Some(plan) = plans.get(found.len()).cloned() {
        let mut of_plan = Vec::new();
        for node in plan.graph.nodes() {
            let kind = plan.graph.kind(node);
            if kind == Kind::Aggregate || !seen.insert(plan.graph.node(node).key) {
                continue;
            }
            if kind == Kind::External {
                // If an external file is missing, the fingerprints of instances downstream are unknown.
                if plan.verdicts.digest(node).is_none() {
                    let label = plan.graph.label(node, Show::Clipped);
                    pulled.skip(label, plan.verdicts.reasons(node));
                }
                continue;
            }
            let judge = Judge::new(&plan, &plan.verdicts, replay);
            let mut judged = judge.judge(node)?;
            let in_run = std::mem::take(&mut judged.in_run);
            plans.extend(in_run.into_iter().map(|answered| answered.plan));
            let reasons = judged.reasons.clone();
            match ToPull::new(&plan, node, judged, replay)? {
                Ok(pull) => of_plan.push(pull),
                Err(Verdict::Complete(_) | Verdict::Adopt(..)) => pulled.add_present(),
                Err(verdict) => {
                    if let Some(refused) = refused(&plan, node, &reasons) {
                        return Err(refused.into());
                    }
                    pulled.skip(plan.graph.label(node, Show::Clipped), &reasons);
                    if let Verdict::Run(made_from, _) = &verdict
                        && plan.graph.roots.contains(&node)
                    {
                        pulled.explain(explain_missing(remote, &judge, node, made_from)?);
                    }
                }
            }
        }
        found.push(of_plan);
    }
    // The plans of instances that were required during a run come after the plan that required them.
    Ok(found.into_iter().rev().flatten().collect())
}

/// Returns the error for an output that the remote has, and that is not signed as the flow requires.
fn refused(plan: &Plan, node: NodeIndex, reasons: &[Reason]) -> Option<StoreError> {
    let why = reasons.iter().find_map(|reason| match reason {
        Reason::Signature { why } => Some(why.clone()),
        _ => None,
    });
    let output = plan.graph.label(node, Show::Clipped);
    why.map(|reason| StoreError::Unsigned { output, reason })
}

/// Returns why a remote has no output with the fingerprint of `made_from`.
fn explain_missing(
    remote: &dyn Remote,
    judge: &Judge<'_>,
    node: NodeIndex,
    made_from: &MadeFrom,
) -> Result<String, StoreError> {
    let (decl, key) = (&judge.graph.task(node).decl, judge.graph.node(node).key);
    let (count, records) = manifest::sample(remote, decl.identity(), COMPARED)?;
    if count == 0 {
        return Ok("the remote has no output of this task".to_owned());
    }
    let mut reasons = Vec::new();
    let of_instance = records.iter().filter(|record| record.key == key);
    if let Some(latest) = of_instance.max_by_key(|record| record.started) {
        judge.compare(node, latest, made_from, &mut reasons);
        judge.compare_inputs(node, latest, made_from, &mut reasons)?;
    }
    let outputs = if count == 1 { "output" } else { "outputs" };
    let reasons = reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Ok(match reasons.is_empty() {
        true => format!(
            "the remote has {count} {outputs} of this task, and none of them is made from the same code, \
             parameters and inputs"
        ),
        false => format!("the remote has this instance, made from something else: {reasons}"),
    })
}

/// Removes the files of an output that was not committed.
fn discard(flow: &Flow, staged: &Staged) {
    flow.store.discard_path(&staged.draft);
    if let Some(output) = &staged.output {
        flow.store.discard(&staged.folder, output);
    }
}

/// Splits outputs of these sizes in bytes into the groups that are committed together.
fn groups(sizes: &[u64], threads: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_last = |(place, size): (usize, &u64)| {
            bytes += size;
            place + 1 == GROUP || place + 1 >= threads && bytes >= GROUP_BYTES
        };
        let rest = &sizes[start..];
        let length = rest.iter().enumerate().position(is_last).map_or(rest.len(), |last| last + 1);
        let group = start..start + length;
        start = group.end;
        (length > 0).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_fetched_in_vain() {
        let lengths = |sizes: &[u64], threads| -> Vec<usize> {
            groups(sizes, threads).map(|group| group.len()).collect()
        };
        assert_eq!(lengths(&[1; 1030], 2), [512, 512, 6]);
        assert_eq!(lengths(&[8 << 20; 10], 2), [4, 4, 2]);
        // Each thread has something to do.
        assert_eq!(lengths(&[1 << 30; 5], 2), [2, 2, 1]);
        assert_eq!(lengths(&[1 << 30, 1, 1], 1), [1, 2]);
        assert_eq!(lengths(&[], 2), [0; 0]);
    }
}
