//! The index of a task: maps a fingerprint to the folders that hold or held an output with it.
//!
//! The file has lines of the form `fingerprint folder`. Each commit appends one. The folder is
//! relative to the store's folder, so that outputs are found after a task's `group` or `dir`
//! changed. The index only suggests folders: an output is used if the record in the folder has the
//! fingerprint. Truncated and invalid lines are skipped. Each append begins with a line break, so
//! that it never continues a truncated line.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::error::{IoContext, StoreError};
use crate::base::fs::{Fs, Refused};
use crate::base::key::Digest;
use crate::base::names::key_of;
use crate::files::is_absent;
use crate::store::bounds;
use crate::store::folder::{is_env_folder, is_made};
use crate::store::reset::is_output;

/// The index of one task, read up to the last complete line.
#[derive(Default)]
pub(crate) struct Index {
    parsed: Mutex<Parsed>,
}

#[derive(Default)]
struct Parsed {
    /// The number of bytes of the file that have been read.
    bytes: u64,
    /// The last line that has been read. If the file has another line there, `gc` has replaced the
    /// file. The size alone does not show this once other processes have appended to the new file.
    last: Vec<u8>,
    folders: HashMap<Digest, Vec<String>>,
    /// The fingerprints whose last line is [`FORGET`]. Outputs of other stores are not reused for
    /// them.
    forgotten: HashSet<Digest>,
}

impl Index {
    /// Returns the folders that may hold an output with this fingerprint, the latest first.
    pub(crate) fn folders(
        &self,
        fs: &dyn Fs,
        path: &Path,
        fingerprint: Digest,
    ) -> Result<Vec<String>, StoreError> {
        let mut parsed = self.parsed.lock().expect("lock poisoned");
        parsed.refresh(fs, path)?;
        let folders = parsed.folders.get(&fingerprint);
        Ok(folders.map(|found| found.iter().rev().cloned().collect()).unwrap_or_default())
    }
}

impl Index {
    /// Returns whether a fingerprint was reset and no output with it was committed since.
    pub(crate) fn is_forgotten(
        &self,
        fs: &dyn Fs,
        path: &Path,
        fingerprint: Digest,
    ) -> Result<bool, StoreError> {
        let mut parsed = self.parsed.lock().expect("lock poisoned");
        parsed.refresh(fs, path)?;
        Ok(parsed.forgotten.contains(&fingerprint))
    }
}

impl Parsed {
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
        let known = self.bytes - self.last.len() as u64;
        let bytes = fs.read_from(path, known, bounds::INDEX).map_err(with_remedy);
        let bytes = bytes.during("read", path)?;
        let Some(bytes) = bytes.strip_prefix(self.last.as_slice()) else {
            *self = Self::default();
            return self.refresh(fs, path);
        };
        // Another process may be writing a line, so an incomplete last line is read next time.
        let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |end| end + 1);
        self.bytes += whole as u64;
        if let Some(end) = whole.checked_sub(1) {
            let start = bytes[..end].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
            self.last = bytes[start..whole].to_vec();
        }
        for line in bytes[..whole].split(|&b| b == b'\n') {
            let Some((fingerprint, folder)) = parse(line) else { continue };
            if folder == FORGET {
                self.folders.remove(&fingerprint);
                self.forgotten.insert(fingerprint);
                continue;
            }
            self.forgotten.remove(&fingerprint);
            let folders = self.folders.entry(fingerprint).or_default();
            folders.retain(|known| known != folder);
            folders.push(folder.to_owned());
        }
        Ok(())
    }
}

/// Adds a remedy to the error for a file that cannot be an index.
pub(crate) fn with_remedy(error: io::Error) -> io::Error {
    match Refused::of(&error) {
        Some(why @ (Refused::Special | Refused::TooLarge { .. })) => {
            let lost =
                "remove it: earlier outputs of the task are not reused then, and no output is lost";
            io::Error::new(error.kind(), format!("{why}; {lost}"))
        }
        _ => error,
    }
}

/// Stands in place of a folder in a line that revokes all earlier lines of its fingerprint.
const FORGET: &str = "-";

/// Returns the line that revokes all earlier lines of this fingerprint.
pub(crate) fn forget(fingerprint: Digest) -> String {
    format!("\n{fingerprint} {FORGET}\n")
}

/// Returns the folders of all instances that an index names.
pub(crate) fn folders(index: &[u8]) -> BTreeSet<PathBuf> {
    let folders = index.split(|&b| b == b'\n').filter_map(|line| Some(parse(line)?.1));
    folders.filter(|folder| *folder != FORGET).map(PathBuf::from).collect()
}

/// Returns the folders of the tasks whose instances an index names.
pub(crate) fn task_folders(index: &[u8]) -> BTreeSet<PathBuf> {
    let folders = index.split(|&b| b == b'\n').filter_map(|line| Some(parse(line)?.1));
    let tasks = folders.filter_map(|folder| Some(folder.rsplit_once('/')?.0));
    let tasks: BTreeSet<&str> = tasks.collect();
    tasks.into_iter().map(PathBuf::from).collect()
}

/// Returns the lines for these outputs. Each output is its fingerprint, its folder, and whether its
/// line revokes earlier lines of the fingerprint.
pub(crate) fn lines(outputs: impl Iterator<Item = (Digest, String, bool)>) -> String {
    let outputs = outputs.filter(|(_, folder, _)| is_folder(folder));
    outputs.fold("\n".to_owned(), |mut text, (fingerprint, folder, revokes_earlier)| {
        if revokes_earlier {
            let _ = writeln!(text, "{fingerprint} {FORGET}");
        }
        let _ = writeln!(text, "{fingerprint} {folder}");
        text
    })
}

/// Returns the fingerprint and folder of each line that counts, in order.
pub(crate) fn live(index: &[u8]) -> Vec<(Digest, String)> {
    let mut entries: Vec<Option<(Digest, &str)>> = Vec::new();
    let mut places: HashMap<Digest, Vec<usize>> = HashMap::new();
    for (fingerprint, folder) in index.split(|&b| b == b'\n').filter_map(parse) {
        let places = places.entry(fingerprint).or_default();
        if folder == FORGET {
            places.drain(..).for_each(|place| entries[place] = None);
            continue;
        }
        // A repeated line counts at its last position.
        places.retain(|&place| {
            let again = entries[place].is_some_and(|(_, known)| known == folder);
            if again {
                entries[place] = None;
            }
            !again
        });
        places.push(entries.len());
        entries.push(Some((fingerprint, folder)));
    }
    entries.into_iter().flatten().map(|(print, folder)| (print, folder.to_owned())).collect()
}

/// Returns the text of the index without the `dead` lines and without repeated lines.
pub(crate) fn without(index: &[u8], dead: &BTreeSet<(String, Digest)>) -> String {
    let mut text = String::new();
    let live = live(index);
    let known: HashSet<_> = live.iter().map(|(fingerprint, _)| *fingerprint).collect();
    let lines = index.split(|&b| b == b'\n').filter_map(parse);
    let taken_back = lines.filter(|(print, folder)| *folder == FORGET && !known.contains(print));
    for print in taken_back.map(|(print, _)| print).collect::<BTreeSet<_>>() {
        text.push_str(forget(print).trim_start());
    }
    for (fingerprint, folder) in live {
        let line = (folder, fingerprint);
        if !dead.contains(&line) {
            let _ = writeln!(text, "{fingerprint} {}", line.0);
        }
    }
    text
}

fn parse(line: &[u8]) -> Option<(Digest, &str)> {
    let (fingerprint, folder) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    Some((fingerprint.parse().ok()?, folder)).filter(|_| folder == FORGET || is_folder(folder))
}

/// Returns whether a line may name this folder: `task/instance`, in the part of the store for
/// outputs.
///
/// The folder of a task is neither the store of a namespace, which lies in the folder of the base
/// store, nor the store's internal folder, whose name starts with a dot, nor part of an output.
/// Users may have renamed the instance's folder: only the key at its end counts.
fn is_folder(folder: &str) -> bool {
    let Some((task, instance)) = folder.rsplit_once('/') else { return false };
    let is_task = task.split('/').all(|part| is_made(part) && !is_output(part));
    let is_instance = !instance.starts_with('.') && !instance.contains(['\\', '\0', ':', '\n']);
    is_task && !is_env_folder(task) && is_instance && key_of(instance).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(folder: &str) -> String {
        format!("0123456789abcdef0123456789abcdef {folder}")
    }

    #[test]
    fn a_line_names_the_folder_of_an_instance() {
        for folder in [
            "Train/c=1-0123456789abcdef",
            "Train/0123456789abcdef",
            "features/daily/Fit(Ols)-fedcba9876543210/c=1-0123456789abcdef",
            "Train/my own name-0123456789abcdef",
        ] {
            assert!(parse(line(folder).as_bytes()).is_some(), "{folder}");
            assert_eq!(folders(line(folder).as_bytes()), BTreeSet::from([PathBuf::from(folder)]));
            let task = Path::new(folder).parent().expect("a task").to_owned();
            assert_eq!(task_folders(line(folder).as_bytes()), BTreeSet::from([task]));
        }
        assert_eq!(task_folders(line(FORGET).as_bytes()), BTreeSet::new());
        assert!(parse(line(FORGET).as_bytes()).is_some_and(|(_, folder)| folder == FORGET));
    }

    #[test]
    fn a_line_names_nothing_else_in_the_store() {
        for folder in [
            "env=prod/t/k=7-0123456789abcdef",
            "ENV=prod/t/k=7-0123456789abcdef",
            "env=prod/k=7-0123456789abcdef",
            ".flow/versions/0123456789abcdef",
            ".Flow/versions/0123456789abcdef",
            "t/.flow/0123456789abcdef",
            "t/../u/0123456789abcdef",
            "t//0123456789abcdef",
            "/t/0123456789abcdef",
            "t/k=7-0123456789abcdef/data-0123456789abcdef-0123456789abcdef.d/0123456789abcdef",
            "a b/0123456789abcdef",
            "t/.k-0123456789abcdef",
            "t/k=7",
            "0123456789abcdef",
            "t",
        ] {
            assert!(parse(line(folder).as_bytes()).is_none(), "{folder}");
            assert_eq!(folders(line(folder).as_bytes()), BTreeSet::new(), "{folder}");
        }
    }
}
