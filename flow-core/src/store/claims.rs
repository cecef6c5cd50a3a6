//! Claims: of several runs on one store, one computes an instance, and the others wait for its output.
//!
//! A run claims an instance before it runs the task, and releases the claim when the record is committed
//! or the task has failed. A claim is the lock of one byte of the file `.flow/claims`, which stays empty.
//! The number of the byte follows from the key of the instance. So a claim costs one system call and a
//! release another one, there is no file for each instance, and the kernel releases the claims of a
//! process however it ends. Each run opens the file by itself, so two runs of one process exclude each
//! other like those of two processes.
//!
//! The key decides and not the fingerprint: runs with different code or data also take turns, because the
//! log and the failure of an instance are one file each.
//!
//! Claims only save work. Without them, two runs may compute the same instance, each into its own files,
//! and the later commit wins. This happens
//!
//! - on systems other than Linux, and on file systems without such locks. A lock file for each instance
//!   would work there, but would cost more than many a task, and leave files behind.
//! - if a user may not write to the file, because another user created it without write permission for
//!   the group.
//! - if someone removes the file, or a network file system loses its locks.
//! - if runs would wait for each other in a circle: see [`waits`](crate::store::waits).
//!
//! Two keys whose bytes are the same number only wait without need.

use std::collections::HashSet;
use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::base::fs::{ByteLock, LAST_BYTE, is_byte_locked, lock_byte, unlock_byte};
use crate::base::key::Key;
use crate::store::Store;

/// The name of the file in the store's internal folder.
const CLAIMS: &str = "claims";

/// The claims of one run. Dropping it releases all of them.
pub(crate) struct Claims {
    file: File,
    /// The bytes that this run has locked: to lock one of them again succeeds.
    held: Mutex<HashSet<u64>>,
}

/// The result of claiming an instance.
pub(crate) enum Claim {
    /// This run computes the instance.
    Taken(Claimed),
    /// Another run computes the instance.
    Held,
    /// The file system has no locks: another run may compute the instance, too.
    Unsupported,
}

/// An instance that this run computes. Dropping it releases the claim.
pub(crate) struct Claimed {
    claims: Arc<Claims>,
    /// The locked byte. `None` if another key of this run has locked it, and unlocks it.
    byte: Option<u64>,
}

impl Claims {
    /// Opens the claims for a run. Returns `None` if the file cannot be opened for writing.
    pub(crate) fn open(store: &Store) -> Option<Arc<Self>> {
        let file = store.fs().open_to_lock(&store.internal(CLAIMS)).ok()?;
        Some(Arc::new(Self { file, held: Mutex::default() }))
    }

    /// Claims an instance, unless another run has claimed it.
    pub(crate) fn try_claim(self: &Arc<Self>, key: Key) -> Claim {
        let byte = byte_of(key);
        let taken = |byte| Claim::Taken(Claimed { claims: Arc::clone(self), byte });
        if !self.held().insert(byte) {
            return taken(None);
        }
        let locked = lock_byte(&self.file, byte);
        if locked == ByteLock::Taken {
            return taken(Some(byte));
        }
        self.held().remove(&byte);
        match locked {
            ByteLock::Held => Claim::Held,
            _ => Claim::Unsupported,
        }
    }

    /// Returns whether another run has claimed an instance.
    pub(crate) fn is_held_by_other(&self, key: Key) -> bool {
        is_byte_locked(&self.file, byte_of(key))
    }

    /// Returns whether this run has claimed an instance.
    pub(crate) fn is_held(&self, key: Key) -> bool {
        self.held().contains(&byte_of(key))
    }

    fn held(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.held.lock().expect("lock poisoned")
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if let Some(byte) = self.byte {
            unlock_byte(&self.claims.file, byte);
            self.claims.held().remove(&byte);
        }
    }
}

/// Returns the number of the byte that stands for an instance.
fn byte_of(key: Key) -> u64 {
    key.short().0 % (LAST_BYTE + 1)
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::*;
    use crate::base::fs::Disk;

    /// Returns a store and the claims of two runs in it.
    fn two_runs(folder: &std::path::Path) -> [Arc<Claims>; 2] {
        let store = Store::new(folder.to_owned(), Arc::new(Disk));
        std::fs::create_dir(folder.join(".flow")).expect("a folder");
        [0, 1].map(|_| Claims::open(&store).expect("claims"))
    }

    #[test]
    fn one_run_claims_an_instance_until_it_releases_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = two_runs(folder.path());
        let (key, free) = (Key(7 << 64), Key(8 << 64));
        let Claim::Taken(claimed) = one.try_claim(key) else { panic!("it is free") };
        assert!(matches!(other.try_claim(key), Claim::Held));
        assert!(other.is_held_by_other(key) && !one.is_held_by_other(key));
        assert!(one.is_held(key) && !other.is_held(key));
        assert!(matches!(other.try_claim(free), Claim::Taken(_)), "another instance");
        drop(claimed);
        assert!(matches!(other.try_claim(key), Claim::Taken(_)));
    }

    #[test]
    fn a_second_claim_of_one_run_does_not_release_the_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = two_runs(folder.path());
        let key = Key(7 << 64);
        let Claim::Taken(first) = one.try_claim(key) else { panic!("it is free") };
        let Claim::Taken(second) = one.try_claim(key) else { panic!("it is this run's own") };
        drop(second);
        assert!(matches!(other.try_claim(key), Claim::Held));
        drop((first, one));
        assert!(matches!(other.try_claim(key), Claim::Taken(_)));
    }
}
