//! Measures what the digests of columns cost while a table is written.
//!
//! Both sides write five million rows of five columns with the same options and hash the bytes of the file. The target
//! also hashes each column; the floor calls the crates of arrow directly.
//!
//! `RESULT column_digest parquet ratio=... percent=...`: the median, over all rounds, of the target's time divided by the
//! floor's in the same round, and by how many percent the target takes longer.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::ipc::writer::FileWriter;
use flow::prelude::*;
use flow::target::Sink;
use kit::rounds::rounds;
use kit::{median, table};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

const ROWS: u64 = 5_000_000;
const ROUNDS: usize = 9;

/// The size of the writes to an Arrow file, as of the target.
const BUFFER: usize = 64 * 1024;

fn main() -> Result<()> {
    let batch = table::rows(&table::schema(), 0, ROWS);
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let path = folder.path().join("table");

    let target = <Parquet<RecordBatch>>::default();
    let save = || target.save(&batch, &mut Sink::new(&mut File::create(&path)?));
    report("parquet", &rounds(ROUNDS, save, || parquet(&batch, &path))?);

    let target = <ArrowIpc<RecordBatch>>::default();
    let save = || target.save(&batch, &mut Sink::new(&mut File::create(&path)?));
    report("arrow", &rounds(ROUNDS, save, || arrow_ipc(&batch, &path))?);
    Ok(())
}

/// Writes a Parquet file as the target does, without digests of columns.
fn parquet(batch: &RecordBatch, path: &Path) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .build();
    let mut file = File::create(path)?;
    let mut writer = ArrowWriter::try_new(Sink::new(&mut file), batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}

/// Writes an Arrow IPC file as the target does, without digests of columns.
fn arrow_ipc(batch: &RecordBatch, path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let out = BufWriter::with_capacity(BUFFER, Sink::new(&mut file));
    let mut writer = FileWriter::try_new(out, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    Ok(())
}

fn report(what: &str, times: &[(f64, f64)]) {
    let ratios: Vec<f64> = times.iter().map(|(ours, floor)| ours / floor).collect();
    let ratio = median(&ratios);
    println!("RESULT column_digest {what} ratio={ratio:.3} percent={:.1}", (ratio - 1.0) * 100.0);
}
