//! Locks on single bytes of a file, which belong to an open file and end when it is closed.
//!
//! They are the *open file description locks* of Linux: `fcntl(F_OFD_SETLK)`. Taking one is a system
//! call without a file of its own, two open files exclude each other also within one process, and
//! the kernel releases the locks of a process however it ends. The byte need not exist: the file
//! stays empty. On other systems, and where the file system refuses, [`ByteLock::Unsupported`] is
//! returned.
//!
//! These locks are independent of [`Fs::lock`](super::Fs::lock), except on network file systems, which
//! may turn a lock of a whole file into one of all its bytes. So nothing else locks such a file.

use std::fs::File;

/// The result of locking a byte.
#[cfg_attr(
    not(all(target_os = "linux", target_pointer_width = "64")),
    expect(dead_code, reason = "no byte is locked there")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteLock {
    /// The byte is locked until it is unlocked or the file is closed.
    Taken,
    /// Another open file holds the lock, in this process or in another one.
    Held,
    /// The system or the file system does not support such locks.
    Unsupported,
}

/// The largest number of a byte that can be locked.
pub(crate) const LAST_BYTE: u64 = i64::MAX as u64 - 1;

/// Locks a byte of a file that was opened for writing, without waiting.
///
/// A lock that this open file holds already is taken again, and one call of [`unlock_byte`] ends both.
pub(crate) fn lock_byte(file: &File, byte: u64) -> ByteLock {
    system::lock(file, byte)
}

/// Unlocks a byte. An error is ignored: then the lock ends when the file is closed.
pub(crate) fn unlock_byte(file: &File, byte: u64) {
    system::unlock(file, byte);
}

/// Returns whether another open file holds the lock of a byte. `false` if that is unknown.
pub(crate) fn is_byte_locked(file: &File, byte: u64) -> bool {
    system::is_locked(file, byte)
}

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
mod system {
    use std::fs::File;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc::{self, c_int, c_short, flock};

    use super::ByteLock;

    fn of_byte(kind: c_int, byte: u64) -> flock {
        flock {
            l_type: kind as c_short,
            l_whence: libc::SEEK_SET as c_short,
            l_start: byte.cast_signed(),
            l_len: 1,
            l_pid: 0,
        }
    }

    fn set(file: &File, kind: c_int, byte: u64) -> nix::Result<()> {
        let lock = of_byte(kind, byte);
        loop {
            match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn lock(file: &File, byte: u64) -> ByteLock {
        match set(file, libc::F_WRLCK, byte) {
            Ok(()) => ByteLock::Taken,
            Err(Errno::EAGAIN | Errno::EACCES) => ByteLock::Held,
            Err(_) => ByteLock::Unsupported,
        }
    }

    pub(super) fn unlock(file: &File, byte: u64) {
        let _ = set(file, libc::F_UNLCK, byte);
    }

    pub(super) fn is_locked(file: &File, byte: u64) -> bool {
        let mut lock = of_byte(libc::F_WRLCK, byte);
        let asked = fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock));
        asked.is_ok() && lock.l_type != libc::F_UNLCK as c_short
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use std::fs::File;

    use super::ByteLock;

    pub(super) fn lock(_: &File, _: u64) -> ByteLock {
        ByteLock::Unsupported
    }

    pub(super) fn unlock(_: &File, _: u64) {}

    pub(super) fn is_locked(_: &File, _: u64) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::*;
    use crate::base::fs::{Disk, Fs};

    #[test]
    fn each_byte_has_its_own_lock_that_ends_with_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("locks");
        let open = || Disk.open_to_lock(&path).expect("a file");
        let (mine, other) = (open(), open());
        for byte in [0, 7, LAST_BYTE] {
            assert_eq!(lock_byte(&mine, byte), ByteLock::Taken);
            assert_eq!(lock_byte(&other, byte), ByteLock::Held);
            assert!(is_byte_locked(&other, byte) && !is_byte_locked(&mine, byte));
        }
        assert_eq!(lock_byte(&other, 8), ByteLock::Taken);
        unlock_byte(&mine, 7);
        assert_eq!(lock_byte(&other, 7), ByteLock::Taken);
        drop(mine);
        assert_eq!(lock_byte(&other, LAST_BYTE), ByteLock::Taken);
        assert_eq!(std::fs::metadata(&path).expect("a file").len(), 0);
    }

    #[test]
    fn a_file_that_cannot_be_written_cannot_be_locked() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("locks");
        drop(Disk.open_to_lock(&path).expect("a file"));
        let read_only = File::open(&path).expect("a file");
        assert_eq!(lock_byte(&read_only, 1), ByteLock::Unsupported);
        assert!(!is_byte_locked(&read_only, 1));
    }
}
