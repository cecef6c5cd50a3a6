//! Measures the overhead of the Parquet target, compared with direct calls of the `parquet` crate.
//!
//! Both save and load five million rows of five columns, with the same options. The target also
//! hashes what it writes.
//!
//! `RESULT parquet save ratio=... mb_per_s=...`: the median, over all rounds, of the target's time
//! divided by the crate's in the same round, and the megabytes of the table in memory that the
//! target saves in a second.

use std::fs::{self, File};
use std::path::Path;

use arrow::array::RecordBatch;
use flow::prelude::*;
use flow::target::{Sink, Source};
use kit::rounds::rounds;
use kit::{median, table};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROWS: u64 = 5_000_000;
const ROUNDS: usize = 9;

fn main() -> Result<()> {
    let batch = table::rows(&table::schema(), 0, ROWS);
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let (ours, floor) = (folder.path().join("ours"), folder.path().join("floor"));
    let target = <Parquet<RecordBatch>>::default();

    let save = rounds(
        ROUNDS,
        || {
            let mut file = File::create(&ours)?;
            target.save(&batch, &mut Sink::new(&mut file))
        },
        || write(&batch, &floor),
    )?;
    assert_eq!(fs::read(&ours)?, fs::read(&floor)?, "the options differ");
    report("save", &save);

    let source = Source::file(&ours);
    assert_eq!(target.load(&source)?, batch);
    assert_eq!(read(&floor)?, batch);
    let load = rounds(ROUNDS, || target.load(&source).map(drop), || read(&floor).map(drop))?;
    report("load", &load);
    Ok(())
}

/// Does what the target does, with the `parquet` crate.
fn write(batch: &RecordBatch, path: &Path) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

fn read(path: &Path) -> Result<RecordBatch> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let mut reader = builder.with_batch_size(ROWS as usize).build()?;
    let batch = reader.next().transpose()?;
    batch.ok_or_else(|| anyhow!("no rows"))
}

fn report(what: &str, times: &[(f64, f64)]) {
    let ratio = median(&times.iter().map(|(ours, floor)| ours / floor).collect::<Vec<_>>());
    let speed =
        table::megabytes(ROWS) / median(&times.iter().map(|(ours, _)| *ours).collect::<Vec<_>>());
    println!("RESULT parquet {what} ratio={ratio:.3} mb_per_s={speed:.1}");
}
