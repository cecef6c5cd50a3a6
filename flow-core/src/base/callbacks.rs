//! Functions that are called when something happens to a run or to the process.
//!
//! Each function is called until its guard, a [`Registered`], is dropped. A call that has begun when the guard is
//! dropped continues.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

/// A function that another thread calls.
pub(crate) type Callback<A> = Arc<dyn Fn(A) + Send + Sync>;

/// Functions that are called with a value of type `A`.
pub(crate) struct Callbacks<A>(Mutex<Entries<A>>);

struct Entries<A> {
    next: u64,
    calls: BTreeMap<u64, Callback<A>>,
}

impl<A> Default for Callbacks<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A> Callbacks<A> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Entries { next: 0, calls: BTreeMap::new() }))
    }

    fn entries(&self) -> MutexGuard<'_, Entries<A>> {
        self.0.lock().expect("lock poisoned")
    }

    /// Adds a function, and returns the number under which it is removed.
    pub(crate) fn add(&self, call: Callback<A>) -> u64 {
        let mut entries = self.entries();
        let id = entries.next;
        entries.next += 1;
        entries.calls.insert(id, call);
        id
    }

    pub(crate) fn remove(&self, id: u64) {
        let removed = self.entries().calls.remove(&id);
        // What the function has captured is dropped after the lock is released.
        drop(removed);
    }
}

impl<A: Copy> Callbacks<A> {
    /// Calls all functions, on this thread and in the order in which they were added.
    pub(crate) fn call(&self, with: A) {
        // A function may add or remove others.
        let calls: Vec<_> = self.entries().calls.values().cloned().collect();
        calls.iter().for_each(|call| call(with));
    }
}

/// Removes functions from the callbacks that they were added to, on drop.
#[must_use = "the function is removed when this is dropped"]
pub struct Registered(Vec<Box<dyn FnOnce() + Send + Sync>>);

impl Registered {
    pub(crate) fn new(remove: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self(vec![Box::new(remove)])
    }

    /// Returns a guard for the functions of both.
    pub(crate) fn and(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|remove| remove());
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered").finish_non_exhaustive()
    }
}
