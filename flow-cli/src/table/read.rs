//! Reads tables as batches of rows.

use std::io::{BufReader, Read};
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::csv::reader::Format as CsvFormat;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use flate2::read::MultiGzDecoder;

use crate::error::CliError;
use crate::format::Format;
use crate::output::OutputFile;

/// The rows of a batch of a CSV file.
const BATCH: usize = 8192;

/// Rows that are read one batch after another.
pub(crate) struct Rows {
    pub(crate) schema: SchemaRef,
    /// The number of all rows, if the format knows it without reading them.
    pub(crate) total: Option<u64>,
    pub(crate) batches: Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>>>,
}

impl Rows {
    /// Opens a table. Only the `first` rows are read, if that is given.
    ///
    /// The cells of a CSV file are text if `first` is given. Otherwise the types of its columns are inferred from all
    /// rows.
    pub(crate) fn open(
        file: &OutputFile,
        format: Format,
        first: Option<usize>,
    ) -> Result<Self, CliError> {
        let rows = match format {
            Format::Arrow => arrow(file)?,
            Format::Parquet => parquet(file, first)?,
            Format::Csv | Format::CsvGz => {
                let schema = match first {
                    Some(_) => text_schema(file, format),
                    None => inferred_schema(file, format),
                };
                let schema = schema.with_context(|| unreadable(file))?;
                let reader = arrow::csv::ReaderBuilder::new(Arc::clone(&schema))
                    .with_header(file.csv.header)
                    .with_delimiter(file.csv.delimiter)
                    .with_batch_size(first.unwrap_or(BATCH).clamp(1, BATCH))
                    .build(csv(file, format)?)
                    .with_context(|| unreadable(file))?;
                Self { schema, total: None, batches: Box::new(reader) }
            }
            Format::Json | Format::Text | Format::Other => {
                return Err(CliError::usage(format!("{} is not a table", file.path.display())));
            }
        };
        Ok(rows)
    }
}

fn unreadable(file: &OutputFile) -> String {
    format!("cannot read {}", file.path.display())
}

/// Opens an Arrow IPC file.
fn arrow(file: &OutputFile) -> Result<Rows, CliError> {
    let reader = FileReader::try_new(BufReader::new(file.open()?), None);
    let reader = reader.with_context(|| unreadable(file))?;
    Ok(Rows { schema: reader.schema(), total: None, batches: Box::new(reader) })
}

#[cfg(feature = "parquet")]
fn parquet(file: &OutputFile, first: Option<usize>) -> Result<Rows, CliError> {
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open()?);
    let mut builder = builder.with_context(|| unreadable(file))?;
    let total = u64::try_from(builder.metadata().file_metadata().num_rows()).ok();
    if let Some(first) = first {
        builder = builder.with_limit(first).with_batch_size(first.clamp(1, BATCH));
    }
    let schema = Arc::clone(builder.schema());
    let reader = builder.build().with_context(|| unreadable(file))?;
    Ok(Rows { schema, total, batches: Box::new(reader) })
}

#[cfg(not(feature = "parquet"))]
fn parquet(file: &OutputFile, _first: Option<usize>) -> Result<Rows, CliError> {
    Err(anyhow::anyhow!("this program reads no Parquet files: {}", file.path.display()).into())
}

/// Opens a CSV file.
fn csv(file: &OutputFile, format: Format) -> Result<Box<dyn Read>, CliError> {
    let file = BufReader::new(file.open()?);
    Ok(match format {
        Format::CsvGz => Box::new(MultiGzDecoder::new(file)),
        _ => Box::new(file),
    })
}

/// Returns the columns of a CSV file, as text.
fn text_schema(file: &OutputFile, format: Format) -> anyhow::Result<SchemaRef> {
    // The header alone is read.
    let (header, _) = csv_format(file).infer_schema(csv(file, format)?, Some(0))?;
    let fields = header.fields().iter();
    let fields: Vec<_> =
        fields.map(|field| Field::new(field.name(), DataType::Utf8, true)).collect();
    Ok(Arc::new(Schema::new(fields)))
}

/// Returns the columns of a CSV file, with the types that fit all of their cells. A column that the program knows to be
/// text stays text, even if its cells look like numbers.
fn inferred_schema(file: &OutputFile, format: Format) -> anyhow::Result<SchemaRef> {
    let (schema, _) = csv_format(file).infer_schema(csv(file, format)?, None)?;
    let fields =
        schema.fields().iter().enumerate().map(|(place, field)| match file.texts.get(place) {
            Some(true) => Arc::new(Field::new(field.name(), DataType::Utf8, true)),
            _ => Arc::clone(field),
        });
    Ok(Arc::new(Schema::new(fields.collect::<Vec<_>>())))
}

fn csv_format(file: &OutputFile) -> CsvFormat {
    CsvFormat::default().with_header(file.csv.header).with_delimiter(file.csv.delimiter)
}
