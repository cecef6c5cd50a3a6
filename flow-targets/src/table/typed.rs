//! Rows that derive `Row`, in columns of their own types; see [`crate::rows`].

use std::any::type_name;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;

use super::rows::CHUNK;
use super::stored::Place;
use super::{Batches, plain};
use crate::absent::{self, Columns};
use crate::rows::{Fault, Registered};

/// Converts rows to batches.
pub(super) fn batches<'a, R: 'static>(rows: &'a [R], row: &'static Registered) -> Batches<'a> {
    let schema = Arc::new(Schema::new((row.columns)()));
    let chunks = rows.chunks(CHUNK).enumerate();
    let each = chunks.map(move |(place, rows)| batch(rows, row, place * CHUNK));
    Batches { schema, each: Box::new(each) }
}

/// Converts rows to one batch. `before` is the number of rows before them in the table.
pub(super) fn batch<R: 'static>(
    rows: &[R],
    row: &'static Registered,
    before: usize,
) -> Result<RecordBatch> {
    row.batch(rows)
        .map_err(|fault| written::<R>(&fault, before))
        .with_context(|| format!("cannot turn rows of `{}` into columns", type_name::<R>()))
}

/// Reads the rows of a batch. `before` is the number of rows before it in the table.
pub(super) fn read<R: 'static>(
    batch: &RecordBatch,
    row: &'static Registered,
    before: usize,
    place: &Place,
) -> Result<Vec<R>> {
    let batch = plain::batch(batch)?;
    let rows = (row.rows)(&batch).map_err(|fault| {
        if let Some(error) = missing::<R>(&fault) {
            return error;
        }
        let read = || format!("cannot read rows as `{}`", type_name::<R>());
        misread(&fault, &batch, before, place).context(read())
    })?;
    let rows = rows.downcast::<Vec<R>>().map_err(|_| anyhow!("the rows have another type"))?;
    Ok(*rows)
}

/// Reads the rows of a table without batches, which only checks its columns.
pub(super) fn without_rows<R: 'static>(
    schema: &Schema,
    row: &'static Registered,
    place: &Place,
) -> Result<Vec<R>> {
    read(&RecordBatch::new_empty(Arc::new(schema.clone())), row, 0, place)
}

/// Returns the error of a value that its column cannot hold.
fn written<R>(fault: &Fault, before: usize) -> anyhow::Error {
    let what = fault.what();
    match (fault.row(), fault.path()) {
        (Some(row), path) if path.is_empty() => anyhow!("row {}: {what}", before + row),
        (Some(row), path) => anyhow!("column `{path}`, row {}: {what}", before + row),
        (None, path) if path.is_empty() => anyhow!("`{}`: {what}", type_name::<R>()),
        (None, path) => anyhow!("column `{path}`: {what}"),
    }
}

/// Returns the error of a field without a column, if that is the fault.
fn missing<R>(fault: &Fault) -> Option<anyhow::Error> {
    let missing = fault.as_missing()?;
    let columns = Columns { names: &missing.columns, delimiter: None };
    Some(absent::error::<R>(&fault.path(), missing.names, columns))
}

/// Returns the error of a column or a value that cannot be read.
fn misread(fault: &Fault, batch: &RecordBatch, before: usize, place: &Place) -> anyhow::Error {
    let (what, path) = (fault.what(), fault.path());
    let Some(row) = fault.row() else {
        return match path.as_str() {
            "" => anyhow!("{what}"),
            path => anyhow!("column `{path}`: {what}"),
        };
    };
    let column = fault.column().and_then(|name| batch.schema_ref().index_of(name).ok());
    anyhow!("{}: {what}", place.of(before + row, column, &path))
}
