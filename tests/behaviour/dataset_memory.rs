//! A dataset that is ten times larger than the memory of the process is written, aggregated and joined.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use flow::prelude::*;
use flow::target::Selection;

use crate::support::{alone, flow, peak, ran, step};

const DAYS: i64 = 40;
const BATCH: i64 = 50_000;

/// The number of batches of each day. All days together take 1.6 GB in memory or, in a sample, a fortieth of that.
fn batches() -> i64 {
    if step(2) == 1 { 25 } else { 1 }
}

fn schema() -> SchemaRef {
    let field = |name| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(["day", "shop", "a", "b"].map(field).to_vec()))
}

/// Rows in the order of days. The numbers are the positions of the rows in their batches.
#[derive(Task)]
#[task(target = Dataset<BatchStream>(partition_by = ["day"], compression = Lz4))]
struct Visits;

runs!(Visits: BatchStream = |self, _cx| {
    let (schema, of) = (schema(), schema());
    let batch = move |n: i64| {
        let numbers = |value: fn(i64) -> i64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values((0..BATCH).map(value)))
        };
        let day: ArrayRef = Arc::new(Int64Array::from(vec![n / batches(); BATCH as usize]));
        let columns = vec![day, numbers(|row| row % 100), numbers(|row| row), numbers(|row| -row)];
        Ok(RecordBatch::try_new(of.clone(), columns)?)
    };
    Ok(BatchStream::new(schema, (0..DAYS * batches()).map(batch)))
});

/// The region of each shop: the smaller table of the join.
#[derive(Task)]
#[task(target = Json<BTreeMap<i64, i64>>)]
struct Regions;

runs!(Regions: BTreeMap<i64, i64> = |self, _cx| Ok((0..100).map(|shop| (shop, shop % 3)).collect()));

/// The sum of a column by region.
#[derive(Task)]
#[task(requires(visits = Visits, regions = Regions), target = Json<BTreeMap<i64, i64>>)]
struct ByRegion;

runs!(ByRegion: BTreeMap<i64, i64> = |self, cx| {
    let regions = cx.input().regions.load()?;
    let mut sums = BTreeMap::new();
    for batch in cx.input().visits.stream()? {
        let batch = batch?;
        let column = |name: &str| -> Result<Int64Array> {
            Ok(batch.column_by_name(name).context("a column")?.as_primitive::<Int64Type>().clone())
        };
        for (shop, a) in column("shop")?.values().iter().zip(column("a")?.values()) {
            *sums.entry(regions[shop]).or_default() += a;
        }
    }
    Ok(sums)
});

/// The number of rows of two days.
#[derive(Task)]
#[task(requires = Visits, target = Json<i64>)]
struct OfTwoDays;

runs!(OfTwoDays: i64 = |self, cx| {
    let days = cx.input().select(Selection::all().between("day", 7..=8));
    days.stream()?.map(|batch| Ok(batch?.num_rows() as i64)).sum()
});

#[test]
fn a_dataset_may_be_ten_times_larger_than_the_memory() -> Result<()> {
    alone(|| {
        let (flow, _folder) = flow();
        let flow = flow.workers(1);
        let summary = flow.run::<(ByRegion, OfTwoDays)>()?;
        assert_eq!(ran(&summary), ["ByRegion", "OfTwoDays", "Regions", "Visits"]);
        let rows = DAYS * batches() * BATCH;
        let sums = flow.load::<ByRegion>()?;
        assert_eq!(sums.values().sum::<i64>(), rows / BATCH * (BATCH * (BATCH - 1) / 2));
        assert_eq!(*flow.load::<OfTwoDays>()?, 2 * batches() * BATCH);
        assert_eq!(flow.output::<Visits>()?.partitions()?.len(), DAYS as usize);
        let bytes = rows as u64 * 4 * 8;
        if batches() > 1 {
            assert!(peak() < bytes / 10, "{} of {bytes} bytes", peak());
        }
        Ok(())
    })
}
