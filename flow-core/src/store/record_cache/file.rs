//! The file of a task's record cache.
//!
//! | part | bytes |
//! | --- | --- |
//! | [`HEADER`], which states the version of this format | 20 |
//! | the version of the format of records | 4 |
//! | of each record: the length of its extract, and the [`Extract`] | 4, ... |
//! | the digest of everything before | 16 |
//!
//! The file is read into memory whole, and an extract is decoded when it is looked up. It is written as a whole,
//! under another name, and renamed into place, when reading the new records again would take longer.

use std::collections::{HashMap, HashSet};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;

use super::extract::{Extract, SHORTEST, Stamp, key_at};
use crate::base::fs::Fs;
use crate::base::key::{Key, Short, digest_of};
use crate::base::names::unique;
use crate::store::bounds;
use crate::store::record::FORMAT;

/// The start of a file. The number changes with the format, and when a record that was cached would be
/// refused today.
const HEADER: &[u8] = b"flow record cache 1\n";

/// The length of the digest at the end.
const CHECK: usize = 16;

/// The size of new records for which the file is written, in bytes: that of some thirty records of a task
/// with few inputs.
const WORTHWHILE: u64 = 32 << 10;

/// The largest size of the file for each byte of new records. Reading a record of a kilobyte takes about
/// as long as writing a hundred extracts.
const SHARE: u64 = 12;

/// The size of the buffer for writing.
const BUFFER: usize = 1 << 20;

/// The record cache of one task, and the records to be added to its file.
#[derive(Default)]
pub(super) struct TaskCache {
    /// The content of the file.
    bytes: Vec<u8>,
    /// The place of each extract in `bytes`.
    places: HashMap<Short, u32>,
    /// The new extracts, in the form of the file.
    new: Vec<u8>,
    new_keys: HashSet<Short>,
    /// The size of the records whose extracts are new, in bytes.
    new_bytes: u64,
}

impl TaskCache {
    /// Reads the cache. It is empty if the file does not exist, cannot be read or is damaged.
    pub(super) fn load(fs: &dyn Fs, path: &Path) -> Self {
        let bytes = fs.read(path, bounds::RECORD_CACHE).unwrap_or_default();
        Self::parse(bytes).unwrap_or_default()
    }

    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let (content, check) = bytes.split_last_chunk::<CHECK>()?;
        let mut at = start().len();
        if !content.starts_with(&start()) || u128::from_le_bytes(*check) != digest(&[content]) {
            return None;
        }
        let mut places = HashMap::new();
        while at < content.len() {
            let extract = extract_at(content, at).filter(|extract| extract.len() >= SHORTEST)?;
            places.insert(key_at(extract)?.short(), u32::try_from(at).ok()?);
            at += LENGTH + extract.len();
        }
        Some(Self { bytes, places, ..Self::default() })
    }

    /// Returns the cached extract of an instance's record, with the stamp that the file had.
    pub(super) fn get(&self, key: Key) -> Option<(Stamp, Extract)> {
        let place = *self.places.get(&key.short())?;
        let (of, stamp, extract) = Extract::decode(extract_at(&self.bytes, place as usize)?)?;
        (of == key).then_some((stamp, extract))
    }

    /// Adds a record.
    pub(super) fn add(&mut self, key: Key, stamp: Stamp, extract: &Extract) {
        if self.new.len() as u64 > bounds::RECORD_CACHE || !self.new_keys.insert(key.short()) {
            return;
        }
        let at = self.new.len();
        self.new.extend([0; LENGTH]);
        let encoded = extract.encode(key, stamp, &mut self.new);
        match u32::try_from(self.new.len() - at - LENGTH) {
            Ok(len) if encoded.is_some() => {
                self.new[at..at + LENGTH].copy_from_slice(&len.to_le_bytes());
                self.new_bytes += stamp.bytes;
            }
            _ => self.new.truncate(at),
        }
    }

    /// Returns whether reading the new records again would take longer than writing the file.
    pub(super) fn is_worth_writing(&self) -> bool {
        self.new_bytes >= WORTHWHILE.max(self.bytes.len() as u64 / SHARE)
    }

    /// Writes the file with the new records, and with those of the old ones for which `is_there` is true.
    pub(super) fn write(
        &self,
        fs: &dyn Fs,
        path: &Path,
        is_there: impl Fn(Short) -> bool,
    ) -> io::Result<()> {
        let draft = path.with_file_name(match path.file_name().and_then(|name| name.to_str()) {
            Some(name) => format!("{name}.{}", unique()),
            None => unique(),
        });
        let to = fs.create(&draft).or_else(|error| {
            // A store without a record has no cache either.
            let folder = path.parent().filter(|_| error.kind() == ErrorKind::NotFound);
            fs.create_folder(folder.ok_or(error)?)?;
            fs.create(&draft)
        })?;
        let written = self.write_to(to, is_there).and_then(|()| fs.rename(&draft, path));
        written.inspect_err(|_| {
            let _ = fs.remove(&draft);
        })
    }

    fn write_to(
        &self,
        to: Box<dyn Write + Send>,
        is_there: impl Fn(Short) -> bool,
    ) -> io::Result<()> {
        let mut to = BufWriter::with_capacity(BUFFER, to);
        let mut hasher = blake3::Hasher::new();
        let mut left = bounds::RECORD_CACHE as usize - CHECK;
        let mut write = |bytes: &[u8]| {
            // What is beyond the limit is left out: the file could not be read.
            if bytes.len() > left {
                return Ok(());
            }
            left -= bytes.len();
            hasher.update(bytes);
            to.write_all(bytes)
        };
        write(&start())?;
        for extract in extracts(&self.new) {
            write(extract)?;
        }
        let old = self.bytes.get(start().len()..self.bytes.len().saturating_sub(CHECK));
        for extract in extracts(old.unwrap_or_default()) {
            let key = key_at(&extract[LENGTH..]).map(Key::short);
            if key.is_some_and(|key| !self.new_keys.contains(&key) && is_there(key)) {
                write(extract)?;
            }
        }
        to.write_all(&digest_of(&hasher).0.to_le_bytes())?;
        to.flush()
    }
}

/// The length of the length of an extract.
const LENGTH: usize = 4;

/// Returns the first bytes of the file.
fn start() -> Vec<u8> {
    [HEADER, &FORMAT.to_le_bytes()].concat()
}

fn digest(content: &[&[u8]]) -> u128 {
    let mut hasher = blake3::Hasher::new();
    content.iter().for_each(|bytes| {
        hasher.update(bytes);
    });
    digest_of(&hasher).0
}

/// Returns the extract whose length is at `at`.
fn extract_at(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let (len, rest) = bytes.get(at..)?.split_first_chunk::<LENGTH>()?;
    rest.get(..u32::from_le_bytes(*len) as usize)
}

/// Returns extracts that follow each other, each with its length.
fn extracts(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let from = at;
        at += LENGTH + extract_at(bytes, at)?.len();
        Some(&bytes[from..at])
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::base::fs::Disk;
    use crate::base::key::Digest;

    fn key(i: u64) -> Key {
        // The first half names the folder.
        Key(u128::from(i) << 64 | 7)
    }

    fn stamp(i: u64) -> Stamp {
        Stamp { bytes: i, modified: 1, changed: 2, inode: 3 }
    }

    fn extract(i: u64) -> Extract {
        Extract {
            fingerprint: Digest(i.into()),
            started: jiff::Timestamp::UNIX_EPOCH,
            crates: None,
            digest: Digest(1),
            files: Vec::new(),
            reads: Vec::new(),
        }
    }

    fn fill(cache: &mut TaskCache, keys: std::ops::Range<u64>) {
        keys.for_each(|i| cache.add(key(i), stamp(i), &extract(i)));
    }

    fn written(keys: std::ops::Range<u64>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("records/Task");
        let mut cache = TaskCache::load(&Disk, &path);
        fill(&mut cache, keys);
        cache.write(&Disk, &path, |_| true).expect("it is written");
        (folder, path)
    }

    #[test]
    fn what_was_written_is_found() {
        let (_folder, path) = written(0..100);
        let cache = TaskCache::load(&Disk, &path);
        assert!((0..100).all(|i| cache.get(key(i)) == Some((stamp(i), extract(i)))));
        assert_eq!(cache.get(key(100)), None);
        // The same folder, and another instance.
        assert_eq!(cache.get(Key(key(1).0 + 1)), None);
        assert_eq!(fs::read_dir(path.parent().expect("a folder")).expect("a folder").count(), 1);
    }

    #[test]
    fn new_records_replace_others_and_those_that_are_gone_are_left_out() {
        let (_folder, path) = written(0..10);
        let mut cache = TaskCache::load(&Disk, &path);
        cache.add(key(3), stamp(30), &extract(30));
        cache.add(key(10), stamp(10), &extract(10));
        cache.write(&Disk, &path, |key| key != Short(5)).expect("it is written");
        let cache = TaskCache::load(&Disk, &path);
        assert_eq!(cache.places.len(), 10);
        assert_eq!(cache.get(key(3)), Some((stamp(30), extract(30))));
        assert_eq!(cache.get(key(5)), None);
        assert_eq!(cache.get(key(10)), Some((stamp(10), extract(10))));
    }

    #[test]
    fn damage_gives_an_empty_cache() {
        let (_folder, path) = written(0..3);
        let good = fs::read(&path).expect("a file");
        let mut damaged: Vec<Vec<u8>> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
        damaged.extend((0..good.len() * 8).map(|bit| {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        }));
        damaged.extend([vec![0; 500], [good.clone(), good.clone()].concat()]);
        for bytes in damaged {
            fs::write(&path, bytes).expect("a file");
            assert!(TaskCache::load(&Disk, &path).places.is_empty());
        }
    }

    /// A program that writes a cache can also write the right digest.
    #[test]
    fn hostile_lengths_are_no_extracts() {
        let (_folder, path) = written(0..0);
        for len in [0, 1, 16, SHORTEST as u32 - 1, SHORTEST as u32, u32::MAX] {
            let mut bytes = [start(), len.to_le_bytes().to_vec(), vec![1; SHORTEST]].concat();
            bytes.extend(digest(&[&bytes]).to_le_bytes());
            fs::write(&path, bytes).expect("a file");
            let cache = TaskCache::load(&Disk, &path);
            let key = Key(u128::from_le_bytes([1; 16]));
            assert_eq!(cache.get(key), None, "{len}");
        }
    }

    #[test]
    fn caches_of_other_versions_are_ignored() {
        let (_folder, path) = written(0..3);
        let good = fs::read(&path).expect("a file");
        for at in [HEADER.len() - 2, HEADER.len()] {
            let mut other = good[..good.len() - CHECK].to_vec();
            other[at] += 1;
            other.extend(digest(&[&other]).to_le_bytes());
            fs::write(&path, other).expect("a file");
            assert!(TaskCache::load(&Disk, &path).places.is_empty());
        }
    }

    #[test]
    fn few_and_small_new_records_are_not_written() {
        let record = |cache: &mut TaskCache, i: u64, bytes: u64| {
            cache.add(key(i), Stamp { bytes, ..stamp(i) }, &extract(i));
            cache.is_worth_writing()
        };
        let mut cache = TaskCache::default();
        assert!((0..31).all(|i| !record(&mut cache, i, 1 << 10)));
        assert!(record(&mut cache, 31, 1 << 10));
        assert!(record(&mut TaskCache::default(), 0, 1 << 20));
        // A large file is written for many new records only.
        let (_folder, path) = written(0..10_000);
        let mut cache = TaskCache::load(&Disk, &path);
        assert!((0..50).all(|i| !record(&mut cache, i, 1 << 10)));
        assert!((50..1_000).any(|i| record(&mut cache, i, 1 << 10)));
    }
}
