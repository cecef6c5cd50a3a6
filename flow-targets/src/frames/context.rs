//! What a task does with frames by its context: queries whose reads are recorded, and SQL over the inputs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use flow_core::{Cx, Task};
use polars::prelude::{DataFrame, LazyFrame};

use super::columns_read;
#[cfg(feature = "polars-sql")]
use super::sql::{self, SqlError};

/// The name of the metadata in which [`FrameContext::record_columns`] records the columns that a task reads.
///
/// The value is an object: for each input that is read, by the name that it has as a table of `sql`, the
/// sorted list of its columns.
pub const COLUMNS_READ: &str = "columns_read";

/// The methods of a task's context for lazy frames.
///
/// It is in the prelude of `flow`.
pub trait FrameContext {
    /// Runs a query, and records the columns that it reads of each input, as metadata of the output.
    ///
    /// ```text
    /// let closes = cx.collect(cx.input().scan_columns(&["close"])?.select([col("close").mean()]))?;
    /// ```
    ///
    /// The metadata is a description. When the task runs again is decided where the frame comes from: see
    /// [the module](super#columns-that-count).
    ///
    /// # Errors
    ///
    /// The query is not valid, or a file cannot be read.
    fn collect(&self, frame: LazyFrame) -> Result<DataFrame>;

    /// Records the columns that a query reads of each input, as metadata of the output: see [`COLUMNS_READ`].
    ///
    /// [`collect`](Self::collect) calls it. A task that returns the query itself, as the output of a target such as
    /// `Parquet<LazyFrame>`, calls it before. Later calls add to what earlier ones have recorded.
    ///
    /// Nothing is recorded if [`columns_read`] does not know the files of the query.
    ///
    /// # Errors
    ///
    /// An expression in the `requires` of the task returns an error.
    fn record_columns(&self, frame: &LazyFrame) -> Result<()>;

    /// Returns the lazy frame of a query in SQL, whose tables are the inputs of the task.
    ///
    /// The name of a table is the name of the input: with `requires(prices = Prices, rates = Rates)` they are `prices`
    /// and `rates`. An input without a name has the name of the required task. Names are case-sensitive. All inputs of a
    /// list or map are one table, one after the other; an optional input that is not required is no table.
    ///
    /// The frame is lazy: like [`scan`](super::ScanInput::scan), it reads only the columns and rows that it needs, when it is
    /// collected or stored. The task depends on these columns only, and on the number of rows and the names, types and
    /// order of all columns: see [the module](super#columns-that-count). [The documentation of polars](https://docs.pola.rs/api/python/stable/reference/sql/) lists
    /// the SQL that it supports.
    ///
    /// ```text
    /// let sums = cx.sql("select symbol, sum(close * rate) as value from prices join rates using (currency) group by symbol")?;
    /// ```
    ///
    /// # Errors
    ///
    /// The query is not valid; it names an input whose files polars does not scan, see [`Scan`](super::Scan); or the file of an
    /// input cannot be read.
    #[cfg(feature = "polars-sql")]
    fn sql(&self, query: &str) -> Result<LazyFrame, SqlError>;
}

impl<T: Task> FrameContext for Cx<T> {
    fn collect(&self, frame: LazyFrame) -> Result<DataFrame> {
        self.record_columns(&frame)?;
        Ok(frame.collect()?)
    }

    fn record_columns(&self, frame: &LazyFrame) -> Result<()> {
        let Some(read) = columns_read(frame) else { return Ok(()) };
        let mut recorded: BTreeMap<String, BTreeSet<String>> =
            self.__recorded(COLUMNS_READ).unwrap_or_default();
        for input in self.__named_inputs()? {
            // An input without a file is not scanned.
            let Ok(path) = input.path() else { continue };
            for file in read.iter().filter(|file| file.path.starts_with(&path)) {
                let columns = recorded.entry(input.name().to_owned()).or_default();
                columns.extend(file.columns.iter().cloned());
            }
        }
        self.meta(COLUMNS_READ, recorded)
    }

    #[cfg(feature = "polars-sql")]
    fn sql(&self, query: &str) -> Result<LazyFrame, SqlError> {
        sql::over_inputs(query, || self.__named_inputs())
    }
}
