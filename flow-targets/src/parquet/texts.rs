//! Limits how many rows are decoded at once, by the lengths of texts.
//!
//! The dictionary of a page has each text once, and a page of a few bytes can repeat it a billion
//! times. So the decoded size of a page is only known after it was decoded. But the length of the
//! longest text is known before, from the dictionary: at a time, only so many rows are decoded as
//! surely fit.

use anyhow::Result;
use flow_core::Source;
use parquet::basic::{Encoding, Type};
use parquet::column::page::Page;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, SerializedFileReader};

/// How many bytes are decoded at a time if the whole table may exceed the limit.
const BUDGET: u64 = 128 << 20;

/// The least rows that are decoded at a time, if each text shares a prefix with the one before.
const LEAST_SHARED: usize = 1024;

/// Upper bounds of the bytes that the texts of a column take.
#[derive(Default)]
struct Longest {
    /// The most bytes per row, for texts in dictionaries.
    repeated: u64,
    /// The most bytes per row, for texts that share a prefix with the one before.
    shared: u64,
    /// The bytes of all texts that are stored as they are.
    plain: u64,
}

/// Returns how many rows to decode at a time: `wanted`, if they surely take at most `most` bytes.
///
/// `is_read` returns whether a column is read, by the index of its leaf.
pub(super) fn step(
    source: &Source,
    metadata: &ParquetMetaData,
    wanted: usize,
    most: Option<u64>,
    is_read: impl Fn(usize) -> bool,
) -> Result<usize> {
    let most = most.unwrap_or(BUDGET);
    let is_text = |chunk: &ColumnChunkMetaData| chunk.column_type() == Type::BYTE_ARRAY;
    let texts = || {
        let groups = metadata.row_groups().iter().enumerate();
        let chunks = groups.flat_map(|(group, of)| {
            of.columns().iter().enumerate().map(move |(i, c)| (group, i, c))
        });
        chunks.filter(|(_, i, chunk)| is_text(chunk) && is_read(*i))
    };
    // No text is longer than the chunk that contains it.
    let longest = texts().map(|(_, _, chunk)| size(chunk)).fold(0, u64::saturating_add);
    if (wanted as u64).saturating_mul(longest) <= most {
        return Ok(wanted);
    }
    let file = SerializedFileReader::new(source.open()?)?;
    let mut of_columns: Vec<Longest> = Vec::new();
    for (group, i, chunk) in texts() {
        if of_columns.len() <= i {
            of_columns.resize_with(i + 1, Longest::default);
        }
        let of = &mut of_columns[i];
        let rows = u64::try_from(metadata.row_group(group).num_rows()).unwrap_or(0).max(1);
        let values = u64::try_from(chunk.num_values()).unwrap_or(0);
        // A row of a list column has several values.
        let in_row = values.div_ceil(rows).max(1);
        if chunk.encodings().any(|encoding| encoding == Encoding::DELTA_BYTE_ARRAY) {
            of.shared = of.shared.max(size(chunk).saturating_mul(in_row));
        }
        if has_dictionary(chunk) {
            let mut pages = file.get_row_group(group)?.get_column_page_reader(i)?;
            let longest = match pages.get_next_page()? {
                Some(Page::DictionaryPage { buf, .. }) => longest_in(&buf),
                _ => size(chunk),
            };
            of.repeated = of.repeated.max(longest.saturating_mul(in_row));
        }
        of.plain = of.plain.saturating_add(size(chunk));
    }
    let sum = |part: fn(&Longest) -> u64| of_columns.iter().map(part).fold(0, u64::saturating_add);
    let (repeated, shared) = (sum(|of| of.repeated), sum(|of| of.shared));
    let all = repeated.saturating_add(shared).saturating_mul(wanted as u64);
    if all.saturating_add(sum(|of| of.plain)) <= most {
        return Ok(wanted);
    }
    let rows =
        |of_row: u64| usize::try_from(BUDGET.min(most) / of_row.max(1)).unwrap_or(usize::MAX);
    Ok(wanted.min(rows(repeated).max(1)).min(rows(shared).max(LEAST_SHARED)))
}

/// Returns the decompressed size of a chunk, in bytes.
fn size(chunk: &ColumnChunkMetaData) -> u64 {
    u64::try_from(chunk.uncompressed_size()).unwrap_or(0)
}

fn has_dictionary(chunk: &ColumnChunkMetaData) -> bool {
    let is_of_dictionary =
        |encoding| matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    chunk.dictionary_page_offset().is_some() || chunk.encodings().any(is_of_dictionary)
}

/// Returns the length of the longest text in a dictionary page, where each text follows its length.
fn longest_in(mut page: &[u8]) -> u64 {
    let mut longest = 0;
    while let Some((length, rest)) = page.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(length);
        page = rest.get(length as usize..).unwrap_or_default();
    }
    longest.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_of_a_page_is_found_in_whatever_stands_there() {
        assert_eq!(longest_in(b""), 0);
        assert_eq!(longest_in(b"\x01\0\0\0a\x03\0\0\0abc\x02\0\0\0ab"), 3);
        assert_eq!(longest_in(b"\x01\0\0\0a\xff\xff\xff\xffabc"), u64::from(u32::MAX));
        assert_eq!(longest_in(b"\x01\0"), 0);
    }
}
