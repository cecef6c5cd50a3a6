//! Finds the names of the columns, and where the rows begin.
//!
//! Most lines have the same number of cells up to the last one with a text. Titles and notes above the
//! table have fewer, so the names are the first line with a text in more than half of as many cells.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Result, bail, ensure};

use super::grid::GridLine;
use super::options::Options;

/// How many lines decide the width.
const SAMPLE: usize = 1000;

/// The most lines above the names of the columns.
const ABOVE: usize = 100;

/// Where the parts of a table are among the lines that are not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The lines with the names of the columns; empty if there are none.
    pub(super) header: Range<usize>,
    /// The most frequent number of cells, empty ones at the end included.
    pub(super) width: usize,
}

impl Layout {
    /// Returns the index of the first row.
    pub(super) fn body(&self) -> usize {
        self.header.end
    }
}

/// Finds the names of the columns.
///
/// # Errors
///
/// There is no such line, or it may be something else.
pub(super) fn locate(lines: &[GridLine], options: &Options) -> Result<Layout> {
    let width = most_frequent(lines, |line| line.cells.len());
    let used = most_frequent(lines, GridLine::width);
    // Without names, a row may have empty cells, and only shorter lines are titles.
    let is_unnamed = options.header_rows == Some(0);
    let starts =
        |line: &GridLine| line.cells.len() >= used && (is_unnamed || line.named() * 2 > used);
    let start = lines.iter().take(ABOVE).position(starts);
    let Some(start) = start else {
        bail!(
            "there is no line with the names of the columns: most lines have {used} cells, and none \
             of the first {ABOVE} has texts in more than half of them",
        );
    };
    let rows = options.header_rows.unwrap_or(1);
    let header = start..(start + rows).min(lines.len());
    ensure!(
        header.len() == rows,
        "the file has {} lines, and `header_rows` is {rows}",
        lines.len()
    );
    if options.header_rows.is_none() {
        check_names(&lines[start], options)?;
        if let Some(above) = lines[..start].iter().find(|line| is_one_short(line, used)) {
            bail!(
                "line {} has {} names and the rows have {used} cells: a column may have no name, or \
                 the line is a title; set `skip_lines = {}` if it is a title, or correct the file",
                above.number,
                above.cells.len(),
                above.number,
            );
        }
    }
    Ok(Layout { header, width })
}

/// Returns the most frequent number of cells, or the greatest one of several.
fn most_frequent(lines: &[GridLine], cells: impl Fn(&GridLine) -> usize) -> usize {
    let mut counts = BTreeMap::new();
    for line in lines.iter().take(SAMPLE) {
        *counts.entry(cells(line)).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map_or(0, |(width, _)| width)
}

/// Returns whether a line may have the names of all columns but one.
fn is_one_short(line: &GridLine, width: usize) -> bool {
    width > 2 && line.cells.len() + 1 == width && line.named() + 1 == width
}

/// Returns an error if a line of names looks like a row.
fn check_names(line: &GridLine, options: &Options) -> Result<()> {
    for cell in &line.cells {
        let notation = &options.notation;
        let is_value = notation.number(cell).is_some()
            || notation.date(cell).is_ok_and(|date| date.is_some())
            || is_iso_date(cell.text.trim());
        if is_value && !notation.is_null(cell) {
            bail!(
                "line {} should have the names of the columns, and has {:?}: set `header_rows = 0` if \
                 the file has no names, or `header_rows = 1` if that is a name",
                line.number,
                cell.text.trim(),
            );
        }
    }
    Ok(())
}

/// Returns whether a text begins with a date in ISO 8601.
fn is_iso_date(text: &str) -> bool {
    let date = text.as_bytes().get(..10).unwrap_or_default();
    date.len() == 10
        && date.iter().enumerate().all(|(i, byte)| match i {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::csv::messy::grid::RawCell;

    fn lines(texts: &[&str]) -> Vec<GridLine> {
        let line = |(i, text): (usize, &&str)| GridLine {
            number: i + 1,
            cells: text.split(',').map(RawCell::written).collect(),
            fault: None,
        };
        texts.iter().enumerate().map(line).collect()
    }

    fn located(texts: &[&str], options: &Options) -> Result<(Range<usize>, usize), String> {
        let layout = locate(&lines(texts), options).map_err(|error| error.to_string())?;
        Ok((layout.header, layout.width))
    }

    #[test]
    fn titles_have_fewer_cells_than_the_names() {
        let options = Options::default();
        let found = located(&["Report", "by Ada,,", "name,x,y", "a,1,2", "b,3,4"], &options);
        assert_eq!(found, Ok((2..3, 3)));
        assert_eq!(located(&["name", "a", "b"], &options), Ok((0..1, 1)));
    }

    #[test]
    fn a_first_line_that_looks_like_a_row_is_an_error() {
        for first in ["1,2", "a,1.5", "2024-02-29,x"] {
            let error = located(&[first, "3,4"], &Options::default()).unwrap_err();
            assert!(error.starts_with("line 1 should have the names of the columns"), "{error}");
        }
        for rows in [0, 1] {
            let options = Options { header_rows: Some(rows), ..Options::default() };
            assert_eq!(located(&["1,2", "3,4"], &options), Ok((0..rows, 2)));
        }
    }

    #[test]
    fn a_row_with_empty_cells_is_no_title_if_there_are_no_names() {
        let options = Options { header_rows: Some(0), ..Options::default() };
        assert_eq!(located(&["1,,", "2,3,4", "5,6,7"], &options), Ok((0..0, 3)));
        assert_eq!(located(&["Report", "1,,", "2,3,4", "5,6,7"], &options), Ok((1..1, 3)));
    }

    #[test]
    fn names_for_all_columns_but_one_are_an_error() {
        let error = located(&["x,y", "a,b,c", "d,e,f"], &Options::default()).unwrap_err();
        assert!(error.starts_with("line 1 has 2 names and the rows have 3 cells"), "{error}");
    }
}
