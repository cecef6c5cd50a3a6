//! The cells of complete lines.

use std::borrow::Cow;

use super::super::cell::{Cell, CellKind};

/// The position of a cell in its block, and how it is quoted.
#[derive(Clone, Copy)]
pub(super) struct Span {
    start: usize,
    /// The length, shifted left by two bits: is the cell quoted, and does it contain quotes.
    rest: usize,
}

impl Span {
    #[inline]
    pub(super) fn bare(start: usize, end: usize) -> Self {
        Self { start, rest: (end - start) << 2 }
    }

    #[inline]
    pub(super) fn quoted(start: usize, end: usize, doubled: bool) -> Self {
        Self { start, rest: (end - start) << 2 | usize::from(doubled) << 1 | 1 }
    }
}

/// Complete lines, split into cells.
pub(in super::super) struct Block<'a> {
    pub(super) text: &'a str,
    pub(super) null: &'a str,
    pub(super) spans: &'a [Span],
    pub(super) columns: usize,
    /// The number of the first line.
    pub(super) line: usize,
}

impl<'a> Block<'a> {
    pub(in super::super) fn columns(&self) -> usize {
        self.columns
    }

    pub(in super::super) fn rows(&self) -> usize {
        self.spans.len() / self.columns
    }

    /// Returns the number of bytes of the lines.
    pub(in super::super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the cells of a line.
    pub(in super::super) fn row(&self, row: usize) -> impl Iterator<Item = Cell<'a>> {
        self.spans[row * self.columns..][..self.columns].iter().map(|span| self.cell(span))
    }

    /// Returns the cells of a column.
    pub(in super::super) fn column(
        &self,
        column: usize,
    ) -> impl ExactSizeIterator<Item = Cell<'a>> {
        self.spans[column..].iter().step_by(self.columns).map(|span| self.cell(span))
    }

    #[inline]
    fn cell(&self, span: &Span) -> Cell<'a> {
        let text = &self.text[span.start..][..span.rest >> 2];
        match span.rest & 3 {
            0 if text == self.null => Cell { text: Cow::Borrowed(text), kind: CellKind::Null },
            0 => Cell { text: Cow::Borrowed(text), kind: CellKind::Bare },
            1 => Cell { text: Cow::Borrowed(text), kind: CellKind::Quoted },
            _ => Cell { text: Cow::Owned(text.replace("\"\"", "\"")), kind: CellKind::Quoted },
        }
    }

    /// Returns the number of the line in which a cell begins.
    pub(in super::super) fn line(&self, row: usize, column: usize) -> usize {
        let start = self.spans[row * self.columns + column].start;
        self.line + line_ends(&self.text.as_bytes()[..start])
    }
}

/// Counts the line ends as an editor does: `\n`, `\r\n` and `\r`.
pub(super) fn line_ends(bytes: &[u8]) -> usize {
    let alone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    let returns = memchr::memchr_iter(b'\r', bytes).filter(alone).count();
    memchr::memchr_iter(b'\n', bytes).count() + returns
}
