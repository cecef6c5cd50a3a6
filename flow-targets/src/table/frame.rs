//! Implements [`Table`] for data frames of polars.
//!
//! A frame is converted to batches a part at a time, and batches to frames one by one.

use anyhow::Result;
use arrow::array::RecordBatch;
use polars::frame::DataFrame;

use super::{AsFrame, Batches, Cut, Stored, Table};
use crate::frames::{from_polars, to_polars};

/// How many rows are converted at once.
pub(super) const CHUNK: usize = 64 * 1024;

impl Table<AsFrame> for DataFrame {
    const CUT: Cut = Cut::Anywhere;

    fn batches(&self) -> Result<Batches<'_>> {
        let (schema, _) = from_polars(self.slice(0, 0))?;
        let chunk = |from: usize| {
            let from = i64::try_from(from)?;
            Ok(from_polars(self.slice(from, CHUNK))?.1)
        };
        let flat = |batches: Result<Vec<RecordBatch>>| match batches {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        let each = (0..self.height()).step_by(CHUNK).map(chunk).flat_map(flat);
        Ok(Batches { schema, each: Box::new(each) })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        let mut frame = to_polars(&stored.schema, None)?;
        for batch in stored.counted()? {
            frame.vstack_mut(&to_polars(&stored.schema, Some(&batch?))?)?;
        }
        Ok(frame)
    }
}
