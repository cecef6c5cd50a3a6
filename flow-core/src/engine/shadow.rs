//! Shadow runs: runs tasks without committing anything, to compare their outputs with the stored ones or to debug them.
//!
//! [`Execution::run_aside`] runs one instance. The inputs are loaded from the store as it is, or as the execution holds
//! them. The output goes into an [`AsideFolder`], which is removed afterwards; if the process dies before that, `gc`
//! removes it. `debug` runs one instance in this way.
//!
//! `bless` uses [`Aside`] to find out whether an edit of the code changes any output.
//!
//! Two runs are equal if the outputs, the recorded metadata, the reads and the requirements are equal. The content
//! of an output in memory cannot be compared: it is confirmed by the outputs that are computed from it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use daggy::NodeIndex;

use crate::base::key::{Digest, Key};
use crate::base::names::INTERNAL;
use crate::base::names::unique;
use crate::base::panics;
use crate::base::pause::{running_time, seconds_since};
use crate::engine::Execution;
use crate::engine::failed::failed_run;
use crate::engine::job::Control;
use crate::engine::running::Running;
use crate::engine::watch::Watch;
use crate::plan::affected::{Affected, Assumed};
use crate::store::failure::FailedRun;
use crate::store::made::Made;
use crate::store::memory::Remembered;
use crate::store::output::{Output, OutputFile};
use crate::store::read_columns::ReadColumns;
use crate::store::record::{MadeFrom, Read, Record, Required, digest_required};
use crate::store::{ASIDE, Folder, Store};
use crate::task::Kind;
use crate::task::cx::WatchError;
use crate::task::execute::Executed;
use crate::task::expectation::EXPECTATIONS;

/// The stack size of a thread, in bytes: that of a worker.
const STACK: usize = 8 << 20;

/// A folder for shadow outputs, which is removed with all its content on drop.
pub(crate) struct AsideFolder {
    store: Arc<Store>,
    folder: Folder,
}

impl AsideFolder {
    pub(crate) fn new(store: &Arc<Store>) -> Self {
        let folder = Path::new(INTERNAL).join(ASIDE).join(unique());
        Self { store: Arc::clone(store), folder }
    }

    /// Returns the folder for the output of an instance.
    pub(crate) fn of(&self, key: Key) -> Folder {
        self.folder.join(key.to_string())
    }
}

impl Drop for AsideFolder {
    fn drop(&mut self) {
        let store = &self.store;
        store.discard_path(&store.root().join(&self.folder));
        // The parent folder is removed with the last one in it: removing a folder that is not empty fails.
        let above = self.folder.parent().map(|above| store.root().join(above));
        let _ = above.map(|above| store.fs().remove_folder(&above));
    }
}

/// One run of an instance whose output no record names.
pub(crate) struct ShadowRun {
    running: Arc<Running>,
    executed: anyhow::Result<Executed>,
    /// A file that the task may have read was written meanwhile. The output has been removed.
    changed: Option<anyhow::Error>,
    started: jiff::Timestamp,
    seconds: f64,
}

impl ShadowRun {
    /// Returns the result of the task, or an error if a file that it may have read was written meanwhile.
    ///
    /// The error of the task keeps its type.
    pub(crate) fn finish(self) -> Rerun {
        let Self { running, executed, changed, started, seconds } = self;
        let executed = match (executed, changed) {
            (executed, None) => executed,
            (Ok(_), Some(changed)) => Err(changed),
            // The change of the file may be why the task failed.
            (Err(error), Some(changed)) => Err(error.context(format!("{changed:#}"))),
        };
        let (reads, columns) = (running.reads().all(), running.reads().columns());
        let run = failed_run(running.attempt(), (1, 0), started, seconds);
        Rerun { executed, reads, columns, required: running.required(), run }
    }
}

/// The result of running one instance by itself.
pub(crate) struct Rerun {
    pub(crate) executed: anyhow::Result<Executed>,
    pub(crate) reads: Vec<Read>,
    pub(crate) columns: Vec<ReadColumns>,
    pub(crate) required: Vec<Vec<Required>>,
    /// What the attempt has left behind. The metadata of a task that succeeded is that of the output.
    pub(crate) run: FailedRun,
}

impl Execution {
    /// Runs the task of an instance and writes its output into this folder, where no record names it.
    ///
    /// # Errors
    ///
    /// The stamp of a file that the task may read cannot be read.
    pub(crate) fn run_aside(
        self: &Arc<Self>,
        node: NodeIndex,
        made_from: &MadeFrom,
        fingerprint: Digest,
        folder: &Folder,
    ) -> Result<ShadowRun, WatchError> {
        let (started, begun) = (jiff::Timestamp::now(), running_time());
        let watch = Watch::begin(self, node, made_from, &Control::detached(&self.stopper))?;
        // A run inside the task that requires this instance would wait for its claim forever.
        let entered = self.around(node).enter();
        let executed = panics::catch_error(|| {
            self.plan.check_node(node)?;
            watch.running().execute(folder, fingerprint)
        });
        drop(entered);
        let seconds = seconds_since(begun);
        let changed = watch.check_unchanged().err();
        if let (Ok(executed), Some(_)) = (&executed, &changed) {
            self.plan.store.discard(folder, &executed.output);
        }
        let running = Arc::clone(watch.running());
        Ok(ShadowRun { running, executed, changed, started, seconds })
    }
}

/// A comparison of outputs with their records, by shadow runs.
pub(crate) struct Aside<'a> {
    execution: &'a Arc<Execution>,
    assumed: &'a Assumed,
    /// The number of outputs that were compared, and that will be.
    done: (&'a AtomicUsize, usize),
    folder: AsideFolder,
}

/// An instance to run again, with the record that its output is compared with.
struct Pair<'a> {
    node: NodeIndex,
    record: &'a Record,
    /// The fingerprint that the instance has today.
    fingerprint: Digest,
}

impl<'a> Aside<'a> {
    /// Lets tasks load the recorded outputs as if these were up to date.
    pub(crate) fn new(
        execution: &'a Arc<Execution>,
        assumed: &'a Assumed,
        done: (&'a AtomicUsize, usize),
    ) -> Self {
        let (held, graph) = (&execution.held, &execution.plan.graph);
        for (node, folder, record, is_there) in &assumed.good {
            if *is_there {
                held.set_made(*node, Made::new(folder.clone(), Record::clone(record)));
            }
        }
        let on_disk = |one: &&Affected| one.is_there && !one.record.output.is_in_memory();
        for affected in assumed.affected.iter().filter(on_disk) {
            let record = Record::clone(&affected.record);
            held.set_made(affected.node, Made::new(affected.from.clone(), record));
        }
        use crate::plan::judge::Upstream;
        for node in graph.nodes().filter(|&node| graph.kind(node) != Kind::Made) {
            if let Some(digest) = assumed.digest(node) {
                held.set_made(node, graph.not_made(node, digest));
            }
        }
        let folder = AsideFolder::new(&execution.plan.store);
        Self { execution, assumed, done, folder }
    }

    /// Runs the chosen instances on this many threads, and returns the differences by instance.
    ///
    /// Inputs whose output is missing, such as values in memory, are produced first.
    ///
    /// # Errors
    ///
    /// The operating system refuses to start a thread.
    pub(crate) fn compare(
        &self,
        chosen: &[&Affected],
        threads: usize,
    ) -> std::io::Result<Vec<(NodeIndex, String)>> {
        let mut different = Vec::new();
        for pair in self.missing(chosen) {
            let (node, differences) = (pair.node, self.make(&pair, true));
            different.extend(differences.into_iter().map(|what| (node, what)));
        }
        if !different.is_empty() {
            return Ok(different);
        }
        let next = AtomicUsize::new(0);
        let work = || {
            let mut different = Vec::new();
            while let Some(one) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                let (node, fingerprint) = (one.node, one.fingerprint);
                let pair = Pair { node, record: &one.record, fingerprint };
                self.execution.report_started(node, 1, None);
                let differences = self.make(&pair, false);
                self.execution.report_compared(node, differences.is_empty(), self.done);
                different.extend(differences.into_iter().map(|what| (node, what)));
            }
            different
        };
        let different = std::thread::scope(|scope| {
            let threads = (0..threads.clamp(1, chosen.len().max(1))).map(|i| {
                let thread = std::thread::Builder::new().name(format!("flow-aside-{i}"));
                thread.stack_size(STACK).spawn_scoped(scope, work)
            });
            let threads = threads.collect::<std::io::Result<Vec<_>>>()?;
            let done = threads.into_iter().map(|thread| thread.join().expect("panics are caught"));
            let mut different: Vec<_> = done.flatten().collect();
            different.sort();
            std::io::Result::Ok(different)
        })?;
        Ok(different)
    }

    /// Returns the missing inputs of the chosen instances, and the missing inputs of those, upstream first.
    fn missing(&self, chosen: &[&Affected]) -> Vec<Pair<'a>> {
        let assumed = self.assumed;
        let graph = &self.execution.plan.graph;
        let mut needed = HashSet::new();
        let mut new: Vec<NodeIndex> = chosen.iter().map(|one| one.node).collect();
        while let Some(node) = new.pop() {
            for input in graph.gathered_inputs(node) {
                let made = graph.kind(input) == Kind::Made;
                if made && self.execution.held.made(input).is_none() && needed.insert(input) {
                    new.push(input);
                }
            }
        }
        let affected = assumed.affected.iter().map(|one| Pair {
            node: one.node,
            record: &one.record,
            fingerprint: one.fingerprint,
        });
        let good = assumed.good.iter().map(|(node, _, record, _)| Pair {
            node: *node,
            record,
            fingerprint: record.fingerprint,
        });
        let mut missing: Vec<_> = affected.chain(good).collect();
        missing.retain(|pair| needed.contains(&pair.node));
        missing.sort_by_key(|pair| pair.node);
        missing
    }

    /// Runs one instance, and returns the differences. If the output is to be `loaded`, it is kept for consumers.
    fn make(&self, pair: &Pair<'_>, loaded: bool) -> Vec<String> {
        let plan = &self.execution.plan;
        if self.execution.stopper.is_stopped() {
            return vec!["the execution was stopped".to_owned()];
        }
        let folder = self.folder.of(plan.graph.node(pair.node).key);
        let (made_from, fingerprint) = (&pair.record.made_from, pair.fingerprint);
        let ran = match self.execution.run_aside(pair.node, made_from, fingerprint, &folder) {
            Ok(ran) => ran,
            Err(error) => return vec![format!("it cannot be compared: {error}")],
        };
        let ShadowRun { running, executed, changed, .. } = ran;
        let executed = match executed {
            Ok(executed) => executed,
            Err(error) => return vec![format!("it failed: {}", panics::render(error))],
        };
        if let Some(changed) = changed {
            return vec![format!("it cannot be compared: {changed:#}")];
        }
        let differences = differences(pair.record, &executed, &running);
        let Executed { output, meta, value, footprint } = executed;
        if !loaded {
            plan.store.discard(&folder, &output);
            return differences;
        }
        if let (true, Some(value)) = (output.is_in_memory(), value) {
            let value = Remembered { value, footprint };
            plan.store.memory().keep(output.digest, value, &plan.graph.task(pair.node).decl.name);
        }
        let fingerprint = Some(pair.fingerprint);
        let made = Made { folder, output, meta, fingerprint, from: None };
        self.execution.held.set_made(pair.node, made);
        differences
    }
}

/// Returns the differences between a recorded run and a shadow run.
fn differences(record: &Record, made: &Executed, running: &Running) -> Vec<String> {
    let mut differences = Vec::new();
    if !record.output.is_in_memory() {
        differences.extend(different_files(&record.output, &made.output));
    }
    let names =
        record.meta.keys().chain(made.meta.keys()).collect::<std::collections::BTreeSet<_>>();
    // The results of expectations depend on the earlier version of the output, which a shadow run does not have.
    for name in names.into_iter().filter(|name| *name != EXPECTATIONS) {
        let show = |value: Option<&serde_json::Value>| {
            value.map_or_else(|| "not recorded".to_owned(), ToString::to_string)
        };
        let (was, is) = (record.meta.get(name), made.meta.get(name));
        if was != is {
            differences.push(format!("metadata `{name}`: was {}, is {}", show(was), show(is)));
        }
    }
    let all = running.reads().all();
    let is_same = |(was, now): (&Read, &Read)| was.is_same(now);
    if record.reads.len() != all.len() || !record.reads.iter().zip(&all).all(is_same) {
        differences.push("it reads other files, parameters or metadata".to_owned());
    }
    if digest_required(&record.required) != digest_required(&running.required()) {
        differences.push("it requires something else while it runs".to_owned());
    }
    differences
}

/// Returns the differences between the files of two outputs.
fn different_files(was: &Output, is: &Output) -> Vec<String> {
    let parts = was.files.iter().chain(&is.files).map(|file| file.part.as_str());
    let parts: std::collections::BTreeSet<_> = parts.collect();
    let mut different = Vec::new();
    for part in parts {
        let named =
            if part.is_empty() { "the output".to_owned() } else { format!("output `{part}`") };
        match (was.file(part), is.file(part)) {
            (Some(was), Some(is)) if was.digest == is.digest => {}
            (Some(was), Some(is)) => different.push(match different_within(was, is) {
                Some(path) => format!("{named}: {} has other content", path.display()),
                None => format!("{named} has other content ({} → {} bytes)", was.bytes, is.bytes),
            }),
            (Some(_), None) => different.push(format!("{named} does not exist any more")),
            (None, _) => different.push(format!("{named} did not exist before")),
        }
    }
    different
}

/// Returns the path of the first file that differs between two folders, in alphabetical order.
fn different_within(was: &OutputFile, is: &OutputFile) -> Option<PathBuf> {
    let (was, is) = (was.folder.as_ref()?, is.folder.as_ref()?);
    let content = |file: &&crate::store::output::Within| (file.path.clone(), file.digest);
    let known: HashSet<_> = was.iter().map(|file| content(&file)).collect();
    let new: HashSet<_> = is.iter().map(|file| content(&file)).collect();
    known.symmetric_difference(&new).map(|(path, _)| PathBuf::from(path)).min()
}
