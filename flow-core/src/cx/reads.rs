//! What a task has read and required, which is recorded with its output.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::require::Asked;
use crate::content::{Contents, Named, Stamp};
use crate::store::record::Read;

/// What a task has read besides its inputs' outputs.
#[derive(Default)]
pub(crate) struct Reads {
    read: Mutex<BTreeSet<Read>>,
    /// The files that it may have read, with their stamps from before; none of what could not be looked at,
    /// which is an error whenever its content is asked for.
    watched: Mutex<BTreeMap<(PathBuf, Named), Option<Stamp>>>,
    /// What it has required.
    pub(super) asked: Mutex<Asked>,
    /// Whether it has used, or tried to use, what may be there another time and is not now, or the other
    /// way round: then a failure of it may pass.
    may_pass: AtomicBool,
}

impl Reads {
    pub(crate) fn add(&self, read: Read) {
        self.read.lock().expect("no panic while a read is noted").insert(read);
    }

    pub(crate) fn all(&self) -> Vec<Read> {
        self.read.lock().expect("no panic while a read is noted").iter().cloned().collect()
    }

    /// Watches files that the task is about to read: from now on a write to them is noticed. Fails if they
    /// were watched before and have been written since.
    pub(crate) fn watch(
        &self,
        contents: &Contents,
        path: &Path,
        named: Named,
    ) -> Result<(), Rewritten> {
        let now = contents.stamp(path, named).ok();
        let mut watched = self.watched.lock().expect("no panic while a file is noted");
        let before = watched.entry((path.to_owned(), named)).or_insert(now);
        let is_same = is_same(before.as_ref(), now.as_ref());
        drop(watched);
        if !is_same {
            self.set_may_pass();
            return Err(Rewritten { path: path.to_owned() });
        }
        if let Some(stamp) = now {
            stamp.settle();
        }
        Ok(())
    }

    /// Looks whether any of the watched files was written.
    pub(crate) fn look_again(&self, contents: &Contents) -> Result<(), Rewritten> {
        let watched = self.watched.lock().expect("no panic while a file is noted");
        for ((path, named), before) in &*watched {
            if !is_same(before.as_ref(), contents.stamp(path, *named).ok().as_ref()) {
                return Err(Rewritten { path: path.clone() });
            }
        }
        Ok(())
    }

    /// Says that a failure of the task, should it come to that, may pass.
    pub(crate) fn set_may_pass(&self) {
        self.may_pass.store(true, Ordering::Relaxed);
    }

    /// Whether the task would fail again if it failed: it has read nothing but the outputs of its inputs,
    /// and could read those.
    pub(crate) fn fails_again(&self) -> bool {
        !self.may_pass.load(Ordering::Relaxed)
            && self.all().is_empty()
            && self.required().is_empty()
    }

    /// Passes on what came of reading something: that it could not be read may pass.
    pub(crate) fn tried<V, E>(&self, result: Result<V, E>) -> Result<V, E> {
        result.inspect_err(|_| self.set_may_pass())
    }
}

fn is_same(before: Option<&Stamp>, now: Option<&Stamp>) -> bool {
    match (before, now) {
        (Some(before), Some(now)) => before.is(now),
        (before, now) => before.is_none() && now.is_none(),
    }
}

/// A file was written while a task that reads it ran.
#[derive(Debug, thiserror::Error)]
#[error(
    "{path:?} was rewritten while the task was running, so the task may have read a part of it; run it again"
)]
pub(crate) struct Rewritten {
    path: PathBuf,
}
