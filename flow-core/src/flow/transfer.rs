//! Pushing outputs to where others can get them, and pulling them from there.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use daggy::NodeIndex;

use crate::base::error::StoreError;
use crate::flow::error::Error;
use crate::flow::plan::{Asks, roots_of};
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
use crate::remote::manifest;
use crate::remote::pull::ToPull;
use crate::remote::push::{Copied, There, ToPush};
use crate::store::kept::Carried;
use crate::store::limit::Replaced;
use crate::store::record::{MadeFrom, Read, Record};
use crate::store::stage::Staged;
use crate::store::trust::Trust;
use crate::task::Kind;
use crate::task::param::ParamDecl;

/// How many outputs are fetched before their records are committed together, at most.
const GROUP: usize = 64;

/// How many bytes of outputs are fetched before that, if each thread has one: whoever is interrupted has
/// fetched those in vain.
const GROUP_BYTES: u64 = 32 << 20;

/// How many outputs of a remote are compared with one that it does not have, at most.
const COMPARED: usize = 20;

impl Flow {
    /// Puts the complete outputs of these roots, and of all that they require, where others can
    /// [pull](Self::pull) them: those too that a task has required while it ran.
    ///
    /// Only what is missing there is copied. Each file is hashed while it is read here, and again as
    /// it has arrived there. If a push is interrupted, at whatever point, nothing counts as there that
    /// is not; the next one goes on with the files that have not arrived yet.
    ///
    /// Give paths relative to the current folder, which are the same in each checkout of a project. An
    /// absolute path in a parameter is a part of what an output is made from, so that a pull elsewhere
    /// takes nothing; the push [warns](Transferred::warnings). Where a path must be absolute, mark it
    /// `#[param(file, insignificant)]`: then the content of the file counts and its path does not.
    ///
    /// A value in memory is not pushed, and neither is a file that is gone here. That it was there,
    /// and which content it had, is: so what was made of it can be pulled.
    ///
    /// ```
    /// use flow::{prelude::*, RemoteFolder};
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
    /// // Somewhere else, with the same program.
    /// let there = Flow::open(folder.join("there"))?.with(Squares::N, 3);
    /// there.pull::<Squares>(&shared)?;
    /// assert_eq!(*there.load::<Squares>()?, [1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The flow is wrong, none of the outputs is complete, or a file cannot be read here or put there.
    /// What has been pushed before that is there.
    pub fn push<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_to::<R>(remote, There::Believed)
    }

    /// As [`push`](Self::push), and reads all that is there already, too: what was damaged there is put
    /// again.
    ///
    /// A push believes what was put there before, for each file was read when it was. A disk may fail
    /// since then; who pulls is told, and takes nothing of it.
    ///
    /// ```
    /// # use flow::{prelude::*, RemoteFolder};
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
    /// assert_eq!(flow.push_verified::<Answer>(&shared)?.files(), 0); // all is as it was
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_verified<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        self.push_to::<R>(remote, There::Read)
    }

    fn push_to<R: Roots>(&self, remote: &dyn Remote, there: There) -> Result<Transferred, Error> {
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
                        pushed.leave(label, &judged.reasons);
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
                incomplete: skipped.map(|of| (of.instance.clone(), of.why.clone())).collect(),
            });
        }
        let copied = self.each(&all, |push| push.store.push(remote, push, there));
        for (push, copied) in all.iter().zip(copied) {
            let Some(copied) = copied.transpose()? else { continue };
            pushed.add(push.label.clone(), push.carried == Carried::MetadataOnly, copied);
        }
        Ok(pushed)
    }

    /// Takes over what a [`Remote`] has for these roots and for all that they require, and what is not
    /// complete here: outputs that were [pushed](Self::push), made from the same as they would be made
    /// from now. Nothing runs.
    ///
    /// Each file is hashed as it arrives. One that is not what was pushed is an error, and nothing is
    /// taken over that needs it; [`push_verified`](Self::push_verified) mends it. If a pull is interrupted, at whatever point, what is complete is
    /// whole; the next one goes on.
    ///
    /// What a task that fetches would fetch now is not asked by its age: as [`load`](Self::load) does,
    /// it takes what the last run has given. Secrets and variables of the environment are hashed with
    /// a key that each store has of its own, so that what was made by them is not found.
    ///
    /// Digests tell what was damaged, and not who made it: whoever may push there says what an output
    /// was made from.
    ///
    /// # Errors
    ///
    /// The flow is wrong, the remote cannot be read or [is none](Remote::check), or what it has is
    /// damaged. What has been pulled before that is complete.
    pub fn pull<R: Roots>(&self, remote: &dyn Remote) -> Result<Transferred, Error> {
        let trust = match self.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        let mut plan =
            self.unjudged(&roots_of::<R>(), &Force::default(), trust, Asks::HoweverOld)?;
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
        // What is left does no harm: the next run, or `gc`, finds it.
        let _ = self.store.tidy(replaced, self.limits, run_lock.as_ref());
        result.map(|()| pulled)
    }

    /// Fetches some outputs, and commits those before the first that failed.
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
                // It was not begun, for another one had failed.
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
                    pulled.add(label, pull.is_told(), Copied { is_new: true, files, bytes });
                }
                Err(error) => {
                    discard(self, &staged);
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Does this with each of some, on several threads. Once it has failed with one, no other is
    /// begun, and for those there is nothing.
    fn each<T: Sync, U: Send>(
        &self,
        all: &[T],
        work: impl Fn(&T) -> Result<U, StoreError> + Sync,
    ) -> Vec<Option<Result<U, StoreError>>> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let threads = self.threads().clamp(1, all.len().max(1));
        let mut done: Vec<_> = all.iter().map(|_| None).collect();
        let some = || {
            let mut some = Vec::new();
            while !failed.load(Ordering::Relaxed) {
                let place = next.fetch_add(1, Ordering::Relaxed);
                let Some(one) = all.get(place) else { break };
                let result = work(one);
                failed.fetch_or(result.is_err(), Ordering::Relaxed);
                some.push((place, result));
            }
            some
        };
        let all_some = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
            let joined = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
            joined.collect::<Vec<_>>()
        });
        for some in all_some {
            let some = some.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            some.into_iter().for_each(|(place, result)| done[place] = Some(result));
        }
        done
    }
}

/// What keeps others from pulling an output: absolute paths that are a part of what it is made from.
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

/// All outputs of a plan that a remote has and the store does not, each after what it was made from.
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
                // Without it nobody can tell what is made of it.
                if plan.verdicts.digest(node).is_none() {
                    let label = plan.graph.label(node, Show::Clipped);
                    pulled.leave(label, plan.verdicts.reasons(node));
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
                Err(Verdict::Complete(_) | Verdict::Adopt(..)) => pulled.found(),
                Err(verdict) => {
                    pulled.leave(plan.graph.label(node, Show::Clipped), &reasons);
                    if let Verdict::Run(made_from, _) = &verdict
                        && plan.graph.roots.contains(&node)
                    {
                        pulled.explain(lacking(remote, &judge, node, made_from)?);
                    }
                }
            }
        }
        found.push(of_plan);
    }
    // What an instance has required while it ran was found after it.
    Ok(found.into_iter().rev().flatten().collect())
}

/// Why a remote has no output of an instance that would be made from this.
fn lacking(
    remote: &dyn Remote,
    judge: &Judge<'_>,
    node: NodeIndex,
    made_from: &MadeFrom,
) -> Result<String, StoreError> {
    let (decl, key) = (&judge.graph.task(node).decl, judge.graph.node(node).key);
    let (count, some) = manifest::some(remote, decl.identity(), COMPARED)?;
    if count == 0 {
        return Ok("the remote has no output of this task".to_owned());
    }
    let mut reasons = Vec::new();
    let same = some.iter().filter(|record| record.key == key);
    if let Some(latest) = same.max_by_key(|record| record.started) {
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

/// Removes the files of an output that is not committed.
fn discard(flow: &Flow, staged: &Staged) {
    flow.store.discard_path(&staged.draft);
    if let Some(output) = &staged.output {
        flow.store.discard(&staged.folder, output);
    }
}

/// Outputs of these sizes, in groups that are committed together.
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
