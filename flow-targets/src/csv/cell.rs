//! Cells, as they stand in a file.
//!
//! Whether a cell was quoted is what tells text from null, so both directions keep it.

use std::borrow::Cow;

/// What a file may begin with to say that it is UTF-8.
pub(super) const MARK: char = '\u{feff}';

/// A cell as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) kind: CellKind,
}

/// How a cell stands in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellKind {
    Null,
    Bare,
    Quoted,
}
