//! Reads the [stream format](https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format) of Arrow, in
//! which other programs send and store tables.
//!
//! A stream has the messages of a file without the footer that lists them. So the messages are
//! listed once, and read like those of a file. Only their headers are decoded for that.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::{Block, MessageHeader, root_as_message};

use super::content::Content;
use super::read::Footer;

/// The marker before the length of each message.
const MARK: [u8; 4] = [0xff; 4];

/// The bytes of the marker and the length.
const PREFIX: usize = 8;

/// Returns whether a file that begins with these bytes is a stream.
pub(super) fn is_stream(start: &[u8]) -> bool {
    start.starts_with(&MARK)
}

/// Lists the messages of a stream.
///
/// # Errors
///
/// The stream has no end, is damaged, or replaces a dictionary after batches that use it.
pub(super) fn footer(content: &Content) -> Result<Footer> {
    let shorter = "the file is shorter than its metadata says";
    let mut footer: Option<Footer> = None;
    let mut known = BTreeSet::new();
    let mut at = 0;
    loop {
        ensure!(
            at < content.len(),
            "the stream has no end marker: it was cut off, or its writer was not closed",
        );
        let length = length(&content.part(at, PREFIX)?)?;
        if length == 0 {
            break;
        }
        let head = content.part(at + PREFIX, length)?;
        let message = root_as_message(&head)
            .map_err(|error| anyhow!("a message cannot be read: {error:?}"))?;
        let body = usize::try_from(message.bodyLength()).context("a length is negative")?;
        let block =
            Block::new(i64::try_from(at)?, i32::try_from(PREFIX + length)?, message.bodyLength());
        let kind = message.header_type();
        if kind == MessageHeader::Schema && footer.is_none() {
            let schema = message.header_as_schema().context("a message has no schema")?;
            ensure!(
                schema.endianness().equals_to_target_endianness(),
                "the file was written by a machine of another byte order",
            );
            footer = Some(Footer {
                schema: Arc::new(try_fb_to_schema(schema)?),
                version: message.version(),
                dictionaries: Vec::new(),
                batches: Vec::new(),
            });
        } else {
            let footer = footer.as_mut().context("the stream does not begin with a schema")?;
            match kind {
                MessageHeader::DictionaryBatch => {
                    let dictionary = message.header_as_dictionary_batch();
                    let dictionary = dictionary.context("a message has no dictionary")?;
                    let is_new = known.insert(dictionary.id());
                    ensure!(
                        is_new || dictionary.isDelta(),
                        "the stream replaces a dictionary, which a table in memory cannot have; write \
                         it with one dictionary for each column",
                    );
                    footer.dictionaries.push(block);
                }
                MessageHeader::RecordBatch => footer.batches.push(block),
                kind => bail!("the stream has a message {kind:?} where it should have a batch"),
            }
        }
        let next = at.checked_add(PREFIX + length).and_then(|at| at.checked_add(body));
        at = next.filter(|next| *next <= content.len()).context(shorter)?;
    }
    ensure!(at + PREFIX == content.len(), "the file has more bytes after the end of the stream");
    footer.context("the stream has no schema")
}

/// Returns the length of a message from the bytes before it.
fn length(prefix: &[u8]) -> Result<usize> {
    let (mark, length) = prefix.split_first_chunk::<4>().context("a message is too short")?;
    ensure!(*mark == MARK, "the stream has something else where it should have a message");
    let length = length.first_chunk::<4>().context("a message is too short")?;
    usize::try_from(i32::from_le_bytes(*length)).context("a length is negative")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch};
    use arrow::datatypes::Int32Type;
    use arrow::ipc::writer::StreamWriter;

    use super::*;

    fn batch(texts: &[&str]) -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..texts.len() as i64));
        let texts: DictionaryArray<Int32Type> = texts.iter().copied().collect();
        let texts: ArrayRef = Arc::new(texts);
        RecordBatch::try_from_iter([("n", numbers), ("text", texts)]).unwrap()
    }

    fn stream(batches: &[RecordBatch]) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), batches[0].schema_ref()).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.into_inner().unwrap()
    }

    fn error(bytes: Vec<u8>) -> String {
        footer(&Content::of(bytes)).err().unwrap().to_string()
    }

    #[test]
    fn the_messages_of_a_stream_are_listed() {
        let one = batch(&["a", "b", "a"]);
        let bytes = stream(&[one.clone(), one.slice(1, 2)]);
        assert!(is_stream(&bytes));
        let footer = footer(&Content::of(bytes)).unwrap();
        assert_eq!((footer.dictionaries.len(), footer.batches.len()), (1, 2));
        assert_eq!(footer.schema, one.schema());
    }

    #[test]
    fn a_stream_that_is_cut_off_or_replaces_a_dictionary_is_an_error() {
        let bytes = stream(&[batch(&["a", "b"])]);
        let (whole, end) = bytes.split_at(bytes.len() - PREFIX);
        assert!(error(whole.to_vec()).contains("has no end marker"));
        assert!(error(whole[..whole.len() - 8].to_vec()).contains("shorter than its metadata"));
        assert!(error([whole, end, &[0; 8]].concat()).contains("more bytes after the end"));
        let replaced = stream(&[batch(&["a", "b"]), batch(&["c", "d"])]);
        assert!(error(replaced).contains("replaces a dictionary"));
    }
}
