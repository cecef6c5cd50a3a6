//! The columns that the type of a row shows. A row is a struct that serde serializes.
//!
//! serde_arrow derives columns from the type alone if each of its parts can be built without data.
//! A type that parses a text, such as a date, cannot. But its [`Shape`] is known, and columns are
//! derived from [`samples`] of that shape. If the type depends on the data (`serde_json::Value`,
//! `#[serde(flatten)]`, `#[serde(untagged)]`), only the rows show the columns.

use std::any::TypeId;
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
    /// The reason why rows of this type cannot be columns.
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
            (Err(error), _) if is_complete => Self::Never(error.message().to_owned()),
            _ => Self::Hidden,
        }
    }
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
