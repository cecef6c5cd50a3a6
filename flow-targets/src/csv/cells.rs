//! The grammar: cells, quoted or not, and the lines that they make up.
//!
//! Whether a cell was quoted is what tells text from null, so both directions keep it.

use std::borrow::Cow;
use std::io::{BufWriter, Write};

use anyhow::{Result, bail, ensure};
use flow_core::Sink;

use super::kinds::looks_typed;

/// Writes cells, and lines of equally many.
pub struct CellWriter<'a, 'b> {
    out: BufWriter<&'a mut Sink<'b>>,
    delimiter: u8,
    null: String,
    /// How many cells the first line has.
    columns: Option<usize>,
    /// How many the current one has so far.
    cells: usize,
}

impl<'a, 'b> CellWriter<'a, 'b> {
    pub(super) fn new(out: BufWriter<&'a mut Sink<'b>>, delimiter: u8, null: String) -> Self {
        Self { out, delimiter, null, columns: None, cells: 0 }
    }

    fn start(&mut self) -> Result<()> {
        if self.cells > 0 {
            self.out.write_all(&[self.delimiter])?;
        }
        self.cells += 1;
        Ok(())
    }

    pub(super) fn null(&mut self) -> Result<()> {
        self.start()?;
        Ok(self.out.write_all(self.null.as_bytes())?)
    }

    /// A cell that is no text, such as a number.
    pub(super) fn bare(&mut self, cell: &str) -> Result<()> {
        ensure!(
            cell != self.null,
            "the value {cell} would be read as null: choose another null text",
        );
        self.start()?;
        Ok(self.out.write_all(cell.as_bytes())?)
    }

    pub(super) fn text(&mut self, cell: &str) -> Result<()> {
        self.start()?;
        if cell == self.null || self.is_special(cell) || looks_typed(cell) {
            return self.quoted(cell);
        }
        Ok(self.out.write_all(cell.as_bytes())?)
    }

    fn quoted(&mut self, cell: &str) -> Result<()> {
        self.out.write_all(b"\"")?;
        for (i, part) in cell.split('"').enumerate() {
            if i > 0 {
                self.out.write_all(b"\"\"")?;
            }
            self.out.write_all(part.as_bytes())?;
        }
        Ok(self.out.write_all(b"\"")?)
    }

    /// A column's name, which is text whatever it looks like.
    pub(super) fn name(&mut self, name: &str) -> Result<()> {
        self.start()?;
        if name.is_empty() || self.is_special(name) {
            return self.quoted(name);
        }
        Ok(self.out.write_all(name.as_bytes())?)
    }

    /// Whether text would end a cell, or at the start of a file be taken for its encoding's mark.
    fn is_special(&self, cell: &str) -> bool {
        let ends = |byte| matches!(byte, b'"' | b'\n' | b'\r') || byte == self.delimiter;
        cell.bytes().any(ends) || cell.starts_with(MARK)
    }

    pub(super) fn end_line(&mut self) -> Result<()> {
        let cells = std::mem::take(&mut self.cells);
        let columns = *self.columns.get_or_insert(cells);
        ensure!(cells == columns, "a row of {cells} cells follows one of {columns}");
        Ok(self.out.write_all(b"\n")?)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

const MARK: char = '\u{feff}';

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

/// Reads lines of equally many cells.
pub struct CellReader<'a> {
    rest: &'a str,
    delimiter: u8,
    null: &'a str,
    final_newline: bool,
    /// That of the line read last, counted from 1.
    line: usize,
    columns: Option<usize>,
}

impl<'a> CellReader<'a> {
    pub(super) fn new(text: &'a str, delimiter: u8, null: &'a str, final_newline: bool) -> Self {
        let rest = text.strip_prefix(MARK).unwrap_or(text);
        Self { rest, delimiter, null, final_newline, line: 0, columns: None }
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// Whether there is no further line.
    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Puts the cells of the next line into `cells`, and says whether there was one.
    pub(super) fn read(&mut self, cells: &mut Vec<Cell<'a>>) -> Result<bool> {
        cells.clear();
        if self.at_end() {
            return Ok(false);
        }
        self.line += 1;
        let line = self.line;
        loop {
            let (cell, end) = if let Some(inside) = self.rest.strip_prefix('"') {
                self.quoted(inside)?
            } else {
                self.bare()
            };
            cells.push(cell);
            match end {
                End::Cell => {}
                End::Line => break,
                End::File => {
                    ensure!(
                        !self.final_newline,
                        "line {line} does not end: the file was cut off (or, if it was made \
                         elsewhere, wants `final_newline(false)`)",
                    );
                    break;
                }
            }
        }
        let (found, expected) = (cells.len(), *self.columns.get_or_insert(cells.len()));
        ensure!(found == expected, "line {line} has {found} cells instead of {expected}");
        Ok(true)
    }

    fn bare(&mut self) -> (Cell<'a>, End) {
        let bytes = self.rest.as_bytes();
        let delimiter = self.delimiter;
        let length = bytes
            .iter()
            .position(|&byte| byte == delimiter || byte == b'\n')
            .unwrap_or(bytes.len());
        let (mut text, rest) = self.rest.split_at(length);
        let end = match rest.as_bytes().first() {
            None => End::File,
            Some(b'\n') => {
                text = text.strip_suffix('\r').unwrap_or(text);
                End::Line
            }
            Some(_) => End::Cell,
        };
        self.rest = rest.get(1..).unwrap_or_default();
        let kind = if text == self.null { CellKind::Null } else { CellKind::Bare };
        (Cell { text: Cow::Borrowed(text), kind }, end)
    }

    /// A cell from behind its opening quote on.
    fn quoted(&mut self, inside: &'a str) -> Result<(Cell<'a>, End)> {
        let start = self.line;
        let mut text = Cow::Borrowed("");
        let mut rest = inside;
        loop {
            let Some(length) = rest.find('"') else {
                bail!("line {start}: a quote is not closed, so the file was cut off");
            };
            let (part, after) = (&rest[..length], &rest[length + 1..]);
            self.line += part.bytes().filter(|&byte| byte == b'\n').count();
            if text.is_empty() {
                text = Cow::Borrowed(part);
            } else {
                text.to_mut().push_str(part);
            }
            match after.strip_prefix('"') {
                Some(more) => {
                    text.to_mut().push('"');
                    rest = more;
                }
                None => {
                    rest = after;
                    break;
                }
            }
        }
        let (skip, end) = match rest.as_bytes() {
            [] => (0, End::File),
            [b'\n', ..] => (1, End::Line),
            [b'\r', b'\n', ..] => (2, End::Line),
            [byte, ..] if *byte == self.delimiter => (1, End::Cell),
            _ => bail!("line {}: text follows a closing quote", self.line),
        };
        self.rest = &rest[skip..];
        // A delimiter that ends the file stands before one more cell, which is empty.
        Ok((Cell { text, kind: CellKind::Quoted }, end))
    }
}

enum End {
    Cell,
    Line,
    File,
}
