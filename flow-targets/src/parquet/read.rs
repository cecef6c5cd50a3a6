//! Reads tables: whole, batch by batch, or some columns.

use std::fs::File;
use std::iter;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail, ensure};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
use arrow::datatypes::{Schema, SchemaRef};
use flow_core::{Digest, Pieces, Source};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;

use super::{FORMAT, LENGTHS, PARTITIONS, texts, write};
use crate::digests;
use crate::limit::Limit;
use crate::table::{Counted, Cut, Recut, Stored, Wanted, find, projected, wanted_columns, width};

/// How many rows are read at once if the value does not determine it.
const STEP: usize = 64 * 1024;

const FEWER: &str = "the file has fewer rows than its metadata says";

/// The metadata of a file, which is read once, even if the batches are read several times.
#[derive(Clone)]
struct Footer {
    metadata: ArrowReaderMetadata,
    /// The schema that was given to the writer.
    schema: SchemaRef,
    /// The columns that are read, in the order of the file; all of them if `None`.
    roots: Option<Vec<usize>>,
    rows: usize,
    /// The size of the file.
    bytes: u64,
}

/// Returns the table of a file, with its batches cut as the value needs them.
///
/// A `limit` is given if the table will be in memory as a whole. `row` is the size of the Rust type
/// of a row, in bytes. `wanted` are the fields of a row, if no other columns have to be read.
pub(crate) fn stored(
    source: &Source,
    cut: Cut,
    limit: Option<Limit>,
    row: Option<usize>,
    wanted: Option<&Wanted>,
) -> Result<Stored> {
    let footer = Footer::read(source)?.projected(wanted)?;
    if let Some(limit) = limit {
        footer.check(&footer.schema, limit)?;
        write::check_width(footer.rows, row.unwrap_or(0) as u64, limit, footer.bytes)?;
    }
    let schema = footer.schema.clone();
    let most = limit.map(|limit| limit.table(footer.bytes));
    let stored =
        Stored::new(schema, source, FORMAT, move |source| footer.batches(source, cut, most));
    #[cfg(feature = "polars")]
    let stored = stored.scanned_by(crate::frames::scan_parquet);
    Ok(stored.within(most))
}

/// Returns the digest of the shape of a table, from the metadata of its file.
pub(super) fn shape(source: &Source) -> Result<Digest> {
    let footer = Footer::read(source)?;
    Ok(digests::shape(&footer.schema, footer.rows as u64))
}

/// Reads the columns with these names. Pages of other columns are not read.
pub(crate) fn columns(source: &Source, names: &[&str], limit: Limit) -> Result<RecordBatch> {
    let footer = Footer::read(source)?;
    let at = find(&footer.schema, names)?;
    let schema = Arc::new(projected(&footer.schema, &at)?);
    footer.check(&schema, limit)?;
    if at.is_empty() {
        return without_columns(&schema, footer.rows);
    }
    footer.check_codecs(Some(&at))?;
    let builder = footer.open(source)?;
    let roots = ProjectionMask::roots(builder.parquet_schema(), at.iter().copied());
    // A single step produces a single batch without a copy, unless that may exceed the limit.
    let most = limit.table(footer.bytes);
    let is_read = |leaf: usize| at.contains(&builder.parquet_schema().get_column_root_idx(leaf));
    let metadata = footer.metadata.metadata();
    let step = texts::step(source, metadata, footer.rows.max(1), Some(most), is_read)?;
    let reader = builder.with_projection(roots).with_batch_size(step).build()?;
    let mut counted = Counted::columns(Some(most), width(&schema));
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch?;
        counted.add(&batch)?;
        batches.push(batch);
    }
    let batch = match batches.len() {
        0 => {
            ensure!(footer.rows == 0, "{FEWER}");
            return Ok(RecordBatch::new_empty(schema));
        }
        1 => batches.remove(0),
        _ => concat_batches(&batches[0].schema(), &batches)?,
    };
    ensure!(batch.num_rows() == footer.rows, "{FEWER}");
    // The reader returns the columns in the order of the file.
    let before = |place| at.iter().filter(|other| *other < place).count();
    let columns = at.iter().map(|place| batch.column(before(place)).clone()).collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Returns an entry of the file's own metadata.
pub(crate) fn metadata(source: &Source, key: &str) -> Result<Option<String>> {
    let footer = Footer::read(source)?;
    let pairs = footer.metadata.metadata().file_metadata().key_value_metadata();
    let pair = pairs.and_then(|pairs| pairs.iter().find(|pair| pair.key == key));
    Ok(pair.and_then(|pair| pair.value.clone()))
}

impl Footer {
    fn read(source: &Source) -> Result<Self> {
        let file = source.open()?;
        let bytes = file.metadata()?.len();
        let metadata = ArrowReaderMetadata::load(&file, Default::default())?;
        let rows = usize::try_from(metadata.metadata().file_metadata().num_rows())
            .context("the file says that it has a negative number of rows")?;
        let schema = without_note(metadata.schema());
        let mut footer = Self { schema, metadata, rows, bytes, roots: None };
        if footer.schema.fields().is_empty() {
            footer.rows = footer.lengths_without_columns()?.into_iter().sum();
        }
        Ok(footer)
    }

    /// Returns the metadata with the columns that the fields of a row need, so that no others are read.
    fn projected(self, wanted: Option<&Wanted>) -> Result<Self> {
        let Some(roots) = wanted_columns(wanted, &self.schema) else { return Ok(self) };
        let schema = Arc::new(self.schema.project(&roots)?);
        Ok(Self { schema, roots: Some(roots), ..self })
    }

    /// Returns an error if these columns are larger than the limit.
    ///
    /// It checks what the file claims, before any memory is allocated for it.
    fn check(&self, columns: &Schema, limit: Limit) -> Result<()> {
        write::check_width(self.rows, width(columns), limit, self.bytes)
    }

    fn open(&self, source: &Source) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        let metadata = self.metadata.clone();
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(source.open()?, metadata))
    }

    /// Returns an error if a column is compressed by a codec that is not compiled in.
    ///
    /// `roots` are the columns to check; `None` means all.
    fn check_codecs(&self, roots: Option<&[usize]>) -> Result<()> {
        let descriptor = self.metadata.metadata().file_metadata().schema_descr();
        for group in self.metadata.metadata().row_groups() {
            for (i, column) in group.columns().iter().enumerate() {
                if roots.is_none_or(|roots| roots.contains(&descriptor.get_column_root_idx(i))) {
                    check_codec(column.compression())
                        .with_context(|| format!("column `{}`", column.column_path().string()))?;
                }
            }
        }
        Ok(())
    }

    fn batches(&self, source: &Source, cut: Cut, most: Option<u64>) -> Result<Pieces<RecordBatch>> {
        self.check_codecs(self.roots.as_deref())?;
        let schema = self.schema.clone();
        if schema.fields().is_empty() {
            let lengths = self.lengths_without_columns()?.into_iter();
            return Ok(Box::new(lengths.map(move |rows| without_columns(&schema, rows))));
        }
        let lengths = match (cut, self.note()) {
            (Cut::Anywhere, _) => None,
            (Cut::Whole, _) => Some(vec![self.rows]),
            (Cut::Kept, Some(note)) => {
                let batch = size_of::<RecordBatch>() + size_of::<usize>();
                let most = most.map_or(usize::MAX, |most| (most / batch as u64) as usize);
                Some(write::lengths(note, Some(self.rows), most)?)
            }
            (Cut::Kept, None) => Some(self.row_groups()),
        };
        // If batches are read in the lengths that are needed, they are not copied.
        let step = lengths.iter().flatten().copied().max().unwrap_or(STEP).max(1);
        let mut builder = self.open(source)?;
        let descriptor = self.metadata.metadata().file_metadata().schema_descr();
        let is_read = |leaf: usize| {
            let roots = self.roots.as_ref();
            roots.is_none_or(|roots| roots.contains(&descriptor.get_column_root_idx(leaf)))
        };
        let step = texts::step(source, self.metadata.metadata(), step, most, is_read)?;
        if let Some(roots) = &self.roots {
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
            builder = builder.with_projection(mask);
        }
        let of = schema.clone();
        let reader = builder.with_batch_size(step).build()?;
        // A batch that is joined from several is counted before it is joined.
        let mut counted = Counted::columns(most.filter(|_| lengths.is_some()), width(&schema));
        let each = reader.map(move |batch| {
            let batch = named(&of, &batch?)?;
            counted.add(&batch).map(|()| batch)
        });
        Ok(match lengths {
            Some(lengths) => Box::new(Recut::new(each, schema, lengths)),
            None => Box::new(complete(each, self.rows)),
        })
    }

    /// Returns the lengths of the batches of a table without columns, which only the metadata
    /// records.
    fn lengths_without_columns(&self) -> Result<Vec<usize>> {
        write::lengths(self.note().unwrap_or_default(), None, usize::MAX)
    }

    fn note(&self) -> Option<&str> {
        let pairs = self.metadata.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == LENGTHS)?.value.as_deref()
    }

    fn row_groups(&self) -> Vec<usize> {
        let rows = |group: i64| usize::try_from(group).unwrap_or(0);
        let groups = self.metadata.metadata().row_groups();
        groups.iter().map(|group| rows(group.num_rows())).collect()
    }
}

fn check_codec(codec: Compression) -> Result<()> {
    match codec {
        Compression::BROTLI(_) if cfg!(not(feature = "brotli")) => bail!(
            "it is compressed by Brotli, which is not compiled in: enable the feature `brotli` of \
             `typed-flow`, or write the file with another codec, such as Zstandard",
        ),
        Compression::LZO => bail!(
            "it is compressed by LZO, which cannot be read: write the file with another codec, such as \
             Zstandard",
        ),
        _ => Ok(()),
    }
}

/// Passes batches on, and ends with an error if they do not have `rows` rows.
fn complete(
    mut batches: impl Iterator<Item = Result<RecordBatch>>,
    rows: usize,
) -> impl Iterator<Item = Result<RecordBatch>> {
    let mut missing = Some(rows);
    iter::from_fn(move || match batches.next() {
        Some(Ok(batch)) => {
            missing = missing.and_then(|rows| rows.checked_sub(batch.num_rows()));
            Some(missing.map(|_| batch).context("the file has more rows than its metadata says"))
        }
        None if missing.is_some_and(|rows| rows > 0) => {
            missing = None;
            Some(Err(anyhow!("{FEWER}")))
        }
        other => other,
    })
}

fn without_note(schema: &SchemaRef) -> SchemaRef {
    if ![LENGTHS, PARTITIONS].iter().any(|key| schema.metadata().contains_key(key)) {
        return schema.clone();
    }
    let mut metadata = schema.metadata().clone();
    metadata.retain(|key, _| key != LENGTHS && key != PARTITIONS);
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

/// Returns the batch with the schema's metadata, which the reader omits.
fn named(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
    Ok(RecordBatch::try_new(schema.clone(), batch.columns().to_vec())?)
}

fn without_columns(schema: &SchemaRef, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), Vec::new(), &options)?)
}
