//! The code of a task, as the digests that `#[tracked]` fills in.
//!
//! [`tokens`] takes apart a token tree into parts that do not depend on formatting, and digests
//! them; [`attributes`] says which attributes are no code; [`item`] is one item of the source: its
//! name, its file, its digest; [`mod@file`] finds that file.
//!
//! Today the impl of `Run` is the only item of a task. What `run` calls will be more items of the
//! same kind, found by following the names in the tokens; nothing here knows that there is one.

mod attributes;
pub(crate) mod file;
pub(crate) mod item;
pub(crate) mod tokens;
