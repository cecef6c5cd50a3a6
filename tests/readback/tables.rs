//! The written tables, with columns that are hard to store, each with the types that readers
//! report.

use std::sync::Arc;

use arrow::array::types::*;
use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};

/// A table, and the names of its column types in several readers.
pub(crate) struct Typed {
    pub(crate) batch: RecordBatch,
    pub(crate) types: Vec<Vec<&'static str>>,
}

/// A column, and the names of its type.
type Column = (&'static str, ArrayRef, &'static [&'static str]);

fn table(columns: Vec<Column>) -> Typed {
    let field = |(name, array, _): &Column| Field::new(*name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let types = columns.iter().map(|column| column.2.to_vec()).collect();
    let arrays = columns.into_iter().map(|column| column.1).collect();
    Typed { batch: RecordBatch::try_new(schema, arrays).expect("a table"), types }
}

const UNICODE: &str = "Zürich 🌲 — 東京\u{301} \u{feff}";
const SECONDS: [i64; 3] = [0, 1_709_208_000, -1];

/// Numbers that any format can store.
fn numbers() -> Vec<Column> {
    vec![
        ("bool", Arc::new(BooleanArray::from(vec![true, false, true])), &["bool", "bool"]),
        ("i64", Arc::new(Int64Array::from(vec![i64::MIN, -1, i64::MAX])), &["int64", "int64"]),
        ("u64", Arc::new(UInt64Array::from(vec![0, 1 << 53, u64::MAX])), &["uint64", "uint64"]),
        ("f64", floats(&[Some(0.1 + 0.2), Some(-0.0), Some(5e-324)]), &["double", "float64"]),
        ("f64 max", floats(&[Some(f64::MAX), Some(1e23), Some(1.0)]), &["double", "float64"]),
        ("f64 null", floats(&[Some(-1.5), None, Some(2.5)]), &["double", "float64"]),
        (
            "f64 odd",
            floats(&[Some(f64::NAN), Some(f64::INFINITY), Some(f64::NEG_INFINITY)]),
            &["double", "float64"],
        ),
    ]
}

fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn texts(values: [Option<&str>; 3]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn micros() -> [i64; 3] {
    SECONDS.map(|seconds| seconds * 1_000_000 + 123_456)
}

fn decimals(values: [Option<i128>; 3], precision: u8, scale: i8) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec());
    Arc::new(array.with_precision_and_scale(precision, scale).expect("it fits"))
}

/// Flat columns, with the types of pyarrow and of pandas.
pub(crate) fn flat() -> Typed {
    let mut columns = numbers();
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let nanos = micros().map(|time| time * 1000 + 789);
    let more: Vec<Column> = vec![
        ("i8", Arc::new(Int8Array::from(vec![i8::MIN, 0, i8::MAX])), &["int8", "int8"]),
        ("u16", Arc::new(UInt16Array::from(vec![0, 1, u16::MAX])), &["uint16", "uint16"]),
        (
            "f32",
            Arc::new(Float32Array::from(vec![0.1, -0.0, f32::MIN_POSITIVE])),
            &["float", "float32"],
        ),
        ("text", texts([Some(""), None, Some(UNICODE)]), &["string", "str"]),
        ("words", texts([Some("NA"), Some("null"), Some("1")]), &["string", "str"]),
        (
            "few",
            cast(&texts([Some("b"), None, Some("a")]), &dictionary).expect("a dictionary"),
            &["dictionary<values=string, indices=int32, ordered=0>", "category"],
        ),
        (
            "bytes",
            Arc::new(BinaryArray::from(vec![Some(&b"\xff\0"[..]), None, Some(b"")])),
            &["binary", "object"],
        ),
        (
            "date",
            Arc::new(Date32Array::from(vec![Some(19_782), None, Some(-25_567)])),
            &["date32[day]", "object"],
        ),
        (
            "plain time",
            Arc::new(TimestampMicrosecondArray::from(micros().to_vec())),
            &["timestamp[us]", "datetime64[us]"],
        ),
        (
            "time in UTC",
            Arc::new(
                TimestampMillisecondArray::from(vec![Some(1), None, Some(-1)]).with_timezone("UTC"),
            ),
            &["timestamp[ms, tz=UTC]", "datetime64[ms, UTC]"],
        ),
        (
            "time in Berlin",
            Arc::new(TimestampNanosecondArray::from(nanos.to_vec()).with_timezone("Europe/Berlin")),
            &["timestamp[ns, tz=Europe/Berlin]", "datetime64[ns, Europe/Berlin]"],
        ),
        (
            "decimal",
            decimals([Some(10_i128.pow(37) + 1), None, Some(-5)], 38, 10),
            &["decimal128(38, 10)", "object"],
        ),
    ];
    columns.extend(more);
    table(columns)
}

/// Columns that pandas has no values for, with the types of pyarrow.
pub(crate) fn nested() -> Typed {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None, Some(i64::MAX)]),
        None,
        Some(vec![]),
    ]);
    let structs = StructArray::from(vec![
        (
            Arc::new(Field::new("x", DataType::Float64, true)),
            floats(&[Some(f64::NAN), None, Some(-0.0)]),
        ),
        (Arc::new(Field::new("ü", DataType::Utf8, true)), texts([Some(""), None, Some(UNICODE)])),
    ]);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for (i, key) in ["a", "ü", ""].into_iter().enumerate() {
        maps.keys().append_value(key);
        maps.values().append_option((i > 0).then_some(i as i64));
        maps.append(true).expect("a map");
    }
    table(vec![
        (
            "clock",
            Arc::new(Time64NanosecondArray::from(vec![0, 1, 86_399_999_999_999])),
            &["time64[ns]"],
        ),
        ("lists", Arc::new(lists), &["list<item: int64>"]),
        ("structs", Arc::new(structs), &["struct<x: double, ü: string>"]),
        // pyarrow names the entries of a map after the map, in its own files too.
        ("maps", Arc::new(maps.finish()), &["map<string, int64>"]),
    ])
}

/// Columns of CSV, with the types that pyarrow and pandas infer from its text.
pub(crate) fn csv() -> Typed {
    let mut columns = numbers();
    let more: Vec<Column> = vec![
        ("text", texts([Some("a \"b\", c\nd\re"), Some("x"), Some(UNICODE)]), &["string", "str"]),
        (
            "date",
            Arc::new(Date32Array::from(vec![19_782, 0, -25_567])),
            &["date32[day]", "datetime64[us]"],
        ),
        (
            "plain time",
            Arc::new(TimestampMicrosecondArray::from(micros().to_vec())),
            &["timestamp[ns]", "datetime64[us]"],
        ),
        (
            "time in UTC",
            Arc::new(TimestampMicrosecondArray::from(micros().to_vec()).with_timezone("UTC")),
            &["timestamp[ns, tz=UTC]", "datetime64[us, UTC]"],
        ),
    ];
    columns.extend(more);
    table(columns)
}

/// Null, empty text, and text that looks like null, which pyarrow tells apart in CSV.
pub(crate) fn empties() -> Typed {
    table(vec![
        ("text", texts([Some(""), None, Some("NA")]), &["string"]),
        ("n", Arc::new(Int64Array::from(vec![Some(1), None, Some(-1)])), &["int64"]),
    ])
}

/// Columns of Excel, with the number formats of the cells and the types of pandas.
pub(crate) fn excel() -> Typed {
    let times = SECONDS.map(|seconds| seconds.abs() * 1000 + 7);
    let limit = 1 << 53;
    table(vec![
        ("bool", Arc::new(BooleanArray::from(vec![true, false, true])), &["General", "bool"]),
        ("int", Arc::new(Int64Array::from(vec![-limit, 0, limit])), &["0", "int64"]),
        ("int null", Arc::new(Int32Array::from(vec![Some(-1), None, Some(1)])), &["0", "float64"]),
        ("f64", floats(&[Some(0.1 + 0.2), None, Some(f64::MAX)]), &["General", "float64"]),
        ("text", texts([Some("a\n\t_x0041_ <&>"), None, Some(UNICODE)]), &["General", "str"]),
        ("digits", texts([Some("007"), Some("=1+1"), Some(" 1")]), &["General", "str"]),
        (
            "date",
            Arc::new(Date32Array::from(vec![Some(19_782), None, Some(-25_508)])),
            &["yyyy-mm-dd", "datetime64[us]"],
        ),
        (
            "time",
            Arc::new(TimestampMillisecondArray::from(times.to_vec())),
            &["yyyy-mm-dd hh:mm:ss.000", "datetime64[us]"],
        ),
        (
            "time in UTC",
            Arc::new(TimestampSecondArray::from(SECONDS.to_vec()).with_timezone("UTC")),
            &["yyyy-mm-dd hh:mm:ss\"Z\"", "datetime64[us]"],
        ),
    ])
}

/// Each type that all table formats store, with nulls and with values that no other type can hold.
pub(crate) fn every() -> Typed {
    let nanos = micros().map(|time| time * 1000 + 789);
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let some = |times: [i64; 3]| vec![Some(times[0]), None, Some(times[2])];
    let columns: Vec<Column> = vec![
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])), &[]),
        ("i8", Arc::new(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)])), &[]),
        ("i16", Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)])), &[]),
        ("i32", Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)])), &[]),
        ("i64", Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)])), &[]),
        ("u8", Arc::new(UInt8Array::from(vec![Some(0), None, Some(u8::MAX)])), &[]),
        ("u16", Arc::new(UInt16Array::from(vec![Some(0), None, Some(u16::MAX)])), &[]),
        ("u32", Arc::new(UInt32Array::from(vec![Some(0), None, Some(u32::MAX)])), &[]),
        ("u64", Arc::new(UInt64Array::from(vec![Some((1 << 53) + 1), None, Some(u64::MAX)])), &[]),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::MAX)])), &[]),
        ("f64", floats(&[Some(0.1 + 0.2), None, Some(f64::NAN)]), &[]),
        ("f64 odd", floats(&[Some(f64::INFINITY), Some(-0.0), Some(5e-324)]), &[]),
        ("text", texts([Some(""), None, Some(UNICODE)]), &[]),
        ("words", texts([Some("NA"), Some("null"), Some("1")]), &[]),
        (
            "few",
            cast(&texts([Some("b"), None, Some("a")]), &dictionary).expect("a dictionary"),
            &[],
        ),
        ("date", Arc::new(Date32Array::from(vec![Some(19_782), None, Some(-25_567)])), &[]),
        (
            "clock",
            Arc::new(Time32MillisecondArray::from(vec![Some(1), None, Some(86_399_999)])),
            &["time32[ms]"],
        ),
        (
            "fine clock",
            Arc::new(Time64NanosecondArray::from(vec![Some(1), None, Some(86_399_999_999_999)])),
            &["time64[ns]"],
        ),
        ("plain time", Arc::new(TimestampMicrosecondArray::from(some(micros()))), &[]),
        (
            "time in UTC",
            Arc::new(TimestampSecondArray::from(some(SECONDS)).with_timezone("UTC")),
            &[],
        ),
        (
            "time in Berlin",
            Arc::new(TimestampNanosecondArray::from(some(nanos)).with_timezone("Europe/Berlin")),
            &[],
        ),
        ("decimal", decimals([Some(10_i128.pow(37) + 1), None, Some(-5)], 38, 10), &[]),
        ("short decimal", decimals([Some(125), None, Some(-5)], 5, 2), &[]),
    ];
    let Typed { batch, types } = table(columns);
    // A column that is never null, and declared so.
    let mut fields = batch.schema().fields().to_vec();
    fields.push(Arc::new(Field::new("never null", DataType::Int64, false)));
    let mut arrays = batch.columns().to_vec();
    arrays.push(Arc::new(Int64Array::from(vec![i64::MIN, 0, i64::MAX])));
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema, arrays).expect("a table");
    Typed { batch, types: types.into_iter().chain([vec![]]).collect() }
}

/// The columns of rows.
pub(crate) fn ids(rows: &[crate::Id]) -> Typed {
    let fields = vec![
        Field::new("id", DataType::Int64, true),
        Field::new("n", DataType::UInt8, false),
        Field::new("buy", DataType::Boolean, true),
    ];
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.id).collect::<Int64Array>()),
        Arc::new(rows.iter().map(|row| Some(row.n)).collect::<UInt8Array>()),
        Arc::new(rows.iter().map(|row| row.buy).collect::<BooleanArray>()),
    ];
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema, arrays).expect("a table");
    Typed { batch, types: vec![vec![]; 3] }
}

/// A column of which some lines are empty.
pub(crate) fn one_column() -> Typed {
    table(vec![("v", Arc::new(Int64Array::from(vec![Some(1), None, Some(3), None])), &[])])
}

/// Like [`one_column`], with text.
pub(crate) fn one_text() -> Typed {
    table(vec![("text", texts([None, Some(""), Some("a\n\nb")]), &[])])
}

/// A line that is longer than the buffers of the readers.
pub(crate) fn long() -> Typed {
    let text = "x\n".repeat(1_500_000);
    table(vec![("text", texts([Some("a"), Some(&text), None]), &[])])
}
