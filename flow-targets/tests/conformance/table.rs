//! The tables in the documentation are generated here, from the actual behaviour of the targets.
//!
//! To add a target, add a line to [`columns`]; to add a kind of values, add one to [`kinds`]. The
//! test then fails, and prints the table to paste.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;

use ::serde::de::DeserializeOwned;
use ::serde::{Deserialize, Serialize};
use arrow::array::*;
use arrow::datatypes::SchemaRef;
use flow_core::{Columnar, Streaming, Target};
use flow_targets::*;

use crate::harness::{bytes, value};
use crate::shapes::shapes;
use crate::tables::{self, Tables, column};

/// How a target handles values of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kept {
    /// They are loaded as equal values.
    Yes,
    /// They are only loaded as equal values if the target is given a schema.
    WithSchema,
    /// Saving them is an error.
    Error,
    /// They are loaded as other values, which the documentation of the target must explain.
    Others,
    /// The target is for other values.
    Inapplicable,
}

impl Kept {
    fn text(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::WithSchema => "with a schema",
            Self::Error => "error",
            Self::Others => "see there",
            Self::Inapplicable => "",
        }
    }

    /// Combines the results of two values of one kind.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            _ if self == other => self,
            (Self::Yes, Self::WithSchema) | (Self::WithSchema, Self::Yes) => Self::WithSchema,
            _ => panic!("{self:?} and {other:?}: the kind of values is too coarse"),
        }
    }
}

fn kept<G: Target>(
    target: &G,
    kept: &G::Value,
    same: impl Fn(&G::Value, &G::Value) -> bool,
) -> Kept {
    match bytes(target, kept) {
        Err(_) => Kept::Error,
        Ok(file) => {
            let back = value(target, &file).expect("what is saved is loaded");
            if same(kept, &back) { Kept::Yes } else { Kept::Others }
        }
    }
}

/// Like [`kept`], where equality does not tell NaN and −0.0 apart.
fn printed<G: Target>(target: &G, of: &G::Value) -> Kept
where
    G::Value: Debug,
{
    kept(target, of, |a, b| format!("{a:?}") == format!("{b:?}"))
}

/// Detects which optional traits a target implements: the constants of an inherent impl take
/// precedence over those of the trait, if its bound holds.
struct Probe<G>(PhantomData<G>);

trait Without {
    const STREAMING: bool = false;
    const COLUMNAR: bool = false;
}

impl<G> Without for Probe<G> {}

#[allow(dead_code, reason = "a build may have no such target")]
impl<G: Streaming> Probe<G> {
    const STREAMING: bool = true;
}

#[allow(dead_code, reason = "a build may have no such target")]
impl<G: Columnar> Probe<G> {
    const COLUMNAR: bool = true;
}

/// One target.
struct Column {
    name: &'static str,
    extension: &'static str,
    exact: bool,
    streaming: bool,
    columnar: bool,
    /// Stores a batch, with its schema if the flag is set.
    batch: fn(&RecordBatch, bool) -> Option<Kept>,
    batches: fn(&Vec<RecordBatch>) -> Kept,
    shaped: fn(&Vec<Shaped>) -> Kept,
    measured: fn(&Vec<Measured>) -> Kept,
    serde: fn(&dyn Serde) -> Kept,
}

/// A target for none of the values here.
const NOTHING: Column = Column {
    name: "",
    extension: "",
    exact: false,
    streaming: false,
    columnar: false,
    batch: |_, _| None,
    batches: |_| Kept::Inapplicable,
    shaped: |_| Kept::Inapplicable,
    measured: |_| Kept::Inapplicable,
    serde: |_| Kept::Inapplicable,
};

/// The properties that are common to all targets.
macro_rules! column {
    ($target:ident, $of:ty, $($field:ident: $value:expr),* $(,)?) => {
        Column {
            name: stringify!($target),
            extension: <$of as Target>::EXTENSION,
            exact: <$of as Target>::EXACT,
            streaming: Probe::<$of>::STREAMING,
            columnar: Probe::<$of>::COLUMNAR,
            $($field: $value,)*
            ..NOTHING
        }
    };
}

/// A target for tables, and how it is given a schema, if it takes one.
macro_rules! tabular {
    ($target:ident, $given:expr) => {
        column! {
            $target,
            $target<RecordBatch>,
            batch: |batch, typed| {
                let given: fn($target<RecordBatch>, SchemaRef) -> Option<$target<RecordBatch>> =
                    $given;
                let target = <$target<RecordBatch>>::default();
                let target = if typed { given(target, batch.schema())? } else { target };
                Some(kept(&target, batch, |a, b| a == b))
            },
            batches: |of| kept(&<$target<Vec<RecordBatch>>>::default(), of, |a, b| a == b),
            shaped: |rows| printed(&<$target<Vec<Shaped>>>::default(), rows),
            measured: |rows| printed(&<$target<Vec<Measured>>>::default(), rows),
        }
    };
}

/// A target for all values that implement serde's traits.
macro_rules! of_serde {
    ($target:ident, $method:ident) => {
        column! {
            $target,
            $target<u8>,
            shaped: |rows| printed(&<$target<Vec<Shaped>>>::default(), rows),
            measured: |rows| printed(&<$target<Vec<Measured>>>::default(), rows),
            serde: |value| value.$method(),
        }
    };
}

/// Returns the targets, in the order of the documentation.
fn columns() -> Vec<Column> {
    vec![
        tabular!(Parquet, |_, _| None),
        tabular!(ArrowIpc, |_, _| None),
        tabular!(Csv, |target, schema| Some(target.schema(schema))),
        tabular!(CsvGz, |target, schema| Some(target.schema(schema))),
        tabular!(Excel, |target, schema| Some(target.schema(schema))),
        of_serde!(Json, json),
        of_serde!(Pickle, pickle),
        column!(Text, Text,),
        column!(Bytes, Bytes,),
    ]
}

/// A value that targets for any value can store.
trait Serde {
    fn json(&self) -> Kept;
    fn pickle(&self) -> Kept;
}

impl<V: Serialize + DeserializeOwned + Debug + Clone + Send + Sync + 'static> Serde for V {
    fn json(&self) -> Kept {
        printed(&<Json<V>>::default(), self)
    }

    fn pickle(&self) -> Kept {
        printed(&<Pickle<V>>::default(), self)
    }
}

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Measured {
    id: u64,
    value: f64,
    note: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, Clone)]
struct Shaped {
    shape: Shape,
}

#[derive(Serialize, Deserialize, Debug, Clone)]
enum Shape {
    Point,
    Circle(f64),
}

/// Values of one kind, in the form that each target takes.
enum Values {
    /// Columns, and the same values for serde.
    Columns(Tables, Vec<Box<dyn Serde>>),
    Batches(Vec<Vec<RecordBatch>>),
    Measured(Vec<Measured>),
    Shaped(Vec<Shaped>),
}

fn named(all: Tables, words: &[&str]) -> Tables {
    let named: Tables =
        all.into_iter().filter(|(name, _)| words.iter().any(|word| name.contains(word))).collect();
    assert!(!named.is_empty(), "no table is called {words:?}");
    named
}

fn one(array: impl Array + 'static) -> Tables {
    vec![("", column(array))]
}

macro_rules! serde {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as Box<dyn Serde>),*]
    };
}

/// Returns the rows of the table: kinds of values.
fn kinds() -> Vec<(&'static str, Values)> {
    use Values::{Batches, Columns};

    let number = column(Int64Array::from(vec![1, 2]));
    let floats = |values: &[f64]| one(Float64Array::from(values.to_vec()));
    let odd = [f64::NAN, f64::INFINITY];
    let signed = [-0.0, 5e-324];
    let text: Option<String> = Some("Zürich 🌲".to_owned());
    let measured = Measured { id: 1 << 53, value: 0.1, note: None };
    let map = BTreeMap::from([("a".to_owned(), 1_u8)]);
    vec![
        (
            "null, empty text, unicode",
            Columns(
                named(tables::texts(), &["text"]).into_iter().take(1).collect(),
                serde!(vec![text, None, Some(String::new())]),
            ),
        ),
        (
            "booleans, `Int64` up to 2⁵³",
            Columns(
                [one(BooleanArray::from(vec![true])), one(Int64Array::from(vec![-(1 << 53)]))]
                    .concat(),
                serde!(true, 1_i64 << 53),
            ),
        ),
        ("all of `Int64`", Columns(one(Int64Array::from(vec![i64::MAX])), serde!(i64::MIN))),
        (
            "numbers of other types",
            Columns(named(tables::numbers(), &["i8", "i16", "u32", "f32"]), serde!(-1_i8, 0.1_f32)),
        ),
        ("`Float64`, finite", Columns(floats(&[0.1 + 0.2, 1e300]), serde!(0.1 + 0.2, 1e300))),
        ("NaN, infinities", Columns(floats(&odd), serde!(odd[0], odd[1]))),
        ("−0.0, subnormal numbers", Columns(floats(&signed), serde!(signed[0], signed[1]))),
        ("decimals", Columns(named(tables::numbers(), &["decimal"]), vec![])),
        (
            "dates",
            Columns(
                named(tables::times(), &["dates"])
                    .iter()
                    .map(|(n, b)| (*n, b.slice(0, 3)))
                    .collect(),
                vec![],
            ),
        ),
        ("times of day", Columns(named(tables::times(), &["times, ns", "times, us"]), vec![])),
        (
            "timestamps in microseconds",
            Columns(one(TimestampMicrosecondArray::from(vec![1_709_208_000_123_456])), vec![]),
        ),
        ("timestamps with a zone", Columns(named(tables::times(), &["Berlin", "offset"]), vec![])),
        (
            "lists, structs, maps",
            Columns(named(tables::nested(), &["lists", "structs", "maps"]), serde!(vec![map])),
        ),
        ("bytes", Columns(named(tables::nested(), &["bytes"]), vec![])),
        ("dictionary columns", Columns(named(tables::texts(), &["dictionary"]), vec![])),
        ("metadata of columns", Columns(named(shapes(), &["metadata"]), vec![])),
        (
            "a table without rows, of a row type that shows its columns",
            Columns(named(shapes(), &["no rows"]), serde!(Vec::<u8>::new())),
        ),
        ("a table without columns", Columns(named(shapes(), &["no columns"]), vec![])),
        ("boundaries of batches", Batches(vec![vec![number.clone(), number]])),
        ("rows of a struct, in a `Vec<R>`", Values::Measured(vec![measured])),
        (
            "rows of a struct with fields of any number type",
            Values::Measured(vec![Measured {
                id: u64::MAX,
                value: -0.0,
                note: Some(String::new()),
            }]),
        ),
        (
            "enums with data",
            Values::Shaped(vec![
                Shaped { shape: Shape::Circle(1.0) },
                Shaped { shape: Shape::Point },
            ]),
        ),
    ]
}

fn cell(target: &Column, values: &Values) -> Kept {
    match values {
        Values::Columns(tables, serde) => {
            let of_batch = |batch: &RecordBatch| {
                Some(match (target.batch)(batch, false)? {
                    Kept::Yes => Kept::Yes,
                    plain => match (target.batch)(batch, true) {
                        Some(Kept::Yes) => Kept::WithSchema,
                        _ => plain,
                    },
                })
            };
            let of_tables = tables.iter().filter_map(|(_, batch)| of_batch(batch));
            let of_serde = serde.iter().map(|value| (target.serde)(value.as_ref()));
            of_tables.chain(of_serde.filter(|kept| *kept != Kept::Inapplicable)).reduce(Kept::and)
        }
        Values::Batches(lists) => lists.iter().map(|list| (target.batches)(list)).reduce(Kept::and),
        Values::Measured(rows) => Some((target.measured)(rows)),
        Values::Shaped(rows) => Some((target.shaped)(rows)),
    }
    .unwrap_or(Kept::Inapplicable)
}

fn line<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> String {
    let cells: Vec<_> = cells.into_iter().map(|cell| cell.as_ref().to_owned()).collect();
    format!("//! | {} |\n", cells.join(" | ")).replace("|  |", "| |").replace("|  |", "| |")
}

fn yes(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Returns the table of the properties of each target.
fn abilities() -> String {
    let mut text = line(["target", "file", "exact", "streams", "single columns"]);
    text += &line(["---"; 5]);
    for target in columns() {
        text += &line([
            format!("[`{0}`]", target.name).as_str(),
            &format!("`.{}`", target.extension),
            yes(target.exact),
            yes(target.streaming),
            yes(target.columnar),
        ]);
    }
    text
}

/// Returns the table of kinds of values for each target that stores several.
fn values() -> String {
    let targets: Vec<_> =
        columns().into_iter().filter(|target| !["Text", "Bytes"].contains(&target.name)).collect();
    let mut text = line([""].into_iter().chain(targets.iter().map(|target| target.name)));
    text += &line(vec!["---"; targets.len() + 1]);
    for (name, values) in kinds() {
        println!("{name}");
        let cells = targets.iter().map(|target| cell(target, &values).text());
        text += &line([name].into_iter().chain(cells));
    }
    text
}

#[test]
fn the_documentation_matches_the_targets() {
    let documentation = include_str!("../../src/lib.rs");
    for table in [abilities(), values()] {
        assert!(
            documentation.contains(&table),
            "the documentation in src/lib.rs does not have this table:\n\n{table}",
        );
    }
}
