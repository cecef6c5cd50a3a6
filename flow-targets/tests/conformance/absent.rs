//! Fields of rows for which a file has no column.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field};
use flow_core::Target;
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, CsvGz, Parquet};

use crate::harness::{bytes, complaint, refusal, reloaded, value};

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Row {
    id: i64,
    price: Option<f64>,
}

/// Applies a macro to each format.
macro_rules! formats {
    ($each:ident) => {
        $each!(Csv);
        $each!(CsvGz);
        $each!(Parquet);
        $each!(ArrowIpc);
        #[cfg(feature = "excel")]
        $each!(Excel);
    };
}

#[test]
fn an_absent_column_is_an_error_in_every_format() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Capital {
        id: i64,
        #[serde(rename = "Price")]
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Blank {
        id: i64,
        #[serde(rename = " price")]
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Other {
        id: i64,
        volume: f64,
    }
    macro_rules! each {
        ($format:ident) => {
            let written = vec![Capital { id: 1, price: Some(2.5) }];
            let written = bytes(&<$format<Vec<Capital>>>::default(), &written).unwrap();
            let error = complaint(&<$format<Vec<Row>>>::default(), &written);
            assert!(error.contains("there is no column `price`"), "{error}");
            assert!(error.contains("did you mean `Price`?"), "{error}");
            assert!(error.contains("The columns are `id`, `Price`"), "{error}");
            assert!(error.contains("write `#[serde(default)]` at the field"), "{error}");

            let written =
                bytes(&<$format<Vec<Blank>>>::default(), &vec![Blank { id: 1, price: Some(2.5) }]);
            let error = complaint(&<$format<Vec<Row>>>::default(), &written.unwrap());
            assert!(error.contains("did you mean ` price`?"), "{error}");

            let written =
                bytes(&<$format<Vec<Other>>>::default(), &vec![Other { id: 1, volume: 0.0 }]);
            let error = complaint(&<$format<Vec<Row>>>::default(), &written.unwrap());
            assert!(error.contains("there is no column `price`"), "{error}");
            assert!(!error.contains("did you mean"), "{error}");
            assert!(error.contains("`id`, `volume`"), "{error}");

            // Without rows too, as far as the type declares its columns.
            let written = bytes(&<$format<Vec<Capital>>>::default(), &vec![]).unwrap();
            let error = complaint(&<$format<Vec<Row>>>::default(), &written);
            assert!(error.contains("there is no column `price`"), "{error}");
        };
    }
    formats!(each);
}

#[test]
fn a_field_with_a_default_may_have_no_column() {
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Only {
        day: jiff::civil::Date,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Later {
        #[serde(default)]
        first: Option<u8>,
        day: jiff::civil::Date,
        #[serde(default = "three")]
        count: Option<u8>,
        #[serde(default)]
        name: String,
    }
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    #[serde(default)]
    struct Whole {
        day: jiff::civil::Date,
        count: Option<u8>,
    }
    impl Default for Whole {
        fn default() -> Self {
            Self { day: jiff::civil::Date::default(), count: Some(7) }
        }
    }
    fn three() -> Option<u8> {
        Some(3)
    }
    let day = jiff::civil::date(2024, 2, 29);
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Only>>>::default(), &vec![Only { day }]).unwrap();
            let read = value(&<$format<Vec<Later>>>::default(), &written).unwrap();
            assert_eq!(read, [Later { first: None, day, count: Some(3), name: String::new() }]);
            let read = value(&<$format<Vec<Whole>>>::default(), &written).unwrap();
            assert_eq!(read, [Whole { day, count: Some(7) }]);
        };
    }
    formats!(each);
}

#[test]
fn an_option_after_fields_with_defaults_is_still_required() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Mixed {
        #[serde(default)]
        a: Option<u8>,
        id: i64,
        #[serde(default)]
        b: Option<u8>,
        price: Option<f64>,
        #[serde(default)]
        c: Option<u8>,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Id {
        id: i64,
    }
    macro_rules! each {
        ($format:ident) => {
            let written = bytes(&<$format<Vec<Id>>>::default(), &vec![Id { id: 1 }]).unwrap();
            let error = complaint(&<$format<Vec<Mixed>>>::default(), &written);
            assert!(error.contains("there is no column `price`"), "{error}");
        };
    }
    formats!(each);
}

#[test]
fn an_alias_finds_the_column() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Aliased {
        #[serde(alias = "zeit", alias = "at")]
        time: Option<u32>,
        #[serde(alias = "Price", alias = "preis")]
        price: Option<f64>,
    }
    let read = value(&<Csv<Vec<Aliased>>>::default(), b"preis,zeit\n2.5,1\n").unwrap();
    assert_eq!(read, [Aliased { time: Some(1), price: Some(2.5) }]);
    let error = complaint(&<Csv<Vec<Aliased>>>::default(), b"at,PRICE\n1,2.5\n");
    assert!(error.contains("there is no column `price` or `Price` or `preis`"), "{error}");
    assert!(error.contains("did you mean `PRICE`?"), "{error}");
}

#[test]
fn another_delimiter_is_recognized_and_suggested() {
    for (text, delimiter) in
        [("id;price\n1;2.5\n", "';'"), ("id\tprice\n1\t2.5\n", "'\\t'"), ("id|price\n", "'|'")]
    {
        let error = complaint(&<Csv<Vec<Row>>>::default(), text.as_bytes());
        assert!(error.contains(&format!("seems to be separated by {delimiter}")), "{error}");
    }
    let error = complaint(&<Csv<Vec<Row>>>::default().delimiter(';'), b"id,price\n1,2.5\n");
    assert!(error.contains("seems to be separated by ','"), "{error}");
    // A name that is a column by itself does not hint at another delimiter.
    let error = complaint(&<Csv<Vec<Row>>>::default(), b"id,a;b\n1,2.5\n");
    assert!(error.contains("`id`, `a;b`"), "{error}");
}

#[test]
fn a_field_skipped_when_serialized_may_have_no_column() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Sparse {
        id: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        price: Option<f64>,
    }
    let rows = vec![Sparse { id: 1, price: None }, Sparse { id: 2, price: None }];
    macro_rules! each {
        ($format:ident) => {
            assert_eq!(reloaded(&<$format<Vec<Sparse>>>::default(), &rows).unwrap(), rows);
        };
    }
    formats!(each);
    assert_eq!(value(&<Csv<Vec<Sparse>>>::default(), b"id\n1\n2\n").unwrap(), rows);
    // A column with a similar name is suggested.
    let error = complaint(&<Csv<Vec<Sparse>>>::default(), b"id, Price\n1,2.5\n");
    assert!(error.contains("did you mean ` Price`?"), "{error}");
}

#[test]
fn flattened_rows_require_the_columns_that_they_write() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Inner {
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Outer {
        id: i64,
        size: Option<u8>,
        #[serde(flatten)]
        inner: Inner,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Rest {
        id: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, f64>,
    }
    let target = <Csv<Vec<Outer>>>::default();
    let error = complaint(&target, b"id,size,Price\n1,2,2.5\n3,4,\n");
    assert!(error.contains("there is no column `price`"), "{error}");
    let error = complaint(&target, b"id,Size,price\n1,2,2.5\n");
    assert!(error.contains("there is no column `size`"), "{error}");
    assert!(error.contains("skip_serializing_if"), "{error}");
    let whole = b"id,size,price\n1,,\n2,3,4.5\n";
    assert_eq!(value(&target, whole).unwrap()[0].inner.price, None);

    let written =
        bytes(&<Parquet<Vec<Row>>>::default(), &vec![Row { id: 1, price: None }]).unwrap();
    let error = complaint(&<Parquet<Vec<Outer>>>::default(), &written);
    assert!(error.contains("there is no column `size`"), "{error}");

    // Keys are columns, and two columns of one name would be one key.
    let rest = <Csv<Vec<Rest>>>::default();
    assert_eq!(value(&rest, b"id,a,b\n1,2,3\n").unwrap()[0].rest.len(), 2);
    let error = complaint(&rest, b"id,a,a\n1,2,3\n");
    assert!(error.contains("several columns are called `a`"), "{error}");
    let error = complaint(&<Csv<Vec<Row>>>::default(), b"id,price,price\n1,2,3\n");
    assert!(error.contains("duplicate field `price`"), "{error}");
}

#[test]
fn fields_of_structs_in_columns_are_required_too() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Inner<T> {
        #[serde(default)]
        note: Option<String>,
        size: u8,
        price: Option<T>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Outer<I> {
        day: jiff::civil::Date,
        one: Option<I>,
        many: Vec<I>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Part {
        size: u8,
        #[serde(rename = "Price")]
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Enough {
        price: Option<f64>,
        size: u8,
    }
    let day = jiff::civil::date(2024, 2, 29);
    let part = || Part { size: 1, price: Some(2.5) };
    let enough = || Enough { size: 1, price: Some(2.5) };

    type Wanted = Outer<Inner<f64>>;
    let read = |rows: Vec<Outer<Part>>| {
        let written = bytes(&<Parquet<Vec<Outer<Part>>>>::default(), &rows).unwrap();
        complaint(&<Parquet<Vec<Wanted>>>::default(), &written)
    };
    let none = || Outer { day, one: None, many: vec![] };
    let error = read(vec![none(), Outer { one: Some(part()), ..none() }]);
    assert!(error.contains("there is no field `price` in column `one`"), "{error}");
    assert!(error.contains("did you mean `Price`?"), "{error}");
    let error = read(vec![none(), none(), Outer { many: vec![part()], ..none() }]);
    assert!(error.contains("there is no field `price` in column `many`"), "{error}");

    let none = Outer { day, one: None, many: vec![] };
    let rows = vec![none, Outer { day, one: Some(enough()), many: vec![enough()] }];
    let written = bytes(&<ArrowIpc<Vec<Outer<Enough>>>>::default(), &rows).unwrap();
    let read = value(&<ArrowIpc<Vec<Wanted>>>::default(), &written).unwrap();
    let inner = || Inner { note: None, size: 1, price: Some(2.5) };
    assert_eq!(read[1], Outer { day, one: Some(inner()), many: vec![inner()] });
}

#[test]
fn columns_of_other_programs_are_checked_too() {
    let price: ArrayRef = Arc::new(Float64Array::from(vec![Some(2.5), None]));
    let inner =
        StructArray::from(vec![(Arc::new(Field::new("prise", DataType::Float64, true)), price)]);
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef),
        ("inner", Arc::new(inner) as ArrayRef),
    ]);
    #[derive(Serialize, Deserialize, Debug)]
    struct Inner {
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug)]
    struct Nested {
        id: i64,
        inner: Inner,
    }
    let written = bytes(&<ArrowIpc<RecordBatch>>::default(), &batch.unwrap()).unwrap();
    let error = complaint(&<ArrowIpc<Vec<Nested>>>::default(), &written);
    assert!(error.contains("no field `price` in column `inner`"), "{error}");
    assert!(error.contains("did you mean `prise`?"), "{error}");
}

/// Written rows can always be read.
#[test]
fn written_rows_can_be_read() {
    fn reads<R>(rows: Vec<R>)
    where
        R: Serialize + DeserializeOwned + Debug + PartialEq + Send + Sync + 'static,
    {
        assert_eq!(reloaded(&<Csv<Vec<R>>>::default(), &rows).unwrap(), rows);
        assert_eq!(reloaded(&<Parquet<Vec<R>>>::default(), &rows).unwrap(), rows);
    }
    reads(vec![Row { id: 1, price: None }]);
    reads(Vec::<Row>::new());
    reads(vec![BTreeMap::from([("a".to_owned(), Some(1_u8))])]);
    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Skipped {
        id: i64,
        #[serde(skip)]
        cache: Option<u8>,
    }
    reads(vec![Skipped { id: 1, cache: None }]);
    let _ = refusal(&<Csv<Vec<u8>>>::default(), &vec![1]);
    assert_eq!(<Csv<Vec<Row>> as Target>::EXTENSION, "csv");
}

/// Missing fields are found in structs at any position in a row.
#[test]
fn fields_are_required_in_maps_tuples_arrays_and_enums() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Has {
        size: u8,
        #[serde(rename = "Price")]
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Wants {
        size: u8,
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Row<V> {
        id: u8,
        v: V,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    enum Either<X> {
        One(X),
        Two(u8, X),
        Three { x: X, n: u8 },
        Four,
    }
    let has = || Has { size: 1, price: Some(2.5) };
    let wants = || Wants { size: 1, price: Some(2.5) };
    macro_rules! refuses {
        ($format:ident, $place:literal, $value:expr, $wanted:ty) => {
            let rows = vec![Row { id: 1, v: $value }];
            let written = bytes(&<$format<Vec<Row<_>>>>::default(), &rows).unwrap();
            let error = complaint(&<$format<Vec<Row<$wanted>>>>::default(), &written);
            let expected = format!("there is no field `price` in column `{}`", $place);
            assert!(error.contains(&expected), "{error}");
            assert!(error.contains("did you mean `Price`?"), "{error}");
        };
    }
    macro_rules! reads {
        ($format:ident, $value:expr) => {
            let rows = vec![Row { id: 1, v: $value }];
            assert_eq!(reloaded(&<$format<Vec<Row<_>>>>::default(), &rows).unwrap(), rows);
        };
    }
    macro_rules! each {
        ($format:ident) => {
            let map = BTreeMap::from([("k".to_owned(), has())]);
            refuses!($format, "v", map, BTreeMap<String, Wants>);
            refuses!($format, "v.0", (has(), 1_u8), (Wants, u8));
            refuses!($format, "v.0", [has(), has()], [Wants; 2]);
            refuses!($format, "v.1", vec![(1_u8, Some(vec![has()]))], Vec<(u8, Option<Vec<Wants>>)>);
            // A row that is a tuple.
            let written = bytes(&<$format<Vec<(Has, u8)>>>::default(), &vec![(has(), 1)]).unwrap();
            let error = complaint(&<$format<Vec<(Wants, u8)>>>::default(), &written);
            assert!(error.contains("there is no field `price` in column `0`"), "{error}");
            reads!($format, BTreeMap::from([("k".to_owned(), wants())]));
            reads!($format, BTreeMap::from([("k".to_owned(), (wants(), 1_u8))]));
            reads!($format, [wants(), wants()]);
        };
    }
    each!(Parquet);
    each!(ArrowIpc);
    refuses!(ArrowIpc, "v.One", Either::One(has()), Either<Wants>);
    refuses!(ArrowIpc, "v.Two.1", Either::Two(1, has()), Either<Wants>);
    refuses!(ArrowIpc, "v.Three.x", Either::Three { x: has(), n: 1 }, Either<Wants>);
    reads!(ArrowIpc, vec![Either::One(wants()), Either::Two(1, wants()), Either::Four]);
    reads!(ArrowIpc, Either::Three { x: wants(), n: 1 });
}

/// Fields with a default may be absent at these positions, too.
#[test]
fn fields_with_a_default_may_be_absent_in_maps_tuples_and_enums() {
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Old {
        size: u8,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct New {
        size: u8,
        #[serde(default)]
        price: Option<f64>,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    enum Either<X> {
        One(X),
        Two(u8, X),
        Four,
    }
    #[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
    struct Row<X> {
        map: BTreeMap<u8, X>,
        pair: (X, u8),
        array: [X; 2],
        either: Either<X>,
    }
    fn row<X: Clone>(x: &X, either: Either<X>) -> Row<X> {
        let map = BTreeMap::from([(1, x.clone())]);
        Row { map, pair: (x.clone(), 1), array: [x.clone(), x.clone()], either }
    }
    let (old, new) = (Old { size: 1 }, New { size: 1, price: None });
    let rows = vec![
        row(&old, Either::One(old.clone())),
        row(&old, Either::Two(2, old.clone())),
        row(&old, Either::Four),
    ];
    let written = bytes(&<ArrowIpc<Vec<Row<Old>>>>::default(), &rows).unwrap();
    let read = value(&<ArrowIpc<Vec<Row<New>>>>::default(), &written).unwrap();
    let expected = [
        row(&new, Either::One(new.clone())),
        row(&new, Either::Two(2, new.clone())),
        row(&new, Either::Four),
    ];
    assert_eq!(read, expected);
}
