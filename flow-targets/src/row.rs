//! The columns that a type of row shows, which is a struct that serde serialises.
//!
//! Some types do not show what they look like until there is a value: dates and other types that
//! parse a string, `serde_json::Value`, `#[serde(flatten)]` and `#[serde(untagged)]`.

use arrow::datatypes::FieldRef;
use serde::de::DeserializeOwned;
use serde_arrow::schema::{SchemaLike, TracingOptions};

/// An enum's variants and nested types take one pass over the type each.
const PASSES: usize = 10_000;

/// The columns that the type of a row shows.
pub(crate) fn of_type<R: DeserializeOwned>() -> Option<Vec<FieldRef>> {
    Vec::<FieldRef>::from_type::<R>(options()).ok()
}

/// A map is a column of maps, whatever keys it has in these rows.
pub(crate) fn options() -> TracingOptions {
    TracingOptions::default()
        .allow_null_fields(true)
        .enums_without_data_as_strings(true)
        .from_type_budget(PASSES)
        .map_as_struct(false)
}
