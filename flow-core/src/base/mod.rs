//! The lowest layer: keys and digests, the file system, digests of code, I/O errors, events,
//! stopping.
//!
//! Nothing here depends on tasks, and nothing here imports another folder of the crate.

pub(crate) mod code;
pub(crate) mod decl;
pub(crate) mod error;
pub(crate) mod event;
pub mod fs;
pub(crate) mod key;
pub(crate) mod names;
pub(crate) mod panics;
pub(crate) mod stop;
