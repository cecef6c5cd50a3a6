//! [`Violations`]: the rows that violate one expectation.

use std::fmt::Write;

use super::rows::{SHOWN, clipped};

/// The rows that violate one expectation, in order.
#[derive(Default)]
pub(super) struct Violations {
    rows: Vec<usize>,
    /// The first of them as text.
    shown: String,
}

impl Violations {
    /// Adds a row, which comes after those that were added before. `text` says what is wrong, and may be empty.
    pub(super) fn add(&mut self, row: usize, text: impl FnOnce() -> String) {
        self.rows.push(row);
        if self.rows.len() > SHOWN {
            return;
        }
        let separator = if self.rows.len() == 1 { "" } else { "; " };
        let _ = write!(self.shown, "{separator}row {row}");
        let text = text();
        if !text.is_empty() {
            let _ = write!(self.shown, ": {}", clipped(&text));
        }
    }

    /// Returns the numbers of the rows.
    pub(super) fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Returns the rows as text, of a table with this number of rows; `None` if there are none.
    pub(super) fn text(&self, of: usize) -> Option<String> {
        let count = self.rows.len();
        let s = if of == 1 { "" } else { "s" };
        let shown = &self.shown;
        match count.checked_sub(SHOWN) {
            _ if count == 0 => None,
            Some(more @ 1..) => {
                Some(format!("violated in {count} of {of} row{s}: {shown}; and {more} more"))
            }
            _ => Some(format!("violated in {count} of {of} row{s}: {shown}")),
        }
    }
}
