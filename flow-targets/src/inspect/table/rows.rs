//! The first rows of a table as text.

use std::fmt;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::Field;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions, ValueFormatter};

use super::batches::Opening;
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

impl InspectedColumn {
    pub(super) fn of(field: &Field) -> Self {
        Self {
            name: field.name().clone(),
            kind: field.data_type().to_string(),
            is_number: field.data_type().is_numeric(),
        }
    }
}

/// The longest header of a CSV file from which [`OutputFile::columns`] returns the columns, in bytes.
const HEADER: u64 = 16 << 20;

impl OutputFile {
    /// Returns the columns of a table, without reading its rows. All columns of a CSV file are text.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn columns(&self) -> Result<Vec<InspectedColumn>, InspectError> {
        let opening = Opening { rows: Some(0), bytes: Some(HEADER), columns: None, is_text: true };
        let table = self.open_table(&opening)?;
        Ok(table.schema().fields().iter().map(|field| InspectedColumn::of(field)).collect())
    }

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
    let columns = fields.map(|field| InspectedColumn::of(field)).collect();
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
    let count = batch.num_rows().min(limit.saturating_sub(rows.len()));
    rows.extend(cells(batch, 0..count, usize::MAX)?);
    Ok(())
}

/// Returns the cells of some rows of a batch as text, of each at most the first `longest` characters.
pub(super) fn cells(
    batch: &RecordBatch,
    places: impl IntoIterator<Item = usize>,
    longest: usize,
) -> Result<Vec<Vec<Option<String>>>, ArrowError> {
    let options = FormatOptions::default().with_null("null");
    let arrays = batch.columns().iter().map(displayable);
    let arrays = arrays.collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    // The nulls of a dictionary may be in its values.
    let columns = arrays.iter().map(|array| {
        Ok((array.logical_nulls(), ArrayFormatter::try_new(array.as_ref(), &options)?))
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let mut rows = Vec::new();
    for row in places {
        let mut cells = Vec::with_capacity(columns.len());
        for (nulls, formatter) in &columns {
            cells.push(match nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                true => None,
                false => Some(beginning(&formatter.value(row), longest)?),
            });
        }
        rows.push(cells);
    }
    Ok(rows)
}

/// Returns the first `longest` characters of a value, without making the text of the rest.
pub(super) fn beginning(value: &ValueFormatter<'_>, longest: usize) -> Result<String, ArrowError> {
    let mut beginning = Beginning { text: String::new(), left: longest, is_cut: false };
    match value.write(&mut beginning) {
        Err(error) if !beginning.is_cut => Err(error),
        _ => Ok(beginning.text),
    }
}

/// Keeps the first characters that are written to it, and refuses others.
struct Beginning {
    text: String,
    left: usize,
    is_cut: bool,
}

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some((end, _)) = text.char_indices().nth(self.left) {
            self.text.push_str(&text[..end]);
            (self.left, self.is_cut) = (0, true);
            return Err(fmt::Error);
        }
        self.text.push_str(text);
        self.left -= text.chars().count();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn a_long_cell_is_cut_after_its_first_characters() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("äöü"), None, Some("a")]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![12_345, 1, 12]));
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("text", texts, true),
            ("number", numbers, true),
        ]);
        let batch = batch.expect("a batch");
        let of = |places: &[usize], longest| {
            let rows = cells(&batch, places.iter().copied(), longest).expect("cells");
            let texts = rows.into_iter().flatten();
            texts.map(|text| text.unwrap_or("-".to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(of(&[0, 1, 2], 2), ["äö", "12", "-", "1", "a", "12"]);
        assert_eq!(of(&[2, 0], 5), ["a", "12", "äöü", "12345"]);
    }
}
