//! The `Excel` target.

use std::collections::BTreeMap;
use std::sync::Arc;

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use flow_targets::Excel;
use jiff::civil::date;

use crate::harness::{bytes, comes_back, complaint, conforms, refusal, reloaded, value};
use crate::shapes;
use crate::tables::{self, column, of};

fn one() -> Excel<RecordBatch> {
    <Excel<RecordBatch>>::default()
}

#[test]
fn every_cell_type_survives_a_round_trip_with_a_schema() {
    for (name, batch) in tables::flat() {
        println!("{name}");
        let target = one().schema(batch.schema());
        comes_back(&target, &batch, |a, b| a == b);
        assert_eq!(reloaded(&target, &batch.slice(0, 0)).unwrap(), batch.slice(0, 0));
    }
}

#[test]
fn types_that_no_cell_can_hold_are_refused() {
    for (name, batch) in tables::nested() {
        if name == "a dictionary of numbers" {
            comes_back(&one().schema(batch.schema()), &batch, |a, b| a == b);
            continue;
        }
        for target in [one(), one().schema(batch.schema())] {
            let error = refusal(&target, &batch);
            assert!(error.contains("which no cell holds; `Parquet` does"), "{name}: {error}");
        }
    }
    for (name, batch) in tables::rare() {
        let target = one().schema(batch.schema());
        if bytes(&target, &batch).is_ok() {
            println!("{name}");
            comes_back(&target, &batch, |a, b| a == b);
        }
    }
}

#[test]
fn without_a_schema_types_are_inferred_from_cells() {
    let same = [
        "booleans",
        "text",
        "text of digits",
        // The column equals the text column without its dictionary.
        "a dictionary of text",
    ];
    for (name, batch) in tables::flat() {
        println!("{name}");
        let Ok(back) = reloaded(&one(), &batch) else {
            let error = refusal(&one(), &batch);
            assert!(
                error.contains("give the columns' types by `schema")
                    || error.contains("column `column`, row ")
                        && error.contains("no such number or time"),
                "{name}: {error}",
            );
            continue;
        };
        let as_before = cast(batch.column(0), back.column(0).data_type()).unwrap();
        assert_eq!(back, of(as_before), "{name}");
        assert!(!same[..3].contains(&name) || back == batch);
        // A loaded value survives a second round trip.
        comes_back(&one(), &back, |a, b| a == b);
    }
    let types = [
        (column(Int8Array::from(vec![Some(3), None])), DataType::Int64),
        (column(Int64Array::from(vec![Some(1 << 53), Some(-(1 << 53))])), DataType::Int64),
        // The type does not depend on whether all numbers are whole.
        (column(Float64Array::from(vec![Some(3.0), None])), DataType::Float64),
        (column(Date32Array::from(vec![19_782])), DataType::Date32),
        (
            column(TimestampSecondArray::from(vec![86_400])),
            DataType::Timestamp(TimeUnit::Microsecond, None),
        ),
        (
            column(Time32MillisecondArray::from(vec![Some(1), Some(0), None])),
            DataType::Time32(TimeUnit::Millisecond),
        ),
        (column(NullArray::new(2)), DataType::Null),
    ];
    for (batch, data_type) in types {
        let back = reloaded(&one(), &batch).unwrap();
        assert_eq!(back.column(0).data_type(), &data_type);
        assert_eq!(back, of(cast(batch.column(0), &data_type).unwrap()));
    }
}

#[test]
fn numbers_outside_the_range_of_excel_need_a_schema() {
    let refused: [(ArrayRef, &str); 11] = [
        (Arc::new(Int64Array::from(vec![0, (1 << 53) + 1])), "9007199254740993"),
        (Arc::new(UInt64Array::from(vec![0, u64::MAX])), "18446744073709551615"),
        (Arc::new(Float64Array::from(vec![0.0, f64::NAN])), "NaN"),
        (Arc::new(Float64Array::from(vec![0.0, f64::NEG_INFINITY])), "-inf"),
        (Arc::new(Float64Array::from(vec![0.0, -0.0])), "-0.0"),
        (Arc::new(Float64Array::from(vec![0.0, 5e-324])), "5e-324"),
        (Arc::new(Date32Array::from(vec![0, -25_509])), "1900-02-28"),
        (Arc::new(Date32Array::from(vec![0, 2_932_897])), "+10000-01-01"),
        (Arc::new(TimestampMicrosecondArray::from(vec![0, 1])), "1970-01-01T00:00:00.000001"),
        (Arc::new(TimestampNanosecondArray::from(vec![0, -1])), "1969-12-31T23:59:59.999999999"),
        (Arc::new(Time64MicrosecondArray::from(vec![0, 1])), "00:00:00.000001"),
    ];
    for (array, shown) in refused {
        let batch = of(array);
        let error = refusal(&one(), &batch);
        let expected =
            format!("column `column`, row 1: Excel has no such number or time as {shown}");
        assert!(error.contains(&expected), "{error}");
        let target = one().schema(batch.schema());
        if bytes(&target, &batch).is_ok() {
            comes_back(&target, &batch, |a, b| a == b);
        } else {
            let error = refusal(&target, &batch);
            assert!(error.contains("neither Excel nor text has") && shown.contains("+10000"));
        }
    }
}

#[test]
fn null_and_empty_text_are_told_apart() {
    let texts = [Some(""), None, Some(" "), Some(""), None, None];
    for end in 0..=texts.len() {
        let batch = column(StringArray::from(texts[..end].to_vec()));
        comes_back(&one().schema(batch.schema()), &batch, |a, b| a == b);
        if end > 0 {
            comes_back(&one(), &batch, |a, b| a == b);
        }
    }
    let several = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Utf8, true),
    ]));
    let ends_with_null = RecordBatch::try_new(
        several,
        vec![
            Arc::new(Int64Array::from(vec![Some(1), None, None])),
            Arc::new(StringArray::from(vec![Some("x"), None, None])),
        ],
    );
    comes_back(&one(), &ends_with_null.unwrap(), |a, b| a == b);
}

#[test]
fn text_of_any_characters_survives_a_round_trip() {
    let odd = [
        "_x0041_",
        "_x005F_",
        "a_x",
        "\u{1}\u{1f}",
        "\u{fffe}\u{ffff}",
        "\u{7f}\u{85}\u{2028}",
        "\r",
        "\r\n",
        "\n",
        "\t",
        "  two  ",
        "<&>\"'",
        "]]>",
        "=1+1",
        "@",
        "'quoted",
        "😀",
        "#N/A",
        "TRUE",
        "1e5",
    ];
    let batch = column(StringArray::from_iter_values(odd));
    comes_back(&one(), &batch, |a, b| a == b);
    let names = odd.map(|name| Field::new(name, DataType::Boolean, true)).to_vec();
    let arrays = odd.map(|_| Arc::new(BooleanArray::from(vec![true])) as ArrayRef).to_vec();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(names)), arrays).unwrap();
    assert_eq!(reloaded(&one(), &batch).unwrap(), batch);

    let long = |n| column(StringArray::from(vec!["x".to_owned(), "😀".repeat(n)]));
    let error = refusal(&one(), &long(16_384));
    assert!(error.contains("column `column`, row 1") && error.contains("32,767"), "{error}");
    comes_back(&one(), &long(16_383), |a, b| a == b);
}

#[test]
fn the_limits_of_a_sheet_are_checked() {
    let rows = |n| column(NullArray::new(n));
    assert!(refusal(&one(), &rows(1_048_576)).contains("more rows than the 1048575"));
    let last = reloaded(&one(), &rows(1_048_575)).unwrap();
    assert_eq!(last.num_rows(), 1_048_575);

    let columns = |n| {
        let fields: Vec<_> =
            (0..n).map(|i| Field::new(format!("c{i}"), DataType::Int64, true)).collect();
        let arrays = vec![Arc::new(Int64Array::from(vec![1])) as ArrayRef; n];
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    };
    assert!(refusal(&one(), &columns(16_385)).contains("16385 columns, and a sheet has 16384"));
    assert_eq!(reloaded(&one(), &columns(16_384)).unwrap(), columns(16_384));
}

#[test]
fn tables_of_unusual_shapes_are_kept_or_refused() {
    for (name, batch) in shapes::shapes() {
        println!("{name}");
        let target = one().schema(batch.schema());
        if name == "no columns" {
            assert!(refusal(&target, &batch).contains("rows without columns"));
        } else {
            comes_back(&target, &batch, |a, b| a == b);
        }
    }
    let target = <Excel<Vec<RecordBatch>>>::default();
    let part = column(Int64Array::from(vec![1, 2]));
    let back = reloaded(&target, &vec![part.clone(), part.slice(0, 0), part.clone()]).unwrap();
    assert_eq!(back, [concat_batches(&part.schema(), [&part, &part]).unwrap()]);
    assert!(refusal(&target, &vec![]).contains("a list without batches"));
}

#[test]
fn sheet_names_are_kept_or_refused() {
    let batch = column(Int64Array::from(vec![1]));
    for name in ["Data", "größer 東京", "it's"] {
        comes_back(&one().sheet(name), &batch, |a, b| a == b);
        let file = bytes(&one().sheet(name), &batch).unwrap();
        assert_eq!(value(&one(), &file).unwrap(), batch);
    }
    let long = "x".repeat(32);
    for name in ["", "a/b", "a[1]", "'a", "History", "a:b", &long] {
        let error = refusal(&one().sheet(name), &batch);
        assert!(error.contains(&format!("`{name}`")), "{error}");
    }
    let file = bytes(&one().sheet("Data"), &batch).unwrap();
    let error = complaint(&one().sheet("data"), &file);
    assert!(error.contains("no sheet `data`, but [\"Data\"]"), "{error}");
}

#[test]
fn a_schema_that_does_not_fit_the_value_is_refused() {
    let batch = column(Int32Array::from(vec![Some(1), None]));
    let schema = |data_type, nullable| Schema::new(vec![Field::new("column", data_type, nullable)]);
    let error = refusal(&one().schema(schema(DataType::Int64, true)), &batch);
    assert!(error.contains("the columns are (column: Int32)"), "{error}");
    let error = refusal(&one().schema(schema(DataType::Int32, false)), &batch);
    assert!(error.contains("column `column` has nulls"), "{error}");

    let file = bytes(&one(), &batch).unwrap();
    let other = Schema::new(vec![Field::new("b", DataType::Int32, true)]);
    assert!(complaint(&one().schema(other), &file).contains("the columns are [\"column\"]"));
    let error = complaint(&one().schema(schema(DataType::Boolean, true)), &file);
    assert!(error.contains("column `column`"), "{error}");
}

#[test]
fn foreign_and_damaged_files_are_errors() {
    for content in [&b""[..], b"PK\x03\x04", b"PAR1", b"a,b\n1,2\n", b"{}", &[0; 4096]] {
        complaint(&one(), content);
    }
    let batch = column(StringArray::from_iter_values((0..30).map(|i| i.to_string())));
    let file = bytes(&one(), &batch).unwrap();
    for at in (0..file.len()).step_by(5) {
        let mut damaged = file.clone();
        damaged[at] ^= 0xff;
        // The checksum of the store detects the damage; loading only must not panic.
        let _ = value(&one(), &damaged);
    }
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
struct Trade {
    id: u64,
    change: i64,
    price: f64,
    weight: f32,
    symbol: String,
    venue: Option<String>,
    size: Option<u32>,
    buy: bool,
    side: Side,
    class: char,
    #[serde(rename = "the name, of it")]
    renamed: u16,
}

#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default)]
enum Side {
    #[default]
    Bid,
    Ask,
}

#[test]
fn rows_survive_a_round_trip() {
    let trades = vec![
        Trade { id: u64::MAX, change: i64::MIN, price: -0.0, ..Trade::default() },
        Trade { price: f64::NAN, weight: f32::INFINITY, size: Some(7), ..Trade::default() },
        Trade { price: 0.1 + 0.2, weight: 0.1, class: '"', side: Side::Ask, ..Trade::default() },
        Trade { venue: Some(String::new()), symbol: "007".to_owned(), ..Trade::default() },
    ];
    let target = <Excel<Vec<Trade>>>::default();
    conforms(&target, &trades);

    let file = bytes(&target, &trades[1..].to_vec()).unwrap();
    #[derive(Deserialize, Serialize, Debug)]
    struct Part {
        symbol: String,
        id: u8,
    }
    let part = value(&<Excel<Vec<Part>>>::default(), &file).unwrap();
    assert_eq!((part[2].id, part[2].symbol.as_str()), (0, "007"));
}

#[test]
fn rows_with_undeclared_columns_are_kept_or_refused() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Dated {
        day: jiff::civil::Date,
        at: Option<jiff::Timestamp>,
        #[serde(flatten)]
        more: More,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, Default)]
    struct More {
        symbol: String,
        size: Option<u32>,
        price: f64,
    }
    let day = date(2024, 2, 29);
    let at = Some("2024-02-29T12:00:00.123456789Z".parse().unwrap());
    let more = More { symbol: "007".to_owned(), size: Some(1), price: 2.0 };
    let rows = vec![
        Dated { day, at: None, more: More::default() },
        Dated { day: date(-9999, 1, 1), at, more },
    ];
    let target = <Excel<Vec<Dated>>>::default();
    let same = |a: &Vec<Dated>, b: &Vec<Dated>| format!("{a:?}") == format!("{b:?}");
    comes_back(&target, &rows, same);
    comes_back(&target, &vec![], same);
    let nan = More { price: f64::NAN, ..More::default() };
    let error = refusal(&target, &vec![Dated { day, at, more: nan }]);
    assert!(error.contains("column `price`, row 0"), "{error}");
}

#[test]
fn rows_that_cells_cannot_hold_are_refused() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Nested {
        tags: Vec<String>,
    }
    let error = refusal(&<Excel<Vec<Nested>>>::default(), &vec![Nested { tags: vec![] }]);
    assert!(error.contains("column `tags` is of type"), "{error}");
    #[derive(Serialize, Deserialize, Debug)]
    struct Counts {
        counts: BTreeMap<String, u8>,
    }
    let counts = BTreeMap::new();
    refusal(&<Excel<Vec<Counts>>>::default(), &vec![Counts { counts }]);
    refusal(&<Excel<Vec<u8>>>::default(), &vec![1]);
}
