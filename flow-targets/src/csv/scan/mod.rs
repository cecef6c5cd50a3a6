//! The grammar of CSV: splits a file into lines, and lines into cells.
//!
//! A [`Scanner`] holds a part of the file at a time: a chunk, or as much as the longest line needs.
//! It splits the complete lines of that part into cells (`line`), and returns the positions of the
//! cells as a [`Block`] (`block`), from which columns are parsed one after the other. Only an
//! incomplete line at the end of a chunk is copied.
//!
//! A line ends with `\n`, `\r\n` or `\r`. Files with a carriage return are rare. So the scanner
//! searches each chunk once for a carriage return, and searches the cells for it only if the file
//! has one.

mod block;
mod line;

use std::io::{ErrorKind, Read};

use anyhow::{Result, anyhow, bail};

pub(super) use self::block::Block;
use self::block::{Span, line_ends};
use self::line::{Line, Malformed};
use super::cell::MARK;

/// How much of a file is read at a time.
pub(super) const CHUNK: usize = 256 * 1024;

/// The part of the grammar that a user can set.
#[derive(Clone, Debug)]
pub(super) struct Grammar {
    pub(super) delimiter: u8,
    pub(super) null: String,
    pub(super) final_newline: bool,
    /// The longest line that is read, in bytes.
    pub(super) max_line: usize,
    /// The most cells that a line may have.
    pub(super) max_columns: usize,
}

impl Grammar {
    /// Returns the error of a line longer than `max_line` bytes, which may end inside a quoted
    /// cell.
    fn too_long(&self, open: bool) -> String {
        let open = if open { ", in which a quote is not closed" } else { "" };
        format!(
            " is longer than {} bytes{open}; if the file is right, raise the limit by the target's \
             option `max_line = ...`",
            self.max_line,
        )
    }
}

/// Reads lines that all have the same number of cells.
pub(super) struct Scanner {
    source: Box<dyn Read + Send>,
    grammar: Grammar,
    chunk: usize,
    /// The bytes read from the source. Those from `next` to `read` were not returned in a block
    /// yet.
    buffer: Vec<u8>,
    next: usize,
    read: usize,
    /// Whether the end of the source was reached.
    ended: bool,
    /// Whether a carriage return was read so far.
    returns: bool,
    /// The cells of the last block.
    spans: Vec<Span>,
    columns: Option<usize>,
    /// The number of the line at `next`, counted from 1.
    line: usize,
}

impl Scanner {
    pub(super) fn new(
        source: Box<dyn Read + Send>,
        grammar: Grammar,
        chunk: usize,
    ) -> Result<Self> {
        let mut scanner = Self {
            source,
            grammar,
            chunk: chunk.max(MARK.len_utf8()),
            buffer: Vec::new(),
            next: 0,
            read: 0,
            ended: false,
            returns: false,
            spans: Vec::new(),
            columns: None,
            line: 1,
        };
        scanner.fill()?;
        let mut mark = [0; 4];
        if scanner.buffer[..scanner.read].starts_with(MARK.encode_utf8(&mut mark).as_bytes()) {
            scanner.next = MARK.len_utf8();
        }
        Ok(scanner)
    }

    /// Sets the number of cells of each line, if it is known before the first line.
    pub(super) fn expect(&mut self, columns: usize) {
        self.columns = Some(columns);
    }

    /// Returns the next lines, at least one and at most `most`, or `None` at the end of the file.
    pub(super) fn block(&mut self, most: usize) -> Result<Option<Block<'_>>> {
        let length = loop {
            let length = self.scan(most)?;
            if length > 0 {
                break length;
            }
            if self.ended {
                return Ok(None);
            }
            if self.read - self.next >= self.grammar.max_line {
                let quotes = memchr::memchr_iter(b'"', &self.buffer[self.next..self.read]).count();
                bail!("line {}{}", self.line, self.grammar.too_long(quotes % 2 == 1));
            }
            self.fill()?;
        };
        let bytes = &self.buffer[self.next..self.next + length];
        let line = self.line;
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let line = line + line_ends(&bytes[..error.valid_up_to()]);
            anyhow!("line {line} is no UTF-8 text")
        })?;
        self.next += length;
        self.line += line_ends(bytes);
        Ok(Some(Block {
            text,
            null: &self.grammar.null,
            spans: &self.spans,
            columns: self.columns.unwrap_or_default(),
            line,
        }))
    }

    /// Reads more of the source into the buffer, after the incomplete line that is there already.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.next..self.read, 0);
        self.read -= self.next;
        self.next = 0;
        // A long line is scanned from its start each time, so the buffer doubles.
        if self.buffer.len() < 2 * self.read.max(self.chunk.div_ceil(2)) {
            self.buffer.resize(2 * self.read.max(self.chunk.div_ceil(2)), 0);
        }
        while self.read < self.buffer.len() && !self.ended {
            match self.source.read(&mut self.buffer[self.read..]) {
                Ok(0) => self.ended = true,
                Ok(more) => {
                    let new = &self.buffer[self.read..self.read + more];
                    self.returns = self.returns || memchr::memchr(b'\r', new).is_some();
                    self.read += more;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Finds the cells of the complete lines, and returns the number of bytes of these lines.
    fn scan(&mut self, most: usize) -> Result<usize> {
        if self.returns { self.scan_lines::<true>(most) } else { self.scan_lines::<false>(most) }
    }

    /// Implements [`scan`](Self::scan). `RETURNS` is whether the file has carriage returns.
    fn scan_lines<const RETURNS: bool>(&mut self, most: usize) -> Result<usize> {
        self.spans.clear();
        let bytes = &self.buffer[self.next..self.read];
        let mut line = Line::<RETURNS>::new(bytes, &self.grammar, self.ended);
        for _ in 0..most {
            let (start, before) = (line.at, self.spans.len());
            let whole = line.scan(&mut self.spans).and_then(|whole| {
                let cells = self.spans.len() - before;
                if line.at - start > self.grammar.max_line {
                    return Err(Malformed::new(start, self.grammar.too_long(false)));
                }
                if whole && cells != *self.columns.get_or_insert(cells) {
                    let columns = self.columns.unwrap_or_default();
                    return Err(Malformed::new(
                        start,
                        format!(" has {cells} cells instead of {columns}"),
                    ));
                }
                Ok(whole)
            });
            match whole {
                Ok(true) => {}
                // The next call finds the same error, after the lines before it were returned.
                Err(wrong) if start == 0 => {
                    bail!("line {}{}", self.line + line_ends(&bytes[..wrong.at]), wrong.what)
                }
                Ok(false) | Err(_) => {
                    self.spans.truncate(before);
                    return Ok(start);
                }
            }
        }
        Ok(line.at)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
