//! Batches cut at other places.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;

/// Turns batches of any lengths into batches of given ones.
///
/// A batch that comes whole from the source is passed on, a part of one is a slice, and only what
/// spans several is copied.
pub(crate) struct Recut<I> {
    source: I,
    schema: SchemaRef,
    lengths: VecDeque<usize>,
    /// What is left of the batch read last.
    rest: Option<RecordBatch>,
}

impl<I: Iterator<Item = Result<RecordBatch>>> Recut<I> {
    /// `lengths` are numbers of rows, which must add up to all that the source has.
    pub(crate) fn new(source: I, schema: SchemaRef, lengths: Vec<usize>) -> Self {
        Self { source, schema, lengths: lengths.into(), rest: None }
    }

    /// The next rows, at most `wanted`, at least one.
    fn part(&mut self, wanted: usize) -> Result<RecordBatch> {
        let batch = loop {
            match self.rest.take().map(Ok).or_else(|| self.source.next()).transpose()? {
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => break batch,
                None => bail!("the file has fewer rows than it says"),
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

    /// An error if the source has rows beyond the lengths.
    fn end(&mut self) -> Result<()> {
        match self.rest.take().map(Ok).or_else(|| self.source.next()).transpose()? {
            Some(batch) if batch.num_rows() > 0 => bail!("the file has more rows than it says"),
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
