//! What all executors have in common: a task leaves the same record, and a run shows the same, whether its tasks run in
//! threads, in child processes, or by workers elsewhere.
//!
//! [`EXECUTORS`] has an entry for each executor. Each test calls [`each`], which opens a store for each executor in turn, starts
//! what runs its jobs there, and calls the check. What differs between executors by design is asked of their [`Place`].
//!
//! With `FLOW_TEST_EXECUTOR=NAME`, the tests check that executor alone, also one that is not checked by default because it
//! needs a service.

mod computed;
mod failing;
mod records;
mod refused;
mod reporting;
mod requiring;

use std::any::Any;
use std::path::{Path, PathBuf};

use flow::prelude::*;

use crate::bucket_workers;
use crate::isolation::{Opened, open};
use crate::pull_workers::{pull, start_worker};
#[cfg(feature = "s3")]
use crate::s3_workers;
use crate::slurm_workers::{real_hyper_queue, real_slurm};

/// The variable that chooses an executor.
const CHOSEN: &str = "FLOW_TEST_EXECUTOR";

/// Where the tasks of an executor run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In threads of this process: with its memory.
    Thread,
    /// In child processes, which receive secrets.
    Child,
    /// In processes that receive jobs as files.
    Elsewhere,
    /// In such processes on machines with stores of their own, which have no other files and variables of the run.
    Apart,
}

/// An executor that the tests check.
struct TestedExecutor {
    /// Its name in the tests.
    name: &'static str,
    place: Place,
    /// Whether it is checked unless another one is chosen: it needs no service.
    is_default: bool,
    /// Returns a flow with this executor. What it needs is in a folder that all executors share.
    set: fn(&Flow, &Path) -> Flow,
    /// Starts what runs the jobs in the store of a flow, such as workers, until it is dropped.
    start: fn(&Flow, &Opened) -> Result<Box<dyn Any>>,
}

/// All executors.
static EXECUTORS: &[TestedExecutor] = &[
    TestedExecutor {
        name: "threads",
        place: Place::Thread,
        is_default: true,
        set: |flow, _| flow.clone(),
        start: |_, _| Ok(Box::new(())),
    },
    TestedExecutor {
        name: "children",
        place: Place::Child,
        is_default: true,
        set: |flow, _| flow.isolate(),
        start: |_, _| Ok(Box::new(())),
    },
    TestedExecutor {
        name: "pull",
        place: Place::Elsewhere,
        is_default: true,
        set: |flow, _| flow.executor(pull()),
        start: |flow, _| Ok(Box::new(start_worker(flow.folder())?)),
    },
    TestedExecutor {
        name: "exchange",
        place: Place::Apart,
        is_default: true,
        set: |flow, shared| flow.executor(bucket_workers::executor(shared)),
        start: |_, opened| Ok(Box::new(bucket_workers::start_worker(opened, "machine")?)),
    },
    // It needs a Slurm on this machine: `.ci/long` starts one. The run starts the workers.
    TestedExecutor {
        name: "slurm",
        place: Place::Elsewhere,
        is_default: false,
        set: |flow, _| flow.executor(real_slurm()),
        start: |_, _| Ok(Box::new(())),
    },
    // As Slurm: it needs a HyperQueue on this machine.
    TestedExecutor {
        name: "hq",
        place: Place::Elsewhere,
        is_default: false,
        set: |flow, _| flow.executor(real_hyper_queue()),
        start: |_, _| Ok(Box::new(())),
    },
    // It needs an S3 server, which `tests/remote/s3.py` starts.
    #[cfg(feature = "s3")]
    TestedExecutor {
        name: "s3",
        place: Place::Apart,
        is_default: false,
        set: |flow, shared| flow.executor(s3_workers::executor(shared)),
        start: |_, opened| Ok(Box::new(s3_workers::start_worker(opened)?)),
    },
];

/// A flow with an executor, on a store of its own.
struct Tested {
    executor: &'static TestedExecutor,
    flow: Flow,
    /// The same flow without the executor: its tasks run in threads.
    in_threads: Flow,
    /// A flow on a store that all executors share, whose tasks run in threads.
    reference: Flow,
    /// A folder for files of the tasks, which the executor has alone.
    folder: PathBuf,
    /// The folder that all executors share.
    shared: PathBuf,
    _workers: Box<dyn Any>,
}

impl Tested {
    fn new(executor: &'static TestedExecutor, opened: &Opened) -> Result<Self> {
        // More jobs than there are processors may be on their way.
        let in_threads = opened.flow.namespace(executor.name).workers(8);
        let reference = opened.flow.namespace("reference");
        let folder = opened.folder.join(executor.name);
        std::fs::create_dir_all(&folder)?;
        let shared = opened.folder.clone();
        let workers = (executor.start)(&in_threads, opened)?;
        let flow = (executor.set)(&in_threads, &opened.folder);
        Ok(Self { executor, flow, in_threads, reference, folder, shared, _workers: workers })
    }

    fn is_in(&self, place: Place) -> bool {
        self.executor.place == place
    }

    /// Whether its tasks run in processes that receive jobs as files.
    fn submits_jobs(&self) -> bool {
        matches!(self.executor.place, Place::Elsewhere | Place::Apart)
    }

    /// Returns the name that messages have for the executor of jobs.
    fn shown_name(&self) -> &'static str {
        // The executor is the same with a bucket.
        if self.is_in(Place::Apart) { "pull" } else { self.executor.name }
    }
}

/// Calls a check for each executor.
///
/// A test does nothing before: in a child process, this takes over.
fn each(check: impl Fn(&Tested) -> Result<()>) -> Result<()> {
    let opened = open();
    for executor in selected() {
        // If an assertion fails, this is above its message.
        println!("the executor `{}`", executor.name);
        let tested = Tested::new(executor, &opened)?;
        check(&tested).with_context(|| format!("the executor `{}`", executor.name))?;
    }
    Ok(())
}

/// Returns the executor that is chosen, or all that are checked by default.
fn selected() -> Vec<&'static TestedExecutor> {
    let chosen = std::env::var(CHOSEN).ok();
    let is_selected = |executor: &&TestedExecutor| match &chosen {
        Some(name) => executor.name == name,
        None => executor.is_default,
    };
    let selected: Vec<_> = EXECUTORS.iter().filter(is_selected).collect();
    let names: Vec<_> = EXECUTORS.iter().map(|executor| executor.name).collect();
    assert!(!selected.is_empty(), "{CHOSEN} is {chosen:?}, and none of {names:?}");
    selected
}
