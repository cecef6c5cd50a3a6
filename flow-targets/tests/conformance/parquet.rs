//! The `Parquet` target: guarantees beyond those of the suite for columnar formats.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use flow_core::{Columnar, Streaming, Target};
use flow_targets::{Lz4, Parquet, Snappy, Statistics, Uncompressed, Zstd};

use crate::harness::{bytes, conforms_as, file, refusal, reloaded, value};
use crate::tables::{self, column};

fn one() -> Parquet<RecordBatch> {
    <Parquet<RecordBatch>>::default()
}

fn several() -> Parquet<Vec<RecordBatch>> {
    <Parquet<Vec<RecordBatch>>>::default()
}

#[test]
fn rare_types_are_kept_or_refused() {
    for (name, batch) in tables::rare() {
        match bytes(&one(), &batch) {
            Ok(_) => {
                println!("{name} comes back");
                conforms_as(&one(), &batch, |a, b| a == b);
            }
            Err(error) => println!("{name}: {error:#}"),
        }
    }
}

#[test]
fn batches_are_kept_for_any_size_of_row_groups() {
    let batch = |from: i64, to| column(Int64Array::from_iter_values(from..to));
    let lists = [
        vec![batch(0, 5), batch(5, 5), batch(5, 6), batch(6, 1000)],
        (0..50).map(|i| batch(i, i + 1)).collect(),
        vec![batch(0, 700), batch(0, 700), batch(0, 1)],
    ];
    for list in lists {
        for rows in [1, 7, 100, 2000] {
            let target = several().row_group_rows(rows);
            assert_eq!(reloaded(&target, &list).unwrap(), list);
        }
    }
    // Batches longer than one read of the decoder.
    let long = vec![batch(0, 70_000), batch(0, 70_000), batch(0, 1)];
    assert_eq!(reloaded(&several().row_group_rows(30_000), &long).unwrap(), long);
}

#[test]
fn columns_and_pieces_span_row_groups() {
    let columns = [("a", numbers(0)), ("b", numbers(1)), ("c", numbers(2))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let target = one().row_group_rows(7);
    let (_file, source) = file(&bytes(&target, &batch).unwrap()).unwrap();
    let columns = target.load_columns(&source, &["c", "a"]).unwrap();
    assert_eq!(columns, batch.project(&[2, 0]).unwrap());
    let pieces: Vec<_> = target.stream(&source).unwrap().map(Result::unwrap).collect();
    assert_eq!(concat_batches(&batch.schema(), &pieces).unwrap(), batch);
}

/// Only the requested columns are read: the pages of other columns may be damaged.
#[test]
fn other_columns_are_not_read() {
    let columns = [("a", numbers(0)), ("b", numbers(1)), ("c", numbers(2))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let target = one().compression(Uncompressed).dictionary(false);
    let mut content = bytes(&target, &batch).unwrap();
    // The pages of the first column come first.
    content[4..400].fill(0xff);
    let (_file, source) = file(&content).unwrap();
    assert!(target.load(&source).is_err());
    let columns = target.load_columns(&source, &["c", "b"]).unwrap();
    assert_eq!(columns, batch.project(&[2, 1]).unwrap());
}

fn numbers(from: i64) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(from..from + 100))
}

#[test]
fn batches_of_a_list_load_as_one() {
    let list = vec![column(Int64Array::from(vec![1])), column(Int64Array::from(vec![2, 3]))];
    let bytes = bytes(&several(), &list).unwrap();
    let whole = value(&one(), &bytes).unwrap();
    assert_eq!(whole, concat_batches(&list[0].schema(), &list).unwrap());
}

#[test]
fn a_file_of_another_program_has_a_batch_per_row_group() {
    let batch = column(Int64Array::from_iter_values(0..10));
    let bytes = bytes(&one().row_group_rows(4), &batch).unwrap();
    let list = value(&several(), &bytes).unwrap();
    assert_eq!(list, [batch.slice(0, 4), batch.slice(4, 4), batch.slice(8, 2)]);
}

#[test]
fn every_option_keeps_the_value() {
    let batch = column(StringArray::from_iter_values((0..5000).map(|i| (i % 7).to_string())));
    let targets = [
        one().compression(Uncompressed),
        one().compression(Snappy),
        one().compression(Lz4),
        one().compression(Zstd(22)),
        one().row_group_rows(1000),
        one().statistics(Statistics::Off),
        one().statistics(Statistics::RowGroup),
        one().dictionary(false),
    ];
    let default = bytes(&one(), &batch).unwrap();
    for target in targets {
        assert_eq!(reloaded(&target, &batch).unwrap(), batch);
        let written = bytes(&target, &batch).unwrap();
        assert_eq!(written, bytes(&target, &batch).unwrap(), "{target:?}");
        assert_ne!(written, default, "{target:?}");
    }
}

#[test]
fn invalid_options_are_refused() {
    let batch = column(Int64Array::from(vec![1]));
    for level in [0, -1, 23, 99] {
        let error = refusal(&one().compression(Zstd(level)), &batch);
        assert!(error.contains(&format!("Zstd({level}): levels go from 1 to 22")), "{error}");
    }
    assert!(refusal(&one().row_group_rows(0), &batch).contains("row_group_rows = 0"));
}

#[test]
fn unions_are_refused() {
    let mut union = UnionBuilder::new_dense();
    union.append::<arrow::datatypes::Int32Type>("a", 1).unwrap();
    let error = refusal(&one(), &column(union.build().unwrap()));
    assert!(error.contains("column `column` is of type Union"), "{error}");
}

#[test]
fn the_nullability_of_a_column_is_kept() {
    let schema = Schema::new(vec![Field::new("a", DataType::Int64, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(vec![1]))]);
    let back = reloaded(&one(), batch.as_ref().unwrap()).unwrap();
    assert!(!back.schema().field(0).is_nullable());
}

/// Files written by pyarrow 26, with the same table in each codec.
#[test]
fn files_of_other_programs_load_in_every_codec() {
    macro_rules! written {
        ($codec:literal) => {
            include_bytes!(concat!("codecs/", $codec, ".parquet")).as_slice()
        };
    }
    let plain = value(&one(), written!("none")).unwrap();
    let ids = Int64Array::from_iter_values([1, 2, 3].repeat(50));
    let prices = Float64Array::from([Some(1.5), None, Some(2.5)].repeat(50));
    assert_eq!(*plain.column(0).as_primitive(), ids);
    assert_eq!(*plain.column(1).as_primitive(), prices);
    for content in [written!("snappy"), written!("gzip"), written!("lz4"), written!("zstd")] {
        assert_eq!(value(&one(), content).unwrap(), plain);
    }

    let brotli = written!("brotli");
    if cfg!(feature = "brotli") {
        assert_eq!(value(&one(), brotli).unwrap(), plain);
        return;
    }
    let (_file, source) = file(brotli).unwrap();
    let errors = [
        one().load(&source).unwrap_err(),
        one().load_columns(&source, &["id"]).unwrap_err(),
        one().stream(&source).err().unwrap(),
    ];
    for error in errors {
        let error = format!("{error:#}");
        assert!(error.contains("column `id`: it is compressed by Brotli"), "{error}");
        assert!(error.contains("enable the feature `brotli` of `typed-flow`"), "{error}");
    }
}
