//! Checks the sizes that a file claims for its compressed parts.
//!
//! Each compressed buffer begins with the length of its content, and the decoder allocates that
//! length before it reads. A few bytes can claim any length. So all lengths of a batch are added up
//! and compared with a limit first.

use anyhow::{Context, Result, anyhow};
use arrow::buffer::Buffer;
use arrow::ipc::{Block, MessageHeader, root_as_message};

use crate::limit::check;

/// The subject of the error message.
const WHAT: &str = "when it is decompressed, the table takes";

/// The marker before the length of a message's header.
///
/// Files of the first version of the format do not have it.
const MARK: [u8; 4] = [0xff; 4];

/// Adds up the sizes that a file claims, and compares them with a limit.
pub(super) struct Claims {
    most: u64,
    all: u64,
    /// The uncompressed bytes so far, and the size of the file. A block may be listed twice.
    plain: u64,
    file: u64,
    /// Whether the limit applies to each batch, because no batch is kept.
    each: bool,
}

impl Claims {
    /// Creates the check for batches that are all in memory.
    pub(super) fn of_all(most: u64, file: u64) -> Self {
        Self { most, all: 0, plain: 0, file, each: false }
    }

    /// Creates the check for batches that are in memory one at a time.
    pub(super) fn of_each(most: u64, file: u64) -> Self {
        Self { most, all: 0, plain: 0, file, each: true }
    }

    /// Returns the message if the sizes that it claims are within the limit.
    pub(super) fn checked(&mut self, message: Buffer, block: &Block) -> Result<Buffer> {
        let claimed = match claimed(&message, block)? {
            Some(claimed) => claimed,
            None if self.each => 0,
            None => {
                self.plain = self.plain.saturating_add(message.len() as u64);
                check("in memory, the table takes", self.plain, self.most.max(self.file))?;
                0
            }
        };
        self.all = if self.each { claimed } else { self.all.saturating_add(claimed) };
        check(WHAT, self.all, self.most)?;
        Ok(message)
    }
}

/// Returns the sum of the lengths of the compressed buffers, or `None` for an uncompressed message.
fn claimed(message: &[u8], block: &Block) -> Result<Option<u64>> {
    let head = usize::try_from(block.metaDataLength()).context("a length is negative")?;
    let (head, body) =
        message.split_at_checked(head).context("the file is shorter than its metadata says")?;
    let start = if head.starts_with(&MARK) { 8 } else { 4 };
    let head = head.get(start..).context("the file is shorter than its metadata says")?;
    let message =
        root_as_message(head).map_err(|error| anyhow!("a message cannot be read: {error:?}"))?;
    let batch = match message.header_type() {
        MessageHeader::RecordBatch => message.header_as_record_batch(),
        MessageHeader::DictionaryBatch => {
            message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
        }
        _ => None,
    };
    let Some(batch) = batch.filter(|batch| batch.compression().is_some()) else {
        return Ok(None);
    };
    let length = |offset: i64| -> Option<u64> {
        let bytes = body.get(usize::try_from(offset).ok()?..)?.first_chunk()?;
        // -1 means that the buffer is not compressed.
        u64::try_from(i64::from_le_bytes(*bytes)).ok()
    };
    let Some(buffers) = batch.buffers() else { return Ok(Some(0)) };
    let lengths = buffers
        .iter()
        .filter(|buffer| buffer.length() > 0)
        .filter_map(|buffer| length(buffer.offset()));
    Ok(Some(lengths.fold(0, u64::saturating_add)))
}
