//! The file of a workbook: a zip archive of parts, checked before anything is read from it.
//!
//! A small archive can hold parts that are huge when they are decompressed, and the reader of
//! workbooks stops reading a part before its end, where the archive's checksum is compared. So all
//! parts are decompressed once, a piece at a time, within a limit.

use std::collections::BTreeSet;
use std::io::{Cursor, Read, Seek};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use crate::limit::{self, Limit, exceeded};

/// How much of a part is decompressed at a time.
const PIECE: usize = 64 * 1024;

/// What is compared with the limit.
const DECOMPRESSED: &str = "when it is decompressed, the workbook has";

/// The attribute for which the reader of workbooks allocates before it reads.
const COUNT: &[u8] = b"uniqueCount";

/// The element that gives a number format its code, and the attribute that has its number.
const ELEMENT: &[u8] = b"numFmt";
const ID: &[u8] = b"numFmtId";

/// The bytes of the shortest entry in the table of texts: `<si/>`.
const SHORTEST_TEXT: u64 = 5;

/// The most blanks between the name of the attribute and its value.
const BLANKS: usize = 64;

/// An error if a part is damaged, if the parts have more than `max_bytes` together, or if the table of
/// texts claims more entries than it can hold.
///
/// A file that is no archive passes: the reader of workbooks says best what it is.
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

/// The numbers of the formats for which the file gives a code, in elements such as
/// `<numFmt numFmtId="27" formatCode="0"/>`. There are none if the file is no archive.
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
            // Not `<numFmts count="1">`, and not the attribute of another element.
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

/// Where the `>` of an element stands that is in no quoted value.
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

/// An error if the parts of an archive that was just written are too large to be read again.
pub(super) fn check_size(file: &[u8], limit: Limit) -> Result<()> {
    let mut archive = ZipArchive::new(Cursor::new(file))?;
    let mut bytes: u64 = 0;
    for index in 0..archive.len() {
        bytes = bytes.saturating_add(archive.by_index_raw(index)?.size());
    }
    limit::check(DECOMPRESSED, bytes, limit.expanded(file.len() as u64))
}

/// The numbers that a part gives for an attribute, read piece by piece.
#[derive(Default)]
struct Counts {
    /// The greatest of them.
    most: u64,
    bytes: u64,
    /// The end of what was read, in which the attribute may begin.
    tail: Vec<u8>,
}

impl Counts {
    fn read(&mut self, piece: &[u8]) {
        self.bytes += piece.len() as u64;
        self.tail.extend_from_slice(piece);
        for at in memchr::memmem::find_iter(&self.tail, COUNT) {
            self.most = self.most.max(number(&self.tail[at + COUNT.len()..]));
        }
        // Enough for the attribute, blanks around its `=`, and the digits of its value.
        let keep = self.tail.len().min(256);
        self.tail.drain(..self.tail.len() - keep);
    }
}

/// The number of an attribute's value, from behind its name on; 0 if that is none, and the greatest if
/// it stands too far behind to be seen.
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
