//! Parses the attributes.
//!
//! [`task`] parses `#[task(...)]`, [`param`] parses `#[param(...)]`, [`tracked`] parses
//! `#[tracked(...)]`, [`entry`] parses the entries of `requires`, and [`policy`] the options that say how
//! a task is executed. Each attribute is a list of options, which [`options`] parses: an option that
//! cannot be parsed is reported, and parsing continues with the next one. [`words`] lists the known
//! options. Every parsed option keeps its keyword, so that an error found later can point at it.

pub(crate) mod doc;
mod duration;
pub(crate) mod entry;
pub(crate) mod options;
pub(crate) mod param;
pub(crate) mod path;
pub(crate) mod policy;
pub(crate) mod refresh;
pub(crate) mod task;
pub(crate) mod tracked;
pub(crate) mod words;

use proc_macro2::Ident;
use quote::ToTokens;

/// A written option: its keyword and its value.
pub(crate) struct Written<T> {
    pub(crate) word: Ident,
    pub(crate) value: T,
}

/// An option that may not be written.
pub(crate) type Opt<T> = Option<Written<T>>;

/// Returns the keyword of an option, if it is written.
pub(crate) fn word<T>(option: &Opt<T>) -> Option<&Ident> {
    option.as_ref().map(|written| &written.word)
}

/// Returns tokens as an error message shows them, without spaces.
fn written(tokens: impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}
