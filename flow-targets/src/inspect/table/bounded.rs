//! Reads the batches of a table until a limit is reached.

use arrow::array::{Array, RecordBatch};

use super::batches::Batches;
use crate::inspect::InspectError;

/// The beginning of a table, within limits of rows and bytes.
pub(super) struct Bounded {
    batches: Batches,
    rows_left: u64,
    bytes_left: u64,
    read: u64,
    is_cut: bool,
}

impl Bounded {
    /// `batches` may have one row more than its limit, which shows that there are more.
    pub(super) fn new(batches: Batches, bytes: u64) -> Self {
        let rows_left = batches.limit().unwrap_or(u64::MAX);
        Self { batches, rows_left, bytes_left: bytes, read: 0, is_cut: false }
    }

    pub(super) fn batches(&self) -> &Batches {
        &self.batches
    }

    /// Returns the number of rows that were read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Returns whether all rows of the table were read. It is known after the last batch.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut && !self.batches.is_cut()
    }

    /// Reads the next batch; `None` after the last row, and after a limit.
    pub(super) fn read_batch(&mut self) -> Result<Option<RecordBatch>, InspectError> {
        if self.is_cut {
            return Ok(None);
        }
        let Some(mut batch) = self.batches.next().transpose()? else { return Ok(None) };
        if batch.num_rows() as u64 > self.rows_left {
            self.is_cut = true;
            // The limit is lower than the length of the batch, so it is a length.
            batch = batch.slice(0, usize::try_from(self.rows_left).unwrap_or_default());
            if batch.num_rows() == 0 {
                return Ok(None);
            }
        }
        let rows = batch.num_rows() as u64;
        self.rows_left -= rows;
        self.read += rows;
        self.bytes_left = self.bytes_left.saturating_sub(bytes(&batch));
        if self.bytes_left == 0 && !self.is_cut {
            // The table may end here.
            self.is_cut = self.batches.next().transpose()?.is_some_and(|next| next.num_rows() > 0);
        }
        Ok(Some(batch))
    }
}

/// Returns the size of the values of a batch. Columns may share one buffer, which has the whole batch.
fn bytes(batch: &RecordBatch) -> u64 {
    let of = |column: &dyn Array| {
        let sliced = column.to_data().get_slice_memory_size();
        sliced.unwrap_or_else(|_| column.get_array_memory_size()) as u64
    };
    batch.columns().iter().map(|column| of(column.as_ref())).sum()
}
