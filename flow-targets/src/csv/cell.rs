//! Cells of a CSV file.
//!
//! Quotes distinguish text from null, so both the reader and the writer preserve them.

use std::borrow::Cow;

/// The byte order mark, with which a UTF-8 file may begin.
pub(super) const MARK: char = '\u{feff}';

/// A cell of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) kind: CellKind,
}

/// How a cell is written in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Null,
    Bare,
    Quoted,
}
