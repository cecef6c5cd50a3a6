//! Implements [`Table`] for record batches.

use std::iter;
use std::sync::Arc;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};

use super::{AsBatches, Batches, Cut, Stored, Table};
use crate::stream::BatchStream;

impl Table<AsBatches> for RecordBatch {
    const CUT: Cut = Cut::Whole;

    fn batches(&self) -> Result<Batches<'_>> {
        Ok(Batches { schema: self.schema(), each: Box::new(iter::once(Ok(self.clone()))) })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        joined(&stored.schema, stored.counted()?)
    }
}

impl Table<AsBatches> for Vec<RecordBatch> {
    const CUT: Cut = Cut::Kept;

    fn batches(&self) -> Result<Batches<'_>> {
        let schema = self.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        for (i, batch) in self.iter().enumerate() {
            if batch.schema_ref() != &schema {
                bail!(
                    "batch {i} has another schema than batch 0, and a file has one: {} instead of {}",
                    batch.schema_ref(),
                    schema,
                );
            }
        }
        Ok(Batches { schema, each: Box::new(self.iter().cloned().map(Ok)) })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        stored.counted()?.collect()
    }
}

impl Table<AsBatches> for BatchStream {
    const CUT: Cut = Cut::Anywhere;
    const STREAM: bool = true;

    fn batches(&self) -> Result<Batches<'_>> {
        Ok(Batches { schema: self.schema().clone(), each: self.batches()? })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        Ok(Self::reopened(stored.schema.clone(), move || stored.read_later()))
    }
}

/// Joins all rows into one batch. A single batch is not copied.
pub(crate) fn joined(
    schema: &SchemaRef,
    mut batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<RecordBatch> {
    let Some(first) = batches.next().transpose()? else {
        return Ok(RecordBatch::new_empty(schema.clone()));
    };
    let rest = batches.collect::<Result<Vec<_>>>()?;
    if rest.is_empty() {
        return Ok(first);
    }
    Ok(concat_batches(schema, iter::once(&first).chain(&rest))?)
}
