//! Text of dates and times of which a type would read only a part: every format refuses it.

use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, CsvGz, Json, Parquet, Pickle};
use jiff::civil::{Date, DateTime, Time, date, time};

use crate::harness::{bytes, complaint, value};

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Row<V> {
    v: V,
}

/// Applies a macro to each format that can read rows of text as rows of another type.
macro_rules! formats {
    ($each:ident) => {
        $each!(Csv);
        $each!(CsvGz);
        $each!(Parquet);
        $each!(ArrowIpc);
        $each!(Json);
        $each!(Pickle);
        #[cfg(feature = "excel")]
        $each!(Excel);
    };
}

/// Asserts that no format reads the text as a `V`, and that each error says what it has too much.
#[track_caller]
fn assert_refused<V>(text: &str, what: &str)
where
    V: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let rows = vec![Row { v: text.to_owned() }];
    let message = format!("{text:?} has {what}");
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Row<String>>>>::default(), &rows).unwrap();
            let error = complaint(&<$format<Vec<Row<V>>>>::default(), &written);
            assert!(error.contains(&message), "{}: {error}", stringify!($format));
            let error = complaint(&<$format<Vec<Row<Option<V>>>>>::default(), &written);
            assert!(error.contains(&message), "{}: {error}", stringify!($format));
        };
    }
    formats!(each);
}

/// Asserts that every format reads the text as this value.
#[track_caller]
fn assert_read<V>(text: &str, expected: V)
where
    V: Serialize + DeserializeOwned + Debug + Clone + PartialEq + Send + Sync + 'static,
{
    let rows = vec![Row { v: text.to_owned() }];
    let expected = vec![Row { v: expected }];
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Row<String>>>>::default(), &rows).unwrap();
            let read = value(&<$format<Vec<Row<V>>>>::default(), &written).unwrap();
            assert_eq!(read, expected, "{}", stringify!($format));
        };
    }
    formats!(each);
}

#[test]
fn a_date_drops_no_time_of_day() {
    assert_refused::<Date>("2024-02-29T13:45:00", "a time of day, and the field is a date");
    assert_refused::<Date>("2024-02-29 13:45", "a time of day, and the field is a date");
    assert_read("2024-02-29", date(2024, 2, 29));
    assert_read("2024-02-29T00:00:00", date(2024, 2, 29));
}

#[test]
fn a_time_of_day_drops_no_date_and_no_offset() {
    assert_refused::<Time>("2024-02-29T13:45:00", "a date, and the field is a time of day");
    assert_refused::<Time>("13:45:00-05:00", "an offset from UTC or a time zone");
    assert_read("13:45:00", time(13, 45, 0, 0));
}

#[test]
fn a_date_and_time_drops_no_offset() {
    assert_refused::<DateTime>("2024-02-29T13:45:00-05:00", "an offset from UTC or a time zone");
    assert_refused::<DateTime>(
        "2024-02-29T13:45:00+05:00[Asia/Karachi]",
        "an offset from UTC or a time zone",
    );
    assert_read("2024-02-29T13:45:00", date(2024, 2, 29).at(13, 45, 0, 0));
    assert_read("2024-02-29", date(2024, 2, 29).at(0, 0, 0, 0));
    assert_read("2024-02-29T13:45:00-05:00", "2024-02-29T13:45:00-05:00".to_owned());
    let instant: jiff::Timestamp = "2024-02-29T18:45:00Z".parse().unwrap();
    assert_read("2024-02-29T13:45:00-05:00", instant);
}

/// Dates are checked at any position in a value: in a list, as a key, in a variant.
#[test]
fn nested_dates_drop_nothing() {
    use std::collections::BTreeMap;
    #[derive(Serialize, Deserialize, Debug)]
    enum When {
        Day(Date),
        Span { from: Date },
    }
    let json = |text: &str| text.as_bytes().to_vec();
    let moment = "has a time of day";
    let error = complaint(&<Json<Vec<Date>>>::default(), &json(r#"["2024-02-29T13:45:00"]"#));
    assert!(error.contains(moment) && error.contains("line 1 column"), "{error}");
    let error =
        complaint(&<Json<BTreeMap<Date, u8>>>::default(), &json(r#"{"2024-02-29T13:45:00":1}"#));
    assert!(error.contains(moment), "{error}");
    for text in [r#"{"Day":"2024-02-29T13:45:00"}"#, r#"{"Span":{"from":"2024-02-29T13:45:00"}}"#] {
        let error = complaint(&<Json<When>>::default(), &json(text));
        assert!(error.contains(moment), "{error}");
    }
    let read = value(&<Json<When>>::default(), &json(r#"{"Span":{"from":"2024-02-29"}}"#));
    assert!(matches!(read, Ok(When::Span { from }) if from == date(2024, 2, 29)));
    let read = value(&<Json<When>>::default(), &json(r#"{"Day":"2024-02-29"}"#));
    assert!(matches!(read, Ok(When::Day(day)) if day == date(2024, 2, 29)));

    let rows = vec![Row { v: vec!["2024-02-29", "2024-02-29T13:45:00"] }];
    let rows: Vec<Row<Vec<String>>> = rows
        .into_iter()
        .map(|row| Row { v: row.v.into_iter().map(str::to_owned).collect() })
        .collect();
    let written = bytes(&<Parquet<Vec<Row<Vec<String>>>>>::default(), &rows).unwrap();
    let error = complaint(&<Parquet<Vec<Row<Vec<Date>>>>>::default(), &written);
    assert!(error.contains("column `v[1]`, row 0") && error.contains(moment), "{error}");
}

#[test]
fn a_large_64_bit_float_is_not_read_as_infinite_f32() {
    let error = complaint(&<Json<Vec<f32>>>::default(), b"[1e39]");
    assert!(error.contains("number out of range at line 1 column 5"), "{error}");
    assert_eq!(value(&<Json<Vec<f32>>>::default(), b"[3.4e38]").unwrap(), [3.4e38]);
    let error = complaint(
        &<Pickle<Vec<f32>>>::default(),
        &bytes(&<Pickle<Vec<f64>>>::default(), &vec![1e39]).unwrap(),
    );
    assert!(error.contains("beyond the numbers of an f32"), "{error}");

    let rows = |number: f64| vec![Row { v: number }];
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Row<f64>>>>::default(), &rows(1e39)).unwrap();
            let error = complaint(&<$format<Vec<Row<f32>>>>::default(), &written);
            assert!(error.contains("column `v`"), "{error}");
            let written = bytes(&<$format<Vec<Row<f64>>>>::default(), &rows(0.1)).unwrap();
            let read = value(&<$format<Vec<Row<f32>>>>::default(), &written).unwrap();
            assert_eq!(read, [Row { v: 0.1_f32 }], "{}", stringify!($format));
        };
    }
    each!(Csv);
    each!(Parquet);
    each!(ArrowIpc);
    #[cfg(feature = "excel")]
    each!(Excel);
    // An infinite 64-bit float in the file stays infinite.
    let infinite = bytes(&<Parquet<Vec<Row<f64>>>>::default(), &rows(f64::INFINITY)).unwrap();
    let read = value(&<Parquet<Vec<Row<f32>>>>::default(), &infinite).unwrap();
    assert_eq!(read, [Row { v: f32::INFINITY }]);
}

#[cfg(feature = "excel")]
#[test]
fn an_excel_date_with_a_time_of_day_is_not_a_date() {
    use rust_xlsxwriter::{Format, Workbook};
    let book = |number: f64| {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "v").unwrap();
        let format = Format::new().set_num_format("yyyy-mm-dd");
        sheet.write_number_with_format(1, 0, number, &format).unwrap();
        workbook.save_to_buffer().unwrap()
    };
    let moment = book(45_351.572_916_666_664);
    let error = complaint(&<Excel<Vec<Row<Date>>>>::default(), &moment);
    assert!(error.contains("sheet `Sheet1`: cell A2, column `v`"), "{error}");
    assert!(error.contains("has a time of day, and the field is a date"), "{error}");
    let error = complaint(&<Excel<Vec<Row<Time>>>>::default(), &moment);
    assert!(error.contains("has a date, and the field is a time of day"), "{error}");
    let read = value(&<Excel<Vec<Row<DateTime>>>>::default(), &moment).unwrap();
    assert_eq!(read, [Row { v: date(2024, 2, 29).at(13, 45, 0, 0) }]);
    let read = value(&<Excel<Vec<Row<Date>>>>::default(), &book(45_351.0)).unwrap();
    assert_eq!(read, [Row { v: date(2024, 2, 29) }]);
}
