//! Record batches as tables.

use std::iter;
use std::sync::Arc;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::Schema;

use super::{AsBatches, Batches, Cut, Table};

impl Table<AsBatches> for RecordBatch {
    const CUT: Cut = Cut::Whole;

    fn batches(&self) -> Result<Batches<'_>> {
        Ok(Batches { schema: self.schema(), each: Box::new(iter::once(Ok(self.clone()))) })
    }

    fn from_batches(mut batches: Batches<'_>) -> Result<Self> {
        let schema = batches.schema;
        let Some(first) = batches.each.next().transpose()? else {
            return Ok(Self::new_empty(schema));
        };
        let rest = batches.each.collect::<Result<Vec<_>>>()?;
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(concat_batches(&schema, iter::once(&first).chain(&rest))?)
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

    fn from_batches(batches: Batches<'_>) -> Result<Self> {
        batches.each.collect()
    }
}
