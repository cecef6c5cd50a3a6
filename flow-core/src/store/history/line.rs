//! The lines of a file of the history, as they are written and read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{InstanceOutcome, InstanceRun, Program};

/// A line of a file. Its `kind` says which.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line.
    Run(Box<Header>),
    Instance(Box<InstanceRun>),
    /// The last line.
    End(End),
    /// A kind that a later version of this library added.
    #[serde(other)]
    Unknown,
}

/// What the first line says of a run.
#[derive(Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) schema: u32,
    pub(super) id: String,
    /// The version of this library.
    pub(super) library: String,
    pub(super) started: jiff::Timestamp,
    pub(super) host: String,
    pub(super) pid: u32,
    pub(super) program: Program,
    #[serde(default)]
    pub(super) commit: Option<String>,
    #[serde(flatten)]
    pub(super) planned: PlannedRun,
}

/// What the plan of a run says before it starts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct PlannedRun {
    /// The labels of the roots, or of the first [`ROOTS`](super::ROOTS) of them.
    #[serde(default)]
    pub(crate) roots: Vec<String>,
    #[serde(default)]
    pub(crate) root_count: u64,
    #[serde(default)]
    pub(crate) workers: u64,
    /// The number of instances by status.
    #[serde(default)]
    pub(crate) planned: BTreeMap<String, u64>,
}

/// What the last line says of a run.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) seconds: f64,
    pub(super) success: bool,
    /// The number of instance lines, with those that were omitted.
    #[serde(default)]
    pub(super) counts: BTreeMap<InstanceOutcome, u64>,
    /// The number of settled instances without a line.
    #[serde(default)]
    pub(super) omitted: u64,
    /// The largest memory of the process until then, in bytes.
    #[serde(default)]
    pub(super) peak_bytes: Option<u64>,
}

/// The schema of a file, which can be read whatever else the line has.
#[derive(Deserialize)]
pub(super) struct Version {
    pub(super) schema: u32,
}
