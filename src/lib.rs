//! Typed data workflows: tasks are structs or functions, outputs are files, and only what a change affects
//! runs again.
//!
//! A *task* is a struct whose fields are its parameters. It says what it requires and how its
//! output is kept; everything else is derived: where the output lies, whether it is still good,
//! what must run again after a parameter, the code or the data changed, and how to load it back
//! with its own Rust type.
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
//! // A value given to one flow leaves the other as it is.
//! let more = flow.with(Squares::N, 10);
//! assert!(!more.is_complete::<Sum>()?);
//! more.run::<Sum>()?;
//! assert_eq!(*more.load::<Sum>()?, 385);
//! assert!(flow.is_complete::<Sum>()?);
//! # Ok(())
//! # }
//! ```
//!
//! # Functions as tasks
//!
//! A task can be written as a function. Its arguments are what it requires and its parameters, and it
//! can still be called:
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
//! # Where to look
//!
//! - [`derive@Task`]: all that can be written in `#[task(...)]` and `#[param(...)]`.
//! - [`macro@task`]: functions as tasks.
//! - [`derive@Outputs`]: several outputs of one task.
//! - [`Flow`]: all that can be asked of a flow.
//! - [`Cx`]: what a running task sees besides its parameters.
//! - [`targets`]: the formats, and what each keeps.
//! - [`Target`]: how to write one of your own.
//! - [`testing`]: pipelines in `cargo test`.
//! - [`expect`]: what is expected of outputs.

pub use anyhow;
#[doc(hidden)]
pub use flow_core::__private;
#[doc(no_inline)]
pub use flow_core::jiff;
#[doc(inline)]
pub use flow_core::{
    Code, Cx, Entry, Error, Event, File, Flow, Input, Inputs, IntoParam, Limits, Loaded, Memory,
    Output, Outputs, Param, Parameter, Roots, Run, Secret, Stopper, Subgraph, Summary, Target,
    Task, Tracked, Trust, Uses, check, read,
};
// For the tests of this workspace: a file system that fails, and the canonical form of values.
#[doc(hidden)]
pub use flow_core::{fs, value};
pub use flow_derive::{Outputs, Task, Tracked, task, tracked};
#[doc(inline)]
pub use flow_targets as targets;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
#[doc(no_inline)]
pub use flow_targets::arrow;

pub mod expect;
#[cfg(feature = "testing")]
pub mod testing;

/// What a running task can do beside reading its inputs: start programs, require tasks with settings.
///
/// [`Cx`](crate::Cx) returns these types.
pub mod cx {
    #[doc(inline)]
    pub use flow_core::{Command, InputPart, Over, Variants, With};
}

/// The errors, by what failed.
pub mod error {
    #[doc(inline)]
    pub use flow_core::{
        Error, LoadError, LoadErrorKind, NotBlessed, PlanError, PlanErrorKind, RequireError,
        RequireErrorKind, SelectError, StoreError, SweepError,
    };
}

/// Exports: outputs as files for people and programs that do not know the store.
pub mod export {
    #[doc(inline)]
    pub use flow_core::ExportSummary;
}

/// Plans: the graph of instances, what would run and why, and pictures of it.
pub mod plan {
    #[doc(inline)]
    pub use flow_core::{
        Cause, Checked, CodeChange, Cost, InputChange, Instance, Plot, Preview, Problems, Reason,
        Show, Status, Step, Warning, Why,
    };
}

/// Remotes: places that share outputs between stores.
pub mod remote {
    #[doc(inline)]
    pub use flow_core::{Remote, RemoteFolder, Skipped, Transferred};
}

/// The store: its outputs, garbage collection, verification.
///
/// [`Flow::store`](crate::Flow::store) returns the [`FlowStore`] of a flow.
pub mod store {
    #[doc(inline)]
    pub use flow_core::{
        Bless, Blessed, Damage, Difference, Digest, FlowStore, Garbage, Gc, Harm, Key, Metadata,
        NotHex, Removed, ReuseSource, StoredOutput, Verified,
    };
}

/// Sweeps: many settings of one flow.
///
/// [`Flow::sweep`](crate::Flow::sweep) returns a [`Sweep`].
pub mod sweep {
    #[doc(inline)]
    pub use flow_core::{
        Best, ByVariant, Cells, Drawn, Setting, Sweep, SweepPreview, SweepSummary, Table,
        TableColumn, VariantOutcome,
    };
}

/// The trait of targets, and what a target of one's own is written with.
///
/// The targets of this library are in [`targets`](crate::targets).
pub mod target {
    #[doc(inline)]
    pub use flow_core::target::{
        Column, Columnar, Description, Pieces, Python, Sink, Source, Streaming, Target, read,
    };
    #[doc(inline)]
    pub use flow_core::{Gathered, Keep, KeepPart, Part, Several};
}

/// What tasks and programs that run them return: [`anyhow::Result`].
pub type Result<T, E = anyhow::Error> = std::result::Result<T, E>;

/// What a file of tasks needs: `use flow::prelude::*;`.
pub mod prelude {
    pub use ::anyhow::{self, Context as _, anyhow, bail, ensure};
    pub use flow_core::{
        Cx, Flow, Input, IntoParam, Loaded, Memory, Outputs, Param, Run, Secret, Target, Task,
        Tracked,
    };
    pub use flow_derive::{Outputs, Task, Tracked, task, tracked};
    #[cfg(feature = "arrow")]
    pub use flow_targets::ArrowIpc;
    #[cfg(feature = "csv")]
    pub use flow_targets::Csv;
    #[cfg(feature = "csv-gz")]
    pub use flow_targets::CsvGz;
    #[cfg(feature = "excel")]
    pub use flow_targets::Excel;
    #[cfg(feature = "json")]
    pub use flow_targets::Json;
    #[cfg(feature = "parquet")]
    pub use flow_targets::Parquet;
    #[cfg(feature = "pickle")]
    pub use flow_targets::Pickle;
    #[cfg(feature = "text")]
    pub use flow_targets::Text;
    #[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
    pub use flow_targets::{BatchStream, RecordBatch, SweepTable};
    #[cfg(any(feature = "arrow", feature = "parquet"))]
    pub use flow_targets::{Lz4, Snappy, Uncompressed, Zstd};
    pub use serde::{Deserialize, Serialize};

    pub use crate::Result;
}

/// The README's pipeline compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
