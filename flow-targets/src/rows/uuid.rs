//! Columns of UUIDs.

use std::collections::HashMap;
use std::sync::Arc;

use ::uuid::Uuid;
use arrow::array::{ArrayRef, FixedSizeBinaryBuilder};
use arrow::datatypes::{DataType, Field};

use super::text::parsed;
use super::{Column, Fault, Form, bytes};

/// The key of the name of an extension type, in the metadata of a field.
pub(super) const EXTENSION: &str = "ARROW:extension:name";
/// The extension type of UUIDs.
pub(super) const NAME: &str = "arrow.uuid";

impl Column for Uuid {
    fn data_type(_: Form) -> DataType {
        DataType::FixedSizeBinary(16)
    }

    fn field(name: &str, form: Form) -> Field {
        let metadata = HashMap::from([(EXTENSION.to_owned(), NAME.to_owned())]);
        Field::new(name, Self::data_type(form), false).with_metadata(metadata)
    }

    fn array(values: &[Option<&Self>], _: Form) -> Result<ArrayRef, Fault> {
        let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), 16);
        for value in values {
            match value {
                Some(value) => builder.append_value(value.as_bytes())?,
                None => builder.append_null(),
            }
        }
        Ok(Arc::new(builder.finish()))
    }

    fn values(array: &ArrayRef) -> Result<Vec<Option<Self>>, Fault> {
        match array.data_type() {
            DataType::FixedSizeBinary(_)
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => {
                let values = bytes::values(array)?.into_iter().enumerate();
                let read = |(row, value): (usize, Option<Vec<u8>>)| {
                    let uuid = value.map(|bytes| Self::from_slice(&bytes)).transpose();
                    uuid.map_err(|error| Fault::new(error.to_string()).at(row))
                };
                values.map(read).collect()
            }
            _ => parsed(array, "a UUID", |text| {
                Self::parse_str(text).map_err(|error| format!("{text:?}: {error}"))
            }),
        }
    }
}
