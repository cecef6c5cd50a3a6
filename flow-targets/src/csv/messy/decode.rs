//! Decodes the bytes of a text file.
//!
//! The encoding is the one given, or that of the byte order mark, or UTF-16 if every second byte of
//! the ASCII characters is zero, or UTF-8. A file in another encoding is an error that says how the
//! file would read in the most common one: which one it is cannot be known from the bytes.

use std::borrow::Cow;

use anyhow::{Context, Result, bail, ensure};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of a file, and how it was encoded.
pub(super) struct Decoded<'a> {
    pub(super) text: Cow<'a, str>,
    /// The name of the encoding, such as `UTF-16LE`.
    pub(super) encoding: &'static str,
    /// Whether the file begins with a byte order mark.
    pub(super) is_marked: bool,
}

/// The first bytes of files that are no text, and what to do with such a file.
const BINARY: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive or a workbook of Excel; `MessyExcel` reads workbooks"),
    (b"\x1f\x8b", "compressed by gzip; decompress it first"),
    (b"\xD0\xCF\x11\xE0", "an old workbook of Excel (.xls); save it as .xlsx for `MessyExcel`"),
    (b"%PDF", "a PDF document, which has no cells; export the table as CSV"),
    (b"PAR1", "a Parquet file; the target `Parquet` reads it"),
    (b"ARROW1", "an Arrow file; the target `ArrowIpc` reads it"),
    (b"\xFF\xFE\0\0", "text in UTF-32; convert it to UTF-8"),
    (b"\0\0\xFE\xFF", "text in UTF-32; convert it to UTF-8"),
];

/// The longest word that an error shows, in bytes.
const WORD: usize = 40;

/// How many bytes are inspected to find UTF-16 without a byte order mark.
const SAMPLE: usize = 4096;

/// Decodes a file. `given` is the label of an encoding, such as `latin1`.
///
/// # Errors
///
/// The file is no text, has bytes that are invalid in its encoding, or has an unknown encoding.
pub(super) fn decode<'a>(bytes: &'a [u8], given: Option<&str>) -> Result<Decoded<'a>> {
    if let Some((_, what)) = BINARY.iter().find(|(start, _)| bytes.starts_with(start)) {
        bail!("the file is {what}");
    }
    let given = given.map(named).transpose()?;
    let mark = Encoding::for_bom(bytes);
    let (encoding, length) = match (given, mark) {
        (Some(given), Some((marked, length))) => {
            ensure!(
                given == marked,
                "the file begins with the byte order mark of {}, and `encoding` is {}; leave the \
                 option out",
                marked.name(),
                given.name(),
            );
            (marked, length)
        }
        (Some(given), None) => (given, 0),
        (None, Some(marked)) => marked,
        (None, None) => (detected(bytes)?, 0),
    };
    let content = &bytes[length..];
    let text = encoding.decode_without_bom_handling_and_without_replacement(content);
    let text = text.with_context(|| invalid(content, encoding))?;
    check_text(&text)?;
    Ok(Decoded { text, encoding: encoding.name(), is_marked: mark.is_some() })
}

/// Returns the encoding with this label.
fn named(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).with_context(|| {
        format!(
            "there is no encoding {label:?}; examples are `utf-8`, `utf-16le`, `windows-1252`, \
             `latin1`, `windows-1250`, `shift_jis` and `gbk`"
        )
    })
}

/// Returns the encoding of a file without a byte order mark.
fn detected(bytes: &[u8]) -> Result<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    if !sample.contains(&0) {
        let Err(error) = str::from_utf8(bytes) else { return Ok(UTF_8) };
        bail!(not_utf8(bytes, error.valid_up_to()));
    }
    // Every ASCII character, such as a delimiter, is a zero and another byte.
    let zeros = |first: usize| sample.iter().skip(first).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    match (even, odd) {
        (0, odd) if odd * 8 >= sample.len() => Ok(UTF_16LE),
        (even, 0) if even * 8 >= sample.len() => Ok(UTF_16BE),
        _ => bail!("the file has bytes that are zero, so that it is no text"),
    }
}

/// Returns the error of a file that is not UTF-8 at this byte.
fn not_utf8(bytes: &[u8], at: usize) -> String {
    let is_part = |byte: &u8| !byte.is_ascii() || byte.is_ascii_alphanumeric();
    let before = bytes[..at].iter().rev().take(WORD).take_while(|byte| is_part(byte)).count();
    let after = bytes[at..].iter().take(WORD).take_while(|byte| is_part(byte)).count();
    let (word, _) = WINDOWS_1252.decode_without_bom_handling(&bytes[at - before..at + after]);
    format!(
        "line {} is not UTF-8; in windows-1252 (Latin-1), it has the word `{word}`: if that is right, \
         set `encoding = \"windows-1252\"`, otherwise the encoding of the program that wrote the file",
        line(bytes, at),
    )
}

/// Returns the error of a file that has bytes which its encoding does not have.
fn invalid(content: &[u8], encoding: &'static Encoding) -> String {
    match str::from_utf8(content) {
        Err(error) if encoding == UTF_8 => not_utf8(content, error.valid_up_to()),
        _ => format!("the file has bytes that are invalid in {}", encoding.name()),
    }
}

/// Returns the number of the line of a byte.
fn line(bytes: &[u8], at: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &bytes[..at]).count()
}

/// Returns an error if the text is no table for an obvious reason.
fn check_text(text: &str) -> Result<()> {
    let start = text.trim_start();
    let begins = |tag: &str| {
        let head = start.as_bytes().get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag.as_bytes()))
    };
    ensure!(
        !begins("<!doctype html") && !begins("<html"),
        "the file is a web page (HTML) and no table; a download may have failed or need a login",
    );
    ensure!(!begins("<?xml"), "the file is XML and no table of lines and cells",);
    if let Some(at) = text.find('\0') {
        bail!(
            "line {} has a character that is zero, so that the file is no text",
            line(text.as_bytes(), at)
        );
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], given: Option<&str>) -> (String, &'static str) {
        let decoded = decode(bytes, given).unwrap();
        (decoded.text.into_owned(), decoded.encoding)
    }

    fn utf16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn the_encoding_is_found_by_the_mark_or_by_zeros() {
        assert_eq!(text("\u{feff}a,ü".as_bytes(), None), ("a,ü".to_owned(), "UTF-8"));
        assert_eq!(text("a,ü".as_bytes(), None), ("a,ü".to_owned(), "UTF-8"));
        for big in [false, true] {
            let name = if big { "UTF-16BE" } else { "UTF-16LE" };
            assert_eq!(text(&utf16("\u{feff}a,ü", big), None), ("a,ü".to_owned(), name));
            assert_eq!(text(&utf16("a,ü,b", big), None), ("a,ü,b".to_owned(), name));
        }
        assert_eq!(text(b"a,\xfc", Some("latin1")), ("a,ü".to_owned(), "windows-1252"));
    }

    #[test]
    fn bytes_of_another_encoding_are_an_error_that_shows_a_word() {
        let error = decode(b"city\nM\xfcnchen,1\n", None).err().unwrap().to_string();
        assert_eq!(
            error,
            "line 2 is not UTF-8; in windows-1252 (Latin-1), it has the word `München`: if that is \
             right, set `encoding = \"windows-1252\"`, otherwise the encoding of the program that \
             wrote the file"
        );
        let error = decode(b"a\0\0\0\0b", None).err().unwrap().to_string();
        assert_eq!(error, "the file has bytes that are zero, so that it is no text");
        let error = decode(b"a", Some("klingon")).err().unwrap().to_string();
        assert!(error.starts_with("there is no encoding \"klingon\""), "{error}");
    }
}
