//! Streamed tables: written batch by batch, and read batch by batch or by columns, never as a whole.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use flow::prelude::*;
use flow::target::{Columnar, Streaming};

use crate::support::{failed, failure, flow, in_full, ran};

const ROWS: i64 = 200_000;
const STEP: i64 = 1_000;

/// Returns a stream of numbers and their halves, which fails at the batch that begins with `lost`.
fn numbers(lost: Option<i64>) -> BatchStream {
    let schema = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, false),
        Field::new("half", DataType::Float64, false),
    ]));
    let of = schema.clone();
    BatchStream::produced(schema, move |out| {
        for from in (0..ROWS).step_by(STEP as usize) {
            ensure!(lost != Some(from), "the batch from {from} on is lost");
            let n = from..from + STEP;
            let halves = Float64Array::from_iter_values(n.clone().map(|n| n as f64 / 2.0));
            let columns: Vec<ArrayRef> =
                vec![Arc::new(Int64Array::from_iter_values(n)), Arc::new(halves)];
            out.send(RecordBatch::try_new(of.clone(), columns)?)?;
        }
        Ok(())
    })
}

#[derive(Task)]
#[task(target = Parquet<BatchStream>)]
struct Numbers {
    #[param(default = None)]
    lost: Option<i64>,
}

runs!(Numbers: BatchStream = |self, cx| Ok(numbers(self.lost)));

/// The same numbers, streamed from one file into another.
#[derive(Task)]
#[task(requires = Numbers, target = ArrowIpc<BatchStream>)]
struct Copied;

runs!(Copied: BatchStream = |self, cx| {
    let numbers = cx.input().load()?;
    Ok(BatchStream::new(numbers.schema().clone(), numbers.batches()?))
});

/// The sums of the numbers and of their halves.
#[derive(Task)]
#[task(requires(numbers = Numbers, copied = Copied), target = Json<Vec<(i64, f64)>>)]
struct Sums;

runs!(Sums: Vec<(i64, f64)> = |self, cx| {
    Ok(vec![sums(&cx.input().numbers)?, sums(&cx.input().copied)?])
});

fn sums<A: Task>(input: &Input<A>) -> Result<(i64, f64)>
where
    A::Target: Streaming<Piece = RecordBatch> + Columnar<Columns = RecordBatch>,
{
    let mut sum = 0;
    for batch in input.stream()? {
        sum += batch?.column(0).as_primitive::<Int64Type>().values().iter().sum::<i64>();
    }
    let halves = input.load_columns(&["half"])?;
    Ok((sum, halves.column(0).as_primitive::<Float64Type>().values().iter().sum()))
}

#[test]
fn a_table_is_written_and_read_in_batches() -> Result<()> {
    let (flow, _folder) = flow();
    let summary = flow.run::<Sums>()?;
    assert_eq!(ran(&summary), ["Copied", "Numbers", "Sums"]);
    let sum = ROWS * (ROWS - 1) / 2;
    assert_eq!(*flow.load::<Sums>()?, [(sum, sum as f64 / 2.0); 2]);
    assert!(ran(&flow.run::<Sums>()?).is_empty());
    assert_eq!(sums(&flow.output::<Copied>()?)?, (sum, sum as f64 / 2.0));
    Ok(())
}

#[test]
fn a_stream_that_fails_leaves_no_output() -> Result<()> {
    let (flow, _folder) = flow();
    let flow = flow.with(Numbers::LOST, Some(150_000));
    let summary = failure(flow.run::<Sums>());
    assert_eq!(failed(&summary), ["Numbers"]);
    assert!(summary.to_string().contains("the batch from 150000 on is lost"), "{summary}");
    assert!(!flow.is_complete::<Numbers>()?);
    Ok(())
}

#[test]
fn a_missing_column_is_named_in_the_error() -> Result<()> {
    let (flow, _folder) = flow();
    flow.run::<Numbers>()?;
    let output = flow.output::<Numbers>()?;
    let error = in_full(output.load_columns(&["halves"]).expect_err("there is no such column"));
    assert!(error.contains("there is no column `halves`: did you mean `half`?"), "{error}");
    // The error does not suggest a reset, because the file is valid.
    assert!(!error.contains("reset"), "{error}");
    Ok(())
}
