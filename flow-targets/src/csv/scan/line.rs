//! Finds the cells of a line.

use std::borrow::Cow;

use super::Grammar;
use super::block::Span;

/// An error in the grammar of a line.
pub(super) struct Malformed {
    pub(super) at: usize,
    pub(super) what: Cow<'static, str>,
}

impl Malformed {
    pub(super) fn new(at: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { at, what: what.into() }
    }
}

/// Splits lines into cells. `RETURNS` is whether the bytes may contain a carriage return.
pub(super) struct Line<'a, const RETURNS: bool> {
    bytes: &'a [u8],
    pub(super) at: usize,
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
    pub(super) fn new(bytes: &'a [u8], grammar: &'a Grammar, ended: bool) -> Self {
        Self { bytes, at: 0, grammar, ended }
    }

    /// Finds the cells of the next line. Returns `false` if the end of a line was not read yet.
    pub(super) fn scan(&mut self, spans: &mut Vec<Span>) -> Result<bool, Malformed> {
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
pub(super) fn find_any<const N: usize>(bytes: &[u8], mut at: usize, any: [u8; N]) -> Option<usize> {
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
