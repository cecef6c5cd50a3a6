//! Writes tables in another format.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::csv::WriterBuilder as CsvWriter;
use arrow::ipc::writer::FileWriter;
use arrow::json::writer::{JsonArray, WriterBuilder as JsonWriter};
use flow_targets::display::displayable_batch;
use flow_targets::inspect::{Batches, Format};

/// Writes all rows in a format, which is that of a table, or JSON: an array with an object for each row.
pub(crate) fn write<W: Write + Send>(
    batches: Batches,
    format: Format,
    mut out: W,
) -> anyhow::Result<()> {
    let schema = Arc::clone(batches.schema());
    match format {
        Format::Arrow => {
            let mut writer = FileWriter::try_new(&mut out, &schema)?;
            for batch in batches {
                writer.write(&batch?)?;
            }
            writer.finish()?;
        }
        Format::Parquet => write_parquet(batches, &mut out)?,
        Format::Csv => {
            let unfit = "the table has columns that CSV cannot hold";
            let mut writer = CsvWriter::new().with_header(true).build(&mut out);
            // A table without rows has a header, too.
            let header = displayable_batch(&RecordBatch::new_empty(schema))?;
            writer.write(&header).context(unfit)?;
            for batch in batches {
                writer.write(&displayable_batch(&batch?)?).context(unfit)?;
            }
        }
        Format::Json => {
            let builder = JsonWriter::new().with_explicit_nulls(true);
            {
                let mut writer = builder.build::<_, JsonArray>(&mut out);
                for batch in batches {
                    writer.write(&displayable_batch(&batch?)?)?;
                }
                writer.finish()?;
            }
            out.write_all(b"\n")?;
        }
        _ => {
            anyhow::bail!("tables are not written as {}", format.name());
        }
    }
    Ok(out.flush()?)
}

#[cfg(feature = "parquet")]
fn write_parquet(batches: Batches, out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    let schema = Arc::clone(batches.schema());
    let mut writer = parquet::arrow::ArrowWriter::try_new(out, schema, None)?;
    for batch in batches {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}

#[cfg(not(feature = "parquet"))]
fn write_parquet(_batches: Batches, _out: &mut (impl Write + Send)) -> anyhow::Result<()> {
    anyhow::bail!("this program writes no Parquet files: its feature `parquet` is off")
}
