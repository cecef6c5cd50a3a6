//! Counts the rows at the beginning of a CSV file, so that it is read within limits.
//!
//! A file may begin with short rows and go on with long ones, and a compressed file may be a thousand times as long as it looks.
//! So rows are counted before they are read, and the reader gets a text that ends with a whole row.

use std::io::{self, BufRead, BufReader, Read};

/// The rows that were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CountedRows {
    /// The number of whole rows, with the header.
    pub(super) rows: u64,
    /// The length of their text in bytes.
    pub(super) bytes: u64,
    /// Whether the text goes on after as many bytes as were allowed.
    pub(super) is_cut: bool,
}

/// The place of a byte within a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    StartOfRow,
    StartOfCell,
    Cell,
    Quoted,
    /// After a quote in a quoted cell: its end, or the first of two quotes that stand for one.
    AfterQuote,
}

impl Place {
    /// Returns the place after a byte. A quote has a meaning only at the beginning of a cell, and empty lines are no rows.
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::AfterQuote,
            (Self::Quoted, _) => Self::Quoted,
            (_, b'\n' | b'\r') => Self::StartOfRow,
            (_, byte) if byte == delimiter => Self::StartOfCell,
            (Self::StartOfRow | Self::StartOfCell | Self::AfterQuote, b'"') => Self::Quoted,
            _ => Self::Cell,
        }
    }
}

/// Counts rows until there are `rows`, or the next one ends after more than `bytes`.
///
/// # Errors
///
/// The text cannot be read.
pub(super) fn count_rows(
    text: impl Read,
    delimiter: u8,
    rows: u64,
    bytes: u64,
) -> io::Result<CountedRows> {
    // One byte more shows whether there are more.
    let mut text = BufReader::new(text.take(bytes.saturating_add(1)));
    let mut counted = CountedRows { rows: 0, bytes: 0, is_cut: false };
    let (mut place, mut read) = (Place::StartOfRow, 0_u64);
    while counted.rows < rows {
        let part = text.fill_buf()?;
        if part.is_empty() {
            match place {
                _ if read > bytes => counted.is_cut = true,
                Place::StartOfRow => counted.bytes = read,
                // The last row has no end of a line.
                _ => (counted.rows, counted.bytes) = (counted.rows + 1, read),
            }
            break;
        }
        let length = part.len();
        for &byte in part {
            read += 1;
            let next = place.after(byte, delimiter);
            if next == Place::StartOfRow && place != Place::StartOfRow && read <= bytes {
                (counted.rows, counted.bytes) = (counted.rows + 1, read);
                if counted.rows == rows {
                    break;
                }
            }
            place = next;
        }
        text.consume(length);
    }
    Ok(counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(text: &str, rows: u64, bytes: u64) -> (u64, u64, bool) {
        let counted = count_rows(text.as_bytes(), b',', rows, bytes).expect("a text");
        (counted.rows, counted.bytes, counted.is_cut)
    }

    #[test]
    fn whole_rows_within_the_limits_are_counted() {
        assert_eq!(counted("", 9, 9), (0, 0, false));
        assert_eq!(counted("a,b\n1,2\n", 9, 8), (2, 8, false));
        // The last row may have no end.
        assert_eq!(counted("a,b\n1,2", 9, 7), (2, 7, false));
        assert_eq!(counted("a,b\n1,2", 9, 6), (1, 4, true));
        assert_eq!(counted("a,b\n1,2\n3,4\n", 9, 11), (2, 8, true));
        assert_eq!(counted("a,b\n1,2\n3,4\n", 2, 99), (2, 8, false));
        // The first row has no room.
        assert_eq!(counted("aaaa\nb\n", 9, 3), (0, 0, true));
        assert_eq!(counted("a\n", 9, u64::MAX), (1, 2, false));
    }

    #[test]
    fn the_ends_of_lines_in_quotes_end_no_row() {
        let text = "a,\"b\nb\"\n\"1\"\"\n\",2\n";
        assert_eq!(counted(text, 9, 99), (2, text.len() as u64, false));
        // A quote within a cell has no meaning.
        assert_eq!(counted("a\"b\nc\"d\n", 9, 99), (2, 8, false));
        assert_eq!(counted("a,b\"\nc,\"d\n", 9, 99), (2, 10, false));
    }

    #[test]
    fn empty_lines_are_no_rows() {
        assert_eq!(counted("a\r\n1\r\n\r\n\r\n2\r\n", 9, 99), (3, 13, false));
        assert_eq!(counted("a\r1\r", 9, 99), (2, 4, false));
    }
}
