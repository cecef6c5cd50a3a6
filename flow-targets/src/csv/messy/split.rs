//! Splits text into lines, and lines into cells.
//!
//! This is more lenient than the grammar of [`Csv`](crate::Csv): lines may have any number of cells, and
//! a quote inside a cell is a character. What cannot be a cell makes its line faulty, so that the
//! other lines can be read.

use anyhow::{Result, bail};

use super::grid::{GridLine, RawCell};

/// How text is split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grammar<'a> {
    /// An ASCII character.
    pub(super) delimiter: u8,
    /// Whether cells may be in quotes.
    pub(super) quotes: bool,
    pub(super) comment: Option<&'a str>,
    /// The number of lines at the beginning that are skipped.
    pub(super) skip: usize,
}

/// Lines of a text.
#[derive(Debug, Default)]
pub(super) struct Split {
    pub(super) lines: Vec<GridLine>,
    /// The number of lines that were comments.
    pub(super) comments: usize,
}

/// Splits a text into at most `most` lines that are not comments.
///
/// # Errors
///
/// A quote opens a cell, and no quote closes it: the rest of the file would be one cell.
pub(super) fn split(text: &str, grammar: Grammar<'_>, most: usize) -> Result<Split> {
    let mut split = Split::default();
    let mut cursor = Cursor { text, bytes: text.as_bytes(), at: 0, number: 1 };
    for _ in 0..grammar.skip {
        cursor.skip_line();
    }
    while cursor.at < text.len() && split.lines.len() < most {
        if let Some(comment) = grammar.comment
            && text[cursor.at..].trim_start_matches([' ', '\t']).starts_with(comment)
        {
            cursor.skip_line();
            split.comments += 1;
            continue;
        }
        split.lines.push(cursor.line(grammar)?);
    }
    Ok(split)
}

/// A position in a text.
struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    /// The number of the line at the position.
    number: usize,
}

impl Cursor<'_> {
    /// Moves to the next line.
    fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        self.end_line();
    }

    /// Moves over a line end, and returns whether there is one. The end of the text is one.
    fn end_line(&mut self) -> bool {
        let length = match &self.bytes[self.at..] {
            [] => return true,
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return false,
        };
        self.at += length;
        self.number += 1;
        true
    }

    /// Reads a line.
    fn line(&mut self, grammar: Grammar<'_>) -> Result<GridLine> {
        let mut line = GridLine { number: self.number, ..GridLine::default() };
        loop {
            let is_quoted = grammar.quotes && self.bytes.get(self.at) == Some(&b'"');
            let mut text = match is_quoted {
                true => self.quoted(line.number)?,
                false => String::new(),
            };
            let rest = self.until(grammar.delimiter);
            if is_quoted && !rest.trim().is_empty() {
                let cell = line.cells.len() + 1;
                line.fault = Some(format!("cell {cell} has text after its closing quote"));
            }
            if !is_quoted || !rest.trim().is_empty() {
                text.push_str(rest);
            }
            line.cells.push(RawCell::written(text));
            if self.bytes.get(self.at) == Some(&grammar.delimiter) {
                self.at += 1;
                continue;
            }
            self.end_line();
            return Ok(line);
        }
    }

    /// Returns the text up to the next delimiter or line end.
    fn until(&mut self, delimiter: u8) -> &str {
        let rest = &self.bytes[self.at..];
        let length = memchr::memchr3(delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
        let text = &self.text[self.at..self.at + length];
        self.at += length;
        text
    }

    /// Reads a cell in quotes, up to the closing quote.
    fn quoted(&mut self, line: usize) -> Result<String> {
        let mut content = String::new();
        let mut from = self.at + 1;
        loop {
            let Some(length) = memchr::memchr(b'"', &self.bytes[from..]) else {
                bail!(
                    "line {line}: a quote opens a cell, and no quote closes it; if quotes are \
                     ordinary characters, set `quotes = false`"
                );
            };
            content.push_str(&self.text[from..from + length]);
            from += length + 1;
            if self.bytes.get(from) != Some(&b'"') {
                break;
            }
            content.push('"');
            from += 1;
        }
        self.number += line_ends(&content);
        self.at = from;
        Ok(content)
    }
}

/// Returns the number of line ends in the content of a cell.
fn line_ends(content: &str) -> usize {
    let pairs = memchr::memmem::find_iter(content.as_bytes(), b"\r\n").count();
    memchr::memchr2_iter(b'\n', b'\r', content.as_bytes()).count() - pairs
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const COMMA: Grammar<'_> = Grammar { delimiter: b',', quotes: true, comment: None, skip: 0 };

    fn cells(text: &str, grammar: Grammar<'_>) -> Vec<(usize, Vec<String>)> {
        let lines = split(text, grammar, usize::MAX).unwrap().lines;
        let texts = |line: GridLine| line.cells.into_iter().map(|cell| cell.text).collect();
        lines.into_iter().map(|line| (line.number, texts(line))).collect()
    }

    fn owned(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn lines_have_any_number_of_cells_and_any_line_end() {
        let text = "a,b\r\n\n1\r\"x\r\ny\",\"5\"\"\" \n2,3\" pipe";
        assert_eq!(
            cells(text, COMMA),
            [
                (1, owned(&["a", "b"])),
                (2, owned(&[""])),
                (3, owned(&["1"])),
                (4, owned(&["x\r\ny", "5\""])),
                (6, owned(&["2", "3\" pipe"])),
            ]
        );
    }

    #[test]
    fn comments_and_skipped_lines_are_left_out() {
        let grammar = Grammar { comment: Some("#"), skip: 1, ..COMMA };
        let split = split("title\n# note\na,b\n #x\n", grammar, usize::MAX).unwrap();
        assert_eq!((split.lines.len(), split.lines[0].number, split.comments), (1, 3, 2));
    }

    #[test]
    fn misplaced_quotes_are_faults_of_a_line_or_of_the_file() {
        let lines = split("\"a\"b,c\nd,e\n", COMMA, usize::MAX).unwrap().lines;
        assert_eq!(lines[0].fault.as_deref(), Some("cell 1 has text after its closing quote"));
        assert_eq!(lines[1].fault, None);
        let error = split("a\n\"b,c\n", COMMA, usize::MAX).unwrap_err().to_string();
        assert!(
            error.starts_with("line 2: a quote opens a cell, and no quote closes it"),
            "{error}"
        );
        let plain = Grammar { quotes: false, ..COMMA };
        assert_eq!(cells("\"b,c\n", plain), [(1, owned(&["\"b", "c"]))]);
    }
}
