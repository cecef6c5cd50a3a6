//! Converts between frames of polars and record batches of arrow.
//!
//! Polars has its own arrays, with the memory layout of Arrow. Both libraries read and write Arrow's stream format. So a
//! frame is converted through that format, in memory and a part at a time: this copies the data, but needs no unsafe code.
//! Polars stores its own annotations, such as which column is an enum, in the metadata of the fields, which the formats of
//! tables preserve.

use std::io::Cursor;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use polars::frame::DataFrame;
use polars::prelude::{IpcStreamReader, IpcStreamWriter, SerReader, SerWriter};

/// Converts a frame to batches.
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "CSV stores no frames")
)]
pub(crate) fn from_polars(mut part: DataFrame) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut stream = Vec::new();
    IpcStreamWriter::new(&mut stream).finish(&mut part)?;
    let batches = StreamReader::try_new(Cursor::new(stream), None)?;
    Ok((batches.schema(), batches.collect::<Result<_, _>>()?))
}

/// Converts a batch to a frame. Without a batch, the frame has no rows.
pub(crate) fn to_polars(schema: &Schema, batch: Option<&RecordBatch>) -> Result<DataFrame> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, schema)?;
    batch.map_or(Ok(()), |batch| writer.write(batch))?;
    writer.finish()?;
    drop(writer);
    Ok(IpcStreamReader::new(Cursor::new(stream)).finish()?)
}
