//! Garbage collection of a remote: finding outputs and files that no kept root needs, and removing them.
//!
//! Finding and removing are separate steps, as for a [store](super::gc). What is removed is decided again when it is
//! removed, while no push is in progress: a push that has ended since may rely on a file that was garbage before.
//! Manifests are removed before the files that they name, so that an interruption leaves no manifest without its files.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use daggy::NodeIndex;

use crate::base::bytes::Bytes;
use crate::base::error::StoreError;
use crate::flow::error::Error;
use crate::flow::plan::{RefreshMode, roots_of};
use crate::flow::{Flow, Roots};
use crate::plan::Plan;
use crate::plan::dynamic::{Finder, Replay};
use crate::plan::force::Force;
use crate::plan::judge::{Judge, Upstream as _, Verdict};
use crate::plan::label::Show;
use crate::plan::variant::Root;
use crate::remote::finder::RemoteFinder;
use crate::remote::{
    OBJECTS, OUTPUTS, Remote, RemoteContext, RemoteEntry, TABLES, manifest, object, table,
};
use crate::store::bounds;
use crate::store::external_reads::no_file;
use crate::store::trust::Trust;
use crate::task::Kind;

/// The default minimal age of garbage.
const OLDER_THAN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The size of the manifests that are read with one request, in bytes.
const BATCH_BYTES: u64 = 32 << 20;

/// How many manifests are read with one request.
const BATCH: usize = 1000;

/// A search for outputs and files in a remote that are no longer needed.
///
/// Files that no manifest names are garbage once they are [old enough](Self::older_than). Outputs are garbage only if roots
/// to [keep](Self::keep) are given, or if [age alone](Self::by_age_alone) decides.
///
/// ```
/// use std::time::Duration;
///
/// use flow::prelude::*;
/// use flow::remote::{RemoteFolder, RemoteGc};
///
/// #[derive(Task)]
/// #[task(target = Json<u64>)]
/// struct Square {
///     n: u64,
/// }
///
/// #[tracked]
/// impl Run for Square {
///     fn run(&self, _cx: &Cx<Self>) -> Result<u64> {
///         Ok(self.n * self.n)
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let shared = RemoteFolder::new(folder.join("shared"));
/// let flow = Flow::open(folder.join("data"))?.quiet();
/// for n in [3, 4] {
///     let flow = flow.with(Square::N, n);
///     flow.run::<Square>()?;
///     flow.push::<Square>(&shared)?;
/// }
///
/// // Keep the output for 4, and no other.
/// let gc = RemoteGc::new(&shared).keep::<Square>(&flow.with(Square::N, 4))?;
/// let garbage = gc.older_than(Duration::ZERO).find()?;
/// assert_eq!((garbage.outputs(), garbage.files()), (1, 1));
/// garbage.remove()?;
///
/// let there = Flow::open(folder.join("there"))?.quiet();
/// assert_eq!(there.with(Square::N, 4).pull::<Square>(&shared)?.instances().len(), 1);
/// assert_eq!(there.with(Square::N, 3).pull::<Square>(&shared)?.instances().len(), 0);
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is looked for before `find` is called"]
pub struct RemoteGc<'a> {
    remote: &'a dyn Remote,
    /// The folders of the manifests to keep, if roots or the age decide about outputs.
    wanted: Option<HashSet<String>>,
    older_than: Duration,
}

impl<'a> RemoteGc<'a> {
    /// Returns a search in a remote.
    pub fn new(remote: &'a dyn Remote) -> Self {
        Self { remote, wanted: None, older_than: OLDER_THAN }
    }

    /// Keeps the outputs that these roots need with the parameters of `flow`, and makes others garbage.
    ///
    /// It keeps the outputs of all instances upstream, and of those that tasks required while they ran: everything that a
    /// [pull](Flow::pull) of the roots would copy or find complete. Call it for each flow and root to keep.
    ///
    /// # Errors
    ///
    /// Planning fails, the remote cannot be read, or a file that the roots depend on is missing here: then
    /// their outputs are unknown, and would be removed.
    pub fn keep<R: Roots>(self, flow: &Flow) -> Result<Self, Error> {
        self.keep_roots(&roots_of::<R>(), flow)
    }

    fn keep_roots(mut self, roots: &[Root<'_>], flow: &Flow) -> Result<Self, Error> {
        let trust = match flow.trust {
            Trust::Records => Trust::Stamps,
            trust => trust,
        };
        let refresh = RefreshMode::EvaluateIgnoringAge;
        let mut plan = flow.unjudged(roots, &Force::default(), trust, refresh)?;
        plan.remotes.clear();
        let finder = RemoteFinder::new(self.remote);
        finder.prefetch(&plan.graph)?;
        let replay = Replay::finding(&finder);
        plan.judge_all_by(&replay)?;
        let wanted = self.wanted.get_or_insert_default();
        let mut plans = vec![Arc::new(plan)];
        let mut seen = HashSet::new();
        let mut place = 0;
        while let Some(plan) = plans.get(place).cloned() {
            place += 1;
            for node in plan.graph.nodes().filter(|&node| plan.graph.kind(node) == Kind::Made) {
                if !seen.insert(plan.graph.node(node).key) {
                    continue;
                }
                let judge = Judge::new(&plan, &plan.verdicts, &replay);
                let judged = judge.judge(node)?;
                let task = plan.graph.task(node).decl.identity();
                // The output here may be of earlier inputs with the same columns. A store without it searches for today's.
                if let Some(today) = judge.made_from(node)? {
                    let fingerprint = today.fingerprint(task);
                    wanted.insert(manifest::folder(task, fingerprint));
                    // If the remote has only the one of earlier inputs, a pull copies that.
                    if has_columns(&judged.verdict)
                        && !matches!(finder.kept(task, fingerprint, &mut |_| true), Ok(Some(_)))
                        && let Some(kept) = judge.kept_remotely(node, &today)?
                    {
                        wanted.insert(manifest::folder(task, kept.record.fingerprint));
                    }
                }
                plans.extend(judged.in_run.into_iter().map(|answered| answered.plan));
                check_known(&plan, node, &judged.verdict)?;
                let fingerprint = match judged.verdict {
                    Verdict::Complete(record) | Verdict::Evicted(record, _) => record.fingerprint,
                    Verdict::Adopt(kept, _) => kept.record.fingerprint,
                    Verdict::Run(_, fingerprint) => fingerprint,
                    Verdict::There(_) | Verdict::Missing | Verdict::Upstream => continue,
                };
                wanted.insert(manifest::folder(task, fingerprint));
            }
        }
        Ok(self)
    }

    /// Makes all outputs garbage that are older than the minimal age, unless a root [keeps](Self::keep) them.
    pub fn by_age_alone(mut self) -> Self {
        self.wanted.get_or_insert_default();
        self
    }

    /// Sets the minimal age of garbage; the default is thirty days.
    ///
    /// The age counts from when an output was pushed, by the clock of the remote. A remote that knows no times has garbage
    /// only at the age zero.
    pub fn older_than(self, age: Duration) -> Self {
        Self { older_than: age, ..self }
    }

    /// Finds the garbage without changing anything.
    ///
    /// # Errors
    ///
    /// The remote cannot be read, or a manifest was written by a newer version of this library.
    pub fn find(self) -> Result<RemoteGarbage<'a>, Error> {
        self.remote.refresh().of_remote("list", OUTPUTS)?;
        let found = self.look()?;
        Ok(RemoteGarbage { gc: self, found })
    }

    fn look(&self) -> Result<Found, StoreError> {
        let now = SystemTime::now();
        let entries = |folder| self.remote.entries(folder).of_remote("list", folder);
        let is_old = |entry: &RemoteEntry| entry.is_older(self.older_than, now);
        let is_unwanted = |entry: &RemoteEntry| {
            let folder = entry.name.rsplit_once('/').map_or("", |(folder, _)| folder);
            self.wanted.as_ref().is_some_and(|wanted| !wanted.contains(folder))
        };
        let (mut manifests, mut live): (Vec<_>, Vec<_>) =
            entries(OUTPUTS)?.into_iter().partition(|entry| is_unwanted(entry) && is_old(entry));
        live.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut named = HashSet::new();
        for (entry, bytes) in self.contents(&live)? {
            let Some(bytes) = bytes else { continue };
            match manifest::parse_named(&entry.name, &bytes) {
                Ok(record) => {
                    let files = record.output.contents();
                    named.extend(files.map(|file| object(file.digest)));
                    named.extend(record.crates.map(table));
                }
                // No pull can use it, and a push of the same output puts another one.
                Err(StoreError::Damaged { .. }) if is_old(entry) => manifests.push(entry.clone()),
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let mut files = entries(OBJECTS)?;
        files.extend(entries(TABLES)?);
        files.retain(|entry| !named.contains(&entry.name) && is_old(entry));
        Ok(Found { manifests, files })
    }

    /// Reads manifests. `None` stands for one that was removed since it was listed.
    fn contents<'b>(&self, entries: &'b [RemoteEntry]) -> Result<Vec<ReadEntry<'b>>, StoreError> {
        let mut all = Vec::with_capacity(entries.len());
        let mut rest = entries;
        while !rest.is_empty() {
            let mut bytes = 0;
            let mut fits = |entry: &RemoteEntry| {
                bytes += entry.bytes;
                bytes <= BATCH_BYTES
            };
            let count = rest.iter().take(BATCH).take_while(|entry| fits(entry)).count().max(1);
            let (batch, others) = rest.split_at(count);
            let names: Vec<_> = batch.iter().map(|entry| entry.name.clone()).collect();
            let read = self.remote.get_many(&names, bounds::RECORD + 1);
            all.extend(batch.iter().zip(read.of_remote("get", &names[0])?));
            rest = others;
        }
        Ok(all)
    }
}

/// Returns whether the task of an output that was found here has read single columns.
fn has_columns(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Complete(record) | Verdict::Evicted(record, _) => !record.columns.is_empty(),
        Verdict::Adopt(kept, _) => !kept.record.columns.is_empty(),
        _ => false,
    }
}

/// Returns an error if the fingerprint of an instance is unknown because a file is missing here.
///
/// The outputs that others have made with the file would be garbage.
fn check_known(plan: &Plan, node: NodeIndex, verdict: &Verdict) -> Result<(), Error> {
    let graph = &plan.graph;
    let missing = match verdict {
        Verdict::Run(made_from, _) => {
            let mut files = made_from.files.iter();
            let file = files.find(|(_, file)| file.digest.is_none());
            file.map(|(name, file)| (node, format!("{}, which is `{name}`", no_file(&file.path))))
        }
        Verdict::Upstream => {
            let mut inputs = graph.gathered_inputs(node).into_iter();
            let is_missing = |input: &NodeIndex| {
                graph.kind(*input) == Kind::External && plan.verdicts.digest(*input).is_none()
            };
            let reasons = |input| {
                let reasons = plan.verdicts.reasons(input).iter().map(ToString::to_string);
                reasons.collect::<Vec<_>>().join("; ")
            };
            inputs.find(is_missing).map(|input| (input, reasons(input)))
        }
        _ => None,
    };
    let Some((of, why)) = missing else { return Ok(()) };
    let why = format!("{}: {why}", graph.label(of, Show::Clipped));
    Err(Error::UnknownOutputs { root: graph.root_names(), why })
}

impl fmt::Debug for RemoteGc<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.wanted.as_ref().map(HashSet::len);
        f.debug_struct("RemoteGc")
            .field("kept", &kept)
            .field("older_than", &self.older_than)
            .finish_non_exhaustive()
    }
}

/// A manifest with its content.
type ReadEntry<'a> = (&'a RemoteEntry, Option<Vec<u8>>);

/// What a search has found.
struct Found {
    manifests: Vec<RemoteEntry>,
    files: Vec<RemoteEntry>,
}

/// The garbage in a remote, as [`RemoteGc::find`] returns it. It can be printed and [removed](Self::remove).
#[must_use = "nothing is removed before `remove` is called"]
pub struct RemoteGarbage<'a> {
    gc: RemoteGc<'a>,
    found: Found,
}

impl RemoteGarbage<'_> {
    /// Returns whether there is no garbage.
    pub fn is_empty(&self) -> bool {
        self.found.manifests.is_empty() && self.found.files.is_empty()
    }

    /// Returns the number of outputs that would be removed.
    pub fn outputs(&self) -> usize {
        self.found.manifests.len()
    }

    /// Returns the number of files that would be removed.
    pub fn files(&self) -> usize {
        self.found.files.len()
    }

    /// Returns the size of what would be removed, in bytes.
    pub fn bytes(&self) -> u64 {
        let entries = self.found.manifests.iter().chain(&self.found.files);
        entries.map(|entry| entry.bytes).sum()
    }

    /// Removes the garbage, except for what came into use after the search.
    ///
    /// # Errors
    ///
    /// A push or another garbage collection is in progress, or the remote cannot be read or written. Part of the garbage
    /// may have been removed before; the outputs that are kept stay intact.
    pub fn remove(self) -> Result<(), Error> {
        let remote = self.gc.remote;
        let _hold = remote.exclude_pushes().of_remote("remove garbage from", OUTPUTS)?;
        let now = self.gc.look()?;
        let remove = |found: Vec<RemoteEntry>, now: Vec<RemoteEntry>| {
            let now: HashSet<_> = now.into_iter().map(|entry| entry.name).collect();
            let names = found.into_iter().map(|entry| entry.name);
            let names: Vec<_> = names.filter(|name| now.contains(name)).collect();
            // All at once: a remote that packs contents writes each pack and its index anew once.
            match names.first() {
                Some(first) => remote.delete_many(&names).of_remote("remove", first),
                None => Ok(()),
            }
        };
        remove(self.found.manifests, now.manifests)?;
        remove(self.found.files, now.files)?;
        Ok(())
    }
}

impl fmt::Debug for RemoteGarbage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RemoteGarbage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no garbage");
        }
        let plural = |n| if n == 1 { "" } else { "s" };
        let (outputs, files) = (self.outputs(), self.files());
        write!(f, "{outputs} output{} and {files} file{}", plural(outputs), plural(files))?;
        write!(f, " can be removed, {}", Bytes(self.bytes()))
    }
}
