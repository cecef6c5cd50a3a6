//! The reads of a running task, which are recorded with its output, and the files that it may have read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::base::error::StoreError;
use crate::files::{Contents, Named, Stamp};
use crate::store::record::Read;

/// The reads of a running task, besides the outputs of its inputs.
#[derive(Default)]
pub(crate) struct Reads {
    read: Mutex<BTreeSet<Read>>,
    /// The files that the task may have read, with their stamps from before; `None` if a stamp could not be read.
    watched: Mutex<BTreeMap<(PathBuf, Named), Option<Stamp>>>,
}

impl Reads {
    /// Records a read.
    pub(crate) fn add(&self, read: Read) {
        self.read.lock().expect("lock poisoned").insert(read);
    }

    /// Returns all recorded reads, sorted.
    pub(crate) fn all(&self) -> Vec<Read> {
        self.read.lock().expect("lock poisoned").iter().cloned().collect()
    }

    /// Watches files that the task is about to read: writes to them are noticed from now on.
    ///
    /// # Errors
    ///
    /// The files were watched before and have been written since, or their stamps cannot be read.
    pub(crate) fn watch(
        &self,
        contents: &Contents,
        path: &Path,
        named: Named,
    ) -> Result<(), WatchError> {
        let now = contents.stamp(path, named);
        let mut watched = self.watched.lock().expect("lock poisoned");
        let before = watched.entry((path.to_owned(), named));
        let before = before.or_insert_with(|| now.as_ref().ok().cloned()).clone();
        drop(watched);
        let now = now?;
        compare(path, before.as_ref(), &now)?;
        now.settle();
        Ok(())
    }

    /// Returns an error if any of the watched files was written.
    pub(crate) fn check_unwritten(&self, contents: &Contents) -> Result<(), WatchError> {
        let watched = self.watched.lock().expect("lock poisoned");
        let mut watched = watched.iter();
        watched.try_for_each(|((path, named), before)| {
            compare(path, before.as_ref(), &contents.stamp(path, *named)?)
        })
    }
}

/// Compares the stamp of a file with its earlier stamp.
fn compare(path: &Path, before: Option<&Stamp>, now: &Stamp) -> Result<(), WatchError> {
    match before {
        Some(before) if before.is(now) => Ok(()),
        Some(_) => Err(WatchError::Rewritten { path: path.to_owned() }),
        None => Err(WatchError::Unknown { path: path.to_owned() }),
    }
}

/// Why a task may have read other content than is recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// A file was written while the task ran.
    #[error(
        "{path:?} was rewritten while the task was running, so the task may have read a part of it; run it \
         again"
    )]
    Rewritten { path: PathBuf },
    /// The stamp of a file could not be read before the task read the file.
    #[error(
        "cannot tell whether {path:?} was rewritten while the task was running, because its size and times \
         could not be read before; run it again"
    )]
    Unknown { path: PathBuf },
    /// The stamp of a file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
