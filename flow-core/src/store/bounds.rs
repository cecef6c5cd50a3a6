//! How large the store's own files may be.
//!
//! They are read into memory whole. Whoever can write to a store, or has made the folder that was
//! opened as one, could otherwise exhaust the memory of everybody who opens it, with a sparse file
//! that takes no room on the disk. What a file becomes in memory is bounded by [`json`](crate::store::json).
//! Outputs are not bounded: they are read by their targets.

/// The largest record, in bytes. That of an output with a million files has about 200 MB.
pub(crate) const RECORD: u64 = 256 << 20;

/// The largest index of a task, in bytes: about four million outputs. One that is larger can be
/// deleted: then earlier outputs of the task are not reused, and nothing else is lost.
pub(crate) const INDEX: u64 = 512 << 20;

/// The largest of all other files, in bytes: tables of code, owners, failures.
pub(crate) const NOTE: u64 = 64 << 20;
