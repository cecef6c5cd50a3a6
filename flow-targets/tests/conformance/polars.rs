//! Polars data frames, in the table formats.

use flow_core::Target;
use flow_targets::Parquet;
use polars::prelude::*;

use crate::harness::{bytes, comes_back, conforms_as, file, value};

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

/// Saves a lazy frame, and returns what a scan of the file gives.
fn scanned<G: Target<Value = LazyFrame>>(target: &G, frame: &LazyFrame) -> (Vec<u8>, DataFrame) {
    let written = bytes(target, frame).unwrap();
    let (_file, source) = file(&written).unwrap(); // the file is read when the frame is collected
    (written, target.load(&source).unwrap().collect().unwrap())
}

fn survives<G: Target<Value = LazyFrame>>(target: &G) {
    for frame in [frame(), frame().slice(1, 1), frame().slice(0, 0)] {
        let (written, loaded) = scanned(target, &frame.clone().lazy());
        assert_eq!(loaded.schema(), frame.schema());
        assert!(loaded.equals_missing(&frame), "{frame:?}\n{loaded:?}");
        assert_eq!(bytes(target, &frame.lazy()).unwrap(), written, "the bytes differ");
    }
}

#[test]
fn lazy_frames_survive_a_round_trip() {
    survives(&<Parquet<LazyFrame>>::default());
    survives(&<flow_targets::ArrowIpc<LazyFrame>>::default());
}

#[test]
fn the_file_of_a_query_does_not_depend_on_how_its_rows_are_computed() {
    let n = || df!["n" => (0..300_000_i64).collect::<Vec<_>>()].unwrap();
    // The frame has five chunks.
    let mut chunks = n().slice(0, 1000);
    for from in [1000, 50_000, 120_000, 200_000] {
        let to = [50_000, 120_000, 200_000, 300_000].into_iter().find(|to| *to > from).unwrap();
        chunks.vstack_mut(&n().slice(from, (to - from) as usize)).unwrap();
    }
    let target = <Parquet<LazyFrame>>::default().row_group_rows(70_000);
    let query = |frame: DataFrame| frame.lazy().filter((col("n") % lit(3)).neq(lit(1)));
    let (whole, _) = scanned(&target, &query(n()));
    let (written, loaded) = scanned(&target, &query(chunks));
    assert_eq!(written, whole);
    assert_eq!(loaded.height(), 200_000);
}
