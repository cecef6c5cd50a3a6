//! Outputs without their Rust types: the format, the first rows and the statistics of any stored file.
//!
//! A command line, a page or a notebook shows outputs of tasks whose types it does not know, even of tasks that the program
//! does not have. [`Instance`](flow_core::Instance) and [`StoredOutput`](flow_core::StoredOutput) of the core give what
//! records say: paths, metadata, inputs, versions, logs. This module reads the files:
//!
//! ```text
//! Instance ───────► OutputFile::of ─────────┐            ┌─► first_rows    rows of a table as text
//!                                           ├► OutputFile├─► columns       of a table, and statistics of each
//! find_stored ──► OutputFile::of_recorded ──┘            ├─► sample        first or random rows, within limits
//!                                                        ├─► batches       all rows of a table, with their Arrow types
//!                                                        ├─► first_lines   lines of text, JSON with an entry on each line
//!                                                        └─► entries       names in a folder
//! ```
//!
//! ```standalone_crate
//! use flow::prelude::*;
//! use flow_targets::inspect::{Format, OutputFile, find_stored};
//!
//! #[task(target = Json<Vec<u64>>)]
//! fn squares(n: u64) -> Vec<u64> {
//!     (1..=n).map(|i| i * i).collect()
//! }
//!
//! # fn main() -> Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let flow = Flow::open(folder.path())?.quiet();
//! flow.with(squares::N, 3).run::<squares>()?;
//! flow.with(squares::N, 4).run::<squares>()?;
//!
//! // By the name of the task, and the text of a parameter.
//! let stored = flow.store().list()?;
//! let found = find_stored(&stored, "squares", &[("n".to_owned(), "4".into())].into())?;
//! let [(_, recorded)] = found.as_slice() else { panic!("one output matches") };
//! let files = OutputFile::of_recorded(recorded);
//! let [file] = files.as_slice() else { panic!("it has one file") };
//! assert_eq!(file.format(), Format::Json);
//! assert_eq!(file.first_lines(2)?.lines, ["[", "  1,"]);
//! # Ok(())
//! # }
//! ```
//!
//! A file of a store may come from anyone: only regular files are opened, links in a store are not followed, and a panic of a
//! reader is an error.
//!
//! # Features
//!
//! - `inspect`: text, JSON and folders.
//! - `inspect-tables`: also tables in Arrow IPC and CSV and, together with `parquet`, in Parquet.

mod error;
mod file;
mod find;
mod format;
mod lines;
#[cfg(feature = "inspect-tables")]
mod table;

pub use self::error::InspectError;
pub use self::file::OutputFile;
pub use self::find::find_stored;
pub use self::format::Format;
pub use self::lines::FirstLines;
#[cfg(feature = "inspect-tables")]
pub use self::table::{
    Batches, ColumnStatistics, Distinct, FirstRows, HistogramBin, InspectedColumn, ReadLimits,
    RowSample, SampledRow, SampledRows, TableStatistics, ValueCount,
};
