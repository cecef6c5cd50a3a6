//! The sizes that a file claims for what it holds in compressed form.
//!
//! Each compressed buffer begins with the length of its content, for which the decoder allocates
//! before it reads. A few bytes can claim any length, so that all lengths of a batch are added up
//! first.

use anyhow::{Context, Result, anyhow};
use arrow::buffer::Buffer;
use arrow::ipc::{Block, MessageHeader, root_as_message};

use crate::limit::check;

/// What errors say is too large.
const WHAT: &str = "when it is decompressed, the table takes";

/// The mark before the length of a message's head, which files of the first version do not have.
const MARK: [u8; 4] = [0xff; 4];

/// Adds up what a file claims, and compares it with a limit.
pub(super) struct Claims {
    most: u64,
    all: u64,
    /// The bytes of what is not compressed, and how many the file has: a block may be named twice.
    plain: u64,
    file: u64,
    /// Whether the limit is that of each batch, because none is kept.
    each: bool,
}

impl Claims {
    /// For batches that are all in memory.
    pub(super) fn of_all(most: u64, file: u64) -> Self {
        Self { most, all: 0, plain: 0, file, each: false }
    }

    /// For batches of which one is in memory at a time.
    pub(super) fn of_each(most: u64, file: u64) -> Self {
        Self { most, all: 0, plain: 0, file, each: true }
    }

    /// The message, if what it claims is within the limit.
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

/// The lengths that a message claims for its compressed buffers; none if it is not compressed.
fn claimed(message: &[u8], block: &Block) -> Result<Option<u64>> {
    let head = usize::try_from(block.metaDataLength()).context("a length is negative")?;
    let (head, body) =
        message.split_at_checked(head).context("the file is shorter than it says")?;
    let start = if head.starts_with(&MARK) { 8 } else { 4 };
    let head = head.get(start..).context("the file is shorter than it says")?;
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
        // -1 says that the buffer is not compressed.
        u64::try_from(i64::from_le_bytes(*bytes)).ok()
    };
    let Some(buffers) = batch.buffers() else { return Ok(Some(0)) };
    let lengths = buffers
        .iter()
        .filter(|buffer| buffer.length() > 0)
        .filter_map(|buffer| length(buffer.offset()));
    Ok(Some(lengths.fold(0, u64::saturating_add)))
}
