//! Typed data workflows: tasks are structs or functions, outputs are files, and only what a change affects
//! runs again.
//!
//! A *task* is a struct or a function whose fields or arguments are its parameters. Attributes declare
//! which tasks it requires, and the *target*: the format in which its output is stored. A [`Flow`] does the
//! rest: it decides where the output is stored and whether it is up to date, runs what a change of a parameter,
//! the code or a file affects, and loads the output with its Rust type.
//!
//! ```
//! use flow::prelude::*;
//!
//! /// The first `n` squares.
//! #[derive(Task)]
//! #[task(target = Json<Vec<u64>>)]
//! struct Squares {
//!     #[param(default = 5)]
//!     n: u64,
//! }
//!
//! #[tracked]
//! impl Run for Squares {
//!     fn run(&self, _cx: &Cx<Self>) -> Result<Vec<u64>> {
//!         Ok((1..=self.n).map(|i| i * i).collect())
//!     }
//! }
//!
//! /// Their sum.
//! #[derive(Task)]
//! #[task(requires = Squares, target = Json<u64>)]
//! struct Sum;
//!
//! #[tracked]
//! impl Run for Sum {
//!     fn run(&self, cx: &Cx<Self>) -> Result<u64> {
//!         Ok(cx.input().load()?.iter().sum())
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let flow = Flow::open(folder)?;
//! flow.run::<Sum>()?;
//! assert_eq!(*flow.load::<Sum>()?, 55);
//!
//! // `with` returns a second flow, in which `n` is 10. The first flow stays as it is.
//! let more = flow.with(Squares::N, 10);
//! assert!(!more.is_complete::<Sum>()?);
//! more.run::<Sum>()?;
//! assert_eq!(*more.load::<Sum>()?, 385);
//! assert!(flow.is_complete::<Sum>()?);
//! # Ok(())
//! # }
//! ```
//!
//! `Squares::N` is the typed key of a parameter: the derive creates one for each field. `#[tracked]` makes the
//! code of the task count: if it changes, the task runs again.
//!
//! # Functions as tasks
//!
//! A task can be written as a function. Its first arguments are the outputs of the tasks that it requires, the
//! others are its parameters. The function can still be called. `cx`, the context of the running task, is optional:
//!
//! ```
//! use flow::prelude::*;
//!
//! /// The first `n` squares.
//! #[task(target = Json<Vec<u64>>)]
//! fn squares(#[param(default = 5)] n: u64) -> Vec<u64> {
//!     (1..=n).map(|i| i * i).collect()
//! }
//!
//! /// Their sum, without those that are too large.
//! #[task(requires = squares, target = Json<u64>)]
//! fn sum(squares: &[u64], #[param(default = 1_000)] limit: u64, cx: &Cx<sum>) -> Result<u64> {
//!     let counted = squares.iter().filter(|square| **square <= limit);
//!     cx.meta("counted", counted.clone().count())?;
//!     Ok(counted.sum())
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let flow = Flow::open(folder)?;
//! flow.run::<sum>()?;
//! assert_eq!(*flow.load::<sum>()?, 55);
//!
//! let few = flow.with(sum::LIMIT, 10).with(squares::N, 20);
//! few.run::<sum>()?;
//! assert_eq!(few.output::<sum>()?.meta::<usize>("counted")?, 3);
//! assert_eq!(squares(2), [1, 4]);
//! # Ok(())
//! # }
//! ```
//!
//! # Terms
//!
//! - An **instance** is a task with the values of all its parameters, such as `Squares {n: 10}`. Its **key** is a digest
//!   of the task's name and of all parameter values that it depends on. It identifies the instance in the store.
//! - The instances that an instance requires, directly or through others, are **upstream** of it. Those that require
//!   it are **downstream**. A **root** is a task that a call names, as in `flow.run::<Sum>()`.
//! - The **fingerprint** of an output is a digest of all that the output is computed from: parameters, code, the content
//!   of inputs and files. An output with an equal fingerprint is **reused** instead of computed again.
//! - The **record** of an output is a small file in the store. It holds the fingerprint, the digest of each file, and
//!   metadata. An output without a record does not exist.
//! - An instance is **complete** if its output equals what running it now would produce. Otherwise it is **pending**, and
//!   the reasons are known. If an instance that runs again produces an equal output, the instances downstream do not run
//!   (*early cutoff*).
//! - A **plan** is the graph of the instances that some roots require, with a verdict on each: complete or pending.
//!
//! # Overview
//!
//! - [`derive@Task`]: all options of `#[task(...)]` and `#[param(...)]`.
//! - [`macro@task`]: functions as tasks.
//! - [`macro@tracked`]: which code is tracked, and which is not.
//! - [`derive@Outputs`]: several outputs of one task.
//! - [`derive@Row`]: rows of tables with columns of dates, decimals and other types.
//! - [`Flow`]: running, loading, previews, parameter values, settings.
//! - [`Subgraph`], from [`Flow::graph`]: the tasks that a root requires.
//! - [`debug`], from [`Flow::debug`]: a task that failed, and running it again by itself; [`log`]: what tasks log.
//! - [`sweep::Sweep`], from [`Flow::sweep`]: many parameter values in one run.
//! - [`Flow::retries`], [`Flow::timeout`], [`Flow::offer`], [`Flow::on_failure`]: how tasks are executed.
//! - [`Event`], from [`Flow::observe`]: what happens during a run.
//! - [`signature`], for [`Flow::sign`] and [`Flow::require_signatures`]: only outputs of known machines are accepted.
//! - [`store::FlowStore`], from [`Flow::store`]: maintenance of the store, and the history of runs ([`store::Runs`]).
//! - [`Cx`]: inputs, files, metadata and everything else that a running task can use besides its parameters.
//! - [`targets`]: the formats, and what each preserves.
//! - [`Target`]: how to write a format of your own.
//! - [`interrupts`]: what Ctrl-C does, and [`main!`], the `main` of a program that runs flows.
//! - [`Flow::spawn`]: runs in the background, in services and in async programs.
//! - [`testing`]: pipelines in `cargo test`.
//! - [`expect`]: checks of outputs before they are stored.
//!
//! # Cargo features
//!
//! Each format has a feature of its name: `parquet`, `arrow`, `csv`, `csv-gz`, `json`, `pickle`, `text` and `bytes`
//! are enabled by default; `excel`, `messy` (files of other programs as they are found), `brotli` (to read Parquet files
//! that Brotli compressed) and `polars` are not. `polars` adds
//! data frames and lazy frames of polars and the module `frames`, and `polars-sql` also SQL over the inputs of a task. Neither
//! are `chrono`, `rust_decimal`, `uuid` and `serde_bytes`, which let types of these crates be columns of rows that derive
//! [`Row`](derive@Row). The features `testing`, `terminal` and `interrupts` are enabled by default: the module `testing`, a bar that shows the
//! progress of a run in a terminal, and the signal handlers of the module `interrupts` with [`main!`]. The feature
//! `inspect`, which is not, reads outputs without their types: [`targets`] has a module of that name. The feature
//! `tracing`, which is not either, lets events of the crates `tracing` and `log` go to the logs of tasks, and adds spans to plans,
//! tasks, commits, pushes and pulls. The features `s3`, `gcs` and `azure` (not by default) open buckets as remotes:
//! `flow::remote::open`. The feature `page` (not by default) serves a page of a flow in a browser: `flow.serve`, and
//! writes it to a file: `flow.report`. The feature `cluster` (not by default) runs tasks by workers on other machines: the
//! module `cluster`. The feature `signatures` (not by default) has keys that sign outputs: the module [`signature`].

pub use anyhow;
#[cfg(feature = "cli")]
#[doc(inline)]
pub use flow_cli::open_configured;
#[doc(hidden)]
pub use flow_core::__private;
/// The crate of dates and times of this library.
///
/// A date is a `jiff::civil::Date`, a time of day a `jiff::civil::Time`, an instant a `jiff::Timestamp`, and a duration a
/// `jiff::SignedDuration`. These types are columns of rows that derive [`Row`](derive@Row), and parameters.
#[doc(no_inline)]
pub use flow_core::jiff;
#[doc(inline)]
pub use flow_core::{
    Amount, Backoff, Code, Cx, Entry, Error, Event, File, Flow, Input, Inputs, IntoParam, Limits,
    Loaded, Memory, OnFailure, Output, Outputs, Param, ParamKey, Parameter, Roots, Run, RunHandle,
    Secret, Stopper, Subgraph, Summary, Target, Task, Tracked, Trust, Uses, check, memory_size,
    read,
};
// For the tests of this workspace: a file system that fails, and the canonical form of values.
#[doc(inline)]
pub use flow_core::register;
#[doc(hidden)]
pub use flow_core::{fs, value};
pub use flow_derive::{Outputs, Row, Task, Tracked, task, tracked};
#[doc(inline)]
pub use flow_targets as targets;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
#[doc(no_inline)]
pub use flow_targets::arrow;
#[cfg(feature = "polars")]
#[doc(inline)]
pub use flow_targets::frames;
#[cfg(feature = "polars")]
#[doc(no_inline)]
pub use flow_targets::polars;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
#[doc(inline)]
pub use flow_targets::rows;
#[cfg(any(feature = "adbc", feature = "sqlite"))]
#[doc(inline)]
pub use flow_targets::sql;

#[cfg(feature = "cli")]
pub mod cli;
pub mod expect;
#[cfg(doctest)]
mod guide;
pub mod interrupts;
#[cfg(feature = "testing")]
pub mod testing;

/// The types that methods of [`Cx`] return: programs, and settings of tasks that are required at run time.
pub mod cx {
    #[doc(inline)]
    pub use flow_core::{Command, InputPart, Over, Variants, With};
}

/// The error types, one for each kind of operation.
pub mod error {
    #[doc(inline)]
    pub use flow_core::{
        DebugError, Error, FigureError, LoadError, LoadErrorKind, NotBlessed, PlanError,
        PlanErrorKind, RequireError, RequireErrorKind, SelectError, StoreError, SweepError,
    };
}

/// Exports: copies of outputs for people and programs that do not use the store.
///
/// [`Flow::export`](crate::Flow::export) writes them. [`PYTHON_PACKAGE`](export::PYTHON_PACKAGE) reads stores in Python.
pub mod export {
    #[doc(inline)]
    pub use flow_core::{ExportSummary, PYTHON_PACKAGE};
}

/// Figures and notes: what tasks keep for people besides their outputs.
///
/// [`Cx::figure`](crate::Cx::figure) and [`Cx::note`](crate::Cx::note) keep them. [`Input::figures`](crate::Input::figures),
/// [`Instance::figures`](crate::plan::Instance::figures), [`RecordedOutput`](crate::store::RecordedOutput) and
/// [`LastFailure`](crate::plan::LastFailure) return them.
pub mod figures {
    #[doc(inline)]
    pub use flow_core::{Figure, FigureError, FigureFormat};
}

/// The logs of tasks: reading them, writing to them from other threads and, with the cargo feature `tracing`, the events
/// of the crates `tracing` and `log`.
///
/// [`Cx::log`](crate::Cx::log) writes a line. [`Flow::log`](crate::Flow::log) and
/// [`Instance::log`](crate::plan::Instance::log) read the log of the last run.
pub mod log {
    #[doc(inline)]
    pub use flow_core::{FollowedLog, LogEntered, LogScope, TaskLog};
    #[cfg(feature = "tracing")]
    #[doc(inline)]
    pub use flow_core::{LogLayer, Logger, layer, logger};
}

/// Debugging: what is known of an instance that failed, and running it again by itself.
///
/// [`Flow::debug`](crate::Flow::debug) and [`Subgraph::debug`](crate::Subgraph::debug) return a
/// [`DebugInstance`](debug::DebugInstance).
pub mod debug {
    #[doc(inline)]
    pub use flow_core::{DebugInput, DebugInstance, DebugOutcome, DebugRun};
}

/// A page of a flow in a browser, with the cargo feature `page`: its graph, instances, data and runs.
///
/// [`serve`](page::serve) and [`flow.serve::<R>(..)`](page::ServePage::serve) start it. Nothing is loaded from elsewhere, and
/// reading works without JavaScript. [`report`](page::report()) and
/// [`flow.report::<R>(..)`](page::MakeReport::report) build the same as one HTML file.
#[cfg(feature = "page")]
pub mod page {
    #[doc(inline)]
    pub use flow_page::{
        MakeReport, PageError, PageOptions, PageServer, Report, ReportError, ReportOptions,
        ServePage, report, serve,
    };
}

/// Past one machine, with the cargo feature `cluster`: workers on machines that share only the folder of the store, or a bucket.
///
/// [`flow.executor(PullWorkers::new())`](crate::Flow::executor) submits the tasks of a run. A [`Worker`](cluster::Worker), or
/// the verb `worker` of the command line, runs them on any machine. [`Slurm`](cluster::Slurm) and
/// [`HyperQueue`](cluster::HyperQueue) start the workers by a scheduler. [`JobQueues`](cluster::JobQueues) lists jobs and cancels them.
#[cfg(feature = "cluster")]
pub mod cluster {
    #[doc(inline)]
    pub use flow_cluster::{
        CancelSummary, ClusterError, HyperQueue, JobCounts, JobOptions, JobQueues, JobSelection,
        JobState, PullWorkers, QueueStatus, QueuedJob, QueuedRun, QueuedWorker, Slurm, TaskJobs,
        UnreadableFile, Worker, WorkerSummary,
    };
}

/// Executors of other machines: the interface for who brings the tasks of a flow to a cluster.
pub mod executor {
    #[doc(inline)]
    pub use flow_core::executor::{
        Job, JobEnd, JobEvent, JobEvents, JobExecutor, JobFile, JobInbox, JobLink, JobQueue,
        JobRunner, RunOfJobs, SubmittedJob, verified,
    };
}

/// Plans: the graph of instances, with what a run would do and why, as text or as a picture.
///
/// [`Flow::preview`](crate::Flow::preview), [`why`](crate::Flow::why), [`plot`](crate::Flow::plot) and
/// [`check`](crate::Flow::check) return these types.
pub mod plan {
    #[doc(inline)]
    pub use flow_core::{
        Cause, Checked, CodeChange, Cost, InputChange, Instance, LastFailure, Plot, Preview,
        Problems, Reason, Show, Status, Step, Warning, Why,
    };
}

/// Remotes: storage through which stores exchange outputs.
///
/// [`Flow::push`](crate::Flow::push) and [`Flow::pull`](crate::Flow::pull) use them. With the cargo features `s3`, `gcs` and
/// `azure`, the function `open` returns a remote in a bucket.
pub mod remote {
    #[doc(inline)]
    pub use flow_core::{
        Remote, RemoteEntry, RemoteFolder, RemoteGarbage, RemoteGc, RemoteHold, Skipped,
        Transferred,
    };
    #[cfg(feature = "remote")]
    #[doc(inline)]
    pub use flow_remote::{ObjectRemote, OpenOptions, Progress, RemoteError, is_url, open};
}

/// Signatures of outputs: who computed what.
///
/// [`Flow::sign`](crate::Flow::sign) signs what a flow computes, and
/// [`Flow::require_signatures`](crate::Flow::require_signatures) accepts nothing else. With the cargo feature `signatures`, a
/// `SigningKey` signs by ed25519, and `TrustedKeys` verify that.
pub mod signature {
    #[doc(inline)]
    pub use flow_core::signature::{SignatureError, Signer, Verifier};
    #[cfg(feature = "signatures")]
    #[doc(inline)]
    pub use flow_signatures::{AnyKey, KeyError, PublicKey, SigningKey, TrustedKeys};
}

/// The store: its outputs, garbage collection, verification, the history of runs.
///
/// [`Flow::store`](crate::Flow::store) returns the [`FlowStore`](store::FlowStore) of a flow.
pub mod store {
    #[doc(inline)]
    pub use flow_core::{
        Bless, Blessed, Damage, Difference, Digest, FlowStore, Garbage, Gc, Harm, InstanceChange,
        InstanceOutcome, InstanceRun, Key, Metadata, MetadataChange, NotHex, OutputVersion,
        Program, RecordedFile, RecordedInput, RecordedOutput, RecordedVersion, Removed,
        ReuseSource, RunComparison, RunHistory, RunInfo, RunOutcome, Runs, StoredOutput,
        UnsignedOutput, Verified,
    };
}

/// Sweeps: many parameter values of one flow, planned and run together.
///
/// [`Flow::sweep`](crate::Flow::sweep) returns a [`Sweep`](sweep::Sweep).
pub mod sweep {
    #[doc(inline)]
    pub use flow_core::{
        Best, ByVariant, Cells, Drawn, Setting, Sweep, SweepPreview, SweepSummary, Table,
        TableColumn, VariantOutcome,
    };
}

/// Tasks by name: what a program declares, for command lines and other tools that do not know its types.
///
/// [`Flow::graph_of`](crate::Flow::graph_of) and [`Flow::sweep_of`](crate::Flow::sweep_of) plan and run such tasks.
pub mod task {
    #[doc(inline)]
    pub use flow_core::{CodeItem, ParameterInfo, TaskInfo, UnknownTask, tasks};
}

/// The trait [`Target`], and the types for writing a format of your own.
///
/// The targets of this library are in [`targets`].
pub mod target {
    #[doc(inline)]
    pub use flow_core::target::{
        Column, ColumnDigests, ColumnHasher, Columnar, Description, FolderFile, OutputContext,
        Outside, OutsideContent, OutsidePlace, Partition, PartitionValue, Partitioned, Pieces,
        Provided, Python, ReadRows, Selection, Sink, SinkFolder, Source, Streaming, Target, read,
    };
    #[doc(inline)]
    pub use flow_core::{Gathered, Keep, KeepPart, Part, SelectedInput, Several};
}

/// Registers the constructor of a type that tasks use, for tasks that run in a child process.
///
/// A task that is declared with `uses(Client)` gets the `Client` that [`Flow::provide`] has given to the flow. That is in
/// the memory of one process. A task that is [isolated](Flow::isolate) runs in another one, which calls the
/// constructor when the first task asks for the value. So does a flow that provides no such value. A constructor is called
/// once in a process, and its panic fails the task.
///
/// ```
/// use flow::prelude::*;
///
/// struct Client {
///     url: &'static str,
/// }
///
/// flow::provider!(Client, || Client { url: "https://example.org" });
///
/// #[derive(Task)]
/// #[task(target = Text, uses(Client))]
/// struct Page;
///
/// #[tracked]
/// impl Run for Page {
///     fn run(&self, cx: &Cx<Self>) -> Result<String> {
///         Ok(cx.provided::<Client>().url.to_owned())
///     }
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// assert_eq!(*flow.get::<Page>()?, "https://example.org");
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! provider {
    ($ty:ty, $make:expr $(,)?) => {
        $crate::__private::inventory::submit! {
            $crate::__private::Provider {
                id: ::std::any::TypeId::of::<$ty>,
                make: || {
                    let make: fn() -> $ty = $make;
                    ::std::sync::Arc::new(make())
                },
            }
        }
    };
}

/// The result that tasks, and programs that run them, return: [`anyhow::Result`].
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// The names that a file with tasks needs: `use flow::prelude::*;`.
pub mod prelude {
    pub use ::anyhow::{self, Context as _, anyhow, bail, ensure};
    pub use flow_core::{
        Cx, Flow, Input, IntoParam, Loaded, Memory, Outputs, Param, Run, Secret, Target, Task,
        Tracked,
    };
    pub use flow_derive::{Outputs, Row, Task, Tracked, task, tracked};
    #[cfg(feature = "page")]
    pub use flow_page::{MakeReport as _, ServePage as _};
    #[cfg(feature = "arrow")]
    pub use flow_targets::ArrowIpc;
    #[cfg(feature = "csv")]
    pub use flow_targets::Csv;
    #[cfg(feature = "csv-gz")]
    pub use flow_targets::CsvGz;
    #[cfg(feature = "excel")]
    pub use flow_targets::Excel;
    #[cfg(feature = "messy")]
    pub use flow_targets::MessyCsv;
    #[cfg(all(feature = "messy", feature = "excel"))]
    pub use flow_targets::MessyExcel;
    #[cfg(feature = "pickle")]
    pub use flow_targets::Pickle;
    #[cfg(feature = "text")]
    pub use flow_targets::Text;
    #[cfg(feature = "polars")]
    pub use flow_targets::frames::{FrameContext as _, ScanInput as _};
    #[cfg(any(feature = "adbc", feature = "sqlite"))]
    pub use flow_targets::sql::{QueryCx as _, SqlTable};
    #[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
    pub use flow_targets::{BatchStream, RecordBatch, SweepTable};
    #[cfg(feature = "parquet")]
    pub use flow_targets::{Dataset, Parquet};
    #[cfg(feature = "json")]
    pub use flow_targets::{Json, JsonLines};
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub use flow_targets::{Lz4, Snappy, Uncompressed, Zstd};
    pub use serde::{Deserialize, Serialize};

    pub use crate::Result;
}

/// The README's pipeline compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
