//! The words of the attributes, and how they are read.
//!
//! [`task`] reads `#[task(...)]`, [`param`] reads `#[param(...)]`, [`tracked`] reads
//! `#[tracked(...)]`, [`entry`] reads what stands in `requires`. The attributes are lists of options,
//! read by [`options`]: an option that cannot be read is reported, and reading goes on with the next
//! one. Every option keeps its word, so that an error found later can point at it.

pub(crate) mod doc;
pub(crate) mod entry;
pub(crate) mod options;
pub(crate) mod param;
pub(crate) mod path;
pub(crate) mod refresh;
pub(crate) mod task;
pub(crate) mod tracked;
pub(crate) mod words;

use proc_macro2::Ident;

/// An option as it was written: the word, and what was said of it.
pub(crate) struct Written<T> {
    pub(crate) word: Ident,
    pub(crate) value: T,
}

/// Whether an option was written at all.
pub(crate) type Opt<T> = Option<Written<T>>;
