//! Digests of columns: a table has them however it is cut, and a reader of the file computes equal ones.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema};
use flow_core::target::ColumnDigests;
use flow_core::{Columnar, ReadRows, Sink, Target};
use flow_targets::{ArrowIpc, Csv, Parquet};
use serde::{Deserialize, Serialize};

use crate::harness::{bytes, file};
use crate::{shapes, tables};

/// Returns the digests that are recorded when a value is saved.
fn saved<G: Target>(target: &G, value: &G::Value) -> ColumnDigests {
    let mut bytes = Vec::new();
    let mut sink = Sink::new(&mut bytes);
    target.save(value, &mut sink).unwrap();
    sink.columns().clone()
}

fn cut(batch: &RecordBatch) -> Vec<RecordBatch> {
    let half = batch.num_rows() / 2;
    vec![batch.slice(0, half), batch.slice(half, batch.num_rows() - half)]
}

fn the_digests_do_not_depend_on_where_a_table_is_cut(
    one: &impl Target<Value = RecordBatch>,
    several: &impl Target<Value = Vec<RecordBatch>>,
) {
    for (name, batch) in [tables::flat(), tables::nested(), shapes::shapes()].concat() {
        let whole = saved(one, &batch);
        assert_eq!(saved(several, &cut(&batch)), whole, "{name}");
        assert_eq!(saved(one, &batch), whole, "{name}");
    }
}

#[test]
fn parquet_has_digests_of_columns() {
    let several = <Parquet<Vec<RecordBatch>>>::default();
    the_digests_do_not_depend_on_where_a_table_is_cut(&<Parquet<RecordBatch>>::default(), &several);
}

#[test]
fn arrow_ipc_has_digests_of_columns() {
    let several = <ArrowIpc<Vec<RecordBatch>>>::default();
    the_digests_do_not_depend_on_where_a_table_is_cut(
        &<ArrowIpc<RecordBatch>>::default(),
        &several,
    );
}

fn table() -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]))),
        ("x", Arc::new(Float64Array::from(vec![0.5, -0.0, f64::NAN]))),
        ("text", Arc::new(StringArray::from(vec!["a", "", "äöü"]))),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

fn a_reader_computes_the_digests_that_were_recorded<G>(target: &G)
where
    G: Columnar<Columns = RecordBatch> + Target<Value = RecordBatch>,
{
    let batch = table();
    let recorded = saved(target, &batch);
    assert_eq!(recorded.len(), 3);
    let (_file, source) = file(&bytes(target, &batch).unwrap()).unwrap();
    let read = target.column_digests(&source, &["text", "n", "x"]).unwrap().unwrap();
    assert_eq!(read, recorded);
    // A name without a column is left out.
    let read = target.column_digests(&source, &["n", "missing"]).unwrap().unwrap();
    assert_eq!((read.len(), read.get("n")), (1, recorded.get("n")));
    // The shape is that of the whole table, whichever columns are read.
    let shape = target.column_digests(&source, &[]).unwrap().unwrap();
    assert_eq!((shape.len(), shape.shape()), (0, recorded.shape()));
    assert!(shape.shape().is_some());
}

#[test]
fn digests_of_a_file_equal_those_of_the_table() {
    a_reader_computes_the_digests_that_were_recorded(&<Parquet<RecordBatch>>::default());
    a_reader_computes_the_digests_that_were_recorded(&<ArrowIpc<RecordBatch>>::default());
}

#[test]
fn columns_of_a_csv_file_have_digests_of_their_own() {
    let target = <Csv<RecordBatch>>::default();
    let digests = |text: &str| {
        let (_file, source) = file(text.as_bytes()).unwrap();
        target.column_digests(&source, &["n", "note"]).unwrap().unwrap()
    };
    let (one, other) = (digests("n,note\n1,a\n2,b\n"), digests("more,note,n\n7,a,1\n8,c,2\n"));
    assert_eq!(one.get("n"), other.get("n"));
    assert_ne!(one.get("note"), other.get("note"));
    assert!(saved(&target, &table()).is_empty());
}

/// A row whose first field is a text, whatever its cells look like.
#[derive(Serialize, Deserialize)]
struct Item {
    code: String,
    n: f64,
}

#[test]
fn a_column_of_csv_counts_as_the_text_that_a_row_has() {
    let target = <Csv<Vec<Item>>>::default();
    let digests = |text: &str| {
        let (_file, source) = file(text.as_bytes()).unwrap();
        target.column_digests(&source, &["code", "n"]).unwrap().unwrap()
    };
    let one = digests("code,n\n1.0,1.0\n");
    let other = digests("code,n\n1.00,1.00\n");
    assert!(one.get("code").is_some());
    assert_ne!(one.get("code"), other.get("code"), "another text");
    assert_eq!(one.get("n"), other.get("n"), "the same number");
    // `load_columns` reads the type that the text shows.
    let quoted = digests("code,n\n\"1.0\",1.0\n");
    assert_ne!(one.get("code"), quoted.get("code"));
    // A cell that is no value of the field makes the whole file count.
    let damaged = digests("code,n\n1.0,x\n");
    assert_eq!((damaged.get("code"), damaged.get("n")), (one.get("code"), None));
}

#[test]
fn the_description_by_pandas_is_no_part_of_a_column() {
    let with = |description: &str| {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true)])
            .with_metadata([("pandas", description), ("source", "a")]);
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap()
    };
    let target = <Parquet<RecordBatch>>::default();
    assert_eq!(saved(&target, &with("one column")), saved(&target, &with("two columns")));
    let (_file, source) = file(&bytes(&target, &with("one column")).unwrap()).unwrap();
    let columns = target.load_columns(&source, &["n"]).unwrap();
    assert!(!columns.schema().metadata().contains_key("pandas"));
    assert!(columns.schema().metadata().contains_key("source"));
    let target = <ArrowIpc<RecordBatch>>::default();
    let (_file, source) = file(&bytes(&target, &with("one column")).unwrap()).unwrap();
    let columns = target.load_columns(&source, &["n"]).unwrap();
    assert!(!columns.schema().metadata().contains_key("pandas"));
    assert!(columns.schema().metadata().contains_key("source"));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Narrow {
    text: String,
}

#[test]
fn a_row_with_fewer_fields_reads_its_columns_alone() {
    type Wide = Parquet<RecordBatch>;
    type Rows = Parquet<Vec<Narrow>>;
    let (wide, rows) = (<Wide>::default(), <Parquet<Vec<Narrow>>>::default());
    let (_file, source) = file(&bytes(&wide, &table()).unwrap()).unwrap();
    let expected = ["a", "", "äöü"].map(|text| Narrow { text: text.to_owned() });
    assert_eq!(rows.loaded_columns(), Some(vec!["text".to_owned()]));
    assert_eq!(rows.load(&source).unwrap(), expected);
    assert_eq!(<Wide as ReadRows<Narrow>>::row_columns().unwrap(), ["text"]);
    let columns = wide.load_columns(&source, &["text"]).unwrap();
    let read: Vec<Narrow> = <Rows as ReadRows<Narrow>>::rows_from(columns).unwrap();
    assert_eq!(read, expected);

    let (wide, rows) = (<ArrowIpc<RecordBatch>>::default(), <ArrowIpc<Vec<Narrow>>>::default());
    let (_file, source) = file(&bytes(&wide, &table()).unwrap()).unwrap();
    assert_eq!(rows.load(&source).unwrap(), expected);
}
