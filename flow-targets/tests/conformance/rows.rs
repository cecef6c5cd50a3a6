//! Rows of structs, in the table formats.

use std::collections::BTreeMap;
use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use flow_targets::{ArrowIpc, Csv, Parquet};
use jiff::civil::date;

use crate::harness::{bytes, complaint, conforms, refusal, value};

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
pub(crate) struct Trade {
    id: u64,
    change: i64,
    tiny: i8,
    price: f64,
    weight: f32,
    symbol: String,
    venue: Option<String>,
    size: Option<u32>,
    score: Option<f64>,
    buy: bool,
    side: Side,
    class: char,
    #[serde(rename = "the name, of it")]
    renamed: Wrapped,
}

#[derive(Serialize, Deserialize, Debug, Clone, Copy, Default)]
pub(crate) enum Side {
    #[default]
    Bid,
    Ask,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
pub(crate) struct Wrapped(u16);

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Dated {
    day: jiff::civil::Date,
    at: Option<jiff::Timestamp>,
    #[serde(flatten)]
    trade: Small,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
pub(crate) struct Small {
    symbol: String,
    size: Option<u32>,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
struct Day {
    day: jiff::civil::Date,
    at: Option<jiff::Timestamp>,
    note: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, Clone, Default)]
pub(crate) struct Nested {
    tags: Vec<String>,
    path: Vec<Option<f64>>,
    inner: Small,
    maybe: Option<Small>,
    many: Vec<Small>,
    pair: (u8, String),
    array: [f64; 2],
    counts: BTreeMap<String, u32>,
}

pub(crate) fn trades() -> Vec<Trade> {
    let odd =
        ["", "NA", "1", "007", "true", "Zürich 🌲", "a,\"b\"\n;c\r", " ", "2024-02-29", "null"];
    let mut trades = vec![
        Trade { id: u64::MAX, change: i64::MIN, tiny: i8::MIN, price: -0.0, ..Trade::default() },
        Trade { price: f64::NAN, weight: f32::INFINITY, score: Some(f64::NAN), ..Trade::default() },
        Trade { price: 0.1 + 0.2, weight: 0.1, class: '"', side: Side::Ask, ..Trade::default() },
        Trade { price: 1e300, score: Some(5e-324), size: Some(0), buy: true, ..Trade::default() },
    ];
    trades.extend(odd.map(|text| Trade {
        symbol: text.to_owned(),
        venue: Some(text.to_owned()),
        renamed: Wrapped(3),
        ..Trade::default()
    }));
    trades
}

pub(crate) fn nested() -> Vec<Nested> {
    vec![
        Nested::default(),
        Nested {
            tags: vec![String::new(), "ü".to_owned()],
            path: vec![None, Some(f64::NAN)],
            maybe: Some(Small { symbol: "x".to_owned(), size: None }),
            many: vec![Small::default(), Small { symbol: "y".to_owned(), size: Some(1) }],
            pair: (1, "one".to_owned()),
            array: [-0.0, f64::INFINITY],
            counts: BTreeMap::from([("a".to_owned(), 1), (String::new(), 0)]),
            ..Nested::default()
        },
    ]
}

fn dated() -> Vec<Dated> {
    vec![
        Dated { day: date(2024, 2, 29), at: None, trade: Small::default() },
        Dated {
            day: date(-9999, 1, 1),
            at: Some("2024-02-29T12:00:00.5Z".parse().unwrap()),
            trade: Small { symbol: "007".to_owned(), size: Some(7) },
        },
    ]
}

#[track_caller]
fn parquet<R: Serialize + DeserializeOwned + Debug + Send + Sync + 'static>(rows: Vec<R>) {
    conforms(&<Parquet<Vec<R>>>::default(), &rows);
}

#[track_caller]
fn csv<R: Serialize + DeserializeOwned + Debug + Send + Sync + 'static>(rows: Vec<R>) {
    conforms(&<Csv<Vec<R>>>::default(), &rows);
    conforms(&<Csv<Vec<R>>>::default().delimiter(b';').null("NA").header(false), &rows);
    conforms(&<Csv<Vec<R>>>::default().delimiter('\t').null("null"), &rows);
}

#[test]
fn rows_survive_a_round_trip() {
    parquet(trades());
    csv(trades());
    parquet(vec![Day::default(), Day { day: date(2024, 2, 29), ..Day::default() }]);
    csv(vec![Day::default(), Day { day: date(2024, 2, 29), ..Day::default() }]);
    parquet(dated());
}

#[test]
fn flattened_rows_survive_a_round_trip() {
    conforms(&<Csv<Vec<Dated>>>::default(), &dated());
    parquet(dated());
}

#[test]
pub(crate) fn nested_rows_survive_a_round_trip() {
    parquet(nested());
}

#[test]
fn empty_tables_survive_a_round_trip() {
    parquet(Vec::<Trade>::new());
    parquet(Vec::<Nested>::new());
    parquet(Vec::<Day>::new());
    csv(Vec::<Trade>::new());
    csv(Vec::<Day>::new());
    let empty = bytes(&<Csv<Vec<Small>>>::default(), &Vec::new()).unwrap();
    assert_eq!(empty, b"symbol,size\n");
}

#[test]
fn many_rows_survive_a_round_trip() {
    let trades = trades();
    let rows: Vec<_> = trades.iter().cycle().take(40_000).cloned().collect();
    let target = <Parquet<Vec<Trade>>>::default();
    let back = value(&target, &bytes(&target, &rows).unwrap()).unwrap();
    assert_eq!(format!("{back:?}"), format!("{rows:?}"));
}

#[test]
fn the_columns_of_rows_follow_from_the_type() {
    let columns = |rows: &Vec<Trade>| {
        let file = bytes(&<Parquet<Vec<Trade>>>::default(), rows).unwrap();
        value(&<Parquet<RecordBatch>>::default(), &file).unwrap().schema()
    };
    assert_eq!(columns(&vec![]), columns(&trades()));
    let schema = columns(&vec![Trade::default()]);
    assert_eq!(schema.field_with_name("score").unwrap().data_type(), &DataType::Float64);
    assert!(schema.field_with_name("score").unwrap().is_nullable());
    assert!(!schema.field_with_name("price").unwrap().is_nullable());
}

#[test]
fn values_that_no_column_can_hold_are_refused() {
    #[derive(Serialize, Deserialize, Debug)]
    enum Shape {
        Circle(f64),
        Point,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Drawn {
        shape: Shape,
    }
    let rows = vec![Drawn { shape: Shape::Circle(1.0) }, Drawn { shape: Shape::Point }];
    let error = refusal(&<Parquet<Vec<Drawn>>>::default(), &rows);
    assert!(error.contains("column `shape` is of type Union"), "{error}");
    let error = refusal(&<Csv<Vec<Drawn>>>::default(), &rows);
    assert!(error.contains("field `shape`: a cell holds one value"), "{error}");

    let error = refusal(&<Csv<Vec<Nested>>>::default(), &nested());
    assert!(error.contains("row 0") && error.contains("field `tags`"), "{error}");

    #[derive(Serialize, Deserialize, Debug)]
    struct Twice {
        twice: Option<Option<u8>>,
    }
    for twice in [None, Some(Some(1))] {
        parquet(vec![Twice { twice }]);
        csv(vec![Twice { twice }]);
    }
    let rows = vec![Twice { twice: None }, Twice { twice: Some(None) }];
    let error = refusal(&<Parquet<Vec<Twice>>>::default(), &rows);
    assert!(error.contains("row 1, a `"), "{error}");
    refusal(&<Csv<Vec<Twice>>>::default(), &vec![Twice { twice: Some(None) }]);

    refusal(&<Parquet<Vec<u8>>>::default(), &vec![1]);
    refusal(&<Csv<Vec<u8>>>::default(), &vec![1]);
    #[derive(Serialize, Deserialize, Debug)]
    struct Empty {}
    refusal(&<Parquet<Vec<Empty>>>::default(), &vec![Empty {}]);
    refusal(&<Csv<Vec<Empty>>>::default(), &vec![Empty {}]);
}

/// For rows that cannot be read, the error names the column and the row.
#[test]
fn errors_of_rows_name_column_and_row() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Row<V> {
        id: u32,
        price: V,
    }
    fn rows<V: Clone>(count: u32, good: &V, bad: &V) -> Vec<Row<V>> {
        let row = |id| Row { id, price: if id + 1 == count { bad.clone() } else { good.clone() } };
        (0..count).map(row).collect()
    }
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Row<i64>>>>::default(), &rows(2, &1, &2)).unwrap();
            let error = complaint(&<$format<Vec<Row<f64>>>>::default(), &written);
            let expected =
                "column `price`, row 0: the column is of type Int64, and the field is a float";
            assert!(error.contains(expected), "{error}");
            assert!(error.contains("cannot read rows as"), "{error}");

            let error = complaint(&<$format<Vec<Row<String>>>>::default(), &written);
            assert!(error.contains("and the field is text"), "{error}");

            // In a table of several batches, too.
            let texts = rows(70_000, &"2024-02-29".to_owned(), &"2024-13-01".to_owned());
            let written = bytes(&<$format<Vec<Row<String>>>>::default(), &texts).unwrap();
            let error = complaint(&<$format<Vec<Row<jiff::civil::Date>>>>::default(), &written);
            assert!(error.contains("column `price`, row 69999: "), "{error}");

            let lists = rows(2, &vec![1_i64], &vec![1, 2, -3]);
            let written = bytes(&<$format<Vec<Row<Vec<i64>>>>>::default(), &lists).unwrap();
            let error = complaint(&<$format<Vec<Row<Vec<u8>>>>>::default(), &written);
            assert!(error.contains("column `price[2]`, row 1: "), "{error}");
            assert!(error.ends_with("; the field is a `u8`"), "{error}");

            // A number that the field cannot hold.
            let written = bytes(&<$format<Vec<Row<i64>>>>::default(), &rows(2, &1, &300)).unwrap();
            let error = complaint(&<$format<Vec<Row<u8>>>>::default(), &written);
            assert!(error.contains("column `price`, row 1: "), "{error}");
            let types = "; the column is of type Int64, and the field is a `u8`";
            assert!(error.ends_with(types), "{error}");
        };
    }
    each!(Parquet);
    each!(ArrowIpc);
    #[cfg(feature = "excel")]
    {
        use flow_targets::Excel;
        let texts = rows(3, &"2024-02-29".to_owned(), &"2024/02".to_owned());
        let target = <Excel<Vec<Row<String>>>>::default().sheet("Prices");
        let written = bytes(&target, &texts).unwrap();
        let error = complaint(&<Excel<Vec<Row<jiff::civil::Date>>>>::default(), &written);
        assert!(error.contains("sheet `Prices`: cell B4, column `price`: "), "{error}");
        assert!(error.contains("cannot read rows as"), "{error}");
    }
}
