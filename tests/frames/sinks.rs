//! A task that returns a lazy frame: its target runs the query and streams the rows into the file.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::datatypes::{DataType as Arrow, Field, Schema};
use flow::frames::COLUMNS_READ;
use flow::polars::prelude::{
    DataType, Expr, IntoLazy, LazyFrame, SortMultipleOptions, col, int_range, lit,
};
use flow::polars::{df, prelude as pl};
use flow::prelude::*;
use serde_json::{Value, json};

use crate::{flow, message, ran};

/// `0..rows`, and the remainders of a division.
fn numbers_of(rows: i64) -> LazyFrame {
    let n: Expr = int_range(lit(0), lit(rows), 1, DataType::Int64);
    let frame = df!["zero" => [0_i64]].unwrap().lazy().select([n.alias("n")]);
    frame.with_columns([(col("n") % lit(7)).alias("rest"), lit("text").alias("text")])
}

#[task(target = Parquet<LazyFrame>(row_group_rows = 50_000, compression = Zstd(3)))]
fn many_numbers(#[param(default = 200_000)] rows: i64) -> LazyFrame {
    numbers_of(rows)
}

/// The sums of the numbers, by the remainder.
#[task(requires = many_numbers, target = ArrowIpc<LazyFrame>)]
fn sums_by_rest(numbers: &LazyFrame, cx: &Cx<sums_by_rest>) -> Result<LazyFrame> {
    let sums = numbers.clone().group_by([col("rest")]).agg([col("n").sum()]);
    let sums = sums.sort(["rest"], SortMultipleOptions::default());
    cx.record_columns(&sums)?;
    Ok(sums)
}

#[task(requires = sums_by_rest, target = Json<i64>)]
fn sum_of_sums(sums: &Input<sums_by_rest>) -> Result<i64> {
    let sum = sums.scan()?.select([col("n").sum()]).collect()?;
    sum.column("n")?.i64()?.get(0).context("one row")
}

#[test]
fn a_lazy_frame_is_stored_and_scanned() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<sum_of_sums>()?;
    assert_eq!(ran(&summary), ["many_numbers", "sum_of_sums", "sums_by_rest"]);
    assert_eq!(*flow.load::<sum_of_sums>()?, 199_999 * 100_000);
    let read: Value = flow.output::<sums_by_rest>()?.meta(COLUMNS_READ)?;
    assert_eq!(read, json!({ "many_numbers": ["n", "rest"] }));

    let loaded = flow.load::<many_numbers>()?.into_owned().collect()?;
    assert!(loaded.equals(&numbers_of(200_000).collect()?));
    assert!(ran(&flow.run::<sum_of_sums>()?).is_empty());
    // The same query gives the same bytes: nothing downstream runs again.
    assert_eq!(ran(&flow.force::<many_numbers>().run::<sum_of_sums>()?), ["many_numbers"]);
    Ok(())
}

#[test]
fn the_result_of_a_query_may_have_no_rows() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(many_numbers::ROWS, 0);
    assert_eq!(*flow.get::<sum_of_sums>()?, 0);
    let numbers = flow.load::<many_numbers>()?.into_owned().collect()?;
    assert_eq!((numbers.height(), numbers.width()), (0, 3));
    Ok(())
}

#[task(target = Parquet<LazyFrame>)]
fn wrong_column() -> Result<LazyFrame> {
    Ok(df!["n" => [1_i64]]?.lazy().select([col("m")]))
}

/// The query fails at a row, while rows before it are written.
#[task(target = Parquet<LazyFrame>)]
fn wrong_number() -> LazyFrame {
    let text = pl::when(col("n").eq(lit(190_000))).then(lit("many")).otherwise(lit("1"));
    let parsed = text.strict_cast(DataType::Int64).alias("parsed");
    numbers_of(200_000).with_columns([parsed])
}

#[test]
fn a_query_that_fails_leaves_no_output() -> Result<()> {
    let (flow, _folder) = flow();
    let error = message(flow.run::<wrong_column>().unwrap_err());
    assert!(error.contains("cannot write this table as Parquet"), "{error}");
    assert!(error.contains("\"m\"") || error.contains("`m`") || error.contains(" m"), "{error}");
    let error = message(flow.run::<wrong_number>().unwrap_err());
    assert!(error.contains("many"), "{error}");
    assert!(!flow.is_complete::<wrong_number>()?);
    Ok(())
}

/// Forty million rows of two numbers and a text: more than a gigabyte in memory.
#[task(target = Parquet<BatchStream>(row_group_rows = 250_000))]
fn larger_than_memory() -> BatchStream {
    let field = |name, of| Field::new(name, of, false);
    let fields = [("n", Arrow::Int64), ("rest", Arrow::Int64), ("text", Arrow::Utf8)];
    let schema = Arc::new(Schema::new(fields.map(|(name, of)| field(name, of)).to_vec()));
    let of = schema.clone();
    BatchStream::produced(schema, move |out| {
        for from in (0..40_000_000_i64).step_by(50_000) {
            let n = from..from + 50_000;
            let rest = Int64Array::from_iter_values(n.clone().map(|n| n % 7));
            let text = StringArray::from_iter_values(
                n.clone().map(|n| ["a text", "another"][n as usize % 2]),
            );
            let columns: Vec<ArrayRef> =
                vec![Arc::new(Int64Array::from_iter_values(n)), Arc::new(rest), Arc::new(text)];
            out.send(RecordBatch::try_new(of.clone(), columns)?)?;
        }
        Ok(())
    })
}

#[task(requires = larger_than_memory, target = Parquet<LazyFrame>)]
fn filtered(numbers: &Input<larger_than_memory>) -> Result<LazyFrame> {
    Ok(numbers.scan()?.filter(col("rest").neq(lit(3))))
}

/// The rows of the table, divided by a column that has each of its values in each batch.
#[task(requires = larger_than_memory, target = Dataset<LazyFrame>(partition_by = ["rest"]))]
fn divided(numbers: &Input<larger_than_memory>) -> Result<LazyFrame> {
    Ok(numbers.scan()?)
}

/// The sum of each partition.
#[task(requires = divided, target = Parquet<LazyFrame>)]
fn sums_of_divided(divided: &Input<divided>) -> Result<LazyFrame> {
    let sums = divided.scan()?.group_by([col("rest")]).agg([col("n").sum()]);
    Ok(sums.sort(["rest"], SortMultipleOptions::default()))
}

/// Run it alone: the memory of the process is measured.
#[test]
#[ignore = "alone in its process: `.ci/long` runs it"]
#[cfg(target_os = "linux")]
fn a_table_is_written_in_bounded_memory() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.workers(1);
    flow.run::<(filtered, sums_of_divided)>()?;
    let sums = flow.load::<sums_of_divided>()?.into_owned().collect()?;
    assert_eq!(sums.column("n")?.i64()?.iter().flatten().sum::<i64>(), 39_999_999 * 20_000_000);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("it is Linux")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").trim().parse()?;
    println!("peak: {} MB", peak >> 10);
    assert!(peak < 700 << 10, "{} MB", peak >> 10);
    Ok(())
}
