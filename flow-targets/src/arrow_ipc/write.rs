//! Writes tables batch by batch into the sink.

use std::io::{self, BufWriter, Write};

use anyhow::{Result, bail, ensure};
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::Schema;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions};
use flow_core::Sink;

use super::ArrowIpc;
use super::content::Content;
use super::dictionaries::Dictionaries;
use super::read::Footer;
use crate::BUFFER;
use crate::compression::{Compression, zstd_level};
use crate::digests::Digests;
use crate::limit::check as check_size;

pub(super) fn write<T>(target: &ArrowIpc<T>, value: &T, sink: &mut Sink<'_>) -> Result<()> {
    let options = options(target.compression)?;
    let table = (target.way.batches)(value)?;
    check(&table.schema)?;

    let mut dictionaries = Dictionaries::default();
    let out = BufWriter::with_capacity(BUFFER, Counted { sink: &mut *sink, written: 0 });
    let mut writer = FileWriter::try_new_with_options(out, &table.schema, options)?;
    let mut digests = Digests::new(&table.schema);
    let mut bytes = 0;
    // The final size of the file is not known yet. The count is compared with the limit at the end.
    let mut rows = target.way.counted(target.way.row.map(|_| u64::MAX), &table.schema);
    for batch in table.each {
        let batch = batch?;
        (target.way.check_back)(&batch)?;
        rows.add(&batch)?;
        digests.add(&batch);
        let batch = dictionaries.grown(batch)?;
        if target.compression != Compression::Uncompressed && !target.way.stream {
            bytes += size(&batch)?;
        }
        writer.write(&batch)?;
    }
    writer.finish()?;
    let file = writer.get_ref().get_ref().written;
    drop(writer);
    sink.set_columns(digests.finish());
    rows.check(target.limit.table(file))?;
    check_size("in memory, the table takes", bytes, target.limit.table(file))
}

/// A writer that counts the bytes that it writes.
struct Counted<'a, 'b> {
    sink: &'a mut Sink<'b>,
    written: u64,
}

impl Write for Counted<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Returns the bytes of a batch. For a slice, the rows around it do not count.
fn size(batch: &RecordBatch) -> Result<u64> {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    sizes.map(|size| Ok(size? as u64)).sum()
}

fn options(compression: Compression) -> Result<IpcWriteOptions> {
    // A file has one dictionary for each column. The values that a batch adds are written with the
    // batch.
    let options = IpcWriteOptions::default().with_dictionary_handling(DictionaryHandling::Delta);
    Ok(match compression {
        Compression::Uncompressed => options,
        Compression::Lz4 => options.try_with_compression(Some(CompressionType::LZ4_FRAME))?,
        Compression::Zstd(level) => options
            .try_with_compression(Some(CompressionType::ZSTD))?
            .try_with_compression_level(Some(zstd_level(level)?))?,
        Compression::Snappy => {
            bail!("Snappy: an Arrow file can be compressed by `Lz4` or `Zstd(level)`")
        }
    })
}

/// Returns an error if a column would come back with another type, by reading a file without rows.
pub(super) fn check(schema: &Schema) -> Result<()> {
    let mut file = Vec::new();
    let mut writer = FileWriter::try_new(&mut file, schema)?;
    writer.finish()?;
    drop(writer);
    let back = Footer::read(&Content::of(file))?.schema;
    for (field, back) in schema.fields().iter().zip(back.fields()) {
        ensure!(
            field == back,
            "column `{}` is {field:?}, which would come back as {back:?}: cast it before",
            field.name(),
        );
    }
    ensure!(*schema == *back, "the schema would come back as {back:?}");
    Ok(())
}
