//! Rows, which are structs that serde serialises, as tables.
//!
//! The columns' types are read off the Rust type ([`of_type`]), so that no rows at all, or a field
//! that is `None` throughout, have the same columns as any others. Where the type does not show them
//! they are read off the rows.

use std::any::type_name;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_arrow::schema::SchemaLike;

use super::{AsRows, Batches, Cut, Known, Stored, Table, enums};
use crate::lossless::{Floats, check};
use crate::row::{of_type, options};

/// Rows that are turned into columns at once: enough to make the cost of a batch vanish, few
/// enough not to hold a table twice.
const CHUNK: usize = 16 * 1024;

impl<R> Table<AsRows> for Vec<R>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    const CUT: Cut = Cut::Anywhere;

    fn known() -> Known {
        of_type::<R>().map_or(Known::Hidden, Known::ByType)
    }

    fn batches(&self) -> Result<Batches<'_>> {
        let fields = fields(self)?;
        if fields.is_empty() && !self.is_empty() {
            bail!("`{}` has no fields, and a table without columns has no rows", type_name::<R>());
        }
        let schema = Arc::new(Schema::new(fields.clone()));
        let each = self.chunks(CHUNK).map(move |rows| batch(&fields, rows));
        Ok(Batches { schema, each: Box::new(each) })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        let mut rows = Self::new();
        for batch in stored.batches()? {
            let batch = batch?;
            let more: Self = rows_of(&batch)?;
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        Ok(rows)
    }
}

/// The rows of a batch.
///
/// # Errors
///
/// A column is not of the type that the row has there, or is missing.
#[doc(hidden)]
pub fn rows_of<R: DeserializeOwned>(batch: &RecordBatch) -> Result<Vec<R>> {
    serde_arrow::from_record_batch(batch)
        .map_err(plain)
        .with_context(|| format!("cannot read rows as `{}`", type_name::<R>()))
}

fn batch<R: Serialize>(fields: &[FieldRef], rows: &[R]) -> Result<RecordBatch> {
    for row in rows {
        check(row, Floats::Any)
            .with_context(|| format!("a column cannot hold a row of `{}`", type_name::<R>()))?;
    }
    serde_arrow::to_record_batch(fields, &rows)
        .map_err(plain)
        .with_context(|| format!("cannot turn rows of `{}` into columns", type_name::<R>()))
}

/// The columns that hold such rows.
fn fields<R: Serialize + DeserializeOwned>(rows: &[R]) -> Result<Vec<FieldRef>> {
    if let Some(fields) = of_type::<R>() {
        return Ok(fields);
    }
    if rows.is_empty() {
        // Nothing shows the columns, and there is nothing to hold.
        return Ok(Vec::new());
    }
    let shown = Vec::<FieldRef>::from_samples(rows, options())
        // A map is a row if `#[serde(flatten)]` has made one of it.
        .or_else(|_| Vec::<FieldRef>::from_samples(rows, options().map_as_struct(true)))
        .map_err(plain)
        .with_context(|| {
            format!(
                "`{}` has no form in columns; `Json` and `Pickle` keep any value",
                type_name::<Vec<R>>(),
            )
        })?;
    let text = enums::as_text(&shown);
    // `Note(None)` looks like a variant without data, and no text holds it.
    let is_text = text == shown
        || rows.chunks(CHUNK).all(|rows| serde_arrow::to_record_batch(&text, &rows).is_ok());
    Ok(if is_text { text } else { shown })
}

/// The error without the backtrace that it prints.
fn plain(error: serde_arrow::Error) -> anyhow::Error {
    anyhow!("{}", error.message())
}
