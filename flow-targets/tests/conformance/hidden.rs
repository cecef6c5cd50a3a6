//! Rows whose type does not declare its columns, which are then inferred from the rows.

use std::collections::BTreeMap;
use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use flow_core::{Columnar, Target};
use flow_targets::{ArrowIpc, Parquet};
use jiff::civil::{Date, date};

use crate::harness::{bytes, comes_back, conforms, file, refusal, value};

#[derive(Serialize, Deserialize, Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Buy,
    Sell,
    Hold,
}

use Side::{Buy, Hold, Sell};

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Order {
    day: Date,
    side: Side,
    was: Option<Side>,
}

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Deep {
    day: Date,
    sides: Vec<Side>,
    order: Order,
    orders: Option<Vec<Order>>,
    pair: (Side, u8),
    by_name: BTreeMap<String, Side>,
    by_side: BTreeMap<Side, Vec<Option<Side>>>,
}

/// A row with the same enum, whose type declares its columns.
#[derive(Serialize, Deserialize, Debug, Clone)]
struct Shown {
    day: String,
    side: Side,
    was: Option<Side>,
}

/// Returns all selections of up to three variants, in every order.
fn choices() -> Vec<Vec<Side>> {
    let mut all = vec![vec![]];
    for _ in 0..3 {
        let longer = all.iter().flat_map(|some: &Vec<Side>| {
            [Buy, Sell, Hold].map(|side| [some.as_slice(), &[side]].concat())
        });
        let longer: Vec<_> = longer.collect();
        all.extend(longer);
    }
    all.sort();
    all.dedup();
    all
}

fn order(side: Side) -> Order {
    Order { day: date(2024, 2, 29), side, was: None }
}

fn orders(sides: &[Side]) -> Vec<Order> {
    let was = |side| if side == Buy { None } else { Some(side) };
    sides.iter().map(|&side| Order { was: was(side), ..order(side) }).collect()
}

fn deep(sides: &[Side]) -> Vec<Deep> {
    let rows = sides.iter().map(|&side| Deep {
        day: date(1999, 12, 31),
        sides: sides.iter().rev().copied().collect(),
        order: order(side),
        orders: (side != Sell).then(|| orders(sides)),
        pair: (side, 1),
        by_name: BTreeMap::from([("x".to_owned(), side)]),
        by_side: BTreeMap::from([(side, vec![None, Some(side)]), (Hold, vec![])]),
    });
    rows.collect()
}

fn same<V: Debug>(a: &V, b: &V) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

#[track_caller]
fn assert_round_trip<R>(rows: &Vec<R>)
where
    R: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    comes_back(&<Parquet<Vec<R>>>::default(), rows, same);
    comes_back(&<ArrowIpc<Vec<R>>>::default(), rows, same);
}

#[test]
fn rows_with_a_date_and_any_variants_survive_a_round_trip() {
    for sides in choices() {
        assert_round_trip(&orders(&sides));
        #[cfg(feature = "excel")]
        comes_back(&<flow_targets::Excel<Vec<Order>>>::default(), &orders(&sides), same);
        comes_back(&<flow_targets::Csv<Vec<Order>>>::default(), &orders(&sides), same);
    }
    conforms(&<Parquet<Vec<Order>>>::default(), &orders(&[Hold, Buy]));
    conforms(&<ArrowIpc<Vec<Order>>>::default(), &orders(&[Hold, Buy]));
}

#[test]
fn variants_in_lists_structs_and_maps_survive_a_round_trip() {
    for sides in choices() {
        assert_round_trip(&deep(&sides));
    }
}

#[test]
fn an_enum_without_data_is_a_text_column_for_any_variants() {
    fn types<G: Target, T: Target<Value = RecordBatch>>(
        target: &G,
        rows: &G::Value,
        table: &T,
    ) -> Vec<DataType> {
        let batch = value(table, &bytes(target, rows).unwrap()).unwrap();
        batch.schema().fields()[1..].iter().map(|field| field.data_type().clone()).collect()
    }
    let shown = vec![Shown { day: String::new(), side: Buy, was: None }];
    let table = <Parquet<RecordBatch>>::default();
    let text = types(&<Parquet<Vec<Shown>>>::default(), &shown, &table);
    let arrow = <ArrowIpc<RecordBatch>>::default();
    assert_eq!(types(&<ArrowIpc<Vec<Shown>>>::default(), &shown, &arrow), text);
    for sides in [&[Buy, Sell][..], &[Sell], &[Hold], &[Hold, Sell, Buy], &[Sell, Hold]] {
        let rows = orders(sides);
        assert_eq!(types(&<Parquet<Vec<Order>>>::default(), &rows, &table), text, "{sides:?}");
        assert_eq!(types(&<ArrowIpc<Vec<Order>>>::default(), &rows, &arrow), text, "{sides:?}");
    }
}

#[test]
fn a_data_variant_without_a_value_is_not_text() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    enum Event {
        Opened,
        Closed,
        Noted(Option<String>),
    }
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Entry {
        day: Date,
        side: Side,
        event: Event,
    }
    let entry = |event| Entry { day: date(2024, 2, 29), side: Hold, event };
    let rows = vec![entry(Event::Noted(None)), entry(Event::Closed)];
    comes_back(&<ArrowIpc<Vec<Entry>>>::default(), &rows, same);
    let error = refusal(&<Parquet<Vec<Entry>>>::default(), &rows);
    assert!(error.contains("variants hold data"), "{error}");
    assert_round_trip(&vec![entry(Event::Closed), entry(Event::Opened)]);
}

/// A union has at most 128 variants; unused variants need no entry.
#[test]
fn variants_beyond_the_limit_of_a_union_are_refused_or_kept() {
    const NAMES: [&str; 130] = {
        let mut names = ["Named"; 130];
        names[0] = "First";
        names[129] = "Last";
        names
    };

    #[derive(Debug, Clone)]
    struct Country(u32);

    impl Serialize for Country {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_unit_variant("Country", self.0, NAMES[self.0 as usize])
        }
    }

    impl<'de> Deserialize<'de> for Country {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let name = String::deserialize(deserializer)?;
            let place = NAMES.iter().position(|known| *known == name);
            Ok(Self(u32::try_from(place.unwrap()).unwrap()))
        }
    }

    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Sent {
        day: Date,
        to: Country,
    }
    let sent = |to| Sent { day: date(2024, 2, 29), to: Country(to) };
    let error = refusal(&<Parquet<Vec<Sent>>>::default(), &vec![sent(129), sent(0)]);
    assert!(
        error.contains("has no form in columns; `Json` and `Pickle` keep any value"),
        "{error}"
    );
    assert_round_trip(&vec![sent(0), sent(1)]);
    let all: Vec<Sent> = (0..130).map(sent).collect();
    bytes(&<Parquet<Vec<Sent>>>::default(), &all).unwrap();
}

/// Returns the schemas of the rows, in each format that keeps the types of columns.
fn schemas<R>(rows: &Vec<R>) -> [SchemaRef; 2]
where
    R: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let parquet = bytes(&<Parquet<Vec<R>>>::default(), rows).unwrap();
    let arrow = bytes(&<ArrowIpc<Vec<R>>>::default(), rows).unwrap();
    [
        value(&<Parquet<RecordBatch>>::default(), &parquet).unwrap().schema(),
        value(&<ArrowIpc<RecordBatch>>::default(), &arrow).unwrap().schema(),
    ]
}

#[test]
fn columns_of_rows_with_a_date_follow_from_the_type() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Price {
        day: Date,
        price: Option<f64>,
        #[serde(alias = "name")]
        title: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<Date>,
        parts: Vec<Option<u8>>,
    }
    let day = date(2024, 2, 29);
    let none = Price { day, price: None, title: None, note: None, parts: vec![] };
    let some = Price {
        price: Some(1.5),
        title: Some(String::new()),
        note: Some(day),
        parts: vec![Some(1)],
        ..none.clone()
    };
    let of_none = schemas(&Vec::<Price>::new());
    for rows in [vec![none.clone()], vec![some.clone()], vec![some.clone(); 3], vec![none, some]] {
        assert_eq!(schemas(&rows), of_none);
        assert_round_trip(&rows);
    }
    let columns: Vec<_> = of_none[0]
        .fields()
        .iter()
        .map(|field| (field.name().as_str(), field.data_type().clone(), field.is_nullable()))
        .collect();
    assert!(
        matches!(&columns[4].1, DataType::LargeList(item) if *item.data_type() == DataType::UInt8)
    );
    assert_eq!(
        columns[..4],
        [
            ("day", DataType::LargeUtf8, false),
            ("price", DataType::Float64, true),
            ("title", DataType::LargeUtf8, true),
            ("note", DataType::LargeUtf8, true),
        ]
    );
    // Nested values too, for all selections of variants.
    let of_none = schemas(&Vec::<Deep>::new());
    for sides in choices() {
        assert_eq!(schemas(&deep(&sides)), of_none, "{sides:?}");
    }
    let of_none = schemas(&Vec::<Order>::new());
    for sides in choices() {
        assert_eq!(schemas(&orders(&sides)), of_none, "{sides:?}");
    }
}

#[test]
fn columns_inferred_from_rows_are_null_without_rows() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Event {
        day: Date,
        size: Option<u8>,
        body: serde_json::Value,
    }
    let types = |rows: &Vec<Event>| {
        let schema = schemas(rows)[0].clone();
        schema.fields().iter().map(|field| field.data_type().clone()).collect::<Vec<_>>()
    };
    let event = |body| Event { day: date(2024, 2, 29), size: None, body };
    assert_eq!(types(&vec![]), [DataType::LargeUtf8, DataType::UInt8, DataType::Null]);
    let rows = vec![event(true.into())];
    assert_eq!(types(&rows), [DataType::LargeUtf8, DataType::UInt8, DataType::Boolean]);
    assert_round_trip(&rows);
    assert_round_trip(&Vec::<Event>::new());
}

#[test]
fn a_column_has_the_type_that_serialize_writes() {
    /// Is written as a number and read from text, and if `ANY` also from a number.
    #[derive(Debug, Clone)]
    struct Cents<const ANY: bool>(i64);

    impl<const ANY: bool> Serialize for Cents<ANY> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_i64(self.0)
        }
    }

    impl<'de, const ANY: bool> Deserialize<'de> for Cents<ANY> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let text = match ANY {
                true => serde_json::Value::deserialize(deserializer)?.to_string(),
                false => String::deserialize(deserializer)?,
            };
            text.parse().map(Cents).map_err(::serde::de::Error::custom)
        }
    }

    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Paid<const ANY: bool> {
        day: Date,
        cents: Cents<ANY>,
    }
    let rows = vec![Paid { day: date(2024, 2, 29), cents: Cents::<true>(5) }];
    assert_eq!(*schemas(&rows)[0].field(1).data_type(), DataType::Int64);
    assert_round_trip(&rows);
    // A number column cannot be read as text, but the cells of a sheet can.
    let rows = vec![Paid { day: date(2024, 2, 29), cents: Cents::<false>(5) }];
    let error = refusal(&<Parquet<Vec<Paid<false>>>>::default(), &rows);
    assert!(error.contains("cannot be read from the columns that they make"), "{error}");
    assert!(error.contains("column `cents`, row 0: the column is of type Int64"), "{error}");
    refusal(&<ArrowIpc<Vec<Paid<false>>>>::default(), &rows);
    #[cfg(feature = "excel")]
    comes_back(&<flow_targets::Excel<Vec<Paid<false>>>>::default(), &rows, same);
}

/// Without rows no columns are known, and the error of a requested column says so.
#[test]
fn without_rows_undeclared_columns_are_absent() {
    #[derive(Serialize, Deserialize, Debug, Clone)]
    struct Flat {
        day: Date,
        #[serde(flatten)]
        order: Order,
    }
    fn column_error<G: Columnar>(target: &G, rows: &G::Value, column: &str) -> String
    where
        G::Columns: Debug,
    {
        let (file, source) = file(&bytes(target, rows).unwrap()).unwrap();
        let error = target.load_columns(&source, &[column]).expect_err("there is none");
        let error = format!("{error:#}");
        assert!(error.contains(&*file.path().to_string_lossy()), "{error}");
        error
    }
    assert_round_trip(&Vec::<Order>::new());
    assert_round_trip(&Vec::<Deep>::new());
    assert_round_trip(&Vec::<Flat>::new());
    let none = [
        column_error(&<Parquet<Vec<Flat>>>::default(), &vec![], "side"),
        column_error(&<ArrowIpc<Vec<Flat>>>::default(), &vec![], "side"),
    ];
    for error in none {
        assert!(
            error.ends_with(
                "there is no column `side`: the table has no columns, as no rows have \
                 of a type that does not show its columns"
            ),
            "{error}"
        );
    }
    let some = column_error(&<Parquet<Vec<Order>>>::default(), &orders(&[Buy]), "zzz");
    assert!(some.ends_with("there is no column `zzz`: there are `day`, `side`, `was`"), "{some}");
}

/// Rows are either saved and can be loaded, or they are refused when they are saved.
#[test]
fn rows_that_could_not_be_loaded_are_refused_when_saved() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(tag = "kind")]
    enum Shape {
        Circle { r: f64 },
        Point,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Drawn<S> {
        id: u8,
        shape: S,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(tag = "kind", content = "value")]
    enum Adjacent {
        Circle { r: f64 },
        Point,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    #[serde(untagged)]
    enum Untagged {
        Circle { r: f64 },
        Number(i64),
        Text(String),
    }
    fn refused<R>(rows: &[R])
    where
        R: Serialize + DeserializeOwned + Debug + Clone + Send + Sync + 'static,
    {
        let rows = rows.to_vec();
        let parquet = refusal(&<Parquet<Vec<R>>>::default(), &rows);
        let arrow = refusal(&<ArrowIpc<Vec<R>>>::default(), &rows);
        for error in [parquet, arrow] {
            assert!(error.contains("cannot be read from the columns that they make"), "{error}");
            assert!(error.contains("`Json` and `Pickle` keep any value"), "{error}");
        }
    }
    /// Returns whether the rows can be saved, and asserts that saved rows can be loaded.
    fn comes_back_if_saved<R>(rows: &[R]) -> bool
    where
        R: Serialize + DeserializeOwned + Debug + Clone + PartialEq + Send + Sync + 'static,
    {
        let rows = rows.to_vec();
        let (parquet, arrow) = (<Parquet<Vec<R>>>::default(), <ArrowIpc<Vec<R>>>::default());
        let saved = [bytes(&parquet, &rows), bytes(&arrow, &rows)];
        for (written, is_arrow) in saved.iter().zip([false, true]) {
            let Ok(written) = written else { continue };
            let read = if is_arrow { value(&arrow, written) } else { value(&parquet, written) };
            assert_eq!(read.unwrap(), rows);
        }
        saved.iter().all(Result::is_ok)
    }
    let drawn = |shape| Drawn { id: 1, shape };
    refused(&[drawn(Shape::Circle { r: 1.5 })]);
    refused(&[drawn(Shape::Point), drawn(Shape::Circle { r: 1.5 })]);
    refused(&[Drawn { id: 1, shape: vec![Shape::Point] }]);
    // Unreadable rows may come after the first batch.
    let mut many = vec![Drawn { id: 1, shape: None }; 20_000];
    many.push(Drawn { id: 2, shape: Some(Shape::Point) });
    refused(&many);

    comes_back_if_saved(&[Drawn { id: 1, shape: Adjacent::Circle { r: 1.5 } }]);
    comes_back_if_saved(&[Drawn { id: 1, shape: Adjacent::Point }]);
    comes_back_if_saved(&[Drawn { id: 1, shape: Untagged::Circle { r: 1.5 } }]);
    assert!(comes_back_if_saved(&[Drawn { id: 1, shape: Untagged::Number(7) }]));
    assert!(comes_back_if_saved(&[Drawn { id: 1, shape: Untagged::Text("a".into()) }]));
    assert!(comes_back_if_saved(&[Drawn { id: 1, shape: serde_json::json!(1.5) }]));
    assert!(comes_back_if_saved(&[Drawn { id: 1, shape: None::<serde_json::Value> }]));
}
