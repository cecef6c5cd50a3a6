//! The cells of a text file or of a sheet, as they are written.

use super::report::Steps;

/// A file or a sheet, before the names of its columns are known.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    /// The name of the file. Of several files, it is the path below the folder that has all of them, with `/`.
    pub(crate) file: String,
    pub(crate) sheet: Option<String>,
    pub(crate) encoding: Option<&'static str>,
    pub(crate) delimiter: Option<char>,
    pub(crate) lines: Vec<GridLine>,
    pub(crate) steps: Steps,
}

/// A line of a text file, or a row of a sheet.
#[derive(Debug, Default)]
pub(crate) struct GridLine {
    /// The number of the line in the file, or of the row in the sheet, from 1.
    pub(crate) number: usize,
    pub(crate) cells: Vec<RawCell>,
    /// Why the line is no row of the table, if it cannot be one.
    pub(crate) fault: Option<String>,
}

/// A cell as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawCell {
    pub(crate) text: String,
    pub(crate) form: Form,
}

/// What the text of a cell is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text of the file, to be read in the notation of the options.
    #[default]
    Written,
    /// A number, time or truth value of a workbook, which needs no notation.
    #[cfg_attr(not(feature = "excel"), allow(dead_code, reason = "for workbooks"))]
    Exact,
    /// Like `Written`, copied from the first cell of a merged region.
    #[cfg_attr(not(feature = "excel"), allow(dead_code, reason = "for workbooks"))]
    FilledText,
    /// Like `Exact`, copied from the first cell of a merged region.
    #[cfg_attr(not(feature = "excel"), allow(dead_code, reason = "for workbooks"))]
    FilledExact,
}

impl Form {
    /// Returns whether the cell was copied from another cell of a merged region.
    pub(super) fn is_filled(self) -> bool {
        matches!(self, Self::FilledText | Self::FilledExact)
    }

    /// Returns whether the text is a value already, whatever the notation.
    pub(super) fn is_exact(self) -> bool {
        matches!(self, Self::Exact | Self::FilledExact)
    }
}

impl RawCell {
    /// Creates a cell of text that is read in the notation of the options.
    pub(crate) fn written(text: impl Into<String>) -> Self {
        Self { text: text.into(), form: Form::Written }
    }

    /// Returns whether the cell has nothing but blanks.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

impl GridLine {
    /// Returns whether no cell has a text of its own.
    pub(super) fn is_blank(&self) -> bool {
        self.fault.is_none() && self.named() == 0
    }

    /// Returns the number of cells up to the last one with a text.
    pub(super) fn width(&self) -> usize {
        self.cells.iter().rposition(|cell| !cell.is_blank()).map_or(0, |last| last + 1)
    }

    /// Returns the number of cells with a text, except those filled from a merged region.
    pub(super) fn named(&self) -> usize {
        let is_named = |cell: &&RawCell| !cell.is_blank() && !cell.form.is_filled();
        self.cells.iter().filter(is_named).count()
    }

    /// Returns the text of the cells, for errors and rejected rows.
    pub(super) fn text(&self, delimiter: Option<char>) -> String {
        let separator = delimiter.map_or_else(|| "; ".to_owned(), String::from);
        let cells: Vec<_> = self.cells.iter().map(|cell| cell.text.as_str()).collect();
        cells.join(&separator)
    }
}
