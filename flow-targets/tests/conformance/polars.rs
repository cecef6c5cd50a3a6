//! Polars data frames, in the table formats.

use flow_targets::Parquet;
use polars::prelude::*;

use crate::harness::{comes_back, conforms_as, value};

fn frame() -> DataFrame {
    let times = [Some(0_i64), None, Some(-1)];
    let times = Series::new("times".into(), times).cast(&DataType::Datetime(
        TimeUnit::Microseconds,
        TimeZone::opt_try_new(Some("Europe/Berlin")).unwrap(),
    ));
    let days = Series::new("days".into(), [Some(19_782_i32), None, Some(-1)]);
    df![
        "bool" => [Some(true), None, Some(false)],
        "i64" => [Some(i64::MIN), None, Some(i64::MAX)],
        "u64" => [Some(0), None, Some(u64::MAX)],
        "f32" => [Some(0.1_f32), None, Some(-0.0)],
        "f64" => [Some(f64::NAN), None, Some(f64::NEG_INFINITY)],
        "text" => [Some(""), None, Some("Zürich 🌲")],
        "bytes" => [Some(&b"\xff\0"[..]), None, Some(b"")],
        "times" => times.unwrap(),
        "days" => days.cast(&DataType::Date).unwrap(),
        "took" => days.cast(&DataType::Int64).unwrap()
            .cast(&DataType::Duration(TimeUnit::Nanoseconds)).unwrap(),
        "lists" => [Series::new("".into(), [1_i64]), Series::new_empty("".into(), &DataType::Int64),
            Series::new("".into(), [None, Some(2_i64)])],
    ]
    .unwrap()
}

fn target() -> Parquet<DataFrame> {
    <Parquet<DataFrame>>::default()
}

#[test]
fn frames_survive_a_round_trip() {
    let same = |a: &DataFrame, b: &DataFrame| a.schema() == b.schema() && a.equals_missing(b);
    conforms_as(&target(), &frame(), same);
    comes_back(&target(), &frame().slice(1, 1), same);
    comes_back(&target(), &frame().slice(0, 0), same);
    let stacked = frame().vstack(&frame()).unwrap();
    assert!(stacked.first_col_n_chunks() > 1);
    comes_back(&target(), &stacked, same);
    let long = df!["n" => (0..200_000_i64).collect::<Vec<_>>()].unwrap();
    comes_back(&target(), &long, same);
}

#[test]
fn the_file_of_a_frame_equals_that_of_a_batch() {
    let file = crate::harness::bytes(&target(), &frame()).unwrap();
    let batch = value(&<Parquet<flow_targets::RecordBatch>>::default(), &file).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (3, 11));
    let back = value(&target(), &file).unwrap();
    assert_eq!(back.column("u64").unwrap().u64().unwrap().get(2), Some(u64::MAX));
}

#[test]
#[cfg(feature = "excel")]
fn a_frame_can_be_stored_as_a_sheet() {
    let frame = df!["n" => [Some(1_i64), None], "text" => [None, Some("ü")]].unwrap();
    let target = <flow_targets::Excel<DataFrame>>::default();
    comes_back(&target, &frame, |a, b| a.schema() == b.schema() && a.equals_missing(b));
}
