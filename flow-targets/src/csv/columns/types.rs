//! Checks of the column types that CSV can preserve.

use anyhow::{Result, bail, ensure};
use arrow::datatypes::{DataType, Schema};

/// Returns an error if the value has other columns than the given schema.
pub(super) fn check_given(schema: &Schema, given: &Schema) -> Result<()> {
    crate::given::check(schema, given)?;
    check_types(given)
}

/// Returns an error if a given schema has a column whose values have no text form in CSV.
pub(in super::super) fn check_types(given: &Schema) -> Result<()> {
    for field in given.fields() {
        ensure!(
            has_text(field.data_type()),
            "column `{}` is of type {}, which CSV has no text for; Parquet has",
            field.name(),
            field.data_type(),
        );
    }
    Ok(())
}

/// Returns whether arrays of a type can be parsed back from their text.
fn has_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => !values.is_nested() && has_text(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Date32
        | DataType::Time32(_)
        | DataType::Time64(_)
        | DataType::Timestamp(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View => true,
        numeric => numeric.is_numeric(),
    }
}

/// Returns an error if the types inferred from the text of a column would change its values.
pub(super) fn check_inferred(schema: &Schema) -> Result<()> {
    for field in schema.fields() {
        let of_text = |data_type: &DataType| match data_type {
            DataType::Timestamp(_, zone) => {
                zone.as_deref().is_none_or(|zone| matches!(zone, "UTC" | "Z" | "+00:00"))
            }
            DataType::Null | DataType::Boolean | DataType::Date32 => true,
            other => other.is_string() || other.is_integer() || other.is_floating(),
        };
        let known = match field.data_type() {
            DataType::Dictionary(_, values) => of_text(values),
            other => of_text(other),
        };
        if !known {
            if !has_text(field.data_type()) {
                bail!(
                    "column `{}` is of type {}, which CSV has no text for; Parquet has",
                    field.name(),
                    field.data_type(),
                );
            }
            bail!(
                "column `{}` is of type {}, which its text does not show: give the columns' types \
                 by `schema = ...`, or use Parquet",
                field.name(),
                field.data_type(),
            );
        }
    }
    Ok(())
}
