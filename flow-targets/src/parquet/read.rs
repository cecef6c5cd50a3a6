//! Reading a table back.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::Source;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;

use super::{LENGTHS, Parquet, write};
use crate::table::{Batches, Cut, Recut};

/// How many rows are read at once where it makes no difference to the value.
const STEP: usize = 64 * 1024;

pub(super) fn read<T>(target: &Parquet<T>, source: &Source) -> Result<T> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(source.open()?)?;
    let metadata = builder.metadata().clone();
    let schema = without_note(builder.schema());
    let rows = usize::try_from(metadata.file_metadata().num_rows())
        .context("the file says that it has a negative number of rows")?;
    let note = match metadata.file_metadata().key_value_metadata() {
        Some(pairs) => pairs.iter().find(|pair| pair.key == LENGTHS),
        None => None,
    };
    let note = note.and_then(|pair| pair.value.as_deref());

    if schema.fields().is_empty() {
        let lengths = write::lengths(note.unwrap_or_default(), None)?;
        let of = schema.clone();
        let each = lengths.into_iter().map(move |rows| without_columns(&of, rows));
        return (target.way.from_batches)(Batches { schema, each: Box::new(each) });
    }

    let lengths = match (target.way.cut, note) {
        (Cut::Anywhere, _) => None,
        (Cut::Whole, _) => Some(vec![rows]),
        (Cut::Kept, Some(note)) => Some(write::lengths(note, Some(rows))?),
        (Cut::Kept, None) => Some(row_groups(&metadata)),
    };
    // Read in the lengths that are wanted, nothing is copied to make them.
    let step = lengths.iter().flatten().copied().max().unwrap_or(STEP).max(1);
    let of = schema.clone();
    let each = builder.with_batch_size(step).build()?.map(move |batch| named(&of, &batch?));
    let each: Box<dyn Iterator<Item = _>> = match lengths {
        Some(lengths) => Box::new(Recut::new(each, schema.clone(), lengths)),
        None => Box::new(each),
    };
    (target.way.from_batches)(Batches { schema, each })
}

/// The schema as it was given to the writer.
fn without_note(schema: &SchemaRef) -> SchemaRef {
    if !schema.metadata().contains_key(LENGTHS) {
        return schema.clone();
    }
    let mut metadata = schema.metadata().clone();
    metadata.remove(LENGTHS);
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

/// The batch with the schema's metadata, which the reader leaves out.
fn named(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?)
}

fn without_columns(schema: &SchemaRef, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options)?)
}

fn row_groups(metadata: &ParquetMetaData) -> Vec<usize> {
    let rows = |group: i64| usize::try_from(group).unwrap_or(0);
    metadata.row_groups().iter().map(|group| rows(group.num_rows())).collect()
}
