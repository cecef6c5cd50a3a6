//! Runs that a running task starts: `flow.run` inside of a task.
//!
//! Such a run is independent of the one that runs the task, except for the store. If it needed the instance whose task
//! has started it, it would wait forever, because that instance has [claimed](crate::engine::claim) its key and
//! cannot end before the run does. So each thread knows the tasks that run on it, a run that starts there takes them
//! along as its [`Enclosing`] tasks, and fails instances that are among them. A child process is sent those of its
//! parent.
//!
//! A thread that the task itself starts has no enclosing tasks.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::key::Key;
use crate::store::Store;

thread_local! {
    /// The tasks that run on this thread.
    static RUNNING: RefCell<Enclosing> = const { RefCell::new(Enclosing(None)) };
}

/// The tasks that a run runs inside of, the innermost one first.
#[derive(Clone, Default)]
pub(crate) struct Enclosing(Option<Arc<Frame>>);

/// A running task, and those around it.
struct Frame {
    at: RunningAt,
    outer: Enclosing,
}

/// An instance whose task is running.
pub(crate) struct RunningAt {
    /// The folder of the store.
    pub(super) root: PathBuf,
    pub(super) key: Key,
    /// The name of the task.
    pub(super) task: String,
}

impl RunningAt {
    pub(crate) fn new(store: &Store, key: Key, task: &str) -> Self {
        Self { root: store.root().to_owned(), key, task: task.to_owned() }
    }
}

impl Enclosing {
    /// Returns the tasks that run on this thread.
    pub(crate) fn of_this_thread() -> Self {
        RUNNING.with_borrow(Self::clone)
    }

    /// Returns these tasks and one that runs inside of them.
    pub(crate) fn around(&self, at: RunningAt) -> Self {
        Self(Some(Arc::new(Frame { at, outer: self.clone() })))
    }

    /// Returns the tasks, the innermost one first.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &RunningAt> {
        let frames = std::iter::successors(self.0.as_ref(), |frame| frame.outer.0.as_ref());
        frames.map(|frame| &frame.at)
    }

    /// Declares that these tasks run on this thread, until the result is dropped.
    pub(crate) fn enter(self) -> Entered {
        Entered { before: RUNNING.replace(self) }
    }

    /// Returns why an instance can never end: the names of the tasks that lead from it to itself.
    pub(crate) fn cycle(&self, store: &Store, key: Key) -> Option<Vec<&str>> {
        // In most runs there is no enclosing task.
        self.0.as_ref()?;
        let mut names = Vec::new();
        for at in self.tasks() {
            names.push(&*at.task);
            if at.key == key && at.root == store.root() {
                let first = names[names.len() - 1];
                names.reverse();
                names.push(first);
                return Some(names);
            }
        }
        None
    }
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
