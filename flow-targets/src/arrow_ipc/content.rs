//! The bytes of a file, a part at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use ::bytes::Bytes;
use anyhow::{Context, Result, bail};
use arrow::buffer::{Buffer, MutableBuffer};
use flow_core::Source;
use memmap2::Mmap;

/// From this length on a part is a view of the file even where others are read, so that what is
/// held does not grow with a batch that was written in one.
const VIEWED: usize = 32 * 1024 * 1024;

/// A file whose parts can be had in any order.
pub(super) struct Content {
    length: usize,
    /// The whole file, none of which is read before it is looked at; of a file that is made elsewhere,
    /// which may be rewritten, there are no views.
    mapped: Option<Buffer>,
    /// Where parts are read from that shall not be views.
    file: Option<File>,
}

impl Content {
    /// Parts are views of the file: nothing is copied, and the operating system reads what is
    /// looked at.
    pub(super) fn viewed(source: &Source) -> Result<Self> {
        if !source.is_kept() {
            return Ok(Self::of(source.read()?));
        }
        let mapped = map(&source.open()?)?;
        Ok(Self { length: mapped.len(), mapped: Some(mapped), file: None })
    }

    /// Parts are read, and gone when they are dropped; long ones are views.
    pub(super) fn read(source: &Source) -> Result<Self> {
        let file = source.open()?;
        let length = usize::try_from(file.metadata()?.len())?;
        let mapped = if source.is_kept() { Some(map(&file)?) } else { None };
        Ok(Self { length, mapped, file: Some(file) })
    }

    /// The bytes of a file that is not written to a disk.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { length: bytes.len(), mapped: Some(Buffer::from_vec(bytes)), file: None }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// `length` bytes from `offset` on.
    pub(super) fn part(&self, offset: usize, length: usize) -> Result<Buffer> {
        let end = offset.checked_add(length).filter(|end| *end <= self.len());
        end.context("the file is shorter than it says")?;
        let mut file = match (&self.mapped, &self.file) {
            (Some(mapped), Some(_)) if length >= VIEWED => {
                return Ok(mapped.slice_with_length(offset, length));
            }
            (Some(mapped), None) => return Ok(mapped.slice_with_length(offset, length)),
            (_, Some(file)) => file,
            (None, None) => bail!("there is no file"),
        };
        let mut part = MutableBuffer::from_len_zeroed(length);
        file.seek(SeekFrom::Start(offset as u64))?;
        file.read_exact(&mut part)?;
        Ok(part.into())
    }
}

fn map(file: &File) -> Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::default()); // which some systems cannot map
    }
    #[expect(unsafe_code, reason = "mapping a file is unsafe, since others might write to it")]
    // SAFETY: what is mapped must not change as long as it is looked at. A `Source` is a complete
    // file that is never rewritten: the store creates each under a name of its own, compares its
    // size with the record before it is read, and when it goes, unlinks it, which leaves its
    // content to those who have it mapped.
    let mapped = unsafe { Mmap::map(file) }?;
    Ok(Buffer::from(Bytes::from_owner(mapped)))
}
