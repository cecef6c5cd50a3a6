//! Cuts batches to other lengths.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

/// Turns batches of any lengths into batches of given lengths.
///
/// A batch that fits is passed on, and a part of a batch is a slice. Only a batch that is joined
/// from several is copied.
pub(crate) struct Recut<I> {
    source: I,
    schema: SchemaRef,
    lengths: VecDeque<usize>,
    /// The unused rest of the last batch.
    rest: Option<RecordBatch>,
}

impl<I: Iterator<Item = Result<RecordBatch>>> Recut<I> {
    /// Creates the iterator. `lengths` are numbers of rows, whose sum must be the rows of the
    /// source.
    pub(crate) fn new(source: I, schema: SchemaRef, lengths: Vec<usize>) -> Self {
        Self { source, schema, lengths: lengths.into(), rest: None }
    }

    /// Returns the next rows, at least one and at most `wanted`.
    fn part(&mut self, wanted: usize) -> Result<RecordBatch> {
        let batch = loop {
            match self.rest.take().map(Ok).or_else(|| self.source.next()).transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => break batch,
                None => bail!("the file has fewer rows than its metadata says"),
            }
        };
        let rows = batch.num_rows();
        if rows <= wanted {
            return Ok(batch);
        }
        self.rest = Some(batch.slice(wanted, rows - wanted));
        Ok(batch.slice(0, wanted))
    }

    fn batch(&mut self, length: usize) -> Result<RecordBatch> {
        let mut parts = Vec::new();
        let mut missing = length;
        while missing > 0 {
            let part = self.part(missing)?;
            missing -= part.num_rows();
            parts.push(part);
        }
        Ok(match parts.len() {
            0 => RecordBatch::new_empty(self.schema.clone()),
            1 => parts.remove(0),
            _ => concat_batches(&self.schema, &parts)?,
        })
    }

    /// Returns an error if the source has more rows than `lengths`.
    fn end(&mut self) -> Result<()> {
        match self.rest.take().map(Ok).or_else(|| self.source.next()).transpose()? {
            Some(batch) if batch.num_rows() > 0 => {
                bail!("the file has more rows than its metadata says")
            }
            _ => Ok(()),
        }
    }
}

impl<I: Iterator<Item = Result<RecordBatch>>> Iterator for Recut<I> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.lengths.pop_front() {
            Some(length) => Some(self.batch(length)),
            None => self.end().err().map(Err),
        }
    }
}
