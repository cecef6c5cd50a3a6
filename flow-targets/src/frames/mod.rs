//! Data frames of polars: lazy frames over the outputs of other tasks, and as outputs.
//!
//! The module needs the cargo feature `polars`. The crate polars, in the version whose frames the targets store, is
//! re-exported as `flow::polars`.
//!
//! - A [`DataFrame`](polars::prelude::DataFrame) is a table, which every target for tables except CSV stores and loads as a whole.
//! - A [`LazyFrame`] is a table, too. Loading it opens the file and reads no rows. Saving it runs the query with the
//!   streaming engine of polars: rows are written while others are computed, and the table is never in memory as a whole.
//! - [`ScanInput::scan_columns`] returns a lazy frame over columns of an output of another type, such as
//!   `Parquet<Vec<Row>>`, and [`ScanInput::scan`] one over all columns. Polars reads only the columns that the query needs,
//!   and skips the parts of the file that its filters cannot match. [What that is](#formats) depends on the format.
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
//! # Formats
//!
//! | target | what a query reads |
//! | --- | --- |
//! | `Parquet`, `ArrowIpc` | the columns that it needs, without the row groups of Parquet in which no row can match its filters |
//! | `Dataset` | the same of each file, without the files whose partitions do not match its filters |
//! | `Csv`, `CsvGz` | a temporary copy of the file; of `scan_columns`, a copy of these columns |
//!
//! **Datasets.** All files are one frame. Partition columns have the types that are recorded with the files, or else those
//! of a load, and their values are decoded and null as in a load. The rows are in the order of the names of the files. A
//! dataset without rows has all columns. [`Input::select`] limits the frame, and what the task depends on, to some
//! partitions. If a partition column is null in some files, these files and the others are several scans, one after the
//! other, that are planned as a union. Polars 0.55 keeps a file for which a filter on partition columns alone is null though no
//! partition column is: after a cast of a text that is no number, or a division by zero. End such a filter with
//! `.fill_null(lit(false))`, or with `coalesce(..., false)` in SQL.
//!
//! **CSV.** The reader of polars would give other values and types than a load: for quoted cells, null words, and types that
//! it infers from the first lines. So the reader of the target reads the file once, with all its options, and writes a copy
//! in Arrow IPC to the folder for temporary files, which the variable `TMPDIR` sets on Unix. At most a few thousand rows are in memory. The copy
//! is removed with the last frame that needs it. Columns have the types of the `schema`, or else of the fields of a row, or
//! else the types that are inferred from all cells.
//!
//! # Columns that count
//!
//! A task that reads some columns of an input does not run again if only other columns change. For that, it must be certain
//! that the task has seen nothing else:
//!
//! | call | of the input counts |
//! | --- | --- |
//! | `cx.sql(query)` | the columns whose values can reach the result, and the shape of the table: its number of rows, and the names, types and order of all columns |
//! | `input.scan_columns(&["a", "b"])` | these columns, whichever of them the query reads |
//! | `input.scan()`, an argument of type `LazyFrame` | everything |
//!
//! The planner of SQL sees the shape: `select *` has another result if a column is added, and so has a column that two
//! tables have. What is computed from the frame of `cx.sql` depends on its result only, whether the task or a function of this module collects it. The frame of
//! `scan` shows every column to those who have a clone of it, and so all of them count, even if `cx.collect` runs a query
//! that reads few. Everything counts, too, if a query is not valid, reads a file besides the inputs, or scans nothing of
//! the input.
//!
//! # Order of rows
//!
//! Equal outputs must have equal bytes, because the tasks that require an output run again if its bytes change. Polars
//! computes in parallel. It keeps the order of rows, except after operations such as `group_by` and `join`, whose
//! documentation says so: sort the rows after them, or request the order with `group_by_stable` and `maintain_order`.
//! For the same reason, sums and means of floating-point numbers may differ in the last digits between two runs.

mod columns;
mod context;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
mod convert;
#[cfg(feature = "csv")]
mod copies;
#[cfg(feature = "polars-sql")]
mod reads;
mod scan;
#[cfg(feature = "polars-sql")]
mod sql;

use anyhow::Result;
use flow_core::target::Partitioned;
use flow_core::{Columnar, Input, InputPart, LoadError, SelectedInput, Source, Target, Task};
use polars::prelude::{Expr, LazyFrame};

pub use columns::{ColumnsRead, columns_read};
pub use context::{COLUMNS_READ, FrameContext};
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) use convert::from_polars;
#[cfg(any(feature = "arrow", feature = "csv", feature = "excel", feature = "parquet"))]
pub(crate) use convert::to_polars;
#[cfg(feature = "csv")]
pub(crate) use copies::scan_copy;
#[doc(hidden)]
pub use scan::{ScanFile, Scanner};
pub use scan::{scan_ipc, scan_parquet};
#[cfg(feature = "polars-sql")]
pub use sql::{SqlError, sql};

/// A target whose files polars scans: it reads only what a query needs.
///
/// [`Parquet`](crate::Parquet), [`Dataset`](crate::Dataset), [`ArrowIpc`](crate::ArrowIpc), [`Csv`](crate::Csv) and
/// [`CsvGz`](crate::CsvGz) are, for all types of tables. For a target of your own, call [`scan_parquet`] or [`scan_ipc`].
#[diagnostic::on_unimplemented(
    message = "polars does not scan the files of `{Self}`",
    label = "its output is loaded whole",
    note = "polars scans the files of `Parquet`, `Dataset`, `ArrowIpc`, `Csv` and `CsvGz`; or implement `Scan` for a target of your own"
)]
pub trait Scan: Target {
    /// Returns a lazy frame over the file, or the files of a folder.
    ///
    /// Only the schema is read, except for formats that polars does not scan: the target copies such a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    fn scan(&self, source: &Source) -> Result<LazyFrame>;

    /// Returns a lazy frame over these columns of the file, in this order.
    ///
    /// # Errors
    ///
    /// There is no such column, a name is given twice, or the file cannot be read.
    fn scan_columns(&self, source: &Source, names: &[&str]) -> Result<LazyFrame> {
        select(self.scan(source)?, names)
    }
}

/// The methods `scan` and `scan_columns` of an input: [`Input`], or one of several outputs, [`InputPart`].
///
/// It is in the prelude of `flow`.
pub trait ScanInput {
    /// The target of the output.
    type Target: Scan;

    /// Returns a lazy frame over the output. Only the schema of the file is read; a CSV file is [copied](self#formats).
    ///
    /// The columns and filters of the query reach the file: polars reads the columns that the query needs, and skips the
    /// row groups whose statistics show that no row matches. A running task depends on the whole output, because the
    /// frame shows all columns: [`scan_columns`](Self::scan_columns) limits it to some.
    ///
    /// The file is read when the frame is collected. A task collects or stores the frame itself: an external file is watched only
    /// as long as the task runs, so that a frame in a `Memory` output may read what was written later.
    ///
    /// # Errors
    ///
    /// The file is missing or cannot be read. If a part that is read later is damaged, collecting the frame is an error.
    fn scan(&self) -> Result<LazyFrame, LoadError>;

    /// Returns a lazy frame over these columns of the output, in this order. The frame has no others.
    ///
    /// A running task that reads nothing else of this input depends on these columns only: if other columns change, are
    /// added or removed, the task does not run again. Without names, all of the output counts.
    ///
    /// ```text
    /// let closes = cx.input().scan_columns(&["symbol", "close"])?.group_by([col("symbol")]).agg([col("close").mean()]);
    /// ```
    ///
    /// # Errors
    ///
    /// There is no such column, a name is given twice, or the file is missing or cannot be read. If a part that is read
    /// later is damaged, collecting the frame is an error.
    fn scan_columns(&self, names: &[&str]) -> Result<LazyFrame, LoadError>
    where
        Self::Target: Columnar;
}

impl<A: Task> ScanInput for Input<A>
where
    A::Target: Scan,
{
    type Target = A::Target;

    fn scan(&self) -> Result<LazyFrame, LoadError> {
        self.read_with(|target, source| target.scan(source))
    }

    fn scan_columns(&self, names: &[&str]) -> Result<LazyFrame, LoadError>
    where
        A::Target: Columnar,
    {
        let target = A::__target();
        self.read_columns(names, |source| target.scan_columns(source, names))
    }
}

impl<K: Scan> ScanInput for InputPart<K> {
    type Target = K;

    fn scan(&self) -> Result<LazyFrame, LoadError> {
        self.read_with(|target, source| target.scan(source))
    }

    fn scan_columns(&self, names: &[&str]) -> Result<LazyFrame, LoadError>
    where
        K: Columnar,
    {
        let target = self.__target();
        self.read_columns(names, |source| target.scan_columns(source, names))
    }
}

impl<K: Scan + Partitioned> ScanInput for SelectedInput<K> {
    type Target = K;

    /// Returns a lazy frame over the selected partitions. A running task depends on these.
    fn scan(&self) -> Result<LazyFrame, LoadError> {
        self.read(|source| self.__target().scan(source))
    }

    /// Returns a lazy frame over these columns of the selected partitions. A running task depends on whole partitions all the
    /// same.
    fn scan_columns(&self, names: &[&str]) -> Result<LazyFrame, LoadError>
    where
        K: Columnar,
    {
        self.read(|source| self.__target().scan_columns(source, names))
    }
}

/// Returns the frame of some columns. A name without a column is an error of this call.
pub(crate) fn select(frame: LazyFrame, names: &[&str]) -> Result<LazyFrame> {
    // The function `col` would take some names for patterns.
    let columns = names.iter().map(|name| Expr::Column((*name).into()));
    let frame = frame.select(columns.collect::<Vec<_>>());
    frame.clone().collect_schema()?;
    Ok(frame)
}
