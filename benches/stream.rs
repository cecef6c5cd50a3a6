//! Measures the speed and memory of tables that are never in memory as a whole.
//!
//! It streams twenty million rows through a target and reads them back, compared with the same
//! table as a whole. Each measurement is done by a process of its own, whose peak memory the
//! operating system reports.
//!
//! `RESULT stream parquet_save mb_per_s=... peak_mb=... whole_mb_per_s=... whole_peak_mb=...`:
//! megabytes of the table in memory per second, and the peak memory of the process in megabytes,
//! first of the stream and then of the whole table. Saving includes computing the rows. If the peak
//! is unknown, it is `NaN`. Pages of a mapped file count, although the system can reclaim them: a
//! loaded file of Arrow IPC consists only of such pages.

use std::env;
use std::fs::File;
use std::process::Command;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use flow::Target;
use flow::prelude::*;
use flow::target::Streaming;
use flow::target::{Sink, Source};
use kit::{memory, table};

const ROWS: u64 = 20_000_000;
const BATCH: u64 = 64 * 1024;

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    if let [child, format, what, path] = &words[..]
        && child == "child"
    {
        return match format.as_str() {
            "parquet" => measured::<Parquet<BatchStream>, Parquet<RecordBatch>>(
                &<Parquet<BatchStream>>::default(),
                &<Parquet<RecordBatch>>::default(),
                what,
                path,
            ),
            _ => measured(
                &<ArrowIpc<BatchStream>>::default(),
                &<ArrowIpc<RecordBatch>>::default(),
                what,
                path,
            ),
        };
    }

    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    for format in ["parquet", "arrow_ipc"] {
        // Each kind of value is read from the file that it was saved to.
        for what in ["save", "load"] {
            let mut result = format!("RESULT stream {format}_{what}");
            for (kind, prefix) in [("stream", ""), ("whole", "whole_")] {
                let path = folder.path().join(format!("{format}-{kind}"));
                let mut child = Command::new(env::current_exe()?);
                child.args(["child", format, &format!("{kind}_{what}")]).arg(&path);
                let said = child.output()?;
                ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
                let said = String::from_utf8(said.stdout)?;
                let figures = said.trim().split(' ').map(|figure| format!(" {prefix}{figure}"));
                result.extend(figures);
                if what == "load" {
                    std::fs::remove_file(path)?;
                }
            }
            println!("{result}");
        }
    }
    Ok(())
}

/// Does one measurement, and prints its speed and memory.
fn measured<S, W>(stream: &S, whole: &W, what: &str, path: &str) -> Result<()>
where
    S: Target<Value = BatchStream> + Streaming<Piece = RecordBatch>,
    W: Target<Value = RecordBatch>,
{
    let schema = table::schema();
    let source = Source::file(path);
    let begun = Instant::now();
    match what {
        "stream_save" => {
            let of = schema.clone();
            let batch = move |i| Ok(table::rows(&of, i * BATCH, ROWS.min((i + 1) * BATCH)));
            let value = BatchStream::new(schema, (0..ROWS.div_ceil(BATCH)).map(batch));
            stream.save(&value, &mut Sink::new(&mut File::create(path)?))?;
        }
        "whole_save" => {
            let value = table::rows(&schema, 0, ROWS);
            whole.save(&value, &mut Sink::new(&mut File::create(path)?))?;
        }
        "stream_load" => {
            let mut seen = 0;
            for batch in stream.stream(&source)? {
                seen += looked_at(&batch?);
            }
            ensure!(seen == expected(), "other rows came back");
        }
        _ => ensure!(looked_at(&whole.load(&source)?) == expected(), "other rows came back"),
    }
    let speed = table::megabytes(ROWS) / begun.elapsed().as_secs_f64();
    println!("mb_per_s={speed:.1} peak_mb={:.1}", memory::peak() / 1e6);
    Ok(())
}

/// Returns the sum of the ids, and accesses all other values.
fn looked_at(batch: &RecordBatch) -> i128 {
    for column in batch.columns() {
        let data = column.to_data();
        let bytes = data.buffers().iter().flat_map(|buffer| buffer.iter().step_by(64));
        std::hint::black_box(bytes.fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
    }
    batch.column(0).as_primitive::<Int64Type>().values().iter().map(|id| i128::from(*id)).sum()
}

fn expected() -> i128 {
    i128::from(ROWS) * i128::from(ROWS - 1) / 2
}
