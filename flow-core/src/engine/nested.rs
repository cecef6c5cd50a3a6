//! Nested runs: calls of `flow.run` inside a running task.
//!
//! A nested run is independent of the outer run, apart from the store that both use. If the nested run required the
//! instance that started it, it would deadlock: the instance holds the [claim](crate::engine::claim) of its key until the
//! nested run ends. Each thread therefore records the tasks that run on it. A run copies the tasks of its thread as its
//! [`Enclosing`] tasks, and fails every instance that is one of them. A child process receives the enclosing tasks of its
//! parent.
//!
//! Two runs whose tasks run each other's instances would wait for each other's claims. The enclosing tasks wait for all
//! that their nested run waits for, so it publishes these waits as those of a running task
//! ([`busy`](crate::engine::busy)).
//!
//! A task that a running task [requires](crate::Cx::require) has that task as an enclosing task, and so has a run in the
//! [background](crate::Flow::spawn). Another thread that the task starts itself has no enclosing tasks, so such a deadlock is
//! not detected there.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::key::Key;
use crate::store::Store;

thread_local! {
    /// The tasks that run on this thread.
    static RUNNING: RefCell<Enclosing> = const { RefCell::new(Enclosing(None)) };
}

/// The running tasks that enclose a run, the innermost one first.
#[derive(Clone, Default)]
pub(crate) struct Enclosing(Option<Arc<Frame>>);

/// A running task and its enclosing tasks.
struct Frame {
    at: RunningAt,
    outer: Enclosing,
}

/// An instance whose task is running. It copies nothing, because each task that starts has one.
pub(crate) struct RunningAt {
    store: StoreRoot,
    pub(super) key: Key,
    /// The name of the task. Only that of a generic task is allocated.
    pub(super) task: Cow<'static, str>,
}

/// The folder of a store.
enum StoreRoot {
    Opened(Arc<Store>),
    /// That of the parent process.
    Sent(PathBuf),
}

impl RunningAt {
    /// Returns an instance of this process.
    pub(crate) fn new(store: &Arc<Store>, key: Key, task: Cow<'static, str>) -> Self {
        Self { store: StoreRoot::Opened(Arc::clone(store)), key, task }
    }

    /// Returns an instance of the parent process.
    pub(crate) fn sent(root: PathBuf, key: Key, task: String) -> Self {
        Self { store: StoreRoot::Sent(root), key, task: task.into() }
    }

    /// Returns the folder of the store.
    pub(super) fn root(&self) -> &Path {
        match &self.store {
            StoreRoot::Opened(store) => store.root(),
            StoreRoot::Sent(root) => root,
        }
    }
}

impl Enclosing {
    /// Returns the tasks that run on this thread.
    pub(crate) fn of_this_thread() -> Self {
        RUNNING.with_borrow(Self::clone)
    }

    /// Returns these tasks with one more task inside them.
    pub(crate) fn around(&self, at: RunningAt) -> Self {
        Self(Some(Arc::new(Frame { at, outer: self.clone() })))
    }

    /// Returns the tasks, the innermost one first.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &RunningAt> {
        let frames = std::iter::successors(self.0.as_ref(), |frame| frame.outer.0.as_ref());
        frames.map(|frame| &frame.at)
    }

    /// Returns the keys of the tasks that run in this store.
    pub(super) fn keys_in(&self, store: &Store) -> impl Iterator<Item = Key> {
        self.tasks().filter(move |at| is_same(store, at.root())).map(|at| at.key)
    }

    /// Whether there is no such task.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Records that these tasks run on this thread, until the result is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered { before: RUNNING.replace(self) }
    }

    /// Returns the names of the tasks that lead from an instance to itself; `None` if there is no cycle.
    pub(crate) fn cycle(&self, store: &Store, key: Key) -> Option<Vec<&str>> {
        // In most runs there is no enclosing task.
        self.0.as_ref()?;
        let mut names = Vec::new();
        for at in self.tasks() {
            names.push(&*at.task);
            if at.key == key && is_same(store, at.root()) {
                let first = names[names.len() - 1];
                names.reverse();
                names.push(first);
                return Some(names);
            }
        }
        None
    }
}

/// Returns whether this is the folder of the store, which may have been opened by another path.
fn is_same(store: &Store, root: &Path) -> bool {
    let canonical = |path: &Path| store.unconfined().canonical(path).ok();
    root == store.root()
        || canonical(root).is_some_and(|root| canonical(store.root()) == Some(root))
}

/// Restores the tasks of this thread on drop.
#[must_use]
pub(crate) struct Entered {
    before: Enclosing,
}

impl Drop for Entered {
    fn drop(&mut self) {
        RUNNING.set(std::mem::take(&mut self.before));
    }
}
