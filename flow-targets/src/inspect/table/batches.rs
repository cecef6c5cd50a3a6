//! Reads tables as batches of rows.

use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::reader::Format as CsvFormat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use flate2::read::MultiGzDecoder;
use regex::Regex;

use super::contained;
use super::csv_rows::{CountedRows, count_rows};
use crate::inspect::{Format, InspectError, OutputFile};

/// The rows of a batch of a CSV or Parquet file.
const BATCH: usize = 8192;

/// The bytes of a batch, if the bytes that may be read are limited.
const BATCH_BYTES: u64 = 8 << 20;

/// How a table is opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Opening {
    /// The most rows that are read; `None` for all.
    pub(super) rows: Option<u64>,
    /// About the most bytes that are read; `None` for all.
    pub(super) bytes: Option<u64>,
    /// The positions of the columns that are read; `None` for all.
    pub(super) columns: Option<Range<usize>>,
    /// Whether the cells of a CSV file are text.
    pub(super) is_text: bool,
}

impl Opening {
    /// Returns the positions of the columns in a schema; `None` for all. At least one column is read: the last one, if the range
    /// begins after it.
    pub(super) fn projection(&self, schema: &Schema) -> Option<Vec<usize>> {
        let (range, count) = (self.columns.as_ref()?, schema.fields().len());
        let start = range.start.min(count.checked_sub(1)?);
        let end = range.end.clamp(start + 1, count);
        (end - start < count).then(|| (start..end).collect())
    }

    /// Returns the rows that may be read, if a row has about `row` bytes.
    pub(super) fn limit(&self, row: u64) -> Option<u64> {
        let by_bytes = self.bytes.map(|bytes| (bytes / row.max(1)).max(1));
        [self.rows, by_bytes].into_iter().flatten().min()
    }

    /// Returns the rows of a batch, if a row has about `row` bytes. `limit` is the number of rows that may be read.
    pub(super) fn batch(&self, row: u64, limit: Option<u64>) -> usize {
        let by_bytes = self.bytes.map_or(u64::MAX, |_| BATCH_BYTES / row.max(1));
        let rows = by_bytes.min(limit.map_or(u64::MAX, |limit| limit.saturating_add(1)));
        usize::try_from(rows).unwrap_or(BATCH).clamp(1, BATCH)
    }
}

/// Returns the number of rows to ask a reader for: one more than the limit shows that there are more.
fn asked(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX / 2).min(usize::MAX / 2) + 1
}

/// The rows of a table, read one batch after another, returned by [`OutputFile::batches`].
///
/// After an error it ends.
pub struct Batches {
    path: PathBuf,
    schema: SchemaRef,
    total: Option<u64>,
    /// The number of columns of the table, of which `schema` may have a part.
    all_columns: usize,
    /// The number of rows that may be read. There may be one more.
    limit: Option<u64>,
    /// Whether the table has more rows than the reader gets, because these have as many bytes as may be read.
    is_cut: bool,
    /// Without them, there are no more.
    batches: Option<Reader>,
}

type Reader = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

impl Batches {
    /// Returns the columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns the number of all rows, if the format knows it without reading them.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn all_columns(&self) -> usize {
        self.all_columns
    }

    pub(super) fn limit(&self) -> Option<u64> {
        self.limit
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }
}

impl Iterator for Batches {
    type Item = Result<RecordBatch, InspectError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.batches.as_mut()?;
        let path = &self.path;
        let next = contained(path, || {
            batches.next().transpose().map_err(|error| InspectError::damaged(path, error))
        });
        if !matches!(next, Ok(Some(_))) {
            self.batches = None;
        }
        next.transpose()
    }
}

impl OutputFile {
    /// Returns the columns of a table. Of a CSV file, all rows are read, as by [`batches`](Self::batches).
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn schema(&self) -> Result<SchemaRef, InspectError> {
        Ok(Arc::clone(self.batches()?.schema()))
    }

    /// Opens a table, to read all of its rows.
    ///
    /// The types of the columns of a CSV file are inferred from all rows. A column that the program knows to be text stays
    /// text, even if its cells look like numbers.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn batches(&self) -> Result<Batches, InspectError> {
        self.open_table(&Opening::default())
    }

    /// Opens a table, to read its first rows. The cells of a CSV file are text.
    pub(super) fn first_batches(&self, rows: usize) -> Result<Batches, InspectError> {
        self.open_table(&Opening { rows: Some(rows as u64), is_text: true, ..Opening::default() })
    }

    /// Opens a table, to read a part of it.
    pub(super) fn open_table(&self, how: &Opening) -> Result<Batches, InspectError> {
        contained(self.path(), || open(self, how))
    }
}

fn open(file: &OutputFile, how: &Opening) -> Result<Batches, InspectError> {
    let format = file.format();
    match format {
        Format::Arrow => arrow(file, how),
        Format::Parquet => parquet(file, how),
        Format::Csv | Format::CsvGz => csv(file, format, how),
        Format::Json | Format::Text | Format::Other => {
            Err(InspectError::NotTable { path: file.path().to_owned() })
        }
    }
}

/// Returns the columns of a schema that are read.
fn projected(schema: &SchemaRef, columns: Option<&[usize]>) -> Result<SchemaRef, ArrowError> {
    match columns {
        Some(columns) => Ok(Arc::new(schema.project(columns)?)),
        None => Ok(Arc::clone(schema)),
    }
}

fn csv(file: &OutputFile, format: Format, how: &Opening) -> Result<Batches, InspectError> {
    let damaged = |error: ArrowError| InspectError::damaged(file.path(), error);
    let rows = csv_rows(file, format, how)?;
    let (row, limit) = (rows.bytes / rows.rows.max(1), how.rows);
    let schema = match how.is_text {
        true => text_schema(file, format, rows.bytes)?,
        false => inferred_schema(file, format, rows.bytes, limit.map(asked))?,
    };
    let columns = how.projection(&schema);
    let mut builder = arrow::csv::ReaderBuilder::new(Arc::clone(&schema))
        .with_header(file.source.csv.header)
        .with_delimiter(file.source.csv.delimiter)
        .with_batch_size(how.batch(row, limit));
    if let Some(limit) = limit {
        builder = builder.with_bounds(0, asked(limit));
    }
    if let Some(null) = null(file)? {
        builder = builder.with_null_regex(null);
    }
    let read = projected(&schema, columns.as_deref()).map_err(damaged)?;
    if let Some(columns) = columns {
        builder = builder.with_projection(columns);
    }
    let text = content(file, format)?.take(rows.bytes);
    let reader = builder.build(text).map_err(damaged)?;
    Ok(Batches {
        path: file.path().to_owned(),
        all_columns: schema.fields().len(),
        schema: read,
        total: None,
        limit,
        is_cut: rows.is_cut,
        batches: Some(Box::new(reader)),
    })
}

/// The first bytes of a stream of Arrow IPC, which other programs write to files, too.
const STREAM: [u8; 4] = [0xff; 4];

/// Opens an Arrow IPC file, or a stream in a file.
fn arrow(file: &OutputFile, how: &Opening) -> Result<Batches, InspectError> {
    let io = |error| InspectError::io(file.path(), error);
    let damaged = |error: ArrowError| InspectError::damaged(file.path(), error);
    let mut start = Vec::new();
    file.open()?.take(STREAM.len() as u64).read_to_end(&mut start).map_err(io)?;
    let open = || Ok::<_, InspectError>(BufReader::new(file.open()?));
    // The columns that are read depend on the schema, so the readers are built again if these are not all.
    let (schema, columns, batches): (_, _, Reader) = if start == STREAM {
        let mut reader = StreamReader::try_new(open()?, None).map_err(damaged)?;
        let schema = reader.schema();
        let columns = how.projection(&schema);
        if columns.is_some() {
            reader = StreamReader::try_new(open()?, columns.clone()).map_err(damaged)?;
        }
        (schema, columns, Box::new(reader) as Reader)
    } else {
        let mut reader = FileReader::try_new(open()?, None).map_err(damaged)?;
        let schema = reader.schema();
        let columns = how.projection(&schema);
        if columns.is_some() {
            reader = FileReader::try_new(open()?, columns.clone()).map_err(damaged)?;
        }
        (schema, columns, Box::new(reader) as Reader)
    };
    Ok(Batches {
        path: file.path().to_owned(),
        all_columns: schema.fields().len(),
        schema: projected(&schema, columns.as_deref()).map_err(damaged)?,
        total: None,
        limit: how.limit(1),
        is_cut: false,
        batches: Some(batches),
    })
}

#[cfg(feature = "parquet")]
fn parquet(file: &OutputFile, how: &Opening) -> Result<Batches, InspectError> {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open()?);
    let mut builder = builder.map_err(|error| InspectError::damaged(file.path(), error))?;
    let row = parquet_row(builder.metadata());
    let limit = how.limit(row);
    if let Some(rows) = limit {
        builder = builder.with_limit(asked(rows)).with_batch_size(how.batch(row, limit));
    }
    parquet_batches(file, builder, how, limit)
}

/// A Parquet file whose metadata was read.
#[cfg(feature = "parquet")]
pub(super) type ParquetBuilder =
    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder<std::fs::File>;

/// Returns the rows that the builder of a reader selects.
#[cfg(feature = "parquet")]
pub(super) fn parquet_batches(
    file: &OutputFile,
    mut builder: ParquetBuilder,
    how: &Opening,
    limit: Option<u64>,
) -> Result<Batches, InspectError> {
    use parquet::arrow::ProjectionMask;

    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
    let schema = Arc::clone(builder.schema());
    let columns = how.projection(&schema);
    let read = projected(&schema, columns.as_deref());
    let read = read.map_err(|error| InspectError::damaged(file.path(), error))?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns);
        builder = builder.with_projection(mask);
    }
    let reader = builder.build().map_err(|error| InspectError::damaged(file.path(), error))?;
    Ok(Batches {
        path: file.path().to_owned(),
        all_columns: schema.fields().len(),
        schema: read,
        total,
        limit,
        is_cut: false,
        batches: Some(Box::new(reader)),
    })
}

/// Returns about how many bytes a row of a Parquet file has, without compression.
#[cfg(feature = "parquet")]
pub(super) fn parquet_row(metadata: &parquet::file::metadata::ParquetMetaData) -> u64 {
    use parquet::file::metadata::RowGroupMetaData;

    let bytes: u64 = metadata
        .row_groups()
        .iter()
        .flat_map(RowGroupMetaData::columns)
        .map(|column| {
            // A dictionary has a long text once, and the rows that are read have it as often as it occurs.
            let texts = column.unencoded_byte_array_data_bytes().unwrap_or_default();
            u64::try_from(column.uncompressed_size().max(texts)).unwrap_or_default()
        })
        .fold(0, u64::saturating_add);
    let rows = u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default();
    bytes / rows.max(1)
}

#[cfg(not(feature = "parquet"))]
fn parquet(file: &OutputFile, _how: &Opening) -> Result<Batches, InspectError> {
    Err(InspectError::Unsupported { path: file.path().to_owned(), format: Format::Parquet })
}

/// Opens the text of a CSV file.
fn content(file: &OutputFile, format: Format) -> Result<Box<dyn Read + Send>, InspectError> {
    let file = BufReader::new(file.open()?);
    Ok(match format {
        Format::CsvGz => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// Returns the rows at the beginning of a CSV file that may be read, and one more than the limit.
fn csv_rows(file: &OutputFile, format: Format, how: &Opening) -> Result<CountedRows, InspectError> {
    let Some(bytes) = how.bytes else {
        return Ok(CountedRows { rows: u64::MAX, bytes: u64::MAX, is_cut: false });
    };
    let header = u64::from(file.source.csv.header);
    let most = how.rows.unwrap_or(u64::MAX).saturating_add(1).saturating_add(header);
    let rows = count_rows(content(file, format)?, file.source.csv.delimiter, most, bytes);
    let rows = rows.map_err(|error| InspectError::io(file.path(), error))?;
    match (rows.rows, rows.is_cut) {
        (0, true) => {
            let error = format!("its first row has more than {bytes} bytes");
            Err(InspectError::damaged(file.path(), error))
        }
        _ => Ok(rows),
    }
}

/// Returns the columns of a CSV file of whose text `bytes` are read, as text.
fn text_schema(file: &OutputFile, format: Format, bytes: u64) -> Result<SchemaRef, InspectError> {
    // The header alone is read.
    let header = schema(file, format, bytes, Some(0))?;
    let fields = header.fields().iter();
    let fields: Vec<_> =
        fields.map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// Returns the columns of a CSV file, with the types that fit all of their cells, or those of the first `rows`. A column that
/// the program knows to be text stays text.
fn inferred_schema(
    file: &OutputFile,
    format: Format,
    bytes: u64,
    rows: Option<usize>,
) -> Result<SchemaRef, InspectError> {
    let schema = schema(file, format, bytes, rows)?;
    let texts = file.source.text_columns(file.part())?;
    let fields = schema.fields().iter().enumerate().map(|(place, field)| match texts.get(place) {
        Some(true) => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        _ => Arc::clone(field),
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Infers the types of the columns of a CSV file from its first `rows`, or from all, within so many bytes of its text.
fn schema(
    file: &OutputFile,
    format: Format,
    bytes: u64,
    rows: Option<usize>,
) -> Result<Schema, InspectError> {
    let options = &file.source.csv;
    let csv_format = CsvFormat::default();
    let mut csv_format = csv_format.with_header(options.header).with_delimiter(options.delimiter);
    if let Some(null) = null(file)? {
        csv_format = csv_format.with_null_regex(null);
    }
    let inferred = csv_format.infer_schema(content(file, format)?.take(bytes), rows);
    let (schema, _) = inferred.map_err(|error| InspectError::damaged(file.path(), error))?;
    Ok(schema)
}

/// Returns the pattern of the cells that are null, if these are not the empty ones.
fn null(file: &OutputFile) -> Result<Option<Regex>, InspectError> {
    let pattern = |text: &String| Regex::new(&format!("^(?:{})$", regex::escape(text)));
    let null = file.source.csv.null.as_ref().map(pattern).transpose();
    null.map_err(|error| InspectError::damaged(file.path(), error))
}
