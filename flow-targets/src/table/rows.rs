//! Implements [`Table`] for rows, which are structs that serde serializes.
//!
//! The types of the columns come from the Rust type ([`RowColumns`]). So they are the same for a
//! table without rows, and for a field that is `None` in all rows. If the type does not show a
//! column, the rows determine it. Rows that derive `Row` have columns of their own: see [`crate::rows`].

use std::any::type_name;
use std::iter;
use std::slice;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow::array::RecordBatch;
use arrow::datatypes::{FieldRef, Schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_arrow::schema::SchemaLike;

use super::absent::{self, Check};
use super::misread::misread;
use super::stored::Place;
use super::{AsRows, Batches, Counted, Cut, Known, Stored, Table, merge, plain, typed, wanted};
use crate::absent::{Columns, check_read, is_left_out};
use crate::enums;
use crate::lossless::{Floats, check};
use crate::ordered::Ordered;
use crate::row::{RowColumns, explained, options};
use crate::rows::{cells, registered};
use crate::strict;

/// How many rows are converted to columns at once.
///
/// It is large enough that the cost of a batch does not matter, and small enough that memory does
/// not hold the table twice.
pub(super) const CHUNK: usize = 16 * 1024;

impl<R> Table<AsRows> for Vec<R>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    const CUT: Cut = Cut::Anywhere;
    const ROW: Option<usize> = Some(size_of::<R>());

    fn known() -> Known {
        if let Some(row) = registered::<R>() {
            return Known::ByType((row.columns)());
        }
        match RowColumns::of::<R>() {
            RowColumns::Derived(fields) | RowColumns::Shaped(fields) => Known::ByType(fields),
            RowColumns::Partial(_) | RowColumns::Hidden => Known::Hidden,
            RowColumns::Never(reason) => Known::Never(reason),
        }
    }

    fn wanted() -> Option<Vec<Vec<&'static str>>> {
        wanted::of::<R>()
    }

    fn batches(&self) -> Result<Batches<'_>> {
        if let Some(row) = registered::<R>() {
            return Ok(typed::batches(self, row));
        }
        let fields = fields(self)?;
        if fields.is_empty() && !self.is_empty() {
            bail!("`{}` has no fields, and a table without columns has no rows", type_name::<R>());
        }
        let schema = Arc::new(Schema::new(fields.clone()));
        let chunks = self.chunks(CHUNK).enumerate();
        let each = chunks.map(move |(place, rows)| batch(&fields, rows, place * CHUNK));
        Ok(Batches { schema, each: Box::new(each) })
    }

    #[cfg(feature = "excel")]
    fn check_cells() -> Result<()> {
        if registered::<R>().is_some() {
            // The types of the columns say it all.
            return Ok(());
        }
        crate::never::cells_of_type::<R>()
    }

    fn check_back(batch: &RecordBatch) -> Result<()> {
        if registered::<R>().is_some() {
            return Ok(());
        }
        match RowColumns::of::<R>() {
            RowColumns::Derived(known) | RowColumns::Shaped(known)
                if known[..] == batch.schema_ref().fields()[..] =>
            {
                Ok(())
            }
            _ => check_back::<R>(batch),
        }
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        let mut counted = Counted::rows(stored.most, size_of::<R>());
        let batches = stored.batches()?.map(|batch| {
            let batch = batch?;
            counted.add(&batch)?;
            Ok(batch)
        });
        rows(&stored.schema, batches, &stored.place)
    }
}

/// Deserializes the rows of a table.
fn rows<R: Serialize + DeserializeOwned + 'static>(
    schema: &Schema,
    batches: impl Iterator<Item = Result<RecordBatch>>,
    place: &Place,
) -> Result<Vec<R>> {
    let mut rows = Vec::new();
    if let Some(row) = registered::<R>() {
        let mut is_empty = true;
        for batch in batches {
            is_empty = false;
            let more = typed::read(&batch?, row, rows.len(), place)?;
            if rows.is_empty() {
                rows = more;
            } else {
                rows.extend(more);
            }
        }
        return if is_empty { typed::without_rows(schema, row, place) } else { Ok(rows) };
    }
    let mut check = Check::new::<R>(schema)?;
    for batch in batches {
        let batch = plain::batch(&batch?)?;
        check.batch::<R>(&batch, is_left_out)?;
        let more = read(&batch, rows.len(), place)?;
        if rows.is_empty() {
            rows = more;
        } else {
            rows.extend(more);
        }
    }
    if rows.is_empty() {
        check.without_rows::<R>(schema)?;
    } else if !check.knows_fields() {
        let names = absent::names(schema.fields());
        check_read(&rows, Columns { names: &names, delimiter: None })?;
    }
    Ok(rows)
}

/// Returns an error if other rows would come back from a batch.
///
/// If a type does not show its columns, the serialized rows determine them, and the type may
/// deserialize from another form: an enum with `#[serde(tag = ..)]` serializes to a struct and
/// cannot be read from one.
fn check_back<R: Serialize + DeserializeOwned + 'static>(batch: &RecordBatch) -> Result<()> {
    let schema = batch.schema();
    let back = rows::<R>(&schema, iter::once(Ok(batch.clone())), &Place::Table).with_context(|| {
        format!(
            "`{}` does not show what its columns are, and its rows cannot be read from the columns \
             that they make; `Json` and `Pickle` keep any value",
            type_name::<R>(),
        )
    })?;
    ensure!(
        self::batch(schema.fields(), &back, 0)? == *batch,
        "`{}` does not show what its columns are, and other rows would come back from the columns \
         that they make; `Json` and `Pickle` keep any value",
        type_name::<R>(),
    );
    Ok(())
}

/// Deserializes the rows of a batch.
///
/// # Errors
///
/// A column has another type than the field, or a field without a `#[serde(default)]` has no
/// column.
#[doc(hidden)]
pub fn rows_of<R: DeserializeOwned + 'static>(batch: &RecordBatch) -> Result<Vec<R>> {
    if let Some(row) = registered::<R>() {
        return typed::read(batch, row, 0, &Place::Table);
    }
    let batch = &plain::batch(batch)?;
    Check::new::<R>(batch.schema_ref())?.batch::<R>(batch, |_, _, _| false)?;
    read(batch, 0, &Place::Table)
}

/// Converts rows to one batch, for a check of an output.
///
/// Rows that derive `Row` have the columns that the targets store, except that a UUID is text, so that it can be compared
/// with texts and shown.
///
/// # Errors
///
/// The rows have no form in columns, or a column cannot hold a value.
#[doc(hidden)]
pub fn batch_of<R: Serialize + DeserializeOwned + 'static>(rows: &[R]) -> Result<RecordBatch> {
    if let Some(row) = registered::<R>() {
        return cells::batch(&typed::batch(rows, row, 0)?);
    }
    let fields = fields(rows)?;
    if !fields.is_empty() {
        return batch(&fields, rows, 0);
    }
    ensure!(
        rows.is_empty(),
        "`{}` has no fields, and a table without columns has no rows",
        type_name::<R>()
    );
    Ok(RecordBatch::new_empty(Arc::new(Schema::empty())))
}

/// Deserializes the rows of a batch. `before` is the number of rows before it in the table.
fn read<R: DeserializeOwned + 'static>(
    batch: &RecordBatch,
    before: usize,
    place: &Place,
) -> Result<Vec<R>> {
    let rows = serde_arrow::Deserializer::from_record_batch(batch);
    rows.and_then(|rows| Vec::<R>::deserialize(strict::checked_table(rows, None)))
        .map_err(|error| misread::<R>(batch, before, place).unwrap_or_else(|| plain(error)))
        .with_context(|| format!("cannot read rows as `{}`", type_name::<R>()))
}

/// Converts rows to columns. `before` is the number of rows before them in the table.
fn batch<R: Serialize>(fields: &[FieldRef], rows: &[R], before: usize) -> Result<RecordBatch> {
    for (place, row) in rows.iter().enumerate() {
        check(row, Floats::Any).with_context(|| {
            format!("row {}, a `{}`, cannot be stored in columns", before + place, type_name::<R>())
        })?;
    }
    // serde_arrow does not report the row.
    let fails =
        |row: &R| serde_arrow::to_record_batch(fields, &Ordered(slice::from_ref(row))).is_err();
    serde_arrow::to_record_batch(fields, &Ordered(rows))
        .map_err(|error| match rows.iter().position(fails) {
            Some(place) => plain(error).context(format!("row {}", before + place)),
            None => plain(error),
        })
        .with_context(|| format!("cannot turn rows of `{}` into columns", type_name::<R>()))
}

/// Returns the columns for these rows.
fn fields<R: Serialize + DeserializeOwned + 'static>(rows: &[R]) -> Result<Vec<FieldRef>> {
    let typed = match RowColumns::of::<R>() {
        RowColumns::Derived(fields) => return Ok(fields),
        RowColumns::Shaped(fields) | RowColumns::Partial(fields) => fields,
        RowColumns::Hidden | RowColumns::Never(_) => Vec::new(),
    };
    if rows.is_empty() {
        // A column that only rows would show has the type `Null`.
        return Ok(typed);
    }
    let shown = Vec::<FieldRef>::from_samples(Ordered(rows), options())
        // A map is a row if `#[serde(flatten)]` made it one.
        .or_else(|_| Vec::<FieldRef>::from_samples(Ordered(rows), options().map_as_struct(true)))
        .map_err(|error| match RowColumns::of::<R>() {
            RowColumns::Never(reason) => anyhow!("{reason}"),
            _ => plain(error).context(format!(
                "`{}` has no form in columns; `Json` and `Pickle` keep any value",
                type_name::<Vec<R>>(),
            )),
        })?;
    let text = enums::as_text(&shown);
    let merged = merge::merged(&typed, &text);
    let fits = |fields: &[FieldRef]| {
        rows.chunks(CHUNK).all(|rows| serde_arrow::to_record_batch(fields, &Ordered(rows)).is_ok())
    };
    // `Note(None)` looks like a variant without data, but cannot be stored as text. And a type may
    // serialize to another form than it deserializes from.
    let candidates = [merged, text];
    let mut candidates = candidates.into_iter();
    Ok(candidates.find(|fields| is_as_wide(fields, &shown) || fits(fields)).unwrap_or(shown))
}

/// Returns whether `fields` differ from `shown` only by allowing more nulls.
fn is_as_wide(fields: &[FieldRef], shown: &[FieldRef]) -> bool {
    fields.len() == shown.len()
        && fields.iter().zip(shown).all(|(field, shown)| {
            field.name() == shown.name()
                && field.data_type() == shown.data_type()
                && field.is_nullable() >= shown.is_nullable()
        })
}

/// Returns the error with the column that it is about, and without the backtrace that serde_arrow prints.
fn plain(error: serde_arrow::Error) -> anyhow::Error {
    anyhow!("{}", explained(&error))
}
