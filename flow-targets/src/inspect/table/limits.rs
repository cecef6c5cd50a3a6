//! How much of a table is read.

use std::ops::Range;

use super::batches::Opening;

/// How much of a table [`sample`](crate::inspect::OutputFile::sample) and
/// [`statistics_within`](crate::inspect::OutputFile::statistics_within) read.
///
/// A table of any size is read in bounded time and memory, as far as its format allows it: a batch of Arrow IPC is read as a whole, and
/// so is a row of Parquet. Of a CSV file, the rows are read that have room as a whole.
///
/// ```
/// use flow_targets::inspect::ReadLimits;
///
/// // The first 100 columns, of at most 10,000 rows and 64 MiB.
/// let limits = ReadLimits::new(10_000, 64 << 20).columns(0..100);
/// assert_ne!(limits, ReadLimits::new(10_000, 64 << 20));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    rows: u64,
    bytes: u64,
    columns: Option<Range<usize>>,
}

impl ReadLimits {
    /// Returns limits of all columns: `rows`, and about `bytes` without compression. Of both, the lower limit counts.
    pub fn new(rows: u64, bytes: u64) -> Self {
        Self { rows, bytes, columns: None }
    }

    /// Reads only the columns at these positions. At least one is read: the last one, if the range begins after it.
    #[must_use]
    pub fn columns(mut self, columns: Range<usize>) -> Self {
        self.columns = Some(columns);
        self
    }

    /// Returns the limit of bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how a table is opened, to read at most `rows` of it.
    pub(super) fn opening(&self, rows: u64, is_text: bool) -> Opening {
        Opening {
            rows: Some(self.rows.min(rows)),
            bytes: Some(self.bytes),
            columns: self.columns.clone(),
            is_text,
        }
    }
}
