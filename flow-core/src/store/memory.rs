//! The values of `Memory` outputs, kept as long as a flow with this store exists.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::base::key::Digest;
use crate::base::panics::Contained;
use crate::value::AnyValue;

/// The outputs that have no file, by the digest of their inputs.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<Digest, Contained<AnyValue>>>);

impl Memory {
    fn values(&self) -> MutexGuard<'_, HashMap<Digest, Contained<AnyValue>>> {
        self.0.lock().expect("lock poisoned")
    }

    pub(crate) fn contains(&self, digest: Digest) -> bool {
        self.values().contains_key(&digest)
    }

    pub(crate) fn get(&self, digest: Digest) -> Option<AnyValue> {
        self.values().get(&digest).map(|value| AnyValue::clone(value))
    }

    pub(crate) fn keep(&self, digest: Digest, value: Contained<AnyValue>) {
        let replaced = self.values().insert(digest, value);
        // The value may be large, so it is dropped after the lock is released.
        drop(replaced);
    }

    pub(crate) fn forget(&self, digest: Digest) {
        let forgotten = self.values().remove(&digest);
        drop(forgotten);
    }

    pub(crate) fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.values());
        drop(forgotten);
    }
}
