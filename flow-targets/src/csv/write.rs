//! Writes lines of cells.

use std::io::Write;

use anyhow::{Result, ensure};

use super::cell::MARK;
use super::kinds::looks_typed;
use crate::BUFFER;

/// Writes cells in lines, which must all have the same number of cells.
pub struct CellWriter<'a> {
    sink: &'a mut dyn Write,
    /// The bytes that are not written to the sink yet.
    out: Vec<u8>,
    delimiter: u8,
    null: String,
    /// The bytes that make quotes necessary.
    special: [bool; 256],
    /// The number of cells in the first line.
    columns: Option<usize>,
    /// The number of cells in the current line so far.
    cells: usize,
}

impl<'a> CellWriter<'a> {
    pub(super) fn new(sink: &'a mut dyn Write, delimiter: u8, null: String) -> Self {
        let mut special = [false; 256];
        for byte in [b'"', b'\n', b'\r', delimiter] {
            special[usize::from(byte)] = true;
        }
        let out = Vec::with_capacity(2 * BUFFER);
        Self { sink, out, delimiter, null, special, columns: None, cells: 0 }
    }

    fn start(&mut self) {
        if self.cells > 0 {
            self.out.push(self.delimiter);
        }
        self.cells += 1;
    }

    pub(super) fn null(&mut self) {
        self.start();
        self.out.extend_from_slice(self.null.as_bytes());
    }

    /// Writes a cell of another type than text, such as a number.
    pub(super) fn bare(&mut self, cell: &str) -> Result<()> {
        ensure!(
            cell != self.null,
            "the value {cell} would be read as null: choose another null text",
        );
        self.start();
        self.out.extend_from_slice(cell.as_bytes());
        Ok(())
    }

    pub(super) fn text(&mut self, cell: &str) {
        self.start();
        let quoted = self.is_special(cell) || cell == self.null || looks_typed(cell);
        self.put(cell, quoted);
    }

    /// Writes the name of a column, which needs no quotes if it looks like another type.
    pub(super) fn name(&mut self, name: &str) {
        self.start();
        self.put(name, name.is_empty() || self.is_special(name));
    }

    fn put(&mut self, cell: &str, quoted: bool) {
        if !quoted {
            return self.out.extend_from_slice(cell.as_bytes());
        }
        self.out.push(b'"');
        for (i, part) in cell.split('"').enumerate() {
            if i > 0 {
                self.out.extend_from_slice(b"\"\"");
            }
            self.out.extend_from_slice(part.as_bytes());
        }
        self.out.push(b'"');
    }

    /// Returns whether text contains a special byte, or begins with a byte order mark.
    fn is_special(&self, cell: &str) -> bool {
        cell.bytes().any(|byte| self.special[usize::from(byte)]) || cell.starts_with(MARK)
    }

    pub(super) fn end_line(&mut self) -> Result<()> {
        let cells = std::mem::take(&mut self.cells);
        let columns = *self.columns.get_or_insert(cells);
        ensure!(cells == columns, "a row has {cells} cells, and those before it have {columns}");
        self.out.push(b'\n');
        if self.out.len() >= BUFFER {
            self.write_out()?;
        }
        Ok(())
    }

    fn write_out(&mut self) -> Result<()> {
        self.sink.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Writes the rest.
    ///
    /// The sink is not flushed, since a flush would add a marker to a compressed file.
    pub(super) fn finish(mut self) -> Result<()> {
        self.write_out()
    }
}
