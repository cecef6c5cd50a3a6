//! Rows that derive `Row`: the types of their columns, and that they come back equal from every target of tables.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use flow::Row;
use flow_core::Target;
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, CsvGz, Parquet, Uncompressed};
use jiff::civil::{Date, DateTime, Time, date};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::harness::{bytes, complaint, conforms, file, refusal, value};

#[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Trade {
    day: Date,
    clock: Time,
    moment: DateTime,
    at: Timestamp,
    settled: Option<Date>,
    #[row(precision = 12, scale = 2)]
    price: Decimal,
    fee: Option<Decimal>,
    id: Uuid,
    side: Side,
    was: Option<Side>,
    #[serde(rename = "the name, of it")]
    symbol: String,
    size: Size,
    #[row(unit = "ms")]
    seen: Timestamp,
    #[serde(skip)]
    cached: u8,
}

#[derive(Row, Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Side {
    Bid,
    #[serde(alias = "sell")]
    AskOrSell,
}

#[derive(Row, Serialize, Deserialize, Debug, Clone, Copy, PartialEq)]
struct Size(u32);

fn trade(day: Date) -> Trade {
    Trade {
        day,
        clock: "13:45:00.123456789".parse().unwrap(),
        moment: "2024-02-29T13:45:00.000000001".parse().unwrap(),
        at: "1969-12-31T23:59:59.999999999Z".parse().unwrap(),
        settled: None,
        price: "-1234.5".parse().unwrap(),
        fee: Some("0.0000000001".parse().unwrap()),
        id: Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        side: Side::AskOrSell,
        was: None,
        symbol: "007".to_owned(),
        size: Size(7),
        seen: "2024-02-29T12:00:00.5Z".parse().unwrap(),
        cached: 0,
    }
}

fn trades() -> Vec<Trade> {
    let mut trades =
        vec![trade(date(2024, 2, 29)), trade(date(1970, 1, 1)), trade(date(9999, 12, 31))];
    trades[1].settled = Some(date(1900, 3, 1));
    trades[1].was = Some(Side::Bid);
    trades[1].fee = None;
    trades[2].side = Side::Bid;
    trades[2].price = Decimal::ZERO;
    trades
}

#[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Nested {
    #[serde(with = "serde_bytes")]
    raw: Vec<u8>,
    blob: serde_bytes::ByteBuf,
    open: SignedDuration,
    days: Vec<Date>,
    pair: [Option<Timestamp>; 2],
    by_day: BTreeMap<Date, f64>,
    counts: HashMap<String, u8>,
    inner: Option<Inner>,
    all: Vec<Inner>,
    boxed: Box<bool>,
    letter: char,
    wait: std::time::Duration,
}

#[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Inner {
    day: Date,
    side: Option<Side>,
}

fn nested() -> Vec<Nested> {
    let inner = |day| Inner { day, side: Some(Side::Bid) };
    let first = Nested {
        raw: vec![0xff, 0],
        blob: vec![1, 2, 3].into(),
        open: SignedDuration::new(-90_000, -1),
        days: vec![date(2024, 2, 29), date(-9999, 1, 1)],
        pair: [None, Some(Timestamp::UNIX_EPOCH)],
        by_day: BTreeMap::from([(date(2024, 1, 1), -0.0), (date(2023, 1, 1), f64::INFINITY)]),
        counts: HashMap::from([("b".to_owned(), 1)]),
        inner: None,
        all: vec![inner(date(1, 1, 1)), Inner { day: date(2, 2, 2), side: None }],
        boxed: Box::new(true),
        letter: 'ü',
        wait: std::time::Duration::from_nanos(1_500_000_001),
    };
    let second = Nested {
        raw: Vec::new(),
        blob: serde_bytes::ByteBuf::new(),
        days: Vec::new(),
        by_day: BTreeMap::new(),
        inner: Some(inner(date(2024, 2, 29))),
        all: Vec::new(),
        ..first.clone()
    };
    vec![first, second]
}

fn columnar<R>(rows: Vec<R>)
where
    R: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    conforms(&<Parquet<Vec<R>>>::default(), &rows);
    conforms(&<ArrowIpc<Vec<R>>>::default(), &rows);
    conforms(&<ArrowIpc<Vec<R>>>::default().compression(flow_targets::Lz4), &rows);
}

fn schema<R>(rows: &Vec<R>) -> Vec<(String, DataType, bool)>
where
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let content = bytes(&<Parquet<Vec<R>>>::default(), rows).unwrap();
    let batch = value(&<Parquet<RecordBatch>>::default(), &content).unwrap();
    let fields = batch.schema_ref().fields().iter();
    fields
        .map(|field| (field.name().clone(), field.data_type().clone(), field.is_nullable()))
        .collect()
}

#[test]
fn columns_have_the_types_of_their_fields_whatever_rows_there_are() {
    let utc = |unit| DataType::Timestamp(unit, Some("UTC".into()));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let expected = [
        ("day", DataType::Date32, false),
        ("clock", DataType::Time64(TimeUnit::Nanosecond), false),
        ("moment", DataType::Timestamp(TimeUnit::Nanosecond, None), false),
        ("at", utc(TimeUnit::Nanosecond), false),
        ("settled", DataType::Date32, true),
        ("price", DataType::Decimal128(12, 2), false),
        ("fee", DataType::Decimal128(38, 10), true),
        ("id", DataType::FixedSizeBinary(16), false),
        ("side", dictionary.clone(), false),
        ("was", dictionary, true),
        ("the name, of it", DataType::LargeUtf8, false),
        ("size", DataType::UInt32, false),
        ("seen", utc(TimeUnit::Millisecond), false),
    ];
    let expected = expected.map(|(name, data_type, nulls)| (name.to_owned(), data_type, nulls));
    assert_eq!(schema(&Vec::<Trade>::new()), expected);
    assert_eq!(schema(&trades()), expected);
    let none = schema(&Vec::<Nested>::new());
    assert_eq!(none, schema(&nested()));
    assert_eq!(none[0].1, DataType::LargeBinary);
    assert_eq!(none[2].1, DataType::Duration(TimeUnit::Nanosecond));
}

#[test]
fn typed_rows_come_back_equal() {
    for rows in [trades(), Vec::new()] {
        columnar(rows.clone());
        conforms(&<Csv<Vec<Trade>>>::default(), &rows);
        conforms(&<Csv<Vec<Trade>>>::default().delimiter(';').null("NA"), &rows);
        conforms(&<CsvGz<Vec<Trade>>>::default(), &rows);
        #[cfg(feature = "excel")]
        crate::harness::comes_back(&<Excel<Vec<Trade>>>::default(), &rows, |a, b| a == b);
    }
    columnar(nested());
    columnar(Vec::<Nested>::new());
}

#[test]
fn many_typed_rows_come_back_equal() {
    let rows: Vec<_> = trades().into_iter().cycle().take(40_000).collect();
    let content = bytes(&<Parquet<Vec<Trade>>>::default(), &rows).unwrap();
    assert_eq!(value(&<Parquet<Vec<Trade>>>::default(), &content).unwrap(), rows);
}

#[test]
fn types_of_chrono_come_back_equal() {
    use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
    #[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Event {
        day: NaiveDate,
        clock: Option<NaiveTime>,
        moment: NaiveDateTime,
        at: DateTime<Utc>,
        #[row(unit = "us")]
        far: NaiveDateTime,
        wait: TimeDelta,
    }
    let event = Event {
        day: NaiveDate::from_ymd_opt(-4, 2, 29).unwrap(),
        clock: NaiveTime::from_hms_nano_opt(23, 59, 59, 999_999_999),
        moment: "2024-02-29T13:45:00.000000001".parse().unwrap(),
        at: DateTime::from_timestamp(-1, 999_999_999).unwrap(),
        far: "9999-12-31T23:59:59.999999".parse().unwrap(),
        wait: TimeDelta::nanoseconds(-1_500_000_000),
    };
    assert_eq!(schema(&vec![event.clone()])[0].1, DataType::Date32);
    columnar(vec![event.clone()]);

    let mut leap = event;
    leap.clock = NaiveTime::from_hms_nano_opt(23, 59, 59, 1_500_000_000);
    let error = refusal(&<Parquet<Vec<Event>>>::default(), &vec![leap]);
    assert!(error.contains("column `clock`, row 0: the value is in a leap second"), "{error}");
}

#[test]
fn values_that_a_column_cannot_hold_in_full_are_refused() {
    let target = <Parquet<Vec<Trade>>>::default();
    let refused = |change: fn(&mut Trade)| {
        let mut rows = trades();
        change(&mut rows[1]);
        refusal(&target, &rows)
    };
    let error = refused(|trade| trade.price = "1.005".parse().unwrap());
    assert!(
        error.contains(
            "column `price`, row 1: 1.005 does not fit into 12 digits of which 2 stand after the point; \
             declare others by `#[row(precision = 38, scale = 3)]` at the field"
        ),
        "{error}"
    );
    let error = refused(|trade| trade.price = "10000000000".parse().unwrap());
    assert!(error.contains("10000000000 does not fit into 12 digits"), "{error}");
    let error = refused(|trade| trade.seen = "2024-02-29T12:00:00.0001Z".parse().unwrap());
    assert!(
        error.contains("column `seen`, row 1: the value has digits of a second that a column in"),
        "{error}"
    );
    let error = refused(|trade| trade.moment = "2300-01-01T00:00".parse().unwrap());
    assert!(error.contains("in nanoseconds is the years 1677 to 2262"), "{error}");
    assert!(error.contains("declare `#[row(unit = \"us\")]`"), "{error}");
}

/// The rows of a file are the same whether they were written with `Row` or without.
#[test]
fn typed_rows_are_read_from_columns_of_text() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Plain {
        day: Date,
        at: Timestamp,
        price: Decimal,
        id: Uuid,
        side: Side,
    }
    #[derive(Row, Serialize, Deserialize, Debug)]
    struct Typed {
        day: Date,
        at: Timestamp,
        price: Decimal,
        id: Uuid,
        side: Side,
    }
    let Trade { day, at, price, id, side, .. } = trades().remove(0);
    let plain = Plain { day, at, price, id, side };
    let content = bytes(&<Parquet<Vec<Plain>>>::default(), &vec![plain]).unwrap();
    let typed = value(&<Parquet<Vec<Typed>>>::default(), &content).unwrap().remove(0);
    assert_eq!((typed.day, typed.at, typed.price, typed.id), (day, at, price, id));
    assert_eq!(typed.side, side);

    // And a row without `Row` reads the dates of one that has it.
    let content = bytes(&<ArrowIpc<Vec<Trade>>>::default(), &trades()).unwrap();
    #[derive(Serialize, Deserialize, Debug)]
    struct Day {
        day: Date,
        at: Timestamp,
    }
    let days = value(&<ArrowIpc<Vec<Day>>>::default(), &content).unwrap();
    assert_eq!((days[0].day, days[0].at), (day, at));
}

#[test]
fn a_missing_column_is_an_error_except_with_a_default() {
    #[derive(Row, Serialize, Deserialize, Debug)]
    struct Other {
        #[serde(alias = "day")]
        date: Date,
        prices: Decimal,
    }
    let content = bytes(&<Parquet<Vec<Trade>>>::default(), &trades()).unwrap();
    let error = complaint(&<Parquet<Vec<Other>>>::default(), &content);
    assert!(error.contains("there is no column `prices`, which"), "{error}");
    assert!(error.contains("did you mean `price`?"), "{error}");
    assert!(error.contains("write `#[serde(default)]` at the field"), "{error}");

    #[derive(Row, Serialize, Deserialize, Debug)]
    struct Lenient {
        #[serde(alias = "day")]
        date: Date,
        #[serde(default)]
        rate: f64,
        #[serde(default = "seven")]
        seven: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        none: Option<Time>,
    }
    fn seven() -> u8 {
        7
    }
    let rows = value(&<Parquet<Vec<Lenient>>>::default(), &content).unwrap();
    assert_eq!((rows[0].date, rows[0].rate), (trades()[0].day, 0.0));
    assert_eq!((rows[0].seven, rows[0].none), (7, None));
}

#[test]
fn a_column_of_another_type_is_an_error_that_names_it() {
    #[derive(Row, Serialize, Deserialize, Debug)]
    struct Wrong {
        day: f64,
    }
    let content = bytes(&<Parquet<Vec<Trade>>>::default(), &trades()).unwrap();
    let error = complaint(&<Parquet<Vec<Wrong>>>::default(), &content);
    assert!(
        error.contains("column `day`: the column is of type Date32, and the field is a float"),
        "{error}"
    );
    #[derive(Row, Serialize, Deserialize, Debug)]
    struct Null {
        settled: Date,
    }
    let error = complaint(&<Parquet<Vec<Null>>>::default(), &content);
    assert!(
        error.contains("column `settled`, row 0: the value is null, and the field is no `Option`"),
        "{error}"
    );
}

/// A row with fewer fields than the file reads its own columns: the pages of the others may be damaged.
#[test]
fn a_narrower_row_reads_its_columns_only() {
    #[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
    struct Wide {
        day: Date,
        n: i64,
        x: i64,
    }
    #[derive(Row, Serialize, Deserialize, Debug, PartialEq)]
    struct Narrow {
        x: i64,
    }
    /// Like [`Narrow`], with columns from serde.
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Plain {
        x: i64,
    }
    let rows: Vec<_> = (0..500).map(|n| Wide { day: date(2024, 2, 29), n, x: -n }).collect();
    let target = <Parquet<Vec<Wide>>>::default().compression(Uncompressed).dictionary(false);
    let mut content = bytes(&target, &rows).unwrap();
    // The pages of the first column come first.
    content[4..1500].fill(0xff);
    let (_file, source) = file(&content).unwrap();
    assert!(target.load(&source).is_err());
    let narrow = <Parquet<Vec<Narrow>>>::default().load(&source).unwrap();
    assert_eq!(narrow[499], Narrow { x: -499 });
    let plain = <Parquet<Vec<Plain>>>::default().load(&source).unwrap();
    assert_eq!(plain[499], Plain { x: -499 });

    let content = bytes(&<ArrowIpc<Vec<Wide>>>::default(), &rows).unwrap();
    let narrow = value(&<ArrowIpc<Vec<Narrow>>>::default(), &content).unwrap();
    assert_eq!(narrow[499], Narrow { x: -499 });
}

/// A tuple struct of one field is that field, with its metadata: pyarrow reads it as a UUID.
#[test]
fn an_identifier_in_a_tuple_struct_is_a_uuid() {
    #[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Id(Uuid);
    #[derive(Row, Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Order {
        id: Id,
        parent: Option<Id>,
    }
    let rows = vec![Order { id: Id(Uuid::from_u128(7)), parent: None }];
    let content = bytes(&<ArrowIpc<Vec<Order>>>::default(), &rows).unwrap();
    let batch = value(&<ArrowIpc<RecordBatch>>::default(), &content).unwrap();
    for field in batch.schema_ref().fields() {
        let name = field.metadata().get("ARROW:extension:name");
        assert_eq!(name.map(String::as_str), Some("arrow.uuid"), "{field:?}");
    }
    columnar(rows.clone());
    #[cfg(feature = "excel")]
    crate::harness::comes_back(&<Excel<Vec<Order>>>::default(), &rows, |a, b| a == b);
}

/// A check sees the columns that the targets store.
#[test]
fn the_columns_of_a_check_are_those_of_the_rows() {
    use arrow::array::AsArray;
    use flow_targets::table::{batch_of, rows_of};

    let rows = trades();
    let batch = batch_of(&rows[1..]).unwrap();
    assert_eq!(batch.num_rows(), 2);
    let type_of = |name: &str| batch.column_by_name(name).unwrap().data_type().clone();
    assert_eq!(type_of("day"), DataType::Date32);
    assert_eq!(type_of("price"), DataType::Decimal128(12, 2));
    // A UUID is text there, as in a sheet.
    let ids = batch.column_by_name("id").unwrap().as_string::<i32>();
    assert_eq!(ids.value(0), rows[1].id.to_string());
    assert_eq!(rows_of::<Trade>(&batch).unwrap(), rows[1..]);
    assert_eq!(batch_of::<Trade>(&[]).unwrap().schema(), batch.schema());

    let mut wrong = trades();
    wrong[2].price = "1.005".parse().unwrap();
    let error = format!("{:#}", batch_of(&wrong).unwrap_err());
    assert!(error.contains("column `price`, row 2: 1.005 does not fit"), "{error}");
}
