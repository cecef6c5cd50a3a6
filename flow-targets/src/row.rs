//! The columns that the type of a row shows. A row is a struct that serde serializes.
//!
//! serde_arrow derives columns from the type alone if each of its parts can be built without data.
//! A type that parses a text, such as a date, cannot. But its [`Shape`] is known, and columns are
//! derived from [`samples`] of that shape. If the type depends on the data (`serde_json::Value`,
//! `#[serde(flatten)]`, `#[serde(untagged)]`), only the rows show the columns.

use std::any::{TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::FieldRef;
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::enums;
use crate::shape::{Shape, samples};

/// The limit of serde_arrow's passes over a type: each variant of an enum and each nested type
/// takes one.
const PASSES: usize = 10_000;

/// The columns that the type of a row shows.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    expect(dead_code, reason = "CSV alone reads the columns of `Derived` only")
)]
pub(crate) enum RowColumns {
    /// All columns, as serde_arrow derives them.
    Derived(Vec<FieldRef>),
    /// All columns, derived from the shape of the type.
    ///
    /// The type may serialize to another form than it deserializes from. An enum with some variants
    /// that hold data is text, as long as no row has one of these.
    Shaped(Vec<FieldRef>),
    /// Some columns. Those that only the rows show have the type `Null`.
    Partial(Vec<FieldRef>),
    /// No columns.
    Hidden,
    /// The message that says why rows of this type cannot be columns, and what to do.
    Never(String),
}

impl RowColumns {
    /// Returns the columns of a type, which are derived once per process.
    pub(crate) fn of<R: DeserializeOwned + 'static>() -> Self {
        static KNOWN: Mutex<BTreeMap<TypeId, RowColumns>> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(columns) = known().get(&TypeId::of::<R>()) {
            return columns.clone();
        }
        let columns = Self::find::<R>();
        known().insert(TypeId::of::<R>(), columns.clone());
        columns
    }

    fn find<R: DeserializeOwned + 'static>() -> Self {
        if let Ok(fields) = Vec::<FieldRef>::from_type::<R>(options()) {
            return Self::Derived(fields);
        }
        let shape = Shape::of::<R>();
        let is_complete = shape.is_complete();
        let fields = Vec::<FieldRef>::from_samples(samples(shape), options());
        match (fields.map(|fields| enums::as_text(&fields)), shape) {
            (Ok(fields), _) if is_complete => Self::Shaped(fields),
            (Ok(fields), Shape::Struct(_)) => Self::Partial(fields),
            (Err(error), _) if is_complete => Self::Never(never::<R>(shape, &error)),
            _ => Self::Hidden,
        }
    }
}

/// Returns the message for rows of a type that cannot be columns.
fn never<R>(shape: &Shape, error: &serde_arrow::Error) -> String {
    let row = type_name::<R>();
    let kind = match shape {
        Shape::Leaf(_) => "a single value",
        Shape::Option(_) => "an option",
        Shape::Seq(_) => "a list",
        Shape::Tuple(_) => "a tuple",
        Shape::Enum(_) => "an enum",
        Shape::Unknown | Shape::Map(..) | Shape::Struct(_) | Shape::UnknownStruct => {
            return format!(
                "a row of `{row}` cannot be columns: {}; `Json` and `Pickle` keep any value",
                explained(error)
            );
        }
    };
    format!(
        "a table needs rows that are structs with named fields, and `{row}` is {kind}: use `Json` or \
         `Pickle`, or wrap it in a struct"
    )
}

/// Returns the message of an error of serde_arrow, with the column that it is about and the type of the column.
pub(crate) fn explained(error: &serde_arrow::Error) -> String {
    // The text is `Error: MESSAGE (data_type: "Int64", field: "$.price")`.
    let shown = error.to_string();
    let notes = shown.get("Error: ".len() + error.message().len()..).unwrap_or_default();
    let column = note(notes, "field").or_else(|| note(notes, "path")).unwrap_or_default();
    let column = column.trim_start_matches('$').trim_start_matches('.');
    let message = message(error);
    match (column, note(notes, "data_type")) {
        ("", _) => message.to_owned(),
        (column, Some(data_type)) => format!("column `{column}` of type {data_type}: {message}"),
        (column, None) => format!("column `{column}`: {message}"),
    }
}

/// Returns the message of an error of serde_arrow, without the column.
pub(crate) fn message(error: &serde_arrow::Error) -> &str {
    let message = error.message();
    let rest = message.strip_prefix("deserialization failed: ");
    rest.or_else(|| message.strip_prefix("serialization failed: ")).unwrap_or(message)
}

/// Returns the value of an annotation that serde_arrow displays as `key: "value"`.
fn note<'a>(notes: &'a str, key: &str) -> Option<&'a str> {
    let starts = [format!("({key}: \""), format!(", {key}: \"")];
    let (_, rest) = starts.iter().find_map(|start| notes.split_once(start.as_str()))?;
    rest.split('"').next()
}

/// Returns the options of serde_arrow. A map is a column of maps, even if all rows have the same
/// keys.
pub(crate) fn options() -> TracingOptions {
    TracingOptions::default()
        .allow_null_fields(true)
        .enums_without_data_as_strings(true)
        .from_type_budget(PASSES)
        .map_as_struct(false)
}
