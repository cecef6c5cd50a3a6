//! Published waits: for which instances the running tasks of a run wait that other runs compute.
//!
//! A task that requires others while it runs, or runs a flow itself, keeps its [claim](crate::store::claims) while it
//! waits. Two runs may so wait for each other forever: in one, `A` requires `B`; in the other, `B` requires `A`. With
//! the same code this is a mistake, and each run alone would report it. With different code it may be right.
//!
//! So a run publishes such waits in the file `.flow/waits.<number of its mark>`, as pairs of keys: the task
//! of the first instance is running in this run, or encloses it, and has been claimed; it waits for the second one, which
//! another run has claimed. Each line of the file replaces the one before. If the pairs of all runs in
//! progress form a circle through an instance that this run waits for, and still do so when they are read
//! again, no run in the circle can proceed. Then this run computes the instance without a claim.
//!
//! Waits through the graph of a plan cannot be part of a circle: an instance that waits for its inputs has
//! not been claimed. So hardly any run has such a file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use crate::base::error::StoreError;
use crate::base::key::Key;
use crate::store::Store;
use crate::store::run_lock::RunLock;

/// The name of a file of waits, before the number of the run's mark.
const WAITS: &str = "waits.";

/// The line of a run whose tasks do not wait.
const NONE: &str = "-";

/// The number of bytes at the end of a file that are read. A line is longer only if thousands of tasks wait.
const TAIL: u64 = 1 << 18;

/// A pair of a claimed instance and one that its task waits for.
pub(crate) type Wait = (Key, Key);

/// The waits that all runs publish at one moment.
#[derive(Default)]
pub(crate) struct Waits {
    /// For each instance whose task waits, the instances that it waits for, with the place of each line.
    edges: HashMap<Key, Vec<(Key, Line)>>,
}

/// The file that a wait was read from, and its size then: it grows with each change.
type Line = (PathBuf, u64);

/// Waits that form a circle. Equal ones that are read one after the other did so all the time in between.
#[derive(PartialEq, Eq)]
pub(crate) struct Circle(Vec<(Key, Line)>);

impl RunLock {
    /// Publishes the waits of this run, in place of the ones before.
    ///
    /// An error is ignored: then other runs may not notice that they wait in a circle with this one.
    pub(crate) fn publish(&self, waits: &BTreeSet<Wait>) {
        let pairs: Vec<_> = waits.iter().map(|(by, wanted)| format!("{by} {wanted}")).collect();
        self.has_waits.store(true, Ordering::Relaxed);
        let line = if pairs.is_empty() { NONE.to_owned() } else { pairs.join(" ") };
        let _ = self.store.fs().append(&self.waits(), format!("\n{line}\n").as_bytes());
    }

    /// Returns the file for the waits of this run, which is removed with its mark.
    pub(super) fn waits(&self) -> PathBuf {
        let number = self.path.file_name().unwrap_or_default().to_string_lossy();
        self.store.internal(&format!("{WAITS}{number}"))
    }
}

impl Store {
    /// Returns the waits that the runs in progress publish.
    ///
    /// # Errors
    ///
    /// The internal folder cannot be listed, or a mark cannot be inspected.
    pub(crate) fn waits(&self) -> Result<Waits, StoreError> {
        let mut waits = Waits::default();
        for name in self.names_if_there(&self.internal(""))? {
            let Some(run) = name.strip_prefix(WAITS) else { continue };
            if !self.is_in_progress(run)? {
                continue;
            }
            let path = self.internal(&name);
            // A file that is removed just now belongs to a run that has ended.
            let Ok(bytes) = self.fs().stat(&path).map(|stat| stat.bytes) else { continue };
            let start = bytes.saturating_sub(TAIL);
            let Ok(text) = self.fs().read_from(&path, start, 2 * TAIL) else { continue };
            waits.add(&path, start + text.len() as u64, &text);
        }
        Ok(waits)
    }
}

impl Waits {
    /// Adds the waits on the last complete line of a file. Lines are separated by empty ones.
    fn add(&mut self, file: &Path, bytes: u64, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        // Another run may be writing the next line.
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        let line = complete.lines().rev().find(|line| !line.is_empty()).unwrap_or_default();
        let keys: Vec<Option<Key>> = line.split(' ').map(|key| key.parse().ok()).collect();
        for pair in keys.chunks_exact(2) {
            if let [Some(by), Some(wanted)] = *pair {
                let line = (file.to_owned(), bytes);
                self.edges.entry(by).or_default().push((wanted, line));
            }
        }
    }

    /// Returns a circle: waits that lead from the instance `wanted` to one of `waiting`.
    pub(crate) fn circle(&self, wanted: Key, waiting: &HashSet<Key>) -> Option<Circle> {
        let mut seen = HashSet::from([wanted]);
        // A breadth-first search: each instance with the waits that lead to it.
        let mut found = vec![(wanted, Vec::new())];
        let mut next = 0;
        while next < found.len() {
            let (key, path) = found[next].clone();
            for (to, line) in self.edges.get(&key).into_iter().flatten() {
                if !seen.insert(*to) {
                    continue;
                }
                let mut path = path.clone();
                path.push((*to, line.clone()));
                if waiting.contains(to) {
                    return Some(Circle(path));
                }
                found.push((*to, path));
            }
            next += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(files: &[(&str, &str)]) -> Waits {
        let mut waits = Waits::default();
        for (file, text) in files {
            waits.add(Path::new(file), text.len() as u64, text.as_bytes());
        }
        waits
    }

    fn pair(by: u128, wanted: u128) -> String {
        format!("\n{} {}\n", Key(by), Key(wanted))
    }

    #[test]
    fn waits_of_two_runs_form_a_circle() {
        let (one, other) = (pair(1, 2), pair(2, 1));
        let both = || waits(&[("one", &one), ("other", &other)]);
        let circle = |waits: Waits, wanted, waiting| {
            waits.circle(Key(wanted), &HashSet::from([Key(waiting)]))
        };
        let found = circle(both(), 2, 1);
        assert!(found.is_some() && circle(both(), 2, 1) == found);
        assert!(circle(both(), 2, 3).is_none() && circle(both(), 3, 1).is_none());
        // The same waits, published anew in between, are no proof.
        let anew = format!("{other}{other}");
        let again = circle(waits(&[("one", &one), ("other", &anew)]), 2, 1);
        assert!(again.is_some() && again != found);
    }

    #[test]
    fn a_circle_may_lead_through_several_runs() {
        let files = [("a", pair(1, 2)), ("b", pair(2, 3)), ("c", pair(3, 1)), ("d", pair(4, 1))];
        let files: Vec<_> = files.iter().map(|(file, text)| (*file, text.as_str())).collect();
        let waits = waits(&files);
        for (wanted, waiting) in [(2, 1), (3, 2), (1, 3)] {
            assert!(waits.circle(Key(wanted), &HashSet::from([Key(waiting)])).is_some());
        }
        // The last run waits for the circle, and is no part of it.
        assert!(waits.circle(Key(1), &HashSet::from([Key(4)])).is_none());
    }

    #[test]
    fn only_the_last_complete_line_counts() {
        let found = |text: &str| {
            waits(&[("file", text)]).circle(Key(2), &HashSet::from([Key(1)])).is_some()
        };
        let before = pair(2, 1);
        for next in ["\n-\n", &pair(5, 6), "\nneither keys\n"] {
            assert!(!found(&format!("{before}{next}")), "{next}");
        }
        for next in ["", "\n", "\n00000000", &format!("\n{} {}", Key(5), Key(6))] {
            assert!(found(&format!("{before}{next}")), "{next}");
        }
        assert!(!found(""));
    }
}
