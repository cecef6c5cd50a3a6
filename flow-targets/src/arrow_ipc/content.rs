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
    /// The whole file, none of which is read before it is looked at, if it is mapped.
    mapped: Option<Buffer>,
    /// Where parts are read from that shall not be views.
    file: Option<File>,
}

impl Content {
    /// Parts are views of the file, if it may be mapped: nothing is copied, and the operating system
    /// reads what is looked at. Otherwise they are read.
    pub(super) fn viewed(source: &Source, mapped: Option<bool>) -> Result<Self> {
        let file = source.open()?;
        if !may_map(source, &file, mapped) {
            let length = usize::try_from(file.metadata()?.len())?;
            return Ok(Self { length, mapped: None, file: Some(file) });
        }
        let mapped = map(&file)?;
        Ok(Self { length: mapped.len(), mapped: Some(mapped), file: None })
    }

    /// Parts are read, and gone when they are dropped; long ones are views, if the file may be mapped.
    pub(super) fn read(source: &Source, mapped: Option<bool>) -> Result<Self> {
        let file = source.open()?;
        let length = usize::try_from(file.metadata()?.len())?;
        let mapped = if may_map(source, &file, mapped) { Some(map(&file)?) } else { None };
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

/// Whether the file is mapped: an output of the store, by default on a file system on which only this
/// machine can shorten or remove it. External files may be rewritten at any time.
fn may_map(source: &Source, file: &File, mapped: Option<bool>) -> bool {
    source.is_kept() && mapped.unwrap_or_else(|| is_local(file))
}

/// Whether the file system is known to belong to this machine alone.
#[cfg(target_os = "linux")]
fn is_local(file: &File) -> bool {
    /// The numbers of `statfs`(2): ext2 to ext4, XFS, Btrfs, ZFS, tmpfs, ramfs, overlayfs, F2FS,
    /// bcachefs, JFS, ReiserFS, FAT, exFAT, NTFS.
    const LOCAL: [i64; 14] = [
        0xEF53,
        0x5846_5342,
        0x9123_683E,
        0x2FC1_2FC1,
        0x0102_1994,
        0x8584_58F6,
        0x794C_7630,
        0xF2F5_2010,
        0xCA45_1A4E,
        0x3153_464A,
        0x5265_4973,
        0x4D44,
        0x2011_BAB0,
        0x7366_746E,
    ];
    #[expect(clippy::unnecessary_cast, reason = "its type is another on other processors")]
    rustix::fs::fstatfs(file).is_ok_and(|stat| LOCAL.contains(&(stat.f_type as i64)))
}

/// Other systems do not say it in a common way, and maps are what users of the format expect.
#[cfg(not(target_os = "linux"))]
fn is_local(_: &File) -> bool {
    true
}

fn map(file: &File) -> Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::default()); // which some systems cannot map
    }
    #[expect(unsafe_code, reason = "mapping a file is unsafe, since others might write to it")]
    // SAFETY: what is mapped must not change as long as it is looked at. A kept `Source` is a complete
    // file that is never rewritten: the store creates each under a name of its own, compares its
    // size with the record before it is read, and when it goes, unlinks it, which leaves its
    // content to the processes that have it mapped. `may_map` has excluded external files and, unless
    // the user says otherwise, file systems on which an unlinked file does not live on.
    let mapped = unsafe { Mmap::map(file) }?;
    Ok(Buffer::from(Bytes::from_owner(mapped)))
}
