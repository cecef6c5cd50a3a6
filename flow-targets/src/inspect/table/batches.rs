//! Reads tables as batches of rows.

use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::reader::Format as CsvFormat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{FileReader, StreamReader};
use flate2::read::MultiGzDecoder;
use regex::Regex;

use super::contained;
use crate::inspect::{Format, InspectError, OutputFile};

/// The rows of a batch of a CSV file.
const BATCH: usize = 8192;

/// The rows of a table, read one batch after another, returned by [`OutputFile::batches`].
///
/// After an error it ends.
pub struct Batches {
    path: PathBuf,
    schema: SchemaRef,
    total: Option<u64>,
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
        contained(self.path(), || open(self, None))
    }

    /// Opens a table, to read its first rows. The cells of a CSV file are text.
    pub(super) fn first_batches(&self, rows: usize) -> Result<Batches, InspectError> {
        contained(self.path(), || open(self, Some(rows)))
    }
}

/// Opens a table. Only the `first` rows are read, if that is given.
fn open(file: &OutputFile, first: Option<usize>) -> Result<Batches, InspectError> {
    let format = file.format();
    match format {
        Format::Arrow => arrow(file),
        Format::Parquet => parquet(file, first),
        Format::Csv | Format::CsvGz => {
            let schema = match first {
                Some(_) => text_schema(file, format)?,
                None => inferred_schema(file, format)?,
            };
            let mut builder = arrow::csv::ReaderBuilder::new(Arc::clone(&schema))
                .with_header(file.source.csv.header)
                .with_delimiter(file.source.csv.delimiter)
                .with_batch_size(first.unwrap_or(BATCH).clamp(1, BATCH));
            if let Some(null) = null(file)? {
                builder = builder.with_null_regex(null);
            }
            let reader = builder.build(csv(file, format)?);
            let reader = reader.map_err(|error| InspectError::damaged(file.path(), error))?;
            Ok(batches(file.path(), schema, None, reader))
        }
        Format::Json | Format::Text | Format::Other => {
            Err(InspectError::NotTable { path: file.path().to_owned() })
        }
    }
}

fn batches(
    path: &Path,
    schema: SchemaRef,
    total: Option<u64>,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
) -> Batches {
    Batches { path: path.to_owned(), schema, total, batches: Some(Box::new(batches)) }
}

/// The first bytes of a stream of Arrow IPC, which other programs write to files, too.
const STREAM: [u8; 4] = [0xff; 4];

/// Opens an Arrow IPC file, or a stream in a file.
fn arrow(file: &OutputFile) -> Result<Batches, InspectError> {
    let io = |error| InspectError::io(file.path(), error);
    let damaged = |error| InspectError::damaged(file.path(), error);
    let mut content = BufReader::new(file.open()?);
    let mut start = Vec::new();
    content.by_ref().take(STREAM.len() as u64).read_to_end(&mut start).map_err(io)?;
    content.rewind().map_err(io)?;
    if start == STREAM {
        let reader = StreamReader::try_new(content, None).map_err(damaged)?;
        return Ok(batches(file.path(), reader.schema(), None, reader));
    }
    let reader = FileReader::try_new(content, None).map_err(damaged)?;
    Ok(batches(file.path(), reader.schema(), None, reader))
}

#[cfg(feature = "parquet")]
fn parquet(file: &OutputFile, first: Option<usize>) -> Result<Batches, InspectError> {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open()?);
    let mut builder = builder.map_err(|error| InspectError::damaged(file.path(), error))?;
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
    if let Some(first) = first {
        builder = builder.with_limit(first).with_batch_size(first.clamp(1, BATCH));
    }
    let schema = Arc::clone(builder.schema());
    let reader = builder.build().map_err(|error| InspectError::damaged(file.path(), error))?;
    Ok(batches(file.path(), schema, total, reader))
}

#[cfg(not(feature = "parquet"))]
fn parquet(file: &OutputFile, _first: Option<usize>) -> Result<Batches, InspectError> {
    Err(InspectError::Unsupported { path: file.path().to_owned(), format: Format::Parquet })
}

/// Opens a CSV file.
fn csv(file: &OutputFile, format: Format) -> Result<Box<dyn Read + Send>, InspectError> {
    let file = BufReader::new(file.open()?);
    Ok(match format {
        Format::CsvGz => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// Returns the columns of a CSV file, as text.
fn text_schema(file: &OutputFile, format: Format) -> Result<SchemaRef, InspectError> {
    // The header alone is read.
    let header = schema(file, format, Some(0))?;
    let fields = header.fields().iter();
    let fields: Vec<_> =
        fields.map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// Returns the columns of a CSV file, with the types that fit all of their cells. A column that the program knows to be
/// text stays text.
fn inferred_schema(file: &OutputFile, format: Format) -> Result<SchemaRef, InspectError> {
    let schema = schema(file, format, None)?;
    let texts = file.source.text_columns(file.part())?;
    let fields = schema.fields().iter().enumerate().map(|(place, field)| match texts.get(place) {
        Some(true) => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
        _ => Arc::clone(field),
    });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

/// Infers the types of the columns of a CSV file from its first `rows`, or from all.
fn schema(file: &OutputFile, format: Format, rows: Option<usize>) -> Result<Schema, InspectError> {
    let options = &file.source.csv;
    let csv_format = CsvFormat::default();
    let mut csv_format = csv_format.with_header(options.header).with_delimiter(options.delimiter);
    if let Some(null) = null(file)? {
        csv_format = csv_format.with_null_regex(null);
    }
    let inferred = csv_format.infer_schema(csv(file, format)?, rows);
    let (schema, _) = inferred.map_err(|error| InspectError::damaged(file.path(), error))?;
    Ok(schema)
}

/// Returns the pattern of the cells that are null, if these are not the empty ones.
fn null(file: &OutputFile) -> Result<Option<Regex>, InspectError> {
    let pattern = |text: &String| Regex::new(&format!("^(?:{})$", regex::escape(text)));
    let null = file.source.csv.null.as_ref().map(pattern).transpose();
    null.map_err(|error| InspectError::damaged(file.path(), error))
}
