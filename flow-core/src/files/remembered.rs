//! A cache of file digests, keyed by the path, size, times and inode of each file.
//!
//! The cache is one file of lines, `.flow/digests`, so that a second process does not hash the
//! files again:
//!
//! ```text
//! place of 16 digits, file of 32, digest of 32, check of 16
//! ```
//!
//! *Place* is a hash of the absolute path. *File* is a hash of the path and everything that is
//! known of the file without opening it. *Check* is a hash of the other three. A line that was
//! truncated or damaged fails the check and is ignored. I/O errors are ignored too: this is only a
//! cache, and a missing line costs one more hash of a file.
//!
//! Lines are appended in groups, each in one write. The last line of a place counts. When most
//! lines are outdated, or there are too many, the file is rewritten and renamed into place. Lines
//! that another process appends meanwhile are lost, and those files are hashed again.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::stamp::hash_stat;
use crate::base::fs::{Fs, Stat};
use crate::base::key::{Digest, Hasher};
use crate::base::names::unique;

/// The largest number of files in the cache.
const MOST: usize = 1 << 18;

/// The number of outdated lines that are always allowed.
const OUTDATED: usize = 1 << 10;

/// The length of a line in bytes, with its end.
const LINE: usize = 100;

/// The number of hashed files, and of their bytes, after which new lines are written.
const GROUP: usize = 1 << 8;
const GROUP_BYTES: u64 = 1 << 24;

pub(super) struct Remembered {
    fs: Arc<dyn Fs>,
    file: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_read: bool,
    /// Whether writing the file failed.
    is_refused: bool,
    known: HashMap<u64, Known>,
    /// The number of lines in the file, including those that are not written yet.
    lines: usize,
    new: Vec<u64>,
    new_bytes: u64,
}

#[derive(Clone, Copy)]
struct Known {
    file: Digest,
    digest: Digest,
    /// Greater for files that were used or added later.
    age: usize,
}

impl Remembered {
    pub(super) fn new(fs: Arc<dyn Fs>, file: Option<PathBuf>) -> Self {
        Self { fs, file, state: Mutex::default() }
    }

    /// Returns the digest of a file, if it is in the cache and the file has not changed.
    pub(super) fn get(&self, path: &Path, stat: &Stat) -> Option<Digest> {
        self.get_at(identify(path, stat))
    }

    fn get_at(&self, (place, file): (u64, Digest)) -> Option<Digest> {
        let mut state = self.state();
        let age = state.lines;
        let known = state.known.get_mut(&place).filter(|known| known.file == file)?;
        known.age = age;
        Some(known.digest)
    }

    pub(super) fn add(&self, path: &Path, stat: &Stat, digest: Digest) {
        self.add_at(identify(path, stat), stat, digest);
    }

    /// Returns the digest of a column of a file, as a reader with this digest reads it, if it is in the cache and the file
    /// has not changed.
    pub(super) fn get_column(
        &self,
        path: &Path,
        stat: &Stat,
        column: (Digest, &str),
    ) -> Option<Digest> {
        self.get_at(identify_column(path, stat, Some(column)))
    }

    pub(super) fn add_column(
        &self,
        path: &Path,
        stat: &Stat,
        column: (Digest, &str),
        digest: Digest,
    ) {
        self.add_at(identify_column(path, stat, Some(column)), stat, digest);
    }

    fn add_at(&self, (place, file): (u64, Digest), stat: &Stat, digest: Digest) {
        let mut state = self.state();
        let age = state.lines;
        state.known.insert(place, Known { file, digest, age });
        if self.file.is_none() {
            return;
        }
        state.new.push(place);
        state.new_bytes += stat.bytes;
        if state.new.len() >= GROUP || state.new_bytes >= GROUP_BYTES {
            self.write(&mut state);
        }
    }

    /// Writes new lines.
    pub(super) fn keep(&self) {
        if let Ok(mut state) = self.state.lock() {
            self.write(&mut state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().expect("lock poisoned");
        if !std::mem::replace(&mut state.is_read, true)
            && let Some(file) = &self.file
        {
            // The cache never writes a file larger than this.
            state.read(&self.fs.read(file, (4 * MOST * LINE) as u64).unwrap_or_default());
        }
        state
    }

    fn write(&self, state: &mut State) {
        let (Some(file), false) = (&self.file, state.new.is_empty()) else { return };
        let new = std::mem::take(&mut state.new);
        state.new_bytes = 0;
        if state.is_refused {
            return;
        }
        state.lines += new.len();
        let outdated = state.lines.saturating_sub(state.known.len());
        let is_full = state.known.len() > MOST;
        let written = if is_full || outdated > state.known.len() + OUTDATED {
            state.forget_oldest();
            state.lines = state.known.len();
            self.replace(file, &lines(state.known.iter()))
        } else {
            let added = new.iter().filter_map(|place| state.known.get_key_value(place));
            self.append(file, &lines(added))
        };
        state.is_refused = written.is_err();
    }

    fn append(&self, file: &Path, lines: &str) -> std::io::Result<()> {
        self.fs.append(file, lines.as_bytes()).or_else(|error| {
            // The cache creates its folder only in a store that exists.
            let folder = file.parent().filter(|_| error.kind() == ErrorKind::NotFound);
            let store = folder.and_then(Path::parent);
            let (Some(folder), Some(true)) = (folder, store.map(|at| self.fs.stat(at).is_ok()))
            else {
                return Err(error);
            };
            self.fs.create_folder(folder)?;
            self.fs.append(file, lines.as_bytes())
        })
    }

    fn replace(&self, file: &Path, lines: &str) -> std::io::Result<()> {
        let draft = file.with_extension(unique());
        let mut to = self.fs.create(&draft)?;
        let written = to.write_all(lines.as_bytes()).and_then(|()| to.flush());
        drop(to);
        written.and_then(|()| self.fs.rename(&draft, file)).inspect_err(|_| {
            let _ = self.fs.remove(&draft);
        })
    }
}

impl Drop for Remembered {
    fn drop(&mut self) {
        self.keep();
    }
}

impl State {
    fn read(&mut self, bytes: &[u8]) {
        for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            self.lines += 1;
            if let Some((place, file, digest)) = parse(line) {
                let age = self.lines;
                self.known.insert(place, Known { file, digest, age });
            }
        }
    }

    /// Removes the least recently used files if there are too many.
    fn forget_oldest(&mut self) {
        if self.known.len() <= MOST {
            return;
        }
        let mut ages: Vec<_> =
            self.known.iter().map(|(&place, known)| (known.age, place)).collect();
        // Enough are removed that this is not needed again soon.
        let many = self.known.len() - MOST * 3 / 4;
        ages.select_nth_unstable(many);
        for (_, place) in &ages[..many] {
            self.known.remove(place);
        }
    }
}

/// Returns the hash of the path, and of everything that is known of the file without opening it.
fn identify(path: &Path, stat: &Stat) -> (u64, Digest) {
    identify_column(path, stat, None)
}

/// Returns the same for a column of a file, as a reader with this digest reads it.
fn identify_column(path: &Path, stat: &Stat, column: Option<(Digest, &str)>) -> (u64, Digest) {
    let absolute = std::path::absolute(path);
    let path = absolute.as_deref().unwrap_or(path).as_os_str().as_encoded_bytes();
    let mut hasher = Hasher::new("place");
    hasher.bytes(path);
    if let Some((reader, name)) = column {
        hasher.text("column").part(reader).text(name);
    }
    let place = hasher.digest().0 as u64;
    hash_stat(&mut hasher, stat);
    (place, hasher.digest())
}

fn check(place: u64, file: Digest, digest: Digest) -> u64 {
    let mut hasher = Hasher::new("remembered digest 1");
    hasher.number(place).part(file).part(digest).digest().0 as u64
}

/// Returns the lines. They start with a line break, so that they never continue a truncated line.
fn lines<'a>(known: impl Iterator<Item = (&'a u64, &'a Known)>) -> String {
    known.fold("\n".to_owned(), |mut lines, (&place, &Known { file, digest, .. })| {
        let check = check(place, file, digest);
        let _ = writeln!(lines, "{place:016x} {file} {digest} {check:016x}");
        lines
    })
}

fn parse(line: &[u8]) -> Option<(u64, Digest, Digest)> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let place = u64::from_str_radix(words.next()?, 16).ok()?;
    let (file, digest) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let stored_check = u64::from_str_radix(words.next()?, 16).ok()?;
    (words.next().is_none() && stored_check == check(place, file, digest))
        .then_some((place, file, digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::fs::Disk;

    fn stat(bytes: u64) -> Stat {
        let (modified, changed, inode) = (1, Some(2), Some(3));
        Stat { bytes, modified, folder: false, special: false, changed, inode, executable: false }
    }

    fn remembered(file: &Path) -> Remembered {
        Remembered::new(Arc::new(Disk), Some(file.to_owned()))
    }

    #[test]
    fn all_that_is_known_of_a_file_counts() {
        let at = Path::new("file");
        let same = stat(1);
        let others = [
            stat(2),
            Stat { modified: 2, ..same },
            Stat { changed: Some(3), ..same },
            Stat { changed: None, ..same },
            Stat { inode: Some(2), ..same },
        ];
        assert!(others.iter().all(|other| identify(at, other) != identify(at, &same)));
        assert_ne!(identify(Path::new("other"), &same), identify(at, &same));
        assert_eq!(identify(&std::path::absolute(at).expect("a path"), &same), identify(at, &same));
    }

    #[test]
    fn damage_never_gives_a_wrong_digest() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("digests");
        let path = |i: u64| PathBuf::from(format!("file {i}"));
        let first = remembered(&file);
        (0..3).for_each(|i| first.add(&path(i), &stat(i), Digest(i.into())));
        drop(first);
        let good = std::fs::read(&file).expect("a file");
        assert_eq!(good.len(), 1 + 3 * LINE);
        let mut damaged: Vec<Vec<u8>> = (0..good.len()).map(|end| good[..end].to_vec()).collect();
        damaged.extend((0..good.len() * 8).step_by(7).map(|bit| {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        }));
        // A repeated start, zeros after a loss of power, and lines of another format.
        damaged.extend([[&good[..150], &good].concat(), vec![0; 500], b"{\"x\": 1}\n".repeat(40)]);
        for bytes in damaged {
            std::fs::write(&file, bytes).expect("a file");
            let second = remembered(&file);
            for i in 0..3 {
                let found = second.get(&path(i), &stat(i));
                assert!(found.is_none_or(|digest| digest == Digest(i.into())));
                assert_eq!(second.get(&path(i), &stat(i + 1)), None);
            }
        }
    }

    #[test]
    fn outdated_lines_are_removed_when_there_are_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("digests");
        let path = Path::new("file");
        for i in 0..40 {
            let remembered = remembered(&file);
            (0..200).for_each(|j| remembered.add(path, &stat(i * 200 + j), Digest(j.into())));
        }
        assert_eq!(remembered(&file).get(path, &stat(7_999)), Some(Digest(199)));
        assert!(std::fs::metadata(&file).expect("a file").len() < (2 * OUTDATED * LINE) as u64);
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn the_oldest_files_are_forgotten_beyond_the_limit() {
        let mut state = State::default();
        for place in 0..(MOST as u64 + 10) {
            let (file, digest) = (Digest(0), Digest(0));
            state.known.insert(place, Known { file, digest, age: place as usize });
        }
        state.forget_oldest();
        assert_eq!(state.known.len(), MOST * 3 / 4);
        assert!(!state.known.contains_key(&0) && state.known.contains_key(&(MOST as u64)));
    }

    #[test]
    fn nothing_is_written_where_there_is_no_store() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("store/.flow/digests");
        remembered(&file).add(Path::new("file"), &stat(1), Digest(1));
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        std::fs::create_dir(folder.path().join("store")).expect("a folder");
        remembered(&file).add(Path::new("file"), &stat(1), Digest(1));
        assert_eq!(remembered(&file).get(Path::new("file"), &stat(1)), Some(Digest(1)));
    }
}
