//! Columns of text.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, LargeStringBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::{Column, Fault, Form};

impl Column for String {
    fn data_type(_: Form) -> DataType {
        DataType::LargeUtf8
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let bytes = values.iter().flatten().map(|text| text.len()).sum();
        let mut builder = LargeStringBuilder::with_capacity(values.len(), bytes);
        values.iter().for_each(|text| builder.append_option(*text));
        Ok(Arc::new(builder.finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        parsed(array, "text", |text| Ok(text.to_owned()))
    }
}

impl Column for char {
    fn data_type(_: Form) -> DataType {
        DataType::LargeUtf8
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let mut builder = LargeStringBuilder::with_capacity(values.len(), values.len());
        let mut buffer = [0; 4];
        for value in values {
            match value {
                Some(value) => builder.append_value(&*value.encode_utf8(&mut buffer)),
                None => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        parsed(array, "a char", |text| {
            text.parse().map_err(|_| format!("{text:?} is not a single character"))
        })
    }
}

/// Reads the values of a column of text by parsing them. `expected` describes the field.
pub(super) fn parsed<T>(
    array: &ArrayRef,
    expected: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<Option<T>>, Fault> {
    match array.data_type() {
        DataType::Utf8 => each(array.as_string::<i32>().iter(), parse),
        DataType::LargeUtf8 => each(array.as_string::<i64>().iter(), parse),
        DataType::Utf8View => each(array.as_string_view().iter(), parse),
        DataType::Dictionary(_, values) if values.is_string() => {
            each(cast(array, &DataType::LargeUtf8)?.as_string::<i64>().iter(), parse)
        }
        DataType::Null => Ok((0..array.len()).map(|_| None).collect()),
        other => Err(Fault::other_type(other, expected)),
    }
}

/// Reads each value that is not null. An error names the row.
pub(super) fn each<V, T>(
    values: impl Iterator<Item = Option<V>>,
    read: impl Fn(V) -> Result<T, String>,
) -> Result<Vec<Option<T>>, Fault> {
    let read = |(row, value): (usize, Option<V>)| {
        value.map(&read).transpose().map_err(|what| Fault::new(what).at(row))
    };
    values.enumerate().map(read).collect()
}
