//! The `Csv` target.

use std::sync::Arc;

use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use flow_targets::Csv;

use crate::harness::{bytes, complaint, conforms_as, refusal, reloaded, value};
use crate::tables::{self, column, of};

fn one() -> Csv<RecordBatch> {
    <Csv<RecordBatch>>::default()
}

fn read(text: &str) -> RecordBatch {
    value(&one(), text.as_bytes()).unwrap()
}

fn types(text: &str) -> Vec<DataType> {
    read(text).schema().fields().iter().map(|field| field.data_type().clone()).collect()
}

#[test]
fn every_type_with_a_text_form_survives_with_a_schema() {
    for (name, batch) in tables::flat() {
        println!("{name}");
        for target in [one(), one().null("NA").delimiter(';'), one().header(false)] {
            let target = target.schema(batch.schema());
            conforms_as(&target, &batch, |a, b| a == b);
            conforms_as(&target, &batch.slice(0, 0), |a, b| a == b);
        }
    }
}

#[test]
fn types_without_a_text_form_are_refused() {
    for (name, batch) in tables::nested() {
        if name == "a dictionary of numbers" {
            conforms_as(&one().schema(batch.schema()), &batch, |a, b| a == b);
            continue;
        }
        for target in [one(), one().schema(batch.schema())] {
            let error = refusal(&target, &batch);
            assert!(error.contains("which CSV has no text for"), "{name}: {error}");
        }
    }
    for (name, batch) in tables::rare() {
        println!("{name}");
        let target = one().schema(batch.schema());
        if bytes(&target, &batch).is_ok() {
            conforms_as(&target, &batch, |a, b| a == b);
        }
    }
}

#[test]
fn without_a_schema_the_widest_type_is_inferred() {
    let same = [
        "booleans",
        "i64",
        "u64",
        "f64",
        "text",
        "text of digits",
        "dates",
        "timestamps, us",
        "timestamps, ns",
        "timestamps in UTC",
    ];
    for (name, batch) in tables::flat() {
        println!("{name}");
        let Ok(back) = reloaded(&one(), &batch) else {
            let error = refusal(&one(), &batch);
            assert!(error.contains("which its text does not show: give the columns' types"));
            assert!(name.contains("decimal") || name.contains("times"), "{name}: {error}");
            continue;
        };
        if same.contains(&name) {
            conforms_as(&one(), &batch, |a, b| a == b);
        } else if name != "f32" {
            assert_eq!(back, of(cast(batch.column(0), back.column(0).data_type()).unwrap()));
        }
        // A loaded value survives a second round trip.
        conforms_as(&one(), &back, |a, b| a == b);
    }
}

#[test]
fn types_are_inferred_from_text() {
    assert_eq!(types("a\ntrue\n\nfalse\n"), [DataType::Boolean]);
    assert_eq!(types("a\n1\n-1\n"), [DataType::Int64]);
    assert_eq!(types("a\n1\n18446744073709551615\n"), [DataType::UInt64]);
    assert_eq!(types("a\n-1\n18446744073709551615\n"), [DataType::Utf8]);
    assert_eq!(types("a\n1\n1.5\nNaN\n-1e-5\n"), [DataType::Float64]);
    assert_eq!(types("a\n007\n"), [DataType::Utf8]);
    assert_eq!(types("a\n-0\n"), [DataType::Utf8]);
    assert_eq!(types("a\n99999999999999999999\n"), [DataType::Utf8]);
    assert_eq!(types("a\n1e999\n"), [DataType::Utf8]);
    assert_eq!(types("a\n1\nx\n"), [DataType::Utf8]);
    assert_eq!(types("a\n\"1\"\n"), [DataType::Utf8]);
    assert_eq!(types("a,b\n,\n"), [DataType::Null, DataType::Null]);
    assert_eq!(types("a\n2024-02-29\n"), [DataType::Date32]);
    assert_eq!(types("a\n2023-02-29\n"), [DataType::Utf8]);
    let time = |unit| [DataType::Timestamp(unit, None)];
    assert_eq!(types("a\n2024-02-29T01:02:03\n2024-01-01\n"), time(TimeUnit::Microsecond));
    assert_eq!(types("a\n2024-02-29T01:02:03.1234567\n"), time(TimeUnit::Nanosecond));
    assert_eq!(types("a\n2024-02-29T25:02:03\n"), [DataType::Utf8]);
    assert_eq!(types("a\n2024-02-29T01:02:03Z\n2024-01-01\n"), [DataType::Utf8]);
}

#[test]
fn integers_beside_a_float_are_never_rounded() {
    let (id, exact) = ("1577134800018226901", "9007199254740992");
    for text in [format!("a\n{id}\n1.5\n"), format!("a\n1.5\n2\n-{id}\n")] {
        let back = read(&text);
        let cells: Vec<_> = text.lines().skip(1).collect();
        assert_eq!(back.column(0).as_ref(), &StringArray::from(cells));
    }
    let back = read(&format!("a\n{exact}\n1.5\n"));
    assert_eq!(back.column(0).as_ref(), &Float64Array::from(vec![9_007_199_254_740_992.0, 1.5]));
    assert_eq!(types("a\n18446744073709551615\n1.5\n"), [DataType::Utf8]);
    assert_eq!(types(&format!("a\n{id}\n-1\n")), [DataType::Int64]);
}

#[test]
fn times_beyond_the_range_of_nanoseconds_are_kept() {
    let micros = [DataType::Timestamp(TimeUnit::Microsecond, None)];
    let nanos = [DataType::Timestamp(TimeUnit::Nanosecond, None)];
    let fine = "2024-01-01T00:00:00.123456789";
    assert_eq!(types("t\n2024-01-01T00:00:00.123456\n9999-12-31T00:00:00\n"), micros);
    assert_eq!(types(&format!("t\n{fine}\n9999-12-31T00:00:00\n")), [DataType::Utf8]);
    assert_eq!(types(&format!("t\n9999-12-31\n{fine}\n")), [DataType::Utf8]);
    assert_eq!(types("t\n9999-12-31T00:00:00.123456789\n"), [DataType::Utf8]);
    for (edge, expected) in [
        ("1677-09-21T00:12:43.145224193", &nanos),
        ("2262-04-11T23:47:16.854775807", &nanos),
        ("1677-09-20", &[DataType::Utf8]),
        ("2262-04-12", &[DataType::Utf8]),
    ] {
        assert_eq!(&types(&format!("t\n{fine}\n{edge}\n")), expected, "{edge}");
    }
}

#[test]
fn no_part_of_a_time_is_dropped() {
    let schema = |of| one().schema(Schema::new(vec![Field::new("day", of, true)]));
    let day = schema(DataType::Date32);
    assert!(value(&day, b"day\n2024-02-29\n2024-02-29T00:00:00\n2024-02-29 00:00:00\n").is_ok());
    for cell in ["2024-02-29T13:45:00", "2024-02-29 13:45:00", "2024-02-29T00:00:00Z"] {
        let error = complaint(&day, format!("day\n2024-02-29\n{cell}\n").as_bytes());
        let expected = format!("line 3, column `day`: {cell:?} is no Date32");
        assert!(error.contains(&expected), "{error}");
    }
    let second = schema(DataType::Timestamp(TimeUnit::Second, None));
    assert!(value(&second, b"day\n2024-02-29T13:45:00.000\n").is_ok());
    let error = complaint(&second, b"day\n2024-02-29T13:45:00.5\n");
    assert!(error.contains("line 2, column `day`"), "{error}");
    let clock = schema(DataType::Time64(TimeUnit::Microsecond));
    let error = complaint(&clock, b"day\n13:45:00.1234567\n");
    assert!(error.contains("line 2, column `day`"), "{error}");

    #[derive(Serialize, Deserialize, Debug)]
    struct Row {
        day: jiff::civil::Date,
        at: Option<jiff::civil::Time>,
    }
    let rows = <Csv<Vec<Row>>>::default();
    assert_eq!(value(&rows, b"day,at\n2024-02-29T00:00:00,13:45\n").unwrap().len(), 1);
    let error = complaint(&rows, b"day,at\n2024-02-29,\n2024-02-29T13:45:00,\n");
    let expected =
        "column `day`: \"2024-02-29T13:45:00\" has a time of day, and the field is a date";
    assert!(error.contains("line 3") && error.contains(expected), "{error}");
    let error = complaint(&rows, b"day,at\n2024-02-29,2024-02-29T13:45:00\n");
    assert!(error.contains("column `at`") && error.contains("has a date"), "{error}");
}

#[test]
fn lines_that_end_in_a_carriage_return_are_rows() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Row {
        id: i64,
        name: String,
    }
    let row = |id, name: &str| Row { id, name: name.to_owned() };
    let expected = [row(1, "a"), row(2, "b\rc")];
    let target = || <Csv<Vec<Row>>>::default();
    let open = || target().final_newline(false);
    for text in [
        "id,name\r1,a\r2,\"b\rc\"\r",
        "id,name\r1,a\r2,\"b\rc\"\n",
        "id,name\r\n1,a\r2,\"b\rc\"\r\n",
    ] {
        assert_eq!(value(&target(), text.as_bytes()).unwrap(), expected, "{text:?}");
        assert_eq!(value(&open(), text.as_bytes()).unwrap(), expected, "{text:?}");
        assert_eq!(value(&open(), text.trim_end().as_bytes()).unwrap(), expected, "{text:?}");
        assert_eq!(read(text).num_rows(), 2);
    }
    let error = complaint(&target(), b"id,name\r1,a\r2,b");
    assert!(error.contains("line 3 does not end") && error.contains("final_newline"), "{error}");
    let error = complaint(&target(), b"id,name\r1,a\rx,b\r");
    assert!(error.contains("line 3"), "{error}");
}

#[test]
fn empty_text_and_null_are_told_apart() {
    let batch = column(StringArray::from(vec![Some(""), None, Some("NA")]));
    assert_eq!(bytes(&one(), &batch).unwrap(), b"column\n\"\"\n\nNA\n");
    assert_eq!(bytes(&one().null("NA"), &batch).unwrap(), b"column\n\"\"\nNA\n\"NA\"\n");
}

#[test]
fn a_number_that_would_be_read_as_null_is_refused() {
    let batch = column(Int64Array::from(vec![1, -999]));
    let error = refusal(&one().null("-999"), &batch);
    assert!(
        error.contains("column `column`, row 1: the value -999 would be read as null"),
        "{error}"
    );
}

#[test]
fn files_of_other_programs_are_read() {
    let table = read("\u{feff}a,\"b \"\"c\"\"\"\r\n1,\"x\r\ny\"\r\n2,z\r\n");
    assert_eq!(table.schema().field(1).name(), "b \"c\"");
    let text = table.column(1).as_string::<i32>();
    assert_eq!((text.value(0), text.value(1)), ("x\r\ny", "z"));

    let error = complaint(&one(), b"a\n1\n2");
    assert!(error.contains("line 3 does not end"), "{error}");
    let open = one().final_newline(false);
    assert_eq!(value(&open, b"a,b\n1,2\n3,").unwrap().num_rows(), 2);
    assert_eq!(value(&open, b"a,b\n1,2\n3,\"\"").unwrap().num_rows(), 2);
}

#[test]
fn malformed_files_are_errors_by_line() {
    for (text, expected) in [
        ("", "the file is empty"),
        ("a,b\n1\n", "line 2 has 1 cells instead of 2"),
        ("a\n\"x\ny\"\n1,2\n", "line 4 has 2 cells instead of 1"),
        ("a\n\"x\n", "line 2: a quote is not closed"),
        ("a\n\"x\"y\n", "line 2: text follows a closing quote"),
    ] {
        let error = complaint(&one(), text.as_bytes());
        assert!(error.contains(expected), "{error}");
    }
    let error = complaint(&one(), b"a\n\xff\n");
    assert!(error.contains("no UTF-8"), "{error}");
    for content in [&b"PAR1\xff"[..], b"{\"a\":1}", &[0x93, 0xff, 1]] {
        complaint(&one(), content);
    }
    let schema = Schema::new(vec![Field::new("a", DataType::Int64, true)]);
    let error = complaint(&one().schema(schema.clone()), b"b\n1\n");
    assert!(error.contains("the columns are [\"b\"]"), "{error}");
    let error = complaint(&one().schema(schema), b"a\nx\n");
    assert!(error.contains("column `a`"), "{error}");
}

#[test]
fn a_cell_that_does_not_parse_is_named_by_line_and_column() {
    let time = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let of_text = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Int16));
    for (data_type, good, bad) in [
        (DataType::Int64, "1", "1.5"),
        (DataType::Int8, "-128", "128"),
        (DataType::UInt64, "0", "-1"),
        (DataType::Float64, "1e5", "1e"),
        (DataType::Boolean, "true", "truth"),
        (DataType::Date32, "2024-02-29", "2023-02-29"),
        (DataType::Decimal128(10, 2), "1.25", "1.2.5"),
        (DataType::Time64(TimeUnit::Nanosecond), "12:00:00", "25:00:00"),
        (time(TimeUnit::Nanosecond), "2024-02-29T12:00:00Z", "2024-02-30T12:00:00Z"),
        (time(TimeUnit::Second), "2024-02-29T12:00:00", "noon"),
        (of_text, "7", "32768"),
        (DataType::Null, "", "0"),
    ] {
        let fields = vec![
            Field::new("text", DataType::Utf8, true),
            Field::new("value", data_type.clone(), true),
        ];
        let target = one().schema(Schema::new(fields));
        let lines = |last: &str| {
            format!("text,value\na,{good}\n\"two\nlines\",{good}\nb,{last}\nc,{last}\n")
        };
        value(&target, lines(good).as_bytes()).unwrap();
        let error = complaint(&target, lines(bad).as_bytes());
        assert!(error.contains("line 5, column `value`: "), "{data_type}: {error}");
        let shown = error.contains(&format!("{bad:?} is no ")) || data_type == DataType::Null;
        assert!(shown, "{data_type}: {error}");
    }
}

#[test]
fn null_is_an_error_where_the_schema_has_none() {
    for (data_type, cell) in [
        (DataType::Int64, "1"),
        (DataType::Utf8, "1"),
        (DataType::Utf8View, "1"),
        (DataType::Boolean, "true"),
    ] {
        let target = one().schema(Schema::new(vec![Field::new("a", data_type, false)]));
        let error = complaint(&target, format!("a\n{cell}\n\n{cell}\n").as_bytes());
        assert!(error.contains("line 3, column `a`: it is null"), "{error}");
    }
    let target = one().schema(Schema::new(vec![Field::new("a", DataType::Utf8, false)]));
    assert!(value(&target, b"a\n1\n\"\"\n").is_ok());
}

#[test]
fn cells_that_do_not_fit_a_field_are_errors() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Row {
        a: u8,
        b: f64,
    }
    let target = <Csv<Vec<Row>>>::default();
    let error = complaint(&target, b"a,b\n1,2\n300,2\n");
    assert!(error.contains("line 3") && error.contains("column `a`: \"300\" is not"), "{error}");
    let error = complaint(&target, b"a\n1\n");
    assert!(
        error.contains("there is no column `b`") && error.contains("the columns are `a`"),
        "{error}"
    );
    assert!(complaint(&target, b"").contains("the file is empty"));
    let other_order = value(&target, b"c,b,a\nx,0.5,1\n").unwrap();
    assert_eq!((other_order[0].a, other_order[0].b), (1, 0.5));
}

#[test]
fn a_schema_that_does_not_fit_the_value_is_refused() {
    let batch = column(Int32Array::from(vec![1]));
    let schema = Schema::new(vec![Field::new("column", DataType::Int64, true)]);
    let error = refusal(&one().schema(schema), &batch);
    assert!(error.contains("the columns are (column: Int32)"), "{error}");
}

#[test]
fn ambiguous_delimiters_and_nulls_are_refused() {
    let batch = column(Int64Array::from(vec![1]));
    for delimiter in ['"', '\n', '.', '-', '5', 'e', 'ü', ' '] {
        assert!(refusal(&one().delimiter(delimiter), &batch).contains("may be part of a cell"));
    }
    assert!(refusal(&one().null("a,b"), &batch).contains("needs quotes"));
}

#[test]
fn a_list_of_batches_is_loaded_as_one_batch() {
    let target = <Csv<Vec<RecordBatch>>>::default();
    let part = column(Int64Array::from(vec![1, 2]));
    let back = reloaded(&target, &vec![part.clone(), part.slice(0, 0), part]).unwrap();
    assert_eq!(back, [column(Int64Array::from(vec![1, 2, 1, 2]))]);
    assert!(refusal(&target, &vec![]).contains("no columns"));
    let none = RecordBatch::new_empty(Arc::new(Schema::empty()));
    assert!(refusal(&one(), &none).contains("without columns"));
}

#[test]
fn the_csv_crate_reads_equal_values() {
    for (name, batch) in tables::texts() {
        println!("{name}");
        let text = bytes(&one(), &batch).unwrap();
        let lines: Vec<::csv::StringRecord> =
            ::csv::Reader::from_reader(&text[..]).records().map(|line| line.unwrap()).collect();
        let array = cast(batch.column(0), &DataType::Utf8).unwrap();
        let values: Vec<&str> =
            array.as_string::<i32>().iter().map(Option::unwrap_or_default).collect();
        // The csv crate skips empty lines, which are nulls in a table of one column.
        let lines: Vec<&str> = lines.iter().map(|line| &line[0]).collect();
        let nulls = array.null_count();
        assert_eq!(lines.len() + nulls, values.len());
        assert!(lines.iter().all(|line| values.contains(line)));
    }
}
