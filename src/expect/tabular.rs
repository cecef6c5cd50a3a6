//! [`Tabular`]: the one view of all tables that expectations read.

use std::sync::Arc;

use anyhow::Result;
use flow_targets::RecordBatch;
use flow_targets::arrow::compute::concat_batches;
use flow_targets::arrow::datatypes::Schema;
use flow_targets::table::{AsBatches, AsRows, batch_of};
#[cfg(feature = "polars")]
use flow_targets::table::{AsFrame, Table};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that [`table`](super::table) can read as columns.
///
/// It is a `Vec<R>` or `[R]`, where `R` is a struct that derives serde's `Serialize` and `Deserialize`; a `RecordBatch`;
/// a `Vec<RecordBatch>`; or, with the cargo feature `polars`, a `DataFrame`. Rows and frames are copied to columns.
///
/// The parameter `Way` is inferred. It selects one of the impls, which would overlap without it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a table",
    label = "not a table",
    note = "a table is a `Vec` or slice of structs that derive `Serialize` and `Deserialize`, a `RecordBatch` or a `Vec<RecordBatch>`",
    note = "a check of another value returns `Result<()>`, or builds a `flow::expect::CheckReport`"
)]
pub trait Tabular<Way> {
    /// Returns the table as one batch.
    ///
    /// # Errors
    ///
    /// The value has no form in columns.
    fn to_batch(&self) -> Result<RecordBatch>;
}

impl Tabular<AsBatches> for RecordBatch {
    fn to_batch(&self) -> Result<RecordBatch> {
        Ok(self.clone())
    }
}

impl Tabular<AsBatches> for [RecordBatch] {
    fn to_batch(&self) -> Result<RecordBatch> {
        joined(self)
    }
}

impl Tabular<AsBatches> for Vec<RecordBatch> {
    fn to_batch(&self) -> Result<RecordBatch> {
        joined(self)
    }
}

impl<R: Serialize + DeserializeOwned + 'static> Tabular<AsRows> for [R] {
    fn to_batch(&self) -> Result<RecordBatch> {
        batch_of(self)
    }
}

impl<R: Serialize + DeserializeOwned + 'static> Tabular<AsRows> for Vec<R> {
    fn to_batch(&self) -> Result<RecordBatch> {
        batch_of(self)
    }
}

#[cfg(feature = "polars")]
impl<T: Table<AsFrame>> Tabular<AsFrame> for T {
    fn to_batch(&self) -> Result<RecordBatch> {
        let batches = self.batches()?;
        let schema = batches.schema;
        let batches = batches.each.collect::<Result<Vec<_>>>()?;
        Ok(concat_batches(&schema, &batches)?)
    }
}

fn joined(batches: &[RecordBatch]) -> Result<RecordBatch> {
    match batches {
        [] => Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))),
        [one] => Ok(one.clone()),
        [first, ..] => Ok(concat_batches(&first.schema(), batches)?),
    }
}
