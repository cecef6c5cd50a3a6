//! The first rows of a table as text.

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::contained;
use crate::display::displayable;
use crate::inspect::{InspectError, OutputFile};

/// The first rows of a table, returned by [`OutputFile::first_rows`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstRows {
    /// The columns.
    pub columns: Vec<InspectedColumn>,
    /// The cells of each row as text; `None` for a missing value.
    pub rows: Vec<Vec<Option<String>>>,
    /// The number of all rows, if it is known.
    pub total: Option<u64>,
    /// Whether there are no more rows.
    pub is_whole: bool,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedColumn {
    /// The name.
    pub name: String,
    /// The type in Arrow, such as `Float64`.
    pub kind: String,
    /// Whether the values are numbers.
    pub is_number: bool,
}

impl OutputFile {
    /// Reads the first rows of a table, at most `count` of them. All columns of a CSV file are text.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn first_rows(&self, count: usize) -> Result<FirstRows, InspectError> {
        contained(self.path(), || first_rows(self, count))
    }
}

fn first_rows(file: &OutputFile, count: usize) -> Result<FirstRows, InspectError> {
    // One more shows whether there are more.
    let limit = count.saturating_add(1);
    let batches = file.first_batches(limit)?;
    let total = batches.total();
    let fields = batches.schema().fields().iter();
    let columns = fields.map(|field| InspectedColumn {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
        is_number: field.data_type().is_numeric(),
    });
    let columns = columns.collect();
    let mut rows = Vec::new();
    for batch in batches {
        let added = add(&mut rows, &batch?, limit);
        added.map_err(|error| InspectError::damaged(file.path(), error))?;
        if rows.len() > count {
            break;
        }
    }
    let is_whole = rows.len() <= count;
    rows.truncate(count);
    let total = total.or_else(|| is_whole.then_some(rows.len() as u64));
    Ok(FirstRows { columns, rows, total, is_whole })
}

/// Adds the rows of a batch, until there are `limit`.
fn add(
    rows: &mut Vec<Vec<Option<String>>>,
    batch: &RecordBatch,
    limit: usize,
) -> Result<(), ArrowError> {
    let options = FormatOptions::default().with_null("null");
    let arrays = batch.columns().iter().map(displayable);
    let arrays = arrays.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    // The nulls of a dictionary may be in its values.
    let columns = arrays.iter().map(|array| {
        Ok((array.logical_nulls(), ArrayFormatter::try_new(array.as_ref(), &options)?))
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let count = batch.num_rows().min(limit.saturating_sub(rows.len()));
    for row in 0..count {
        let mut cells = Vec::with_capacity(columns.len());
        for (nulls, formatter) in &columns {
            cells.push(match nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                true => None,
                false => Some(formatter.value(row).try_to_string()?),
            });
        }
        rows.push(cells);
    }
    Ok(())
}
