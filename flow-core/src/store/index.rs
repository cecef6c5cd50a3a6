//! The index of a task: from a fingerprint to the folders that hold or held an output with it.
//!
//! It is a file of lines, `fingerprint folder`, to which each commit adds one; the folder is
//! relative to that of the store, so that an output is found where a task was stored before. Of a version
//! that is kept beside others with its fingerprint, since what was required while the task ran is part of
//! what it was made from, a line `fingerprint =name` tells the name. The index only ever
//! suggests: what it names is believed after the record found there says the same. A line that
//! was cut short, or is no line, is passed over; each addition begins a line of its own, so that it
//! does not continue one that was cut.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::content::is_absent;
use crate::fs::Fs;
use crate::key::Digest;
use crate::store::error::{IoContext, StoreError};
use crate::store::folder::key_of;

/// The index of one task, read as far as it has been written.
#[derive(Default)]
pub(crate) struct Index {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// How many bytes of the file have been read.
    bytes: u64,
    folders: HashMap<Digest, Vec<String>>,
}

impl Index {
    /// The folders that may hold an output with this fingerprint, the latest first.
    pub(crate) fn folders(
        &self,
        fs: &dyn Fs,
        path: &Path,
        fingerprint: Digest,
    ) -> Result<Vec<String>, StoreError> {
        let mut seen = self.seen.lock().expect("no panic while the index is read");
        seen.refresh(fs, path)?;
        let folders = seen.folders.get(&fingerprint);
        Ok(folders.map(|found| found.iter().rev().cloned().collect()).unwrap_or_default())
    }
}

/// The line that tells of a version with this name.
pub(crate) fn version(fingerprint: Digest, name: &str) -> String {
    format!("\n{fingerprint} ={name}\n")
}

/// The name of the version that stands in the place of a folder.
pub(crate) fn version_name(folder: &str) -> Option<&str> {
    let is_name = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit());
    folder.strip_prefix('=').filter(is_name)
}

impl Seen {
    fn refresh(&mut self, fs: &dyn Fs, path: &Path) -> Result<(), StoreError> {
        let size = match fs.stat(path) {
            Ok(stat) => stat.bytes,
            Err(error) if is_absent(&error) => 0,
            Err(error) => return Err(error).during("read", path),
        };
        if size < self.bytes {
            *self = Self::default();
        }
        if size == self.bytes {
            return Ok(());
        }
        let bytes = fs.read_from(path, self.bytes).during("read", path)?;
        // Another process may be in the middle of a line: what follows the last end is read later.
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        self.bytes += whole as u64;
        for line in bytes[..whole].split(|&b| b == b'\n') {
            let Some((fingerprint, folder)) = parse(line) else { continue };
            if folder == FORGET {
                self.folders.remove(&fingerprint);
                continue;
            }
            let folders = self.folders.entry(fingerprint).or_default();
            folders.retain(|known| known != folder);
            folders.push(folder.to_owned());
        }
        Ok(())
    }
}

/// What stands for a folder in a line that takes back all before it.
const FORGET: &str = "-";

/// The line that takes back what was said of this fingerprint.
pub(crate) fn forget(fingerprint: Digest) -> String {
    format!("\n{fingerprint} {FORGET}\n")
}

/// The folders of the instances whose outputs an index tells of, wherever they lie.
pub(crate) fn folders(index: &[u8]) -> BTreeSet<PathBuf> {
    let folders = index.split(|&b| b == b'\n').filter_map(|line| Some(parse(line)?.1));
    let instance = |folder: &&str| folder.rsplit('/').next().is_some_and(|n| key_of(n).is_some());
    folders.filter(|folder| folder.contains('/')).filter(instance).map(PathBuf::from).collect()
}

/// The lines that tell of these outputs.
pub(crate) fn lines(outputs: impl Iterator<Item = (Digest, String)>) -> String {
    outputs.fold("\n".to_owned(), |mut text, (fingerprint, folder)| {
        let _ = writeln!(text, "{fingerprint} {folder}");
        text
    })
}

fn parse(line: &[u8]) -> Option<(Digest, &str)> {
    let (fingerprint, folder) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let inside = |part: &str| {
        !part.is_empty() && !part.contains(['\\', '\0', ':']) && !matches!(part, "." | "..")
    };
    Some((fingerprint.parse().ok()?, folder)).filter(|_| folder.split('/').all(inside))
}
