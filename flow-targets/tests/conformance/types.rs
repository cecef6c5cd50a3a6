//! Types of which a format can store no value, as the type alone shows.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::{FixedSizeBinaryArray, RecordBatch};
use flow_core::{Streaming, Target};
#[cfg(feature = "excel")]
use flow_targets::Excel;
use flow_targets::{ArrowIpc, Csv, CsvGz, Json, Parquet, Pickle};
use jiff::civil::Date;

use crate::harness::{bytes, file, refusal};
use crate::tables::column;

/// Returns the error of a type that is refused, with all its causes.
#[track_caller]
fn refused<G: Target>(target: &G) -> String {
    format!("{:#}", target.check_type().expect_err("it can be stored"))
}

#[track_caller]
fn assert_accepted<G: Target>(target: &G) {
    target.check_type().expect("some value can be stored");
}

#[derive(Serialize, Deserialize, Debug)]
struct Row {
    id: u32,
    xs: Vec<f64>,
}

#[derive(Serialize, Deserialize, Debug)]
enum Shape {
    Circle(f64),
    Square { a: f64 },
}

#[derive(Serialize, Deserialize, Debug)]
enum Maybe {
    Nothing,
    Something(u8),
}

#[derive(Serialize, Deserialize, Debug)]
struct Holds<T> {
    day: Date,
    value: T,
}

#[test]
fn cells_hold_a_single_value() {
    let error = refused(&<Csv<Vec<Row>>>::default());
    assert!(error.contains("the field `xs` of") && error.contains("Row` is a list"), "{error}");
    assert!(error.contains("`Parquet`, `ArrowIpc`, `Json` and `Pickle` keep it"), "{error}");
    assert!(refused(&<CsvGz<Vec<Row>>>::default()).contains("`xs`"));
    assert!(refused(&<Csv<Vec<Holds<(u8, u8)>>>>::default()).contains("is a tuple"));
    assert!(refused(&<Csv<Vec<Holds<Row>>>>::default()).contains("is a struct"));
    assert!(refused(&<Csv<Vec<Holds<BTreeMap<u8, u8>>>>>::default()).contains("is a map"));
    assert!(refused(&<Csv<Vec<Holds<Shape>>>>::default()).contains("all hold data"));
    assert!(refused(&<Csv<Vec<u8>>>::default()).contains("a row is a struct"));
    assert!(refused(&<Csv<Vec<(u8, u8)>>>::default()).contains("is a tuple"));
    #[derive(Serialize, Deserialize, Debug)]
    struct Empty {}
    assert!(refused(&<Csv<Vec<Empty>>>::default()).contains("has no fields"));
    #[cfg(feature = "excel")]
    {
        let error = refused(&<Excel<Vec<Row>>>::default());
        assert!(error.contains("column `xs`") && error.contains("no cell holds"), "{error}");
        refused(&<Excel<Vec<Holds<Row>>>>::default());
        refused(&<Excel<Vec<u8>>>::default());
        assert_accepted(&<Excel<Vec<Holds<Maybe>>>>::default());
        assert_accepted(&<Excel<Vec<Holds<Option<u8>>>>>::default());
    }
}

#[test]
fn columns_hold_no_enums_with_data() {
    #[derive(Serialize, Deserialize, Debug)]
    struct Drawn {
        shape: Shape,
    }
    let error = refused(&<Parquet<Vec<Drawn>>>::default());
    assert!(error.contains("column `shape` is of type Union"), "{error}");
    assert!(error.contains("`Json` and `Pickle` keep any value"), "{error}");
    refused(&<Parquet<Vec<Holds<Shape>>>>::default());
    let error = refused(&<Parquet<Vec<u8>>>::default());
    assert_eq!(
        error,
        "a table needs rows that are structs with named fields, and `u8` is a single value: use `Json` \
         or `Pickle`, or wrap it in a struct"
    );
    let error = refused(&<ArrowIpc<Vec<Vec<f64>>>>::default());
    assert!(error.contains("and `alloc::vec::Vec<f64>` is a list"), "{error}");
    assert_accepted(&<ArrowIpc<Vec<Drawn>>>::default());
    assert_accepted(&<ArrowIpc<Vec<Holds<Shape>>>>::default());
    assert_accepted(&<Parquet<Vec<Row>>>::default());
}

#[test]
fn json_needs_text_keys() {
    type Pairs = BTreeMap<(u32, u32), f64>;
    let error = refused(&<Json<Pairs>>::default());
    assert!(error.contains("keys are tuples") && error.contains("`Pickle` keeps it"), "{error}");
    let error = refused(&<Json<Vec<Holds<Pairs>>>>::default());
    assert!(error.contains("the field `value` of"), "{error}");
    refused(&<Json<HashMap<Vec<u8>, u8>>>::default());
    refused(&<Json<BTreeMap<String, (u8, Pairs)>>>::default());
    assert_accepted(&<Pickle<Pairs>>::default());
    #[derive(Serialize, Deserialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Name(String);
    assert_accepted(&<Json<BTreeMap<Name, u8>>>::default());
    assert_accepted(&<Json<BTreeMap<Date, u8>>>::default());
    assert_accepted(&<Json<BTreeMap<Option<char>, u8>>>::default());
    assert_accepted(&<Json<Vec<((u8, u8), f64)>>>::default());
}

/// A type is accepted if some of its values can be stored, or if it shows nothing about them.
#[test]
fn types_of_which_some_values_can_be_stored_are_accepted() {
    #[track_caller]
    fn all<T>(value: T)
    where
        T: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let rows = vec![value];
        assert_accepted(&<Json<Vec<T>>>::default());
        bytes(&<Json<Vec<T>>>::default(), &rows).unwrap();
        assert_accepted(&<Csv<Vec<T>>>::default());
        bytes(&<Csv<Vec<T>>>::default(), &rows).unwrap();
    }
    let day = Date::default();
    all(Holds { day, value: None::<Vec<f64>> });
    all(Holds { day, value: None::<BTreeMap<(u8, u8), u8>> });
    all(Holds { day, value: Maybe::Nothing });
    #[derive(Serialize, Deserialize, Debug)]
    struct Sparse {
        id: u8,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        xs: Vec<f64>,
        #[serde(default, skip_serializing)]
        pairs: BTreeMap<(u8, u8), u8>,
    }
    let sparse = Sparse { id: 1, xs: vec![], pairs: BTreeMap::from([((1, 2), 3)]) };
    assert_eq!(sparse.pairs.len(), 1);
    all(sparse);
    #[derive(Serialize, Deserialize, Debug)]
    struct Tree {
        size: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        inner: Option<Box<Tree>>,
    }
    all(Tree { size: 1, inner: None });
    all(serde_json::json!({"a": 1}));
    all(HashMap::from([("a".to_owned(), 1)]));
    assert_accepted(&<Parquet<RecordBatch>>::default());
    assert_accepted(&<Csv<Vec<RecordBatch>>>::default());
}

/// Arrow allows byte arrays of width zero, which part of its code does not expect.
#[test]
fn byte_arrays_of_width_zero_are_kept_or_refused() {
    fn none(valid: &[bool]) -> RecordBatch {
        let nulls = Some(valid.to_vec().into());
        let values = Vec::<u8>::new().into();
        column(FixedSizeBinaryArray::try_new_with_len(0, values, nulls, valid.len()).unwrap())
    }
    for batch in [none(&[]), none(&[true]), none(&[false, true, false])] {
        let arrow = <ArrowIpc<RecordBatch>>::default();
        let (_file, source) = file(&bytes(&arrow, &batch).unwrap()).unwrap();
        assert_eq!(arrow.load(&source).unwrap(), batch);
        let rows: usize = arrow.stream(&source).unwrap().map(|part| part.unwrap().num_rows()).sum();
        assert_eq!(rows, batch.num_rows());
        let error = refusal(&<Parquet<RecordBatch>>::default(), &batch);
        assert!(error.contains("Parquet has no bytes of length zero"), "{error}");
        refusal(&<Csv<RecordBatch>>::default(), &batch);
        #[cfg(feature = "excel")]
        refusal(&<Excel<RecordBatch>>::default(), &batch);
    }
}

/// A given schema is checked before any task runs.
#[test]
fn schemas_with_types_without_a_text_form_are_refused() {
    use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, TimeUnit};
    let item = || Field::new("item", DataType::Int32, true);
    let schema = |data_type: &DataType| Schema::new(vec![Field::new("v", data_type.clone(), true)]);
    for data_type in [
        DataType::Duration(TimeUnit::Second),
        DataType::List(item().into()),
        DataType::Struct(vec![item()].into()),
        DataType::Binary,
        DataType::Interval(IntervalUnit::DayTime),
        DataType::Date64,
    ] {
        let expected = format!("column `v` is of type {data_type}, which CSV has no text for");
        let error = refused(&<Csv<RecordBatch>>::default().schema(schema(&data_type)));
        assert!(error.contains(&expected), "{error}");
        let error = refused(&<CsvGz<Vec<RecordBatch>>>::default().schema(schema(&data_type)));
        assert!(error.contains(&expected), "{error}");
        let target = <Csv<flow_targets::BatchStream>>::default().schema(schema(&data_type));
        assert!(refused(&target).contains(&expected));
        #[cfg(feature = "excel")]
        if !matches!(data_type, DataType::Duration(_)) {
            let error = refused(&<Excel<RecordBatch>>::default().schema(schema(&data_type)));
            assert!(error.contains("which no cell holds"), "{error}");
        }
    }
    let taken_type = DataType::Decimal128(10, 2);
    assert_accepted(&<Csv<RecordBatch>>::default().schema(schema(&taken_type)));
    #[cfg(feature = "excel")]
    {
        assert_accepted(&<Excel<RecordBatch>>::default().schema(schema(&taken_type)));
        let span = DataType::Duration(TimeUnit::Second);
        assert_accepted(&<Excel<RecordBatch>>::default().schema(schema(&span)));
    }
    // Rows define their own columns.
    let target = <Csv<Vec<Holds<u8>>>>::default();
    assert_accepted(&target.schema(schema(&DataType::Binary)));
}

/// A struct of the standard library with a handwritten visitor is a struct too.
#[test]
fn cells_cannot_hold_structs_of_the_standard_library() {
    use std::ops::Range;
    use std::time::{Duration, SystemTime};
    fn refuses<V>(value: V)
    where
        V: Serialize + DeserializeOwned + Debug + Send + Sync + 'static,
    {
        let error = refused(&<Csv<Vec<Holds<V>>>>::default());
        assert!(error.contains("the field `value` of") && error.contains("is a struct"), "{error}");
        #[cfg(feature = "excel")]
        {
            let error = refused(&<Excel<Vec<Holds<V>>>>::default());
            assert!(error.contains("the field `value` of"), "{error}");
        }
        // Columns can hold the struct.
        assert_accepted(&<Parquet<Vec<Holds<V>>>>::default());
        bytes(&<Parquet<Vec<Holds<V>>>>::default(), &vec![Holds { day: Date::default(), value }])
            .unwrap();
        assert_accepted(&<Csv<Vec<Holds<Option<V>>>>>::default());
    }
    refuses(Duration::from_millis(1500));
    refuses(SystemTime::UNIX_EPOCH);
    refuses(Range { start: 1_u8, end: 2 });
}
