//! Reads tables: whole, batch by batch, or some columns.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, MetadataVersion, root_as_footer};
use flow_core::{Digest, Pieces, Source};

use super::FORMAT;
use super::claims::Claims;
use super::content::Content;
use super::stream::{self, is_stream};
use crate::digests;
use crate::limit::Limit;
use crate::table::{Cut, Stored, Wanted, find, joined, projected, wanted_columns};

/// The most rows in a batch of a stream.
const STEP: usize = 64 * 1024;

/// The length of the file's trailer: the length of the footer, and the magic string of the format.
const TRAILER: usize = 10;

/// How many bytes show what a file is.
const START: usize = 8;

/// The first bytes of a Feather file of version 1, another format.
const FEATHER_1: &[u8] = b"FEA1";

/// The positions of all parts of a file. It is read once, even if the batches are read several
/// times.
pub(super) struct Footer {
    pub(super) schema: SchemaRef,
    pub(super) version: MetadataVersion,
    pub(super) dictionaries: Vec<Block>,
    pub(super) batches: Vec<Block>,
}

/// A file, and the options with which it is read.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) source: &'a Source,
    /// Whether the file is mapped; by default, only if that is safe.
    pub(super) mapped: Option<bool>,
    pub(super) limit: Limit,
}

impl File<'_> {
    /// Returns the table of the file.
    ///
    /// If the value needs the batches as they were written, they are views of the file. If they may
    /// be cut anywhere, they are read instead, for a consumer that takes one after the other and
    /// keeps none.
    ///
    /// `row` is the size of the Rust type of a row, in bytes. Rows take as much memory as their
    /// type, so that they have the limit even if the file is not compressed. `wanted` are the fields
    /// of a row, if no other columns have to be decoded.
    pub(super) fn stored(
        self,
        cut: Cut,
        row: Option<usize>,
        wanted: Option<&Wanted>,
    ) -> Result<Stored> {
        let Self { source, mapped, limit } = self;
        let content = Content::viewed(source, mapped)?;
        let footer = Arc::new(Footer::read(&content)?);
        let at = wanted_columns(wanted, &footer.schema);
        let schema = match &at {
            Some(at) => Arc::new(footer.schema.project(at)?),
            None => footer.schema.clone(),
        };
        let most = row.map(|_| limit.table(content.len() as u64));
        let stored = Stored::new(schema, source, FORMAT, move |source| match cut {
            Cut::Whole | Cut::Kept => {
                let content = Content::viewed(source, mapped)?;
                let claims = claims(limit, &content, Claims::of_all);
                footer.batches(content, at.as_deref(), claims)
            }
            Cut::Anywhere => {
                let content = Content::read(source, mapped)?;
                let claims = claims(limit, &content, Claims::of_each);
                let batches = footer.batches(content, at.as_deref(), claims)?;
                Ok(Box::new(batches.flat_map(parts)) as Pieces<RecordBatch>)
            }
        });
        #[cfg(feature = "polars")]
        let stored = stored.scanned_by(crate::frames::scan_ipc);
        Ok(stored.within(most))
    }

    /// Returns the columns with these names, as views of the file. Other columns are not read.
    pub(super) fn columns(self, names: &[&str]) -> Result<RecordBatch> {
        let content = Content::viewed(self.source, self.mapped)?;
        let footer = Footer::read(&content)?;
        let at = find(&footer.schema, names)?;
        let schema = Arc::new(projected(&footer.schema, &at)?);
        let claims = claims(self.limit, &content, Claims::of_all);
        let batch = joined(&schema, footer.batches(content, Some(&at), claims)?)?;
        if *batch.schema_ref() == schema {
            return Ok(batch);
        }
        // A single batch has the metadata of the file.
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema, batch.columns().to_vec(), &options)?)
    }

    /// Returns the digest of the shape of the table.
    pub(super) fn shape(self) -> Result<Digest> {
        let rows = self.columns(&[])?.num_rows();
        let footer = Footer::read(&Content::viewed(self.source, self.mapped)?)?;
        Ok(digests::shape(&footer.schema, rows as u64))
    }
}

impl Footer {
    /// Reads the footer of a file, or lists the messages of a stream.
    pub(super) fn read(content: &Content) -> Result<Self> {
        let start = content.part(0, content.len().min(START))?;
        ensure!(
            !start.starts_with(FEATHER_1),
            "it is a Feather file of version 1, which Arrow replaced in 2020; write it again with \
             version 2: `pyarrow.feather.write_feather(table, path, version=2)`",
        );
        if is_stream(&start) {
            return stream::footer(content);
        }
        let end = content.len().checked_sub(TRAILER).context("it is no Arrow file: too short")?;
        let mut trailer = [0; TRAILER];
        trailer.copy_from_slice(&content.part(end, TRAILER)?);
        let length = read_footer_length(trailer)?;
        let start =
            end.checked_sub(length).context("the file is shorter than its metadata says")?;
        Self::parse(&content.part(start, length)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        let footer = root_as_footer(bytes)
            .map_err(|error| anyhow!("the footer cannot be read: {error:?}"))?;
        let schema = footer.schema().context("the footer has no schema")?;
        ensure!(
            schema.endianness().equals_to_target_endianness(),
            "the file was written by a machine of another byte order",
        );
        let batches = footer.recordBatches().context("the footer has no batches")?;
        Ok(Self {
            schema: Arc::new(try_fb_to_schema(schema)?),
            version: footer.version(),
            dictionaries: footer.dictionaries().iter().flatten().copied().collect(),
            batches: batches.iter().copied().collect(),
        })
    }

    /// Returns the batches, or some of their columns.
    ///
    /// Dictionaries are read first: a file has one for each column, in several parts.
    fn batches(
        &self,
        content: Content,
        columns: Option<&[usize]>,
        mut claims: Claims,
    ) -> Result<Pieces<RecordBatch>> {
        let mut decoder = FileDecoder::new(self.schema.clone(), self.version);
        for block in &self.dictionaries {
            decoder.read_dictionary(block, &claims.checked(message(&content, block)?, block)?)?;
        }
        if let Some(columns) = columns {
            decoder = decoder.with_projection(columns.to_vec());
        }
        let blocks = self.batches.clone();
        Ok(Box::new(blocks.into_iter().map(move |block| {
            let message = claims.checked(message(&content, &block)?, &block)?;
            let batch = decoder.read_record_batch(&block, &message)?;
            batch.context("the file has something else where it should have a batch")
        })))
    }
}

/// Returns the limit of the sizes that this file may claim.
fn claims(limit: Limit, content: &Content, of: fn(u64, u64) -> Claims) -> Claims {
    let file = content.len() as u64;
    of(limit.table(file), file)
}

/// Returns the bytes of a block.
fn message(content: &Content, block: &Block) -> Result<Buffer> {
    let number = |n: i64| usize::try_from(n).context("the footer has a negative length");
    let head = number(block.metaDataLength().into())?;
    let body = number(block.bodyLength())?;
    let length = head.checked_add(body).context("the file is shorter than its metadata says")?;
    content.part(number(block.offset())?, length)
}

/// Cuts a batch into slices of at most [`STEP`] rows, without a copy.
fn parts(batch: Result<RecordBatch>) -> Box<dyn Iterator<Item = Result<RecordBatch>> + Send> {
    match batch {
        Ok(batch) if batch.num_rows() > STEP => {
            let rows = batch.num_rows();
            let starts = (0..rows).step_by(STEP);
            Box::new(starts.map(move |from| Ok(batch.slice(from, STEP.min(rows - from)))))
        }
        batch => Box::new(std::iter::once(batch)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};
    use arrow::ipc::writer::FileWriter;

    use super::*;

    #[test]
    fn a_block_that_is_named_again_and_again_counts_each_time() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..1000));
        let batch = RecordBatch::try_from_iter([("n", column)]).unwrap();
        let mut writer = FileWriter::try_new(Vec::new(), batch.schema_ref()).unwrap();
        writer.write(&batch).unwrap();
        let file = writer.into_inner().unwrap();
        let mut footer = Footer::read(&Content::of(file.clone())).unwrap();
        footer.batches = vec![footer.batches[0]; 2000];
        let count = |most: u64, of: fn(u64, u64) -> Claims| {
            let claims = of(most, file.len() as u64);
            footer
                .batches(Content::of(file.clone()), None, claims)
                .unwrap()
                .map_while(Result::ok)
                .count()
        };
        // Each batch takes 8000 bytes and a header.
        assert_eq!(count(100_000, Claims::of_all), 12);
        assert_eq!(count(100_000, Claims::of_each), 2000);
        // The bytes of the file itself are always within the limit.
        assert_eq!(count(1, Claims::of_all), 1);
        assert_eq!(count(1 << 30, Claims::of_all), 2000);
    }
}
