//! Limits on the size of the store's own files.
//!
//! These files are read into memory whole. Without limits, anyone who can write to a store could
//! exhaust the memory of everyone who opens it with a sparse file that takes no room on the disk.
//! The memory for parsed files is limited by [`json`](crate::store::json). Outputs have no limit
//! here: their targets read them.

/// The largest record, in bytes. A record of an output with a million files has about 200 MB.
pub(crate) const RECORD: u64 = 256 << 20;

/// The largest index of a task, in bytes: about four million outputs. A larger index can be
/// deleted. Then earlier outputs of the task are not reused, and nothing else is lost.
pub(crate) const INDEX: u64 = 512 << 20;

/// The largest record cache of a task, in bytes: about three million records. Records beyond it are not
/// cached. It can be deleted.
pub(crate) const RECORD_CACHE: u64 = 512 << 20;

/// The largest file of the history of runs, in bytes. A run writes at most a part of it.
pub(crate) const HISTORY: u64 = 64 << 20;

/// The largest other file, in bytes: tables of code, claims, failures.
pub(crate) const NOTE: u64 = 64 << 20;
