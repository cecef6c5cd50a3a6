//! Values of partition columns as text, and text as values.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt64Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};

use crate::display;

/// Returns an error if the values of a column have no form as the name of a folder.
pub(super) fn check_type(field: &Field) -> Result<()> {
    let data_type = field.data_type();
    let is_supported = match data_type {
        DataType::Boolean
        | DataType::Date32
        | DataType::Decimal128(..)
        | DataType::Timestamp(..) => true,
        DataType::Dictionary(_, values) => is_text(values),
        other => other.is_integer() || is_text(other),
    };
    ensure!(
        is_supported,
        "the partition column `{}` is of type {data_type}, whose values are no names of folders: integers, booleans, \
         texts, dates, decimals and timestamps are",
        field.name(),
    );
    Ok(())
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Returns the values of a column as text, `None` for null.
///
/// # Errors
///
/// Another value would come back from a text.
pub(super) fn texts(field: &Field, values: &ArrayRef) -> Result<Vec<Option<String>>> {
    let converted = || {
        let texts = display::cast(values, &DataType::Utf8)?;
        let back = display::cast(&texts, values.data_type())?;
        ensure!(back.as_ref() == values.as_ref(), "other values would come back");
        Ok(texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    };
    converted().with_context(|| {
        let (name, data_type) = (field.name(), field.data_type());
        format!(
            "the values of the partition column `{name}`, of type {data_type}, have no form as text"
        )
    })
}

/// Parses a value. The array has one item.
///
/// # Errors
///
/// The text is no value of this type.
pub(super) fn parsed(value: Option<&str>, field: &Field) -> Result<ArrayRef> {
    let data_type = field.data_type();
    let Some(text) = value else { return Ok(new_null_array(data_type, 1)) };
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let parsed = display::cast(&array, data_type);
    parsed.with_context(|| {
        format!("the value {text:?} of the partition column `{}` is no {data_type}", field.name())
    })
}

/// Parses the values of a column. The array has an item for each.
///
/// # Errors
///
/// A text is no value of this type.
#[cfg(feature = "polars")]
pub(super) fn parsed_all<'a>(
    values: impl Iterator<Item = Option<&'a str>>,
    field: &Field,
) -> Result<ArrayRef> {
    let data_type = field.data_type();
    let array: ArrayRef = Arc::new(values.collect::<StringArray>());
    let parsed = display::cast(&array, data_type);
    parsed.with_context(|| {
        format!("a value of the partition column `{}` is no {data_type}", field.name())
    })
}

/// Repeats the only item of an array.
pub(super) fn repeated(one: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    Ok(take(one, &UInt64Array::from(vec![0; rows]), None)?)
}

/// Returns the type of a column of another program by its values: an integer if all are.
pub(super) fn inferred<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> DataType {
    let mut values = values.into_iter().flatten().peekable();
    let is_empty = values.peek().is_none();
    // `007` is a text: it would come back as `7`.
    let is_integer =
        |text: &str| text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    let is_month = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    match !is_empty && values.all(|text| is_integer(text) || is_month(text)) {
        true => DataType::Int64,
        false => DataType::Utf8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_another_program_is_of_integers_if_all_values_are() {
        assert_eq!(inferred([Some("2024"), None, Some("-1")]), DataType::Int64);
        assert_eq!(inferred([Some("01"), Some("12")]), DataType::Int64, "months");
        for texts in
            [vec![Some("007")], vec![Some("1"), Some("x")], vec![Some("")], vec![None], vec![]]
        {
            assert_eq!(inferred(texts), DataType::Utf8);
        }
    }
}
