//! Data frames of polars: lazy frames over the outputs of other tasks, and as outputs.
//!
//! The module needs the cargo feature `polars`. The crate polars, in the version whose frames the targets store, is
//! re-exported as `flow::polars`.
//!
//! - A [`DataFrame`](polars::prelude::DataFrame) is a table, which every target for tables except CSV stores and loads as a whole.
//! - A [`LazyFrame`] is a table, too. Loading it opens the file and reads no rows. Saving it runs the query with the
//!   streaming engine of polars: rows are written while others are computed, and the table is never in memory as a whole.
//! - [`ScanInput::scan`] returns a lazy frame over an output of another type, such as `Parquet<Vec<Row>>`. Polars reads
//!   only the columns that the query needs, and skips the parts of the file that its filters cannot match.
//! - [`FrameContext`] has methods of a task's context: `collect` and `record_columns` record which columns of
//!   which input a query reads, and `sql`, with the cargo feature `polars-sql`, runs SQL over the inputs.
//! - [`columns_read`] returns the columns that a query reads from each file.
//!
//! ```
//! use flow_core::{Sink, Source, Target};
//! use flow_targets::frames::columns_read;
//! use flow_targets::polars::prelude::*;
//!
//! # #[cfg(feature = "parquet")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use flow_targets::Parquet;
//!
//! let prices = df!["symbol" => ["A", "B", "A"], "close" => [1.0, 2.0, 4.0], "volume" => [7, 8, 9]]?;
//! let file = tempfile::NamedTempFile::new()?;
//! let target = <Parquet<LazyFrame>>::default();
//! target.save(&prices.lazy(), &mut Sink::new(&mut file.reopen()?))?;
//!
//! let closes = target.load(&Source::file(file.path()))?;
//! let closes = closes.group_by([col("symbol")]).agg([col("close").mean()]).sort(["symbol"], Default::default());
//! let read = columns_read(&closes).ok_or("the plan has no files")?;
//! assert_eq!(read[0].columns, ["symbol", "close"]);
//! assert_eq!(closes.collect()?.column("close")?.f64()?.get(0), Some(2.5));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "parquet"))]
//! # fn main() {}
//! ```
//!
//! # Order of rows
//!
//! Equal outputs must have equal bytes, because the tasks that require an output run again if its bytes change. Polars
//! computes in parallel. It keeps the order of rows, except after operations such as `group_by` and `join`, whose
//! documentation says so: sort the rows after them, or request the order with `group_by_stable` and `maintain_order`.
//! For the same reason, sums and means of floating-point numbers may differ in the last digits between two runs.

mod columns;
mod context;
mod scan;
#[cfg(feature = "polars-sql")]
mod sql;

use anyhow::Result;
use flow_core::{Input, InputPart, LoadError, Source, Target, Task};
use polars::prelude::LazyFrame;

pub use columns::{ColumnsRead, columns_read};
pub use context::{COLUMNS_READ, FrameContext};
#[doc(hidden)]
pub use scan::{ScanFile, Scanner};
pub use scan::{scan_ipc, scan_parquet};
#[cfg(feature = "polars-sql")]
pub use sql::{SqlError, sql};

/// A target whose files polars scans: it reads only what a query needs.
///
/// [`Parquet`](crate::Parquet) and [`ArrowIpc`](crate::ArrowIpc) are, for all types of tables. For a target of your own,
/// call [`scan_parquet`] or [`scan_ipc`].
#[diagnostic::on_unimplemented(
    message = "polars does not scan the files of `{Self}`",
    label = "its output is loaded whole",
    note = "polars scans the files of `Parquet` and `ArrowIpc`; or implement `Scan` for a target of your own",
    note = "for CSV, read `cx.input().path()?` with the `LazyCsvReader` of polars"
)]
pub trait Scan: Target {
    /// Returns a lazy frame over the file. Only the schema is read.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn scan(&self, source: &Source) -> Result<LazyFrame>;
}

/// The method `scan` of an input: [`Input`], or one of several outputs, [`InputPart`].
///
/// It is in the prelude of `flow`.
pub trait ScanInput {
    /// Returns a lazy frame over the output. Only the schema of the file is read.
    ///
    /// The columns and filters of the query reach the file: polars reads the columns that the query needs, and skips the
    /// row groups whose statistics show that no row matches.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read. If a part that is read later is damaged, collecting the frame is an error.
    fn scan(&self) -> Result<LazyFrame, LoadError>;
}

impl<A: Task> ScanInput for Input<A>
where
    A::Target: Scan,
{
    fn scan(&self) -> Result<LazyFrame, LoadError> {
        self.read_with(|target, source| target.scan(source))
    }
}

impl<K: Scan> ScanInput for InputPart<K> {
    fn scan(&self) -> Result<LazyFrame, LoadError> {
        self.read_with(|target, source| target.scan(source))
    }
}
