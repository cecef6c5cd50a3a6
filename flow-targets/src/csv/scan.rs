//! The grammar of CSV: splits a file into lines, and lines into cells.
//!
//! A [`Scanner`] holds a part of the file at a time: a chunk, or as much as the longest line needs.
//! It finds where the cells of all complete lines in that part begin and end, and returns them as a
//! [`Block`], from which columns are parsed one after the other. Only an incomplete line at the end
//! of a chunk is copied.
//!
//! A line ends with `\n`, `\r\n` or `\r`. Files with a carriage return are rare. So the scanner
//! searches each chunk once for a carriage return, and searches the cells for it only if the file
//! has one.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};

use anyhow::{Result, anyhow, bail};

use super::cell::{Cell, CellKind, MARK};

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

/// An error in the grammar of a line.
struct Malformed {
    at: usize,
    what: Cow<'static, str>,
}

impl Malformed {
    fn new(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { at, what: what.into() }
    }
}

/// Splits lines into cells. `RETURNS` is whether the bytes may contain a carriage return.
struct Line<'a, const RETURNS: bool> {
    bytes: &'a [u8],
    at: usize,
    grammar: &'a Grammar,
    /// Whether the bytes reach to the end of the source.
    ended: bool,
}

/// What follows a cell.
enum End {
    Cell,
    Line,
    File,
    /// Bytes that are not read yet.
    Unread,
}

impl<'a, const RETURNS: bool> Line<'a, RETURNS> {
    fn new(bytes: &'a [u8], grammar: &'a Grammar, ended: bool) -> Self {
        Self { bytes, at: 0, grammar, ended }
    }

    /// Finds the cells of the next line. Returns `false` if the end of a line was not read yet.
    fn scan(&mut self, spans: &mut Vec<Span>) -> Result<bool, Malformed> {
        if self.at == self.bytes.len() {
            return Ok(false);
        }
        let (start, most) = (self.at, spans.len().saturating_add(self.grammar.max_columns));
        loop {
            let (span, end) =
                if self.bytes.get(self.at) == Some(&b'"') { self.quoted()? } else { self.bare()? };
            if spans.len() == most {
                return Err(Malformed::new(
                    start,
                    format!(
                        " has more than {} cells, the limit for one line; raise it by the target's \
                         option `max_columns = ...` if the file is right",
                        self.grammar.max_columns,
                    ),
                ));
            }
            spans.push(span);
            match end {
                End::Cell => {}
                End::Line => return Ok(true),
                End::Unread => return Ok(false),
                End::File if self.grammar.final_newline => {
                    return Err(Malformed::new(
                        self.at,
                        " does not end: the file was cut off; if another program wrote it and it is \
                         whole, read it with the target's option `final_newline = false`",
                    ));
                }
                End::File => return Ok(true),
            }
        }
    }

    fn bare(&mut self) -> Result<(Span, End), Malformed> {
        let (start, delimiter) = (self.at, self.grammar.delimiter);
        let found = match RETURNS {
            true => find_any(self.bytes, start, [delimiter, b'\n', b'\r']),
            false => find_any(self.bytes, start, [delimiter, b'\n']),
        };
        let Some(end) = found else {
            self.at = self.bytes.len();
            let end = if self.ended { End::File } else { End::Unread };
            return Ok((Span::bare(start, self.at), end));
        };
        if self.bytes[end] == delimiter {
            self.at = end + 1;
            return Ok((Span::bare(start, end), End::Cell));
        }
        let (length, found) = self.line_end(end)?;
        self.at = end + length;
        Ok((Span::bare(start, end), found))
    }

    /// Returns the length of the line end at `at`, if there is one.
    fn line_end(&self, at: usize) -> Result<(usize, End), Malformed> {
        match &self.bytes[at..] {
            [b'\n', ..] => Ok((1, End::Line)),
            [b'\r', b'\n', ..] => Ok((2, End::Line)),
            [b'\r', b'\r', b'\n', ..] => Err(Malformed::new(
                at,
                r" ends in `\r\r\n`, which may be one line end or two: write the file again with one \
                 kind of line end",
            )),
            [b'\r'] | [b'\r', b'\r'] if !self.ended => Ok((0, End::Unread)),
            [b'\r', ..] => Ok((1, End::Line)),
            [] if self.ended => Ok((0, End::File)),
            [] => Ok((0, End::Unread)),
            _ => Err(Malformed::new(at, ": text follows a closing quote")),
        }
    }

    fn quoted(&mut self) -> Result<(Span, End), Malformed> {
        let start = self.at + 1;
        let (mut end, mut doubled) = (start, false);
        let close = loop {
            let Some(length) = memchr::memchr(b'"', &self.bytes[end..]) else {
                if self.ended {
                    let what = ": a quote is not closed, so the file was cut off";
                    return Err(Malformed::new(self.at, what));
                }
                return Ok((Span::bare(start, start), End::Unread));
            };
            end += length + 1;
            if self.bytes.get(end) != Some(&b'"') {
                break end - 1;
            }
            doubled = true;
            end += 1;
        };
        // If the file ends with a delimiter, one more empty cell follows.
        let (skip, found) = match self.bytes.get(end) {
            Some(byte) if *byte == self.grammar.delimiter => (1, End::Cell),
            _ => self.line_end(end)?,
        };
        self.at = end + skip;
        Ok((Span::quoted(start, close, doubled), found))
    }
}

/// Returns the first position from `at` on that has one of the bytes `any`.
///
/// Most cells are a few bytes long, so eight bytes are compared in one step, as lanes of a `u64`.
#[inline]
fn find_any<const N: usize>(bytes: &[u8], mut at: usize, any: [u8; N]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    /// Sets the high bit of each zero lane; lanes above the lowest zero lane may be wrong.
    fn zeros(lanes: u64) -> u64 {
        lanes.wrapping_sub(ONES) & !lanes & (ONES << 7)
    }
    let wanted = any.map(|byte| ONES * u64::from(byte));
    while let Some(lanes) = bytes[at..].first_chunk() {
        let lanes = u64::from_le_bytes(*lanes);
        let found = wanted.iter().fold(0, |found, byte| found | zeros(lanes ^ byte));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes[at..].iter().position(|byte| any.contains(byte)).map(|length| at + length)
}

/// Counts the line ends as an editor does: `\n`, `\r\n` and `\r`.
fn line_ends(bytes: &[u8]) -> usize {
    let alone = |at: &usize| bytes.get(at + 1) != Some(&b'\n');
    let returns = memchr::memchr_iter(b'\r', bytes).filter(alone).count();
    memchr::memchr_iter(b'\n', bytes).count() + returns
}

/// The position of a cell in its block, and how it is quoted.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    /// The length, shifted left by two bits: is the cell quoted, and does it contain quotes.
    rest: usize,
}

impl Span {
    fn bare(start: usize, end: usize) -> Self {
        Self { start, rest: (end - start) << 2 }
    }

    fn quoted(start: usize, end: usize, doubled: bool) -> Self {
        Self { start, rest: (end - start) << 2 | usize::from(doubled) << 1 | 1 }
    }
}

/// Complete lines, split into cells.
pub(super) struct Block<'a> {
    text: &'a str,
    null: &'a str,
    spans: &'a [Span],
    columns: usize,
    /// The number of the first line.
    line: usize,
}

impl<'a> Block<'a> {
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn rows(&self) -> usize {
        self.spans.len() / self.columns
    }

    /// Returns the number of bytes of the lines.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Returns the cells of a line.
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = Cell<'a>> {
        self.spans[row * self.columns..][..self.columns].iter().map(|span| self.cell(span))
    }

    /// Returns the cells of a column.
    pub(super) fn column(&self, column: usize) -> impl ExactSizeIterator<Item = Cell<'a>> {
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
    pub(super) fn line(&self, row: usize, column: usize) -> usize {
        let start = self.spans[row * self.columns + column].start;
        self.line + line_ends(&self.text.as_bytes()[..start])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
