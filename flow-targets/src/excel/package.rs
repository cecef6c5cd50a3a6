//! Checks the file of a workbook, a zip archive of parts, before anything is read from it.
//!
//! A small archive can decompress to huge parts. `calamine`, which reads workbooks, stops before
//! the end of a part, where the archive's checksum would be compared, and allocates memory by a
//! count in the file. So all parts are decompressed once before, piece by piece, within a limit.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use crate::limit::{self, Limit, exceeded};

/// How many bytes of a part are decompressed at a time.
const PIECE: usize = 64 * 1024;

/// The subject of the error message.
const DECOMPRESSED: &str = "when it is decompressed, the workbook has";

/// The attribute by which `calamine` allocates memory before it reads.
const COUNT: &[u8] = b"uniqueCount";

/// The element that defines the code of a number format, and its attribute with the format's id.
const ELEMENT: &[u8] = b"numFmt";
const ID: &[u8] = b"numFmtId";

/// The bytes of the shortest entry in the table of shared texts: `<si/>`.
const SHORTEST_TEXT: u64 = 5;

/// The most blanks between the name of the attribute and its value.
const BLANKS: usize = 64;

/// Returns an error if the workbook is damaged or too large.
///
/// It is damaged if a checksum does not match, or if the table of shared texts claims more entries
/// than it can hold. It is too large if its parts have more than `max_bytes` together.
///
/// A file that is not an archive passes: `calamine` reports better what is wrong with it.
pub(super) fn check(file: impl Read + Seek, max_bytes: u64) -> Result<()> {
    let Ok(mut archive) = ZipArchive::new(file) else {
        return Ok(());
    };
    let mut left = max_bytes;
    let mut piece = vec![0; PIECE];
    for index in 0..archive.len() {
        let mut part =
            archive.by_index(index).context("a part of the workbook cannot be opened")?;
        let name = String::from_utf8_lossy(part.name_raw()).into_owned();
        ensure!(part.size() <= left, exceeded(DECOMPRESSED, max_bytes));
        let mut counts =
            name.to_ascii_lowercase().ends_with("sharedstrings.xml").then(Counts::default);
        loop {
            let length = part
                .read(&mut piece)
                .with_context(|| format!("part `{name}` of the workbook is damaged"))?;
            if length == 0 {
                break;
            }
            let Some(rest) = left.checked_sub(length as u64) else {
                bail!(exceeded(DECOMPRESSED, max_bytes))
            };
            left = rest;
            if let Some(counts) = &mut counts {
                counts.read(&piece[..length]);
            }
        }
        if let Some(counts) = counts {
            ensure!(
                counts.most <= counts.bytes / SHORTEST_TEXT,
                "part `{name}` claims {} texts",
                counts.most
            );
        }
    }
    Ok(())
}

/// Returns the ids of the number formats for which the file has a code.
///
/// They are in elements such as `<numFmt numFmtId="27" formatCode="0"/>`. There are none if the
/// file is not an archive.
pub(super) fn number_formats(file: impl Read + Seek) -> Result<BTreeSet<u32>> {
    let mut ids = BTreeSet::new();
    let Ok(mut archive) = ZipArchive::new(file) else { return Ok(ids) };
    for index in 0..archive.len() {
        let mut part = archive.by_index(index)?;
        if !part.name_raw().to_ascii_lowercase().ends_with(b"styles.xml") {
            continue;
        }
        let mut text = Vec::new();
        part.read_to_end(&mut text)?;
        ids.extend(memchr::memmem::find_iter(&text, ELEMENT).filter_map(|at| {
            let element = &text[at + ELEMENT.len()..];
            // Skips `<numFmts count="1">`, and an attribute of another element.
            element.first().filter(|byte| byte.is_ascii_whitespace())?;
            let end = end_of_element(element)?;
            let id = memchr::memmem::find(&element[..end], ID)? + ID.len();
            let value = element[id..end].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
            let digits = value.get(1..)?.split(|byte| matches!(byte, b'"' | b'\'')).next()?;
            str::from_utf8(digits).ok()?.trim().parse::<u32>().ok()
        }));
    }
    Ok(ids)
}

/// Returns the position of the `>` that ends an element, outside of quoted values.
fn end_of_element(text: &[u8]) -> Option<usize> {
    let mut quote = None;
    text.iter().position(|byte| {
        match (quote, byte) {
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        quote.is_none() && *byte == b'>'
    })
}

/// Returns an error if the parts of a new archive are too large to be read again.
pub(super) fn check_size(file: &[u8], limit: Limit) -> Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(file))?;
    let mut bytes: u64 = 0;
    for index in 0..archive.len() {
        bytes = bytes.saturating_add(archive.by_index_raw(index)?.size());
    }
    limit::check(DECOMPRESSED, bytes, limit.expanded(file.len() as u64))
}

/// The values of [`COUNT`] in a part, which is read piece by piece.
#[derive(Default)]
struct Counts {
    /// The greatest value.
    most: u64,
    bytes: u64,
    /// The last bytes, in which the attribute may begin.
    tail: Vec<u8>,
}

impl Counts {
    fn read(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.tail.extend_from_slice(piece);
        for at in memchr::memmem::find_iter(&self.tail, COUNT) {
            self.most = self.most.max(number(&self.tail[at + COUNT.len()..]));
        }
        // 256 bytes have room for the attribute, blanks around its `=`, and the digits of its
        // value.
        let keep = self.tail.len().min(256);
        self.tail.drain(..self.tail.len() - keep);
    }
}

/// Parses the number of an attribute's value, from the end of the attribute's name on.
///
/// Returns 0 if the value is not a number, and the greatest number if the value is too far away to
/// be found.
fn number(text: &[u8]) -> u64 {
    let value = |text: &[u8]| text.iter().position(|byte| !byte.is_ascii_whitespace());
    let Some(at) = value(text) else { return if text.len() > BLANKS { u64::MAX } else { 0 } };
    let [b'=', rest @ ..] = &text[at..] else { return 0 };
    let Some(more) = value(rest) else { return if rest.len() > BLANKS { u64::MAX } else { 0 } };
    let [b'"' | b'\'', digits @ ..] = &rest[more..] else { return 0 };
    if at > BLANKS || more > BLANKS {
        return u64::MAX;
    }
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |n: u64, digit| n.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_found_wherever_a_piece_ends() {
        let text = b"<sst count=\"1\" uniqueCount = '1234567890123'><si/></sst>";
        for length in 1..text.len() {
            let mut counts = Counts::default();
            text.chunks(length).for_each(|piece| counts.read(piece));
            assert_eq!((counts.most, counts.bytes), (1_234_567_890_123, text.len() as u64));
        }
        assert_eq!(number(b"=\"99999999999999999999999\""), u64::MAX);
        assert_eq!(number(b" 5"), 0);
        assert_eq!(number(&[b' '; 100]), u64::MAX);
    }
}
