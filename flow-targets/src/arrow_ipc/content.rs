//! Access to parts of a file, by mapping or reading it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use ::bytes::Bytes;
use anyhow::{Context, Result, bail};
use arrow::buffer::{Buffer, MutableBuffer};
use flow_core::Source;
use memmap2::Mmap;

/// The length from which a part is a view of the file, even if other parts are read.
///
/// This keeps the memory of a stream small if a batch is long.
const VIEWED: usize = 32 * 1024 * 1024;

/// A file whose parts can be accessed in any order.
pub(super) struct Content {
    length: usize,
    /// The whole file, if it is mapped. Its pages are loaded on first access.
    mapped: Option<Buffer>,
    /// The file from which parts are read, if they should not be views.
    file: Option<File>,
}

impl Content {
    /// Opens a file so that its parts are views, if it may be mapped. Otherwise they are read.
    ///
    /// Views are not copied, and the operating system loads them on first access.
    pub(super) fn viewed(source: &Source, mapped: Option<bool>) -> Result<Self> {
        let file = source.open()?;
        if !may_map(source, &file, mapped) {
            let length = usize::try_from(file.metadata()?.len())?;
            return Ok(Self { length, mapped: None, file: Some(file) });
        }
        let mapped = map(&file)?;
        Ok(Self { length: mapped.len(), mapped: Some(mapped), file: None })
    }

    /// Opens a file so that its parts are read, and freed when they are dropped.
    ///
    /// Long parts are views, if the file may be mapped.
    pub(super) fn read(source: &Source, mapped: Option<bool>) -> Result<Self> {
        let file = source.open()?;
        let length = usize::try_from(file.metadata()?.len())?;
        let mapped = if may_map(source, &file, mapped) { Some(map(&file)?) } else { None };
        Ok(Self { length, mapped, file: Some(file) })
    }

    /// Returns the content of a file that exists in memory only.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { length: bytes.len(), mapped: Some(Buffer::from_vec(bytes)), file: None }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Returns `length` bytes from `offset` on.
    pub(super) fn part(&self, offset: usize, length: usize) -> Result<Buffer> {
        let end = offset.checked_add(length).filter(|end| *end <= self.len());
        end.context("the file is shorter than its metadata says")?;
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

/// Returns whether a file may be mapped.
///
/// Only outputs of the store are mapped and, by default, only on a file system where no other machine
/// can truncate or remove them. External files are not, since they can be rewritten at any time.
fn may_map(source: &Source, file: &File, mapped: Option<bool>) -> bool {
    source.is_kept() && mapped.unwrap_or_else(|| is_local(file))
}

/// Returns whether the file system is known to be local.
#[cfg(target_os = "linux")]
fn is_local(file: &File) -> bool {
    /// The magic numbers of local file systems in `statfs(2)`.
    ///
    /// They are ext2 to ext4, XFS, Btrfs, ZFS, tmpfs, ramfs, overlayfs, F2FS, bcachefs, JFS,
    /// ReiserFS, FAT, exFAT and NTFS.
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

/// Returns whether the file system is known to be local.
#[cfg(target_os = "macos")]
fn is_local(file: &File) -> bool {
    /// `MNT_LOCAL` of `statfs(2)`.
    const LOCAL: u32 = 0x1000;
    rustix::fs::fstatfs(file).is_ok_and(|stat| stat.f_flags & LOCAL != 0)
}

/// Returns `false`: other systems have no common way to ask.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn is_local(_: &File) -> bool {
    false
}

fn map(file: &File) -> Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::default()); // which some systems cannot map
    }
    #[expect(unsafe_code, reason = "mapping a file is unsafe, since others might write to it")]
    // SAFETY: mapped bytes must not change while they are in use. A kept `Source` is a complete
    // file that is never rewritten: the store creates each file under a unique name, and compares
    // its size with the record before it is read. To remove a file, the store unlinks it, which
    // preserves its content for processes that have mapped it. `may_map` has excluded external
    // files and, unless the user overrides it, file systems on which an unlinked file does not live
    // on.
    let mapped = unsafe { Mmap::map(file) }?;
    Ok(Buffer::from(Bytes::from_owner(mapped)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_if_its_file_system_is_not_known_to_be_local() {
        // `/proc` stands for a file system that is not in the list, like one of a network.
        let path = "/proc/self/status";
        let (source, file) = (Source::file(path), File::open(path).expect("a file"));
        assert!(!may_map(&source, &file, None));
        assert!(may_map(&source, &file, Some(true)), "the user decides");
    }
}
