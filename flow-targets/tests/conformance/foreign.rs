//! Tables of other programs as rows: encodings and types that rows do not write themselves.

use std::fmt::Debug;
use std::sync::Arc;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::*;
use flow::Row;
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, Parquet};
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use crate::harness::{bytes, value};
use crate::tables::of;

/// A row without `Row`: serde reads the column.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct Plain<V> {
    column: V,
}

/// Asserts that a column is read as rows with these values, from every target that stores its type.
#[track_caller]
fn reads<V>(array: ArrayRef, expected: Vec<V>)
where
    V: Serialize + DeserializeOwned + Debug + PartialEq + Send + Sync + 'static,
{
    let batch = of(array);
    let expected: Vec<_> = expected.into_iter().map(|column| Plain { column }).collect();
    let arrow = bytes(&<ArrowIpc<RecordBatch>>::default(), &batch).expect("Arrow stores all types");
    assert_eq!(value(&<ArrowIpc<Vec<Plain<V>>>>::default(), &arrow).unwrap(), expected);
    match bytes(&<Parquet<RecordBatch>>::default(), &batch) {
        Ok(parquet) => {
            assert_eq!(value(&<Parquet<Vec<Plain<V>>>>::default(), &parquet).unwrap(), expected);
        }
        Err(error) => println!("{}: {error:#}", batch.column(0).data_type()),
    }
    let schema = batch.schema();
    if let Ok(csv) = bytes(&<Csv<RecordBatch>>::default().schema(schema.as_ref().clone()), &batch) {
        assert_eq!(value(&<Csv<Vec<Plain<V>>>>::default(), &csv).unwrap(), expected);
    }
    #[cfg(feature = "excel")]
    if let Ok(sheet) = bytes(&<Excel<RecordBatch>>::default().schema(schema), &batch) {
        assert_eq!(value(&<Excel<Vec<Plain<V>>>>::default(), &sheet).unwrap(), expected);
    }
}

fn texts() -> ArrayRef {
    Arc::new(StringArray::from(vec![Some("a"), None, Some("a text that is longer than a view")]))
}

fn text_rows() -> Vec<Option<String>> {
    let texts = [Some("a"), None, Some("a text that is longer than a view")];
    texts.map(|text| text.map(str::to_owned)).to_vec()
}

#[test]
fn views_and_large_texts_are_read() {
    for data_type in [DataType::Utf8View, DataType::LargeUtf8] {
        reads(cast(&texts(), &data_type).unwrap(), text_rows());
    }
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"\xff\0"[..]), None]));
    let expected = vec![Some(serde_bytes::ByteBuf::from(vec![0xff, 0])), None];
    for data_type in [DataType::Binary, DataType::LargeBinary, DataType::BinaryView] {
        reads(cast(&bytes, &data_type).unwrap(), expected.clone());
    }
}

#[test]
fn dictionaries_of_any_values_are_read() {
    for keys in [DataType::Int8, DataType::UInt16, DataType::Int64] {
        for values in [DataType::Utf8, DataType::LargeUtf8] {
            let data_type = DataType::Dictionary(Box::new(keys.clone()), Box::new(values));
            reads(cast(&texts(), &data_type).unwrap(), text_rows());
        }
    }
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(7)]));
    let of_numbers = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Int64));
    reads(cast(&numbers, &of_numbers).unwrap(), vec![Some(7_i64), None, Some(7)]);
}

#[test]
fn runs_are_read() {
    let ends = Int32Array::from(vec![2, 3]);
    let values = Int64Array::from(vec![Some(7), None]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &values).unwrap();
    reads(Arc::new(runs), vec![Some(7_i64), Some(7), None]);
    let words = StringArray::from(vec!["x", "y"]);
    let runs = RunArray::<Int32Type>::try_new(&ends, &words).unwrap();
    reads(Arc::new(runs), ["x", "x", "y"].map(str::to_owned).to_vec());
}

#[test]
fn views_of_lists_and_nested_columns_are_read() {
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
    ]);
    let list: ArrayRef = Arc::new(list);
    let expected = vec![Some(vec![Some(1_i64), None]), None, Some(vec![])];
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    for data_type in [
        DataType::ListView(item.clone()),
        DataType::LargeListView(item.clone()),
        DataType::LargeList(item.clone()),
    ] {
        reads(cast(&list, &data_type).unwrap(), expected.clone());
    }
    // In a struct, too.
    #[derive(Serialize, Deserialize, Debug, PartialEq, Clone)]
    struct Inner {
        words: String,
    }
    let words = ["x", "x", "y"].into_iter().collect::<DictionaryArray<Int8Type>>();
    let words =
        cast(&words, &DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View)))
            .unwrap();
    let field = Arc::new(Field::new("words", words.data_type().clone(), true));
    let structs = StructArray::from(vec![(field, words)]);
    let expected = ["x", "x", "y"].map(|word| Inner { words: word.to_owned() });
    reads(Arc::new(structs), expected.to_vec());
}

#[test]
fn decimals_of_every_width_are_read() {
    let decimals = Decimal128Array::from(vec![Some(-12_345), None, Some(5)]);
    let decimals: ArrayRef = Arc::new(decimals.with_precision_and_scale(9, 2).unwrap());
    let expected = [Some("-123.45"), None, Some("0.05")];
    let expected = expected.map(|text| text.map(|text| text.parse::<Decimal>().unwrap())).to_vec();
    for data_type in [
        DataType::Decimal32(9, 2),
        DataType::Decimal64(18, 2),
        DataType::Decimal128(38, 2),
        DataType::Decimal256(60, 2),
    ] {
        reads(cast(&decimals, &data_type).unwrap(), expected.clone());
    }
}

#[test]
fn nanoseconds_and_named_zones_are_read() {
    let nanoseconds = vec![Some(1_709_208_000_123_456_789), None, Some(-1)];
    let instant = |ns: Option<i64>| ns.map(|ns| Timestamp::from_nanosecond(ns.into()).unwrap());
    let expected: Vec<_> = nanoseconds.iter().copied().map(instant).collect();
    for zone in ["UTC", "+00:00", "Europe/Berlin", "America/New_York", "-03:30"] {
        let array = TimestampNanosecondArray::from(nanoseconds.clone()).with_timezone(zone);
        reads(Arc::new(array), expected.clone());
    }
}

/// Arrow alone stores bytes of length zero.
#[test]
fn bytes_of_length_zero_are_read() {
    let nulls = Some(vec![false, true].into());
    let none = Vec::<u8>::new().into();
    let array = FixedSizeBinaryArray::try_new_with_len(0, none, nulls, 2).unwrap();
    reads(Arc::new(array), vec![None, Some(serde_bytes::ByteBuf::new())]);
}

/// Rows that derive `Row` read the same columns.
#[test]
fn typed_rows_read_the_columns_of_other_programs() {
    #[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
    struct Typed {
        day: Date,
        at: Option<Timestamp>,
        price: Option<Decimal>,
        word: String,
        sizes: Vec<Option<i64>>,
        #[serde(with = "serde_bytes")]
        none: Vec<u8>,
        n: i16,
    }
    let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 19_782]));
    let times = TimestampMillisecondArray::from(vec![Some(-1), None]).with_timezone("Asia/Tokyo");
    let prices = Decimal256Array::from(vec![Some(i256::from_i128(1_250)), None]);
    let words = ["x", "y"].into_iter().collect::<DictionaryArray<UInt8Type>>();
    let sizes = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![
        Some(vec![Some(1), None]),
        Some(vec![]),
    ]);
    let item = Arc::new(Field::new_list_field(DataType::Int64, true));
    let none = FixedSizeBinaryArray::try_new_with_len(0, Vec::<u8>::new().into(), None, 2).unwrap();
    let ends = Int16Array::from(vec![2]);
    let n = RunArray::<Int16Type>::try_new(&ends, &UInt64Array::from(vec![7])).unwrap();
    let columns: [(&str, ArrayRef); 7] = [
        ("n", Arc::new(n)),
        ("day", cast(&days, &DataType::Date64).unwrap()),
        ("at", Arc::new(times)),
        ("price", Arc::new(prices.with_precision_and_scale(60, 2).unwrap())),
        ("word", Arc::new(words)),
        ("sizes", cast(&sizes, &DataType::ListView(item)).unwrap()),
        ("none", Arc::new(none)),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let content = bytes(&<ArrowIpc<RecordBatch>>::default(), &batch).unwrap();
    let row = |day: &str, at, price: Option<&str>, word: &str, sizes| Typed {
        day: day.parse().unwrap(),
        at,
        price: price.map(|price| price.parse().unwrap()),
        word: word.to_owned(),
        sizes,
        none: Vec::new(),
        n: 7,
    };
    let before = Timestamp::from_millisecond(-1).unwrap();
    let expected = vec![
        row("1970-01-01", Some(before), Some("12.5"), "x", vec![Some(1), None]),
        row("2024-02-29", None, None, "y", vec![]),
    ];
    assert_eq!(value(&<ArrowIpc<Vec<Typed>>>::default(), &content).unwrap(), expected);
}
