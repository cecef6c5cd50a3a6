//! A connection that stays open for a moment after its use.
//!
//! A plan asks a database many small questions: one for each output in a table, and one for each tracked query. They come one
//! after the other, and share a connection in this way. It is closed soon after the last one, so that a plan which is kept
//! keeps no connection.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a connection stays open after its use, at least; at most twice as long.
const LINGER: Duration = Duration::from_millis(500);

/// The place for one connection. Clones share it.
pub(crate) struct Idle<C>(Arc<Mutex<Slot<C>>>);

struct Slot<C> {
    /// The connection, and since when it is not used.
    kept: Option<(C, Instant)>,
    /// Whether a thread will close it.
    is_watched: bool,
}

impl<C: Send + 'static> Idle<C> {
    fn slot(&self) -> MutexGuard<'_, Slot<C>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the connection, if there is one that nothing else uses.
    pub(crate) fn take(&self) -> Option<C> {
        self.slot().kept.take().map(|(connection, _)| connection)
    }

    /// Keeps a connection for the next caller, and closes it if there is none soon.
    pub(crate) fn put(&self, connection: C) {
        let mut slot = self.slot();
        let replaced = slot.kept.replace((connection, Instant::now()));
        let is_watched = std::mem::replace(&mut slot.is_watched, true);
        drop(slot);
        // Closing a connection may take a while.
        drop(replaced);
        if is_watched {
            return;
        }
        let idle = self.clone();
        let closer = thread::Builder::new().name("flow-sql-idle".to_owned());
        if closer.spawn(move || idle.close_later()).is_err() {
            self.slot().is_watched = false;
            drop(self.take());
        }
    }

    /// Closes the connection when nothing has used it for a while.
    fn close_later(&self) {
        loop {
            thread::sleep(LINGER);
            let mut slot = self.slot();
            let is_used = |(_, since): &(C, Instant)| since.elapsed() < LINGER;
            if slot.kept.as_ref().is_some_and(is_used) {
                continue;
            }
            slot.is_watched = false;
            let closed = slot.kept.take();
            drop(slot);
            drop(closed);
            return;
        }
    }
}

impl<C> Clone for Idle<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Default for Idle<C> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Slot { kept: None, is_watched: false })))
    }
}

impl<C> fmt::Debug for Idle<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Idle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_shared_and_closed_soon() {
        let idle = Idle::default();
        let connection = Arc::new(());
        let closed = Arc::downgrade(&connection);
        idle.put(connection);
        let connection = idle.take().expect("it was put there");
        assert!(idle.take().is_none(), "it is used");
        idle.clone().put(connection);
        let begun = Instant::now();
        while closed.upgrade().is_some() {
            assert!(begun.elapsed() < LINGER * 20, "it stays open");
            thread::sleep(LINGER / 10);
        }
        assert!(idle.take().is_none());
    }
}
