//! What a plan compares of a record, and its form in a cache.
//!
//! | field | bytes |
//! | --- | --- |
//! | key of the instance | 16 |
//! | stamp of the record: size, time of the last write, time of the last change, inode | 4 × 8 |
//! | fingerprint | 16 |
//! | start of the run: seconds, nanoseconds | 8 + 4 |
//! | digest of the versions of crates: whether there is one, digest | 1 + 16 |
//! | digest of the output | 16 |
//! | number of files; of each: length of the name, name, size, time of the last write | 2; 2, ..., 8, 8 |
//! | length of the other reads, these reads as JSON; nothing if there are none | 4, ... |
//!
//! All numbers have the least significant byte first. The key comes first in a fixed place, so that an index
//! of a cache needs to read nothing else.

use jiff::Timestamp;

use crate::base::fs::Stat;
use crate::base::key::{Digest, Key};
use crate::store::json;
use crate::store::output::is_outside;
use crate::store::record::{FORMAT, Read, Record};

/// What a plan compares of a record to find that its instance is complete.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extract {
    pub(crate) fingerprint: Digest,
    pub(crate) started: Timestamp,
    /// The digest of the table with the versions of crates.
    pub(crate) crates: Option<Digest>,
    /// The digest of the output.
    pub(crate) digest: Digest,
    /// The files of the output, none of which is a folder. There are none if the output is in memory.
    pub(crate) files: Vec<ExtractFile>,
    pub(crate) reads: Vec<Read>,
}

/// A file of an output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExtractFile {
    /// The name in the folder of the instance.
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// When the file was last modified, in nanoseconds since 1970.
    pub(crate) modified: i64,
}

/// The length of the shortest extract: without files and reads.
pub(super) const SHORTEST: usize = 16 + 4 * 8 + 16 + 12 + 17 + 16 + 2 + 4;

/// What is known of a record's file without opening it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stamp {
    pub(super) bytes: u64,
    pub(super) modified: i64,
    pub(super) changed: i64,
    pub(super) inode: u64,
}

impl Stamp {
    /// Returns the stamp of a file. `None` if it is no regular file, or if the system does not report
    /// everything that shows a change.
    pub(super) fn of(stat: &Stat) -> Option<Self> {
        let Stat { bytes, modified, folder: false, special: false, .. } = *stat else {
            return None;
        };
        Some(Self { bytes, modified, changed: stat.changed?, inode: stat.inode? })
    }
}

impl Extract {
    /// Returns the extract of a record, if the record can be cached.
    pub(super) fn of(record: &Record) -> Option<Self> {
        if record.format != FORMAT || !record.required.is_empty() {
            return None;
        }
        let files = record.output.files.iter().map(|file| {
            let is_short = u16::try_from(file.file.len()).is_ok();
            let (name, bytes, modified) = (file.file.clone(), file.bytes, file.modified);
            (is_short && file.folder.is_none()).then_some(ExtractFile { name, bytes, modified })
        });
        let files: Vec<_> = files.collect::<Option<_>>()?;
        u16::try_from(files.len()).ok()?;
        Some(Self {
            fingerprint: record.fingerprint,
            started: record.started,
            crates: record.crates,
            digest: record.output.digest,
            files,
            reads: record.reads.clone(),
        })
    }

    /// Appends the extract of a record. Returns `None`, and appends nothing, if it is too large.
    pub(super) fn encode(&self, key: Key, stamp: Stamp, to: &mut Vec<u8>) -> Option<()> {
        let reads = match self.reads.is_empty() {
            true => Vec::new(),
            false => serde_json::to_vec(&self.reads).ok()?,
        };
        let reads_len = u32::try_from(reads.len()).ok()?;
        let files_len = u16::try_from(self.files.len()).ok()?;
        to.extend(key.0.to_le_bytes());
        to.extend(stamp.bytes.to_le_bytes());
        to.extend(stamp.modified.to_le_bytes());
        to.extend(stamp.changed.to_le_bytes());
        to.extend(stamp.inode.to_le_bytes());
        to.extend(self.fingerprint.0.to_le_bytes());
        to.extend(self.started.as_second().to_le_bytes());
        to.extend(self.started.subsec_nanosecond().to_le_bytes());
        to.push(u8::from(self.crates.is_some()));
        to.extend(self.crates.unwrap_or(Digest(0)).0.to_le_bytes());
        to.extend(self.digest.0.to_le_bytes());
        to.extend(files_len.to_le_bytes());
        for file in &self.files {
            let name = file.name.as_bytes();
            // `of` has checked the length.
            to.extend((name.len() as u16).to_le_bytes());
            to.extend(name);
            to.extend(file.bytes.to_le_bytes());
            to.extend(file.modified.to_le_bytes());
        }
        to.extend(reads_len.to_le_bytes());
        to.extend(reads);
        Some(())
    }

    /// Returns the extract of a record with its key and stamp. `None` if these are no such bytes.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Key, Stamp, Self)> {
        let mut from = Bytes(bytes);
        let key = Key(from.u128()?);
        let stamp = Stamp {
            bytes: from.u64()?,
            modified: from.i64()?,
            changed: from.i64()?,
            inode: from.u64()?,
        };
        let fingerprint = Digest(from.u128()?);
        let started = Timestamp::new(from.i64()?, from.i32()?).ok()?;
        let has_crates = from.take::<1>()?[0] != 0;
        let crates = Some(Digest(from.u128()?)).filter(|_| has_crates);
        let digest = Digest(from.u128()?);
        let mut files = Vec::new();
        for _ in 0..from.u16()? {
            let len = from.u16()?;
            let name = std::str::from_utf8(from.slice(len.into())?).ok()?;
            // A record with such a name is an error, wherever it was read from.
            if is_outside(name) {
                return None;
            }
            let (name, bytes, modified) = (name.to_owned(), from.u64()?, from.i64()?);
            files.push(ExtractFile { name, bytes, modified });
        }
        let reads = match from.u32()? {
            0 => Vec::new(),
            len => json::parse(from.slice(len as usize)?).ok()?,
        };
        let extract = Self { fingerprint, started, crates, digest, files, reads };
        from.0.is_empty().then_some((key, stamp, extract))
    }
}

/// Returns the key at the start of an encoded extract.
pub(super) fn key_at(bytes: &[u8]) -> Option<Key> {
    Bytes(bytes).u128().map(Key)
}

/// The bytes that are left to decode.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn slice(&mut self, len: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(slice)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn i32(&mut self) -> Option<i32> {
        self.take().map(i32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn u128(&mut self) -> Option<u128> {
        self.take().map(u128::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extract(files: usize, reads: Vec<Read>) -> Extract {
        let file = |i| ExtractFile { name: format!("data-{i}.json"), bytes: i, modified: -1 };
        Extract {
            fingerprint: Digest(1),
            started: Timestamp::new(1_700_000_000, 12_345).expect("a time"),
            crates: Some(Digest(2)),
            digest: Digest(3),
            files: (0..files as u64).map(file).collect(),
            reads,
        }
    }

    fn encoded(extract: &Extract) -> Vec<u8> {
        let mut bytes = Vec::new();
        let stamp = Stamp { bytes: 900, modified: 5, changed: 6, inode: 7 };
        extract.encode(Key(9), stamp, &mut bytes).expect("a small extract");
        bytes
    }

    #[test]
    fn an_extract_is_decoded_as_it_was_encoded() {
        let read = Read::Env { name: "HOME".to_owned(), digest: None };
        for extract in [
            extract(1, Vec::new()),
            extract(0, vec![read.clone()]),
            Extract { crates: None, ..extract(300, vec![read, Read::Seed { seed: u64::MAX }]) },
        ] {
            let bytes = encoded(&extract);
            let (key, stamp, decoded) = Extract::decode(&bytes).expect("an extract");
            assert_eq!((key, decoded), (Key(9), extract));
            assert_eq!(stamp, Stamp { bytes: 900, modified: 5, changed: 6, inode: 7 });
            assert_eq!(key_at(&bytes), Some(Key(9)));
        }
    }

    #[test]
    fn other_bytes_are_no_extract() {
        assert_eq!(encoded(&extract(0, Vec::new())).len(), SHORTEST);
        let bytes = encoded(&extract(2, vec![Read::Seed { seed: 1 }]));
        assert!((0..bytes.len()).all(|end| Extract::decode(&bytes[..end]).is_none()));
        assert!(Extract::decode(&[&bytes[..], &[0]].concat()).is_none());
    }

    #[test]
    fn a_file_outside_of_the_folder_is_no_extract() {
        for name in ["../data.json", "/etc/passwd", "", ".", ".hidden", "a/b", "a\0b"] {
            let mut extract = extract(1, Vec::new());
            extract.files[0].name = name.to_owned();
            assert!(Extract::decode(&encoded(&extract)).is_none(), "{name:?}");
        }
    }
}
