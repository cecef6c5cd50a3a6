//! What a table preserves.

use std::sync::Arc;

use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, TimeUnit};
use flow::prelude::*;
use flow_targets::sql::SqlTable;

use crate::tasks::in_full;
use crate::world::{World, assert_says};

/// Returns a table with a column of each type; the second row has a null in each.
fn columns() -> RecordBatch {
    let dictionary: DictionaryArray<Int32Type> = [Some("a"), None, Some("ü")].into_iter().collect();
    let numbers = Int64Array::from(vec![Some(0), None, Some(100)]);
    let of = |data_type: &DataType| cast(&numbers, data_type).unwrap();
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let times = Int64Array::from(vec![Some(-1), None, Some(1_700_000_000_123_456)]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("i8", of(&DataType::Int8)),
        ("u32", of(&DataType::UInt32)),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("f32", of(&DataType::Float32)),
        ("f64", Arc::new(Float64Array::from(vec![Some(-0.5), None, Some(f64::INFINITY)]))),
        ("text", Arc::new(StringArray::from(vec![Some(""), None, Some("a\0'\"ü")]))),
        (
            "view",
            Arc::new(StringViewArray::from(vec![
                Some("x"),
                None,
                Some("long enough for a buffer"),
            ])),
        ),
        ("bytes", Arc::new(BinaryArray::from(vec![Some(&b""[..]), None, Some(&b"\0\xff"[..])]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(19_000)]))),
        ("time", cast(&times, &micros).unwrap()),
        // As `#[derive(Row)]` stores a `jiff::Timestamp`.
        (
            "instant",
            Arc::new(
                TimestampNanosecondArray::from(vec![
                    Some(-1),
                    None,
                    Some(1_700_000_000_000_000_001),
                ])
                .with_timezone("UTC"),
            ),
        ),
        (
            "decimal",
            Arc::new(
                Decimal128Array::from(vec![Some(12345), None, Some(-1)])
                    .with_precision_and_scale(20, 3)
                    .unwrap(),
            ),
        ),
        ("dictionary", Arc::new(dictionary)),
        ("rowid", of(&DataType::Int64)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .unwrap()
}

/// A table with a column of each type, in batches of several lengths.
#[derive(Task)]
#[task(target = SqlTable<Vec<RecordBatch>>(name = "all types"))]
struct Types;

#[tracked]
impl Run for Types {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<RecordBatch>> {
        let all = columns();
        Ok([all.slice(0, 0), all.slice(0, 2), all.slice(2, 1), all.slice(0, 0), all.slice(0, 3)]
            .into())
    }
}

#[test]
fn each_type_comes_back_equal_and_so_do_the_batches() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    flow.run::<Types>()?;
    let (all, loaded) = (columns(), flow.load::<Types>()?);
    let lengths: Vec<_> = loaded.iter().map(RecordBatch::num_rows).collect();
    assert_eq!(lengths, [0, 2, 1, 0, 3]);
    assert_eq!(loaded[4].schema(), all.schema());
    for (field, (column, back)) in
        all.schema().fields().iter().zip(all.columns().iter().zip(loaded[4].columns()))
    {
        assert_eq!(back, column, "{}", field.name());
    }
    // Other programs see dates.
    assert_eq!(world.database().answer("select day from \"all types\" limit 1")?, "1970-01-01");
    Ok(())
}

/// A zero with a sign.
#[derive(Task)]
#[task(target = SqlTable<RecordBatch>(name = "zero"))]
struct Zero;

#[tracked]
impl Run for Zero {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![-0.0]));
        Ok(RecordBatch::try_from_iter([("x", column)])?)
    }
}

#[test]
fn a_negative_zero_comes_back_as_zero() -> Result<()> {
    let world = World::new();
    let loaded = world.flow().get::<Zero>()?;
    let column = loaded.column(0).as_primitive::<arrow::datatypes::Float64Type>();
    assert_eq!(column.value(0).to_bits(), 0);
    Ok(())
}

/// A number that SQLite does not store.
#[derive(Task)]
#[task(target = SqlTable<RecordBatch>(name = "nan"))]
struct NaN;

#[tracked]
impl Run for NaN {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        let schema = Schema::new(vec![Field::new("x", DataType::Float64, false)]);
        let column = Arc::new(Float64Array::from(vec![1.0, f64::NAN]));
        Ok(RecordBatch::try_new(Arc::new(schema), vec![column])?)
    }
}

#[test]
fn a_value_that_would_be_lost_is_an_error_and_leaves_no_table() -> Result<()> {
    let world = World::new();
    let error = in_full(world.flow().run::<NaN>().unwrap_err());
    assert_says(&error, "column `x`, row 1, is NaN, which SQLite stores as NULL");
    assert_eq!(world.database().answer("select count(*) from sqlite_schema")?, "0");
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct Listed {
    values: Vec<i64>,
}

/// A type that no table has.
#[derive(Task)]
#[task(target = SqlTable<Vec<Listed>>(name = "listed"))]
struct Lists;

#[tracked]
impl Run for Lists {
    fn run(&self, _cx: &Cx<Self>) -> Result<Vec<Listed>> {
        Ok(Vec::new())
    }
}

/// A target without a name.
#[derive(Task)]
#[task(target = SqlTable<RecordBatch>)]
struct Nameless;

#[tracked]
impl Run for Nameless {
    fn run(&self, _cx: &Cx<Self>) -> Result<RecordBatch> {
        Ok(columns())
    }
}

#[test]
fn unsuitable_types_and_names_are_errors_of_the_plan() -> Result<()> {
    let world = World::new();
    let flow = world.flow();
    assert_says(
        &in_full(flow.preview::<Lists>().unwrap_err()),
        "which a table of a database does not have",
    );
    assert_says(&in_full(flow.preview::<Nameless>().unwrap_err()), "it names no table: write");
    Ok(())
}
