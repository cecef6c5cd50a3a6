//! Implements [`Table`] for data frames of polars.
//!
//! Polars has its own arrays, with the memory layout of Arrow. Both libraries read and write
//! Arrow's stream format. So a frame is converted through that format, in memory and a part at a
//! time: this copies the data, but needs no unsafe code. Polars stores its own annotations, such as
//! which column is an enum, in the metadata of the fields, which the formats of tables preserve.

use std::io::Cursor;

use anyhow::Result;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use polars::frame::DataFrame;
use polars::prelude::{IpcStreamReader, IpcStreamWriter, SerReader, SerWriter};

use super::{AsFrame, Batches, Cut, Stored, Table};

/// How many rows are converted at once.
pub(super) const CHUNK: usize = 64 * 1024;

impl Table<AsFrame> for DataFrame {
    const CUT: Cut = Cut::Anywhere;

    fn batches(&self) -> Result<Batches<'_>> {
        let (schema, _) = from_polars(self.slice(0, 0))?;
        let chunk = |from: usize| {
            let from = i64::try_from(from)?;
            Ok(from_polars(self.slice(from, CHUNK))?.1)
        };
        let flat = |batches: Result<Vec<RecordBatch>>| match batches {
            Ok(batches) => batches.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        let each = (0..self.height()).step_by(CHUNK).map(chunk).flat_map(flat);
        Ok(Batches { schema, each: Box::new(each) })
    }

    fn from_stored(stored: Stored) -> Result<Self> {
        let mut frame = to_polars(&stored.schema, None)?;
        for batch in stored.counted()? {
            frame.vstack_mut(&to_polars(&stored.schema, Some(&batch?))?)?;
        }
        Ok(frame)
    }
}

pub(super) fn from_polars(mut part: DataFrame) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let mut stream = Vec::new();
    IpcStreamWriter::new(&mut stream).finish(&mut part)?;
    let batches = StreamReader::try_new(Cursor::new(stream), None)?;
    Ok((batches.schema(), batches.collect::<Result<_, _>>()?))
}

fn to_polars(schema: &Schema, batch: Option<&RecordBatch>) -> Result<DataFrame> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, schema)?;
    batch.map_or(Ok(()), |batch| writer.write(batch))?;
    writer.finish()?;
    drop(writer);
    Ok(IpcStreamReader::new(Cursor::new(stream)).finish()?)
}
