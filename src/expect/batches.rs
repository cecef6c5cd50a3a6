//! Checks of record batches.

use std::fmt::Debug;

use anyhow::{Result, bail};
use flow_targets::RecordBatch;
use flow_targets::arrow::array::Array;
use flow_targets::arrow::datatypes::DataType;
use flow_targets::table::rows_of as read;
use serde::de::DeserializeOwned;

use super::rows::{Holds, Wrong};

/// Checks that `holds` is true, or `Ok`, for each row of a batch.
///
/// A row is read as a struct whose fields are columns of the batch; other columns are ignored.
///
/// # Errors
///
/// Some rows are not as expected. The error has their number, and shows the first of them. If rows
/// cannot be read, the error shows the first of those.
pub fn rows_of<R, H>(batch: &RecordBatch, mut holds: impl FnMut(&R) -> H) -> Result<()>
where
    R: DeserializeOwned + Debug + 'static,
    H: Holds,
{
    let rows = read::<R>(batch).or_else(|error| unreadable::<R>(batch, error))?;
    let mut wrong = Wrong::default();
    for (place, row) in rows.iter().enumerate() {
        let why_not = holds(row).why_not();
        wrong.count(place, row, why_not);
    }
    wrong.result()
}

/// Returns the error of the first row that cannot be read.
pub(super) fn unreadable<R: DeserializeOwned + 'static>(
    batch: &RecordBatch,
    mut why: anyhow::Error,
) -> Result<Vec<R>> {
    let rows = batch.num_rows();
    // All rows before `good` can be read, and some row before `bad` cannot.
    let (mut good, mut bad) = (0, rows);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        match read::<R>(&batch.slice(good, middle - good)) {
            Ok(_) => good = middle,
            Err(error) => (bad, why) = (middle, error),
        }
    }
    bail!("row {good} of {rows} rows is not as expected: {why:#}")
}

/// Checks that a batch has exactly these columns, in this order, with these types.
///
/// # Errors
///
/// Some columns are missing or unexpected, or have another type or position. The error lists all of
/// them.
pub fn schema(batch: &RecordBatch, columns: &[(&str, DataType)]) -> Result<()> {
    let schema = batch.schema();
    let mut wrong = Vec::new();
    for (place, (name, ty)) in columns.iter().enumerate() {
        match schema.column_with_name(name) {
            None => wrong.push(format!("`{name}` is missing")),
            Some((_, field)) if field.data_type() != ty => {
                wrong.push(format!("`{name}` is {} and not {ty}", field.data_type()));
            }
            Some((other, _)) if other != place && columns.len() == schema.fields().len() => {
                wrong.push(format!("`{name}` is column {other} and not {place}"));
            }
            Some(_) => {}
        }
    }
    let known = |name: &str| columns.iter().any(|(column, _)| *column == name);
    let besides = schema.fields().iter().filter(|field| !known(field.name()));
    wrong.extend(besides.map(|field| format!("`{}` is not expected", field.name())));
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("the columns are not as expected: {}", wrong.join("; "))
}

/// Checks that the batch has these columns, without nulls.
///
/// # Errors
///
/// Some columns are missing or have nulls. For each, the error has the number of nulls and the
/// first row with one.
pub fn no_nulls<const N: usize>(batch: &RecordBatch, columns: [&str; N]) -> Result<()> {
    let mut wrong = Vec::new();
    for name in columns {
        let Some(column) = batch.column_by_name(name) else {
            wrong.push(format!("`{name}` is missing"));
            continue;
        };
        // The nulls of a dictionary are in its values, and those of a column of type `Null` are in
        // no buffer.
        let nulls = column.logical_nulls();
        let is_null = |row: &usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
        if let Some(first) = (0..column.len()).find(is_null) {
            let (nulls, rows) = (column.logical_null_count(), column.len());
            wrong.push(format!(
                "`{name}` has {nulls} nulls in {rows} rows, the first in row {first}"
            ));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    bail!("the columns are not as expected: {}", wrong.join("; "))
}
