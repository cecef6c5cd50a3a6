//! Writes tables batch by batch into the sink.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};
use arrow::datatypes::{DataType, Schema};
use flow_core::Sink;
use parquet::arrow::arrow_writer::ArrowWriter;
use parquet::arrow::{
    ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, encode_arrow_schema, parquet_to_arrow_schema,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::{LENGTHS, Parquet, Statistics};
use crate::digests::Digests;
use crate::limit::{self, Limit};
use crate::table::{Cut, width};

pub(super) fn write<T>(target: &Parquet<T>, value: &T, sink: &mut Sink<'_>) -> Result<()> {
    let properties = properties(target)?;
    let table = (target.way.batches)(value)?;
    check(&table.schema)?;

    // A file without columns has no rows either, so that only the metadata records their number.
    let columns = !table.schema.fields().is_empty();
    let mut lengths = Vec::new();
    let width = width(&table.schema);
    // The final size of the file is not known yet. The count is compared with the limit at the end.
    let mut counted = target.way.counted((!target.way.stream).then_some(u64::MAX), &table.schema);
    let mut digests = Digests::new(&table.schema);
    let mut writer = ArrowWriter::try_new(&mut *sink, table.schema, Some(properties))?;
    for batch in table.each {
        let batch = batch?;
        (target.way.check_back)(&batch)?;
        lengths.push(batch.num_rows());
        counted.add(&batch)?;
        digests.add(&batch);
        if columns {
            writer.write(&batch)?;
        }
    }
    if target.way.cut == Cut::Kept || !columns {
        let empty = lengths.iter().filter(|length| **length == 0).count();
        ensure!(
            empty <= MOST_EMPTY,
            "{empty} batches have no rows, and a file keeps {MOST_EMPTY} at most"
        );
        writer.append_key_value_metadata(KeyValue::new(LENGTHS.to_owned(), note(&lengths)));
    }
    writer.finish()?;
    let file = writer.bytes_written() as u64;
    drop(writer);
    sink.set_columns(digests.finish());
    if !target.way.stream {
        let rows: usize = lengths.iter().sum();
        check_width(rows, width, target.limit, file)?;
        counted.check(target.limit.table(file))?;
    }
    Ok(())
}

/// Returns an error if `rows` rows of `width` bytes are more than the limit of a file of `file`
/// bytes.
pub(super) fn check_width(rows: usize, width: u64, limit: Limit, file: u64) -> Result<()> {
    let bytes = (rows as u64).saturating_mul(width);
    limit::check("in memory, the table takes", bytes, limit.table(file))
}

/// Returns how the files of a target are written.
pub(crate) fn properties<T>(target: &Parquet<T>) -> Result<WriterProperties> {
    ensure!(target.row_group_rows > 0, "row_group_rows = 0: a row group has one row at least");
    Ok(WriterProperties::builder()
        .set_compression(target.compression.codec()?)
        .set_max_row_group_row_count(Some(target.row_group_rows))
        .set_dictionary_enabled(target.dictionary)
        .set_statistics_enabled(match target.statistics {
            Statistics::Off => EnabledStatistics::None,
            Statistics::RowGroup => EnabledStatistics::Chunk,
            Statistics::Page => EnabledStatistics::Page,
        })
        .build())
}

/// Returns an error if a column would come back with another type.
pub(crate) fn check(schema: &Schema) -> Result<()> {
    for field in schema.fields() {
        let (name, data_type) = (field.name(), field.data_type());
        ensure!(
            !has(data_type, &|inner| matches!(inner, DataType::Union(..))),
            "column `{name}` is of type {data_type}, which Parquet does not have (of a Rust type, it is \
             an enum whose variants hold data); `Json` and `Pickle` keep any value",
        );
        // The writer panics for this type.
        ensure!(
            !has(data_type, &|inner| *inner == DataType::FixedSizeBinary(0)),
            "column `{name}` is of type {data_type}, and Parquet has no bytes of length zero: cast it to \
             `Binary`, or use `ArrowIpc`",
        );
    }
    let columns = ArrowSchemaConverter::new().convert(schema)?;
    let hint = vec![KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(schema))];
    let back = parquet_to_arrow_schema(&columns, Some(&hint))?;
    for (field, back) in schema.fields().iter().zip(back.fields()) {
        if field != back {
            bail!(
                "column `{}` is of type {}, which would come back as {}: cast it before",
                field.name(),
                field.data_type(),
                back.data_type(),
            );
        }
    }
    Ok(())
}

/// Returns whether a type, or one nested in it, satisfies `such`.
fn has(data_type: &DataType, such: &impl Fn(&DataType) -> bool) -> bool {
    such(data_type)
        || match data_type {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::LargeListView(item)
            | DataType::FixedSizeList(item, _)
            | DataType::Map(item, _)
            | DataType::RunEndEncoded(_, item) => has(item.data_type(), such),
            DataType::Struct(fields) => fields.iter().any(|field| has(field.data_type(), such)),
            DataType::Dictionary(_, values) => has(values, such),
            _ => false,
        }
}

/// Formats the lengths of batches: `100*8,37` is eight batches of 100 rows and one of 37.
fn note(lengths: &[usize]) -> String {
    let mut text = String::new();
    for run in lengths.chunk_by(|a, b| a == b) {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a string cannot fail.
        let _ = match run.len() {
            1 => write!(text, "{}", run[0]),
            count => write!(text, "{}*{count}", run[0]),
        };
    }
    text
}

/// The most batches without rows that a file may have.
const MOST_EMPTY: usize = 1 << 16;

/// Parses the lengths that [`note`] wrote.
///
/// There may be at most `most`, and they must add up to `rows` if that is known.
pub(super) fn lengths(text: &str, rows: Option<usize>, most: usize) -> Result<Vec<usize>> {
    // Each other batch has at least one row.
    let most = most.min(rows.unwrap_or(1 << 24).saturating_add(MOST_EMPTY));
    let mut lengths = Vec::new();
    let mut sum = 0_usize;
    for run in text.split(',').filter(|run| !run.is_empty()) {
        let (length, count) = run.split_once('*').unwrap_or((run, "1"));
        let parsed = || Some((length.parse::<usize>().ok()?, count.parse::<usize>().ok()?));
        let (length, count) =
            parsed().with_context(|| format!("invalid lengths of batches: `{text}`"))?;
        ensure!(
            count <= most - lengths.len(),
            "the file says that it has more than {most} batches, and is too small for them",
        );
        sum = length
            .checked_mul(count)
            .and_then(|more| sum.checked_add(more))
            .with_context(|| format!("invalid lengths of batches: `{text}`"))?;
        ensure!(
            rows.is_none_or(|rows| sum <= rows),
            "the file says that its batches have `{text}` rows, and has fewer",
        );
        lengths.extend(std::iter::repeat_n(length, count));
    }
    ensure!(
        rows.is_none_or(|rows| sum == rows),
        "the file says that its batches have `{text}` rows, and has more",
    );
    Ok(lengths)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lengths_come_back() {
        for written in [vec![], vec![0], vec![5], vec![3, 3, 3, 1, 0, 0], vec![7, 8]] {
            let sum = written.iter().sum();
            assert_eq!(lengths(&note(&written), Some(sum), 1000).unwrap(), written);
            assert!(lengths(&note(&written), Some(sum + 1), 1000).is_err());
        }
        assert_eq!(note(&[100, 100, 37]), "100*2,37");
        assert!(lengths("9*9*9", None, 1000).is_err());
        assert!(lengths("0*16777216,0*16777216", Some(5), usize::MAX).is_err());
        assert!(lengths("1*5", Some(5), 4).is_err());
        assert!(lengths("18446744073709551615*2", None, 1000).is_err());
    }
}
