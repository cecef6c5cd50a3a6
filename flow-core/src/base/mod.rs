//! The lowest layer: keys and digests, the file system, digests of code, I/O errors, errors of user
//! code as text, durations and sizes as text, stopping and pausing, this process and its machine, work on
//! several threads, spans for `tracing`.
//!
//! Nothing here depends on tasks, and nothing here imports another folder of the crate.

pub(crate) mod bytes;
pub(crate) mod callbacks;
pub(crate) mod code;
pub(crate) mod decl;
pub(crate) mod error;
pub(crate) mod error_text;
pub mod fs;
pub(crate) mod key;
pub(crate) mod machine;
pub(crate) mod names;
pub(crate) mod panics;
pub(crate) mod parallel;
pub(crate) mod pause;
pub(crate) mod process;
pub(crate) mod programs;
pub(crate) mod seconds;
pub(crate) mod signature;
pub(crate) mod stop;
pub(crate) mod trace;
