//! Cells and lines, written.

use std::io::Write;

use anyhow::{Result, ensure};

use super::cell::MARK;
use super::kinds::looks_typed;
use crate::BUFFER;

/// Writes cells, and lines of equally many.
pub struct CellWriter<'a> {
    sink: &'a mut dyn Write,
    /// What is not written yet.
    out: Vec<u8>,
    delimiter: u8,
    null: String,
    /// Which bytes end a cell without quotes, or a quoted one.
    special: [bool; 256],
    /// How many cells the first line has.
    columns: Option<usize>,
    /// How many the current one has so far.
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

    /// A cell that is no text, such as a number.
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

    /// A column's name, which is text whatever it looks like.
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

    /// Whether text would end a cell, or at the start of a file be taken for its encoding's mark.
    fn is_special(&self, cell: &str) -> bool {
        cell.bytes().any(|byte| self.special[usize::from(byte)]) || cell.starts_with(MARK)
    }

    pub(super) fn end_line(&mut self) -> Result<()> {
        let cells = std::mem::take(&mut self.cells);
        let columns = *self.columns.get_or_insert(cells);
        ensure!(cells == columns, "a row of {cells} cells follows one of {columns}");
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

    /// Writes the rest. The sink is not flushed, which would leave a mark in what is packed.
    pub(super) fn finish(mut self) -> Result<()> {
        self.write_out()
    }
}
