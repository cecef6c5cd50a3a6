//! What everything else is made of: keys and digests, the file system, digests of code, I/O errors with
//! their path, events, the stop signal.
//!
//! Nothing here knows what a task is, and nothing here imports another folder of the crate.

pub(crate) mod code;
pub(crate) mod decl;
pub(crate) mod error;
pub(crate) mod event;
pub mod fs;
pub(crate) mod key;
pub(crate) mod names;
pub(crate) mod panics;
pub(crate) mod stop;
