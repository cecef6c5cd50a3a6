//! Frames of polars: scans of inputs, queries as outputs, SQL over inputs, and which columns of these count.
//!
//! The tests need the cargo feature `polars-sql`: `cargo test --features polars-sql --test frames`.

#![allow(clippy::unwrap_used)]

mod column_cutoff;
mod csv;
mod datasets;
mod scans;
mod sinks;
mod sql;
#[path = "../behaviour/wide_table.rs"]
mod wide_table;

use flow::{Error, Flow, Summary};
use tempfile::TempDir;

/// Opens a quiet flow in a temporary folder, which is removed on drop.
fn flow() -> (Flow, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let flow = Flow::open(folder.path().join("data")).expect("a new store").quiet();
    (flow, folder)
}

/// Returns the names of the tasks that ran, sorted.
fn ran(summary: &Summary) -> Vec<String> {
    let mut names: Vec<_> = summary.ran().iter().map(|entry| entry.task().to_owned()).collect();
    names.sort_unstable();
    names
}

/// Returns the message of an error with all causes.
fn message(error: Error) -> String {
    format!("{:#}", flow::anyhow::Error::new(error))
}
