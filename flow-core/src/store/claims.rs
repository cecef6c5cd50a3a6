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

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::base::fs::{ByteLock, LAST_BYTE, is_byte_locked, lock_byte, unlock_byte};
use crate::base::key::Key;
use crate::store::Store;

/// The name of the file in the store's internal folder.
const CLAIMS: &str = "claims";

/// The claims of one run. Dropping it releases all of them.
pub(crate) struct Claims {
    file: File,
    /// The bytes that this run has locked, each with the number of its claims: to lock one of them again succeeds, and
    /// the last claim unlocks it.
    held: Mutex<HashMap<u64, usize>>,
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
    byte: u64,
    is_released: AtomicBool,
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
        let mut held = self.held();
        // An instance of this run may be claimed twice: by a task that takes too long, and by the next attempt.
        if !held.contains_key(&byte) {
            match lock_byte(&self.file, byte) {
                ByteLock::Taken => {}
                ByteLock::Held => return Claim::Held,
                ByteLock::Unsupported => return Claim::Unsupported,
            }
        }
        *held.entry(byte).or_default() += 1;
        let is_released = AtomicBool::new(false);
        Claim::Taken(Claimed { claims: Arc::clone(self), byte, is_released })
    }

    /// Returns whether another run has claimed an instance.
    pub(crate) fn is_held_by_other(&self, key: Key) -> bool {
        is_byte_locked(&self.file, byte_of(key))
    }

    /// Returns whether this run has claimed an instance.
    pub(crate) fn is_held(&self, key: Key) -> bool {
        self.held().contains_key(&byte_of(key))
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.held.lock().expect("lock poisoned")
    }
}

impl Claimed {
    /// Releases the claim before it is dropped.
    pub(crate) fn release(&self) {
        if self.is_released.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut held = self.claims.held();
        let Some(claims) = held.get_mut(&self.byte) else { return };
        *claims -= 1;
        if *claims == 0 {
            held.remove(&self.byte);
            unlock_byte(&self.claims.file, self.byte);
        }
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.release();
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

    #[test]
    fn the_last_claim_of_a_run_releases_the_instance() {
        let folder = tempfile::tempdir().expect("a folder");
        let [one, other] = two_runs(folder.path());
        let key = Key(7 << 64);
        let Claim::Taken(abandoned) = one.try_claim(key) else { panic!("it is free") };
        let Claim::Taken(second) = one.try_claim(key) else { panic!("it is this run's own") };
        // The job of the first attempt was abandoned, and its task ends later.
        abandoned.release();
        drop(abandoned);
        assert!(matches!(other.try_claim(key), Claim::Held), "the second attempt is running");
        assert!(one.is_held(key));
        drop(second);
        assert!(matches!(other.try_claim(key), Claim::Taken(_)));
    }
}
