//! Streamed tables, concatenated for comparison.

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use flow_core::{Code, Sink, Source, Streaming, Target};
use flow_targets::BatchStream;

/// Concatenates batches.
pub(crate) fn joined(
    schema: &SchemaRef,
    batches: impl Iterator<Item = Result<RecordBatch>>,
) -> Result<RecordBatch> {
    Ok(concat_batches(schema, &batches.collect::<Result<Vec<_>>>()?)?)
}

/// A stream target as a target of the whole batch, which is written in pieces of a few rows.
pub(crate) struct Streamed<G>(pub(crate) G);

impl<G: Target<Value = BatchStream>> Target for Streamed<G> {
    type Value = RecordBatch;
    const EXTENSION: &'static str = G::EXTENSION;
    const CODE: Code = G::CODE;

    fn save(&self, batch: &RecordBatch, sink: &mut Sink<'_>) -> Result<()> {
        let (rows, whole) = (batch.num_rows(), batch.clone());
        let step = rows.div_ceil(3).max(1);
        let pieces = (0..rows).step_by(step).map(move |i| Ok(whole.slice(i, step.min(rows - i))));
        self.0.save(&BatchStream::new(batch.schema(), pieces), sink)
    }

    fn load(&self, source: &Source) -> Result<RecordBatch> {
        let stream = self.0.load(source)?;
        let first = joined(stream.schema(), stream.batches()?)?;
        // The stream can be read twice.
        assert_eq!(joined(stream.schema(), stream.batches()?)?, first);
        Ok(first)
    }
}

/// A target whose files are read in pieces.
pub(crate) struct InPieces<G>(pub(crate) G);

impl<G> Target for InPieces<G>
where
    G: Target<Value = RecordBatch> + Streaming<Piece = RecordBatch>,
{
    type Value = RecordBatch;
    const EXTENSION: &'static str = G::EXTENSION;
    const CODE: Code = G::CODE;

    fn save(&self, batch: &RecordBatch, sink: &mut Sink<'_>) -> Result<()> {
        self.0.save(batch, sink)
    }

    fn load(&self, source: &Source) -> Result<RecordBatch> {
        let pieces = self.0.stream(source)?.collect::<Result<Vec<_>>>()?;
        match pieces.first() {
            Some(first) => Ok(concat_batches(&first.schema(), &pieces)?),
            None => self.0.load(source),
        }
    }
}
