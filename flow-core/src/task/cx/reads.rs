//! What a task has read and required, which is recorded with its output.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::error::StoreError;
use crate::files::{Contents, Named, Stamp};
use crate::store::record::Read;

/// What a task has read besides its inputs' outputs.
#[derive(Default)]
pub(crate) struct Reads {
    read: Mutex<BTreeSet<Read>>,
    /// The files that it may have read, with their stamps from before; none of what could not be looked at.
    watched: Mutex<BTreeMap<(PathBuf, Named), Option<Stamp>>>,
}

impl Reads {
    pub(crate) fn add(&self, read: Read) {
        self.read.lock().expect("no panic while a read is noted").insert(read);
    }

    pub(crate) fn all(&self) -> Vec<Read> {
        self.read.lock().expect("no panic while a read is noted").iter().cloned().collect()
    }

    /// Watches files that the task is about to read: from now on a write to them is noticed.
    ///
    /// # Errors
    ///
    /// They were watched before and have been written since, or they cannot be looked at.
    pub(crate) fn watch(
        &self,
        contents: &Contents,
        path: &Path,
        named: Named,
    ) -> Result<(), WatchError> {
        let now = contents.stamp(path, named);
        let mut watched = self.watched.lock().expect("no panic while a file is noted");
        let before = watched.entry((path.to_owned(), named));
        let before = before.or_insert_with(|| now.as_ref().ok().cloned()).clone();
        drop(watched);
        let now = now?;
        compare(path, before.as_ref(), &now)?;
        now.settle();
        Ok(())
    }

    /// Looks whether any of the watched files was written.
    pub(crate) fn check_unwritten(&self, contents: &Contents) -> Result<(), WatchError> {
        let watched = self.watched.lock().expect("no panic while a file is noted");
        let mut watched = watched.iter();
        watched.try_for_each(|((path, named), before)| {
            compare(path, before.as_ref(), &contents.stamp(path, *named)?)
        })
    }
}

/// Compares the stamp of a file with the one from before.
fn compare(path: &Path, before: Option<&Stamp>, now: &Stamp) -> Result<(), WatchError> {
    match before {
        Some(before) if before.is(now) => Ok(()),
        Some(_) => Err(WatchError::Rewritten { path: path.to_owned() }),
        None => Err(WatchError::Unknown { path: path.to_owned() }),
    }
}

/// Why it is not certain that a task has read files as they are.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A file was written while the task ran.
    #[error(
        "{path:?} was rewritten while the task was running, so the task may have read a part of it; run it \
         again"
    )]
    Rewritten { path: PathBuf },
    /// A file could not be looked at before the task read it.
    #[error(
        "cannot tell whether {path:?} was rewritten while the task was running, for it could not be looked \
         at before; run it again"
    )]
    Unknown { path: PathBuf },
    /// A file cannot be looked at.
    #[error(transparent)]
    Store(#[from] StoreError),
}
