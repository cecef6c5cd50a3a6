//! Which types a file keeps.

use anyhow::{Result, bail, ensure};
use arrow::datatypes::{DataType, Schema};

/// An error if the value has other columns than the schema.
pub(super) fn check_given(schema: &Schema, given: &Schema) -> Result<()> {
    crate::given::check(schema, given)?;
    check_types(given)
}

/// An error if a schema that is given has a column whose values CSV has no text for.
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

/// Whether an array of that type is parsed back from its text.
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

/// An error if the text of a column would not give its values back.
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
