//! Tables of any format, as batches of Arrow.
//!
//! [`batches`] opens a file, or a part of it, and [`bounded`] reads within [`limits`]; of a CSV file, [`csv_rows`] counts the rows
//! first. [`rows`] and [`sample`] return rows as
//! text, and [`statistics`] describes columns: their [`distribution`], and what the [`metadata`] of a Parquet file says of the
//! rows that are not read.

mod batches;
mod bounded;
mod csv_rows;
mod distribution;
mod limits;
#[cfg(feature = "parquet")]
mod metadata;
mod rows;
mod sample;
mod statistics;

pub use self::batches::Batches;
pub use self::distribution::{Distinct, HistogramBin, ValueCount};
pub use self::limits::ReadLimits;
pub use self::rows::{FirstRows, InspectedColumn};
pub use self::sample::{RowSample, SampledRow, SampledRows};
pub use self::statistics::{ColumnStatistics, TableStatistics};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use flow_core::Instance;

use super::InspectError;
use super::format::CsvOptions;

/// What is known of a table besides its file.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// How the cells of a CSV file are separated.
    csv: CsvOptions,
    /// The instance, if the program has its task: its target knows the columns of a CSV file.
    instance: Option<Instance>,
}

impl Source {
    /// `target` is the source of a target, such as `Csv<Vec<Row>>(delimiter = ';')`.
    pub(super) fn new(target: &str, instance: Option<&Instance>) -> Self {
        Self { csv: CsvOptions::of(target), instance: instance.cloned() }
    }

    /// Returns whether each column of the file of a part is text, as far as the program knows.
    fn text_columns(&self, part: &str) -> Result<Vec<bool>, InspectError> {
        let Some(instance) = &self.instance else { return Ok(Vec::new()) };
        let descriptions = instance.describe()?;
        let columns = descriptions.get(part).into_iter().flat_map(|file| &file.columns);
        Ok(columns.map(|column| column.kind.contains("Utf8")).collect())
    }
}

/// Calls a function that reads a table. A store may come from anyone, and the readers panic on some damaged files: such a
/// panic becomes an error.
fn contained<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, InspectError>,
) -> Result<T, InspectError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(InspectError::damaged(path, "the file is damaged, and its reader panicked"))
    })
}
