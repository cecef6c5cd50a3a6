//! Push and pull: copying outputs to a [`Remote`], and from there into another store.
//!
//! A pull builds a plan. Wherever the planner searches a store for an output with a given fingerprint, it also
//! searches the remote ([`RemoteFinder`]). So fingerprints, recorded reads and instances that tasks required while
//! they ran are judged by the same code as for a run. The files of the outputs that were found are fetched
//! afterwards, and committed in groups.
//!
//! Like a load, a pull ignores the age of an output. It evaluates expressions of `refresh`, because their values are
//! part of fingerprints.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::flow::error::Error;
use crate::flow::plan::{RefreshMode, roots_of};
use crate::flow::transferred::Transferred;
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::Replay;
use crate::plan::force::Force;
use crate::plan::judge::{Judge, Upstream, Verdict};
use crate::plan::label::Show;
use crate::plan::made_from::paths_in;
use crate::plan::stored::Place;
use crate::remote::Remote;
use crate::remote::finder::RemoteFinder;
use crate::remote::listing::Listing;
use crate::remote::manifest;
use crate::remote::pull::ToPull;
use crate::remote::push::{Copied, PresentCheck, ToPush};
use crate::store::kept::Carried;
use crate::store::limit::Replaced;
use crate::store::record::{MadeFrom, Read, Record};
use crate::store::stage::Staged;
use crate::store::trust::Trust;
use crate::task::Kind;
use crate::task::param::ParamDecl;

/// The maximal number of outputs in a group: they are fetched, and then committed together.
const GROUP: usize = 64;

/// A group is complete at this size in bytes, once it has an output for each thread. It bounds the download
/// that an interruption wastes.
const GROUP_BYTES: u64 = 32 << 20;

/// The maximal number of manifests that are read to explain why a remote lacks an output.
const COMPARED: usize = 20;

impl Flow {
    /// Copies the complete outputs of these roots to a remote, where others can [pull](Self::pull) them.
    ///
    /// The outputs of all instances upstream are included, also of those that a task required while it ran.
    /// Instances that are not complete are [skipped](Transferred::skipped).
    ///
    /// Only files that the remote lacks are copied. Each file is hashed while it is read, and again as the
    /// remote has stored it. If a push is interrupted, the remote has no incomplete outputs, and the next push
    /// continues with the missing files.
    ///
    /// Give paths relative to the current folder, so that they are the same in each checkout of a project. An
    /// absolute path in a parameter is part of the fingerprint, so that a pull on another machine finds
    /// nothing; the push [warns](Transferred::warnings) about it. If a path must be absolute, mark it
    /// `#[param(file, insignificant)]`: then the content of the file counts and its path does not.
    ///
    /// For a value in memory, or an output whose file is missing, only the record is pushed
    /// ([`metadata_only`](Transferred::metadata_only)). A pull needs these records to find the outputs downstream.
    ///
    /// ```
    /// use flow::remote::RemoteFolder;
    /// use flow::prelude::*;
    ///
    /// #[derive(Task)]
    /// #[task(target = Json<Vec<u64>>)]
    /// struct Squares {
    ///     n: u64,
    /// }
    ///
    /// #[tracked]
    /// impl Run for Squares {
    ///     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
    ///         Ok((1..=self.n).map(|i| i * i).collect())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// let shared = RemoteFolder::new(folder.join("shared"));
    /// let here = Flow::open(folder.join("here"))?.quiet().with(Squares::N, 3);
    /// here.run::<Squares>()?;
    /// let pushed = here.push::<Squares>(&shared)?;
    /// assert_eq!((pushed.instances(), pushed.files()), (&["Squares {n: 3}".to_owned()][..], 1));
    ///
    /// // On another machine, with the same program.
    /// let there = Flow::open(folder.join("there"))?.with(Squares::N, 3);
    /// there.pull::<Squares>(&shared)?;
    /// assert_eq!(*there.load::<Squares>()?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Planning fails, no output is complete, or a file cannot be read, or written to the remote. Outputs that
    /// were pushed before the error stay in the remote.
    pub fn push<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_to::<R>(remote, PresentCheck::Size)
    }

    /// Pushes like [`push`](Self::push), and repairs damaged files of the remote.
    ///
    /// `push` verifies a file when it copies it, and later compares its size only. This method reads all files
    /// of these outputs in the remote, and replaces those whose content has changed since. A
    /// [`pull`](Self::pull) that meets a damaged file fails and names this method.
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
    /// # let flow = Flow::open(folder.path().join("data"))?.quiet();
    /// # flow.run::<Answer>()?;
    /// # flow.push::<Answer>(&shared)?;
    /// assert_eq!(flow.push_verified::<Answer>(&shared)?.files(), 0); // nothing was damaged
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`push`](Self::push).
    pub fn push_verified<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_to::<R>(remote, PresentCheck::Content)
    }

    fn push_to<R: Roots>(
        &self,
        remote: &dyn Remote,
        check: PresentCheck,
    ) -> Result<Transferred, Error> {
        let plan = self.plan::<R>()?;
        let mut plans = vec![Arc::clone(&plan)];
        plans.extend(plan.required_in_run()?);
        let mut pushed = Transferred::new("pushed");
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        for plan in &plans {
            let replay = Replay::default();
            for node in plan.graph.nodes().filter(|&node| plan.graph.kind(node) == Kind::Made) {
                if !seen.insert(plan.graph.node(node).key) {
                    continue;
                }
                let label = plan.graph.label(node, Show::Clipped);
                let judged = Judge::new(plan, &plan.verdicts, &replay).judge(node)?;
                let whole = |record: Box<Record>| match record.output.is_in_memory() {
                    true => (record, Carried::MetadataOnly),
                    false => (record, Carried::Whole),
                };
                let kept = plan.verdicts.kept(node);
                let (record, carried) = match (kept, judged.verdict) {
                    (Some(kept), _) => whole(kept.record.clone()),
                    (None, Verdict::Complete(record)) => whole(record),
                    (None, Verdict::Evicted(record, _)) => (record, Carried::MetadataOnly),
                    (None, _) => {
                        pushed.skip(label, &judged.reasons);
                        continue;
                    }
                };
                absolute_paths(plan, node, &record).for_each(|warning| pushed.warn(warning));
                let task = plan.graph.task(node).decl.identity().to_owned();
                let Place { store, folder } = plan.output_place(node)?;
                all.push(ToPush { label, task, store, folder, record, carried });
            }
        }
        if all.is_empty() {
            let skipped = pushed.skipped().iter();
            return Err(Error::Nothing {
                verb: "push",
                root: crate::base::names::short_name::<R>(),
                incomplete: skipped.map(|one| (one.instance.clone(), one.why.clone())).collect(),
            });
        }
        let listing = Listing::new(remote);
        let copied = self.each(&all, |push| push.store.push(&listing, push, check));
        for (push, copied) in all.iter().zip(copied) {
            let Some(copied) = copied.transpose()? else { continue };
            pushed.add(push.label.clone(), push.carried == Carried::MetadataOnly, copied);
        }
        Ok(pushed)
    }

    /// Copies outputs that were [pushed](Self::push) to a remote into this store, without running anything.
    ///
    /// It covers these roots and all instances upstream. An instance that is not complete gets the output that
    /// the remote has for its present fingerprint: the same code, parameters and input content. Instances for which the
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
    /// computed from.
    ///
    /// # Errors
    ///
    /// Planning fails, the remote cannot be read or [was never pushed to](Remote::check), or a file or manifest
    /// in it is damaged. Outputs that were pulled before the error are complete.
    pub fn pull<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        let trust = match self.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        let refresh = RefreshMode::EvaluateIgnoringAge;
        let mut plan = self.unjudged(&roots_of::<R>(), &Force::default(), trust, refresh)?;
        remote.check().map_err(|error| Error::NoRemote { why: error.to_string() })?;
        let finder = RemoteFinder::new(remote);
        let replay = Replay::finding(&finder);
        plan.judge_all_by(&replay)?;
        plan.contents.keep();
        let mut pulled = Transferred::new("pulled");
        let all = to_pull(Arc::new(plan), (remote, &replay), &mut pulled)?;
        if all.is_empty() {
            return Ok(pulled);
        }
        let run_lock = self.store.begin()?;
        let mut replaced = Vec::new();
        let sizes: Vec<u64> = all.iter().map(|pull| pull.files().1).collect();
        let result = groups(&sizes, self.threads())
            .try_for_each(|group| self.pull_group(remote, &all[group], &mut replaced, &mut pulled));
        // An error is ignored: the next run, or `gc`, removes replaced files that are left.
        let _ = self.store.tidy(replaced, self.limits, run_lock.as_ref());
        result.map(|()| pulled)
    }

    /// Fetches a group of outputs and commits those before the first failure.
    fn pull_group(
        &self,
        remote: &dyn Remote,
        group: &[ToPull],
        replaced: &mut Vec<Replaced>,
        pulled: &mut Transferred,
    ) -> Result<(), Error> {
        let mut staged = Vec::with_capacity(group.len());
        let mut failed = None;
        for (pull, result) in group.iter().zip(self.each(group, |pull| pull.stage(remote))) {
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
                    let (files, bytes) = pull.files();
                    let label = pull.plan.graph.label(pull.node, Show::Clipped);
                    let copied = Copied { is_new: true, files, bytes };
                    pulled.add(label, pull.is_metadata_only(), copied);
                }
                Err(error) => {
                    discard(self, &staged);
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Calls `work` with each item, on several threads, and returns the results in order.
    ///
    /// After the first error no other item is started; the result of such an item is `None`.
    fn each<T: Sync, U: Send>(
        &self,
        all: &[T],
        work: impl Fn(&T) -> Result<U, StoreError> + Sync,
    ) -> Vec<Option<Result<U, StoreError>>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let threads = self.threads().clamp(1, all.len().max(1));
        let mut done: Vec<_> = all.iter().map(|_| None).collect();
        let worker = || {
            let mut results = Vec::new();
            while !failed.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = all.get(place) else { break };
                let result = work(one);
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                results.push((place, result));
            }
            results
        };
        let all_results = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Vec<_>>()
        });
        for results in all_results {
            let results = results.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            results.into_iter().for_each(|(place, result)| done[place] = Some(result));
        }
        done
    }
}

/// Returns a warning for each absolute path in the parameters of an output or among its recorded reads.
///
/// On a machine with other paths the fingerprint differs, so that a pull does not find the output.
fn absolute_paths(plan: &Plan, node: NodeIndex, record: &Record) -> impl Iterator<Item = String> {
    let entry = plan.graph.task(node);
    let task = &entry.decl.name;
    let is_path = |param: &ParamDecl| param.file || (param.kind.name)().contains("path::PathBuf");
    let params = entry.task.params.iter().enumerate();
    let params = params.filter(|(_, param)| param.significant && is_path(param));
    let of_params = params.filter_map(|(place, param)| {
        let paths = paths_in(param, plan.graph.field(node, place));
        let path = paths.into_iter().find(|path| Path::new(path).is_absolute())?;
        let option = if param.file { "file, insignificant" } else { "insignificant" };
        Some(format!(
            "`{task}.{}` is an absolute path, {path:?}: a pull in another folder or on another machine takes \
             no output made with it; give it relative to the project, or mark the parameter \
             `#[param({option})]`",
            param.name
        ))
    });
    let of_reads = record.reads.iter().filter_map(|read| match read {
        Read::File { path, project: None, .. } | Read::Files { path, project: None, .. }
            if Path::new(path).is_absolute() =>
        {
            Some(format!(
                "`{task}` reads an absolute path outside the project, {path:?}: a pull takes its output only \
                 where that file is the same; read it by a path relative to the project"
            ))
        }
        _ => None,
    });
    of_params.chain(of_reads).collect::<Vec<_>>().into_iter()
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
        judge.compare_inputs(node, &latest.made_from, made_from, &mut reasons);
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
        assert_eq!(lengths(&[1; 130], 2), [64, 64, 2]);
        assert_eq!(lengths(&[8 << 20; 10], 2), [4, 4, 2]);
        // Each thread has something to do.
        assert_eq!(lengths(&[1 << 30; 5], 2), [2, 2, 1]);
        assert_eq!(lengths(&[1 << 30, 1, 1], 1), [1, 2]);
        assert_eq!(lengths(&[], 2), [0; 0]);
    }
}
