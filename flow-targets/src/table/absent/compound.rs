//! Access to the parts of structs, lists, tuples, maps and enums.

use std::ptr;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Fields};
use serde::de::value::{BorrowedStrDeserializer, UnitDeserializer};
use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess};
use serde_arrow::Error;

use super::Look;
use super::value::{Value, Values};
use crate::serde_methods::deserialize_variant_data;
use crate::shape::{Field, Shape};

/// The items of a list, or of a tuple that is stored as a list.
pub(super) struct Items<'a> {
    pub(super) field: &'a FieldRef,
    pub(super) items: &'a RecordBatch,
    pub(super) row: usize,
    /// The shapes of the items; the last one also applies to all further items.
    pub(super) shapes: &'static [Shape],
    pub(super) look: &'a Look<'a>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        if self.row == self.items.num_rows() {
            return Ok(None);
        }
        let Self { field, items, row, shapes, look } = *self;
        self.row += 1;
        let values = Values::Column(field, items.column(0));
        let shape = shapes.get(row).or(shapes.last()).unwrap_or(&Shape::Unknown);
        seed.deserialize(Value { values, row, shape, look }).map(Some)
    }
}

/// The columns of a struct, one after the other.
pub(super) struct Parts<'a> {
    pub(super) columns: &'a Fields,
    pub(super) arrays: &'a [ArrayRef],
    pub(super) row: usize,
    pub(super) at: usize,
    pub(super) look: &'a Look<'a>,
}

impl<'a> Parts<'a> {
    /// Returns the next column as a value of this shape.
    fn value(&mut self, shape: &'static Shape) -> Option<Value<'a>> {
        let values = Values::Column(self.columns.get(self.at)?, self.arrays.get(self.at)?);
        self.at += 1;
        Some(Value { values, row: self.row, shape, look: self.look })
    }
}

/// A tuple that is stored as a struct: its items are the columns in their order.
pub(super) struct Positional<'a> {
    pub(super) parts: Parts<'a>,
    pub(super) shapes: &'static [Shape],
}

impl<'de> SeqAccess<'de> for Positional<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let shape = self.shapes.get(self.parts.at).unwrap_or(&Shape::Unknown);
        self.parts.value(shape).map(|value| seed.deserialize(value)).transpose()
    }
}

/// A map that is stored as a struct: its keys are the names of the columns.
pub(super) struct Keyed<'a> {
    pub(super) fields: Parts<'a>,
    pub(super) shape: &'static Shape,
}

impl<'de> MapAccess<'de> for Keyed<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let Some(column) = self.fields.columns.get(self.fields.at) else { return Ok(None) };
        seed.deserialize(BorrowedStrDeserializer::new(column.name())).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        match self.fields.value(self.shape) {
            Some(value) => seed.deserialize(value),
            None => seed.deserialize(UnitDeserializer::new()),
        }
    }
}

/// The entries of a map.
pub(super) struct Entries<'a> {
    values: Values<'a>,
    rows: usize,
    row: usize,
    /// The shapes of the keys and of the values.
    shapes: [&'static Shape; 2],
    look: &'a Look<'a>,
}

impl<'a> Entries<'a> {
    /// Creates the access to a table whose only column holds structs of a key and a value.
    pub(super) fn new(
        field: &'a FieldRef,
        entries: &'a RecordBatch,
        key: &'static Shape,
        value: &'static Shape,
        look: &'a Look<'a>,
    ) -> Self {
        let values = Values::Column(field, entries.column(0));
        Self { values, rows: entries.num_rows(), row: 0, shapes: [key, value], look }
    }

    /// Returns the key (0) or the value (1) of the current entry.
    fn part(&self, at: usize) -> Option<Value<'a>> {
        let (columns, arrays) = self.values.columns()?;
        let values = Values::Column(columns.get(at)?, arrays.get(at)?);
        Some(Value { values, row: self.row, shape: self.shapes[at], look: self.look })
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        let key = if self.row < self.rows { self.part(0) } else { None };
        key.map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.part(1);
        self.row += 1;
        match value {
            Some(value) => seed.deserialize(value),
            None => seed.deserialize(UnitDeserializer::new()),
        }
    }
}

/// The content of a variant of an enum with data.
pub(super) struct Variant<'a>(pub(super) Value<'a>);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = match self.0.values {
            Values::Column(field, _) => field.name().as_str(),
            Values::Rows(_) => "",
        };
        Ok((seed.deserialize(BorrowedStrDeserializer::<Error>::new(name))?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    deserialize_variant_data! { |self| self.0 }
}

/// A struct as the sequence of its fields, without the fields that have no column.
pub(super) struct InOrder<'a> {
    pub(super) fields: &'static [Field],
    pub(super) columns: &'a Fields,
    pub(super) arrays: &'a [ArrayRef],
    pub(super) row: usize,
    pub(super) look: &'a Look<'a>,
}

impl<'de> SeqAccess<'de> for InOrder<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        self.look.pass();
        let Some((field, rest)) = self.fields.split_first() else { return Ok(None) };
        self.fields = rest;
        let column = self.columns.iter().position(|column| field.is_called(column.name()));
        match column {
            Some(at) => {
                let values = Values::Column(&self.columns[at], &self.arrays[at]);
                let value = Value { values, row: self.row, shape: &field.shape, look: self.look };
                seed.deserialize(value).map(Some)
            }
            None if self.look.left_out.iter().any(|other| ptr::eq(*other, field)) => {
                seed.deserialize(UnitDeserializer::new()).map(Some)
            }
            None => {
                self.look.needed.set(Some(field));
                Ok(None)
            }
        }
    }
}
