//! Parquet.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema};
use flow_targets::{Lz4, Parquet, Snappy, Statistics, Uncompressed, Zstd};

use crate::harness::{complaint, conforms_as, refusal, reloaded};
use crate::shapes;
use crate::tables::{self, column};

fn one() -> Parquet<RecordBatch> {
    <Parquet<RecordBatch>>::default()
}

fn several() -> Parquet<Vec<RecordBatch>> {
    <Parquet<Vec<RecordBatch>>>::default()
}

#[test]
fn every_type_comes_back() {
    for (name, batch) in [tables::flat(), tables::nested(), shapes::shapes()].concat() {
        println!("{name}");
        conforms_as(&one(), &batch, |a, b| a == b);
    }
}

#[test]
fn rare_types_come_back_or_are_refused() {
    for (name, batch) in tables::rare() {
        match crate::harness::bytes(&one(), &batch) {
            Ok(_) => {
                println!("{name} comes back");
                conforms_as(&one(), &batch, |a, b| a == b);
            }
            Err(error) => println!("{name}: {error:#}"),
        }
    }
}

#[test]
fn batches_come_back_as_they_were_cut() {
    let batch = |from: i64, to| column(Int64Array::from_iter_values(from..to));
    let lists = [
        vec![],
        vec![batch(0, 0)],
        vec![batch(0, 5)],
        vec![batch(0, 5), batch(5, 5), batch(5, 6), batch(6, 1000)],
        (0..100).map(|i| batch(i, i + 1)).collect(),
        vec![batch(0, 70_000), batch(0, 70_000), batch(0, 1)],
    ];
    for list in lists {
        conforms_as(&several(), &list, |a, b| a == b);
        // Whatever the row groups are.
        let target = several().row_group_rows(7);
        assert!(list.len() > 50 || reloaded(&target, &list).unwrap() == list);
    }
    for (name, batch) in [tables::flat(), tables::nested(), shapes::shapes()].concat() {
        println!("{name}");
        let list = vec![batch.clone(), batch.slice(0, 0), batch];
        assert_eq!(reloaded(&several(), &list).unwrap(), list);
    }
}

#[test]
fn batches_of_a_list_load_as_one() {
    let list = vec![column(Int64Array::from(vec![1])), column(Int64Array::from(vec![2, 3]))];
    let bytes = crate::harness::bytes(&several(), &list).unwrap();
    let whole = crate::harness::value(&one(), &bytes).unwrap();
    assert_eq!(whole, concat_batches(&list[0].schema(), &list).unwrap());
}

#[test]
fn a_file_of_another_program_has_a_batch_per_row_group() {
    let batch = column(Int64Array::from_iter_values(0..10));
    let bytes = crate::harness::bytes(&one().row_group_rows(4), &batch).unwrap();
    let list = crate::harness::value(&several(), &bytes).unwrap();
    assert_eq!(list, [batch.slice(0, 4), batch.slice(4, 4), batch.slice(8, 2)]);
}

#[test]
fn batches_of_several_schemas_are_refused() {
    let list = vec![column(Int64Array::from(vec![1])), column(Int32Array::from(vec![2]))];
    assert!(refusal(&several(), &list).contains("batch 1 has another schema"));
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
    let default = crate::harness::bytes(&one(), &batch).unwrap();
    for target in targets {
        conforms_as(&target, &batch, |a, b| a == b);
        assert_ne!(crate::harness::bytes(&target, &batch).unwrap(), default, "{target:?}");
    }
}

#[test]
fn options_that_do_not_exist_are_refused() {
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
fn foreign_files_are_errors() {
    for content in [&b""[..], b"PAR1", b"PAR1PAR1", b"a,b\n1,2\n", b"{\"a\":1}", &[0; 4096]] {
        complaint(&one(), content);
        complaint(&several(), content);
    }
}

#[test]
fn damaged_files_are_no_panics() {
    let batch = column(StringArray::from_iter_values((0..300).map(|i| i.to_string())));
    let bytes = crate::harness::bytes(&several(), &vec![batch.clone(), batch]).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        // Whether it is found out is up to the checksum of the store.
        let _ = crate::harness::value(&several(), &damaged);
    }
}

#[test]
fn a_name_of_a_type_is_not_enough() {
    let schema = Schema::new(vec![Field::new("a", DataType::Int64, false)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(vec![1]))]);
    let back = reloaded(&one(), batch.as_ref().unwrap()).unwrap();
    assert!(!back.schema().field(0).is_nullable());
}
