//! The columns that a type of row shows, which is a struct that serde serialises.
//!
//! serde_arrow derives them from the type alone if each of its parts can be built from nothing. A
//! type that parses a text, such as a date, cannot: its [`Shape`] is known all the same, and columns
//! are derived from [`samples`] of that. Where the data decides (`serde_json::Value`,
//! `#[serde(flatten)]`, `#[serde(untagged)]`), only the rows show a column.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use arrow::datatypes::FieldRef;
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};

use crate::enums;
use crate::shape::{Shape, samples};

/// An enum's variants and nested types take one pass over the type each.
const PASSES: usize = 10_000;

/// What the type of a row says of the columns.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    expect(dead_code, reason = "CSV alone reads the columns of `Derived` only")
)]
pub(crate) enum RowColumns {
    /// All of them, as serde_arrow derives them.
    Derived(Vec<FieldRef>),
    /// All of them, by the shape of the type. How a value is written may differ from how it is read;
    /// and an enum some of whose variants hold data is text, as long as no row has one of these.
    Shaped(Vec<FieldRef>),
    /// Some; of the type `Null` are those that only the rows show.
    Partial(Vec<FieldRef>),
    /// None.
    Hidden,
    /// There are none: the reason why no row is columns.
    Never(String),
}

impl RowColumns {
    /// What the type of a row says, which is found once.
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
            (Err(error), _) if is_complete => Self::Never(error.message().to_owned()),
            _ => Self::Hidden,
        }
    }
}

/// A map is a column of maps, whatever keys it has in these rows.
pub(crate) fn options() -> TracingOptions {
    TracingOptions::default()
        .allow_null_fields(true)
        .enums_without_data_as_strings(true)
        .from_type_budget(PASSES)
        .map_as_struct(false)
}
