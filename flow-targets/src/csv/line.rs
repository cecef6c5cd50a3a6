//! Deserializes a line of cells as a row, whatever the cells are.
//!
//! [`Csv`](super::Csv) and [`MessyCsv`](super::messy::MessyCsv) read a cell in different ways. They match the cells of a
//! line with the fields of a row in the same way: by column names or, without names, by position.

use std::slice;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::serialize::Fault;
use crate::serde_methods::deserialize_newtype_as_content;

/// A line as a row. `C` is an iterator over its cells.
pub(super) struct Line<'de, C> {
    names: Option<&'de [String]>,
    cells: C,
}

impl<'de, C> Line<'de, C>
where
    C: Iterator,
    C::Item: Deserializer<'de, Error = Fault>,
{
    pub(super) fn new(names: Option<&'de [String]>, cells: C) -> Self {
        Self { names, cells }
    }
}

impl<'de, C> Deserializer<'de> for Line<'de, C>
where
    C: Iterator,
    C::Item: Deserializer<'de, Error = Fault>,
{
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let Self { names, cells } = self;
        match names {
            Some(names) => visitor.visit_map(Named { names: names.iter(), cells, name: "" }),
            None => visitor.visit_seq(Ordered { cells, index: 0 }),
        }
    }

    deserialize_newtype_as_content! {}

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Cells with the names of their columns.
struct Named<'de, C> {
    names: slice::Iter<'de, String>,
    cells: C,
    name: &'de str,
}

impl<'de, C> MapAccess<'de> for Named<'de, C>
where
    C: Iterator,
    C::Item: Deserializer<'de, Error = Fault>,
{
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(name) = self.names.next() else {
            return Ok(None);
        };
        self.name = name;
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let cell = self.cells.next().ok_or_else(|| Fault::custom("a cell is missing"))?;
        seed.deserialize(cell).map_err(|fault| Fault(format!("column `{}`: {fault}", self.name)))
    }
}

/// Cells without names.
struct Ordered<C> {
    cells: C,
    index: usize,
}

impl<'de, C> SeqAccess<'de> for Ordered<C>
where
    C: Iterator,
    C::Item: Deserializer<'de, Error = Fault>,
{
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(cell) = self.cells.next() else {
            return Ok(None);
        };
        self.index += 1;
        let of_column = |fault| Fault(format!("column {}: {fault}", self.index));
        seed.deserialize(cell).map(Some).map_err(of_column)
    }
}

/// Writes the methods of a `Deserializer<'de>` for integers. Each calls the method `number` of the cell with a
/// description for errors.
macro_rules! deserialize_integers {
    () => {
        deserialize_integers! { @methods
            deserialize_i8 visit_i8 "an integer that an i8 holds",
            deserialize_i16 visit_i16 "an integer that an i16 holds",
            deserialize_i32 visit_i32 "an integer that an i32 holds",
            deserialize_i64 visit_i64 "an integer that an i64 holds",
            deserialize_i128 visit_i128 "an integer that an i128 holds",
            deserialize_u8 visit_u8 "an integer that a u8 holds",
            deserialize_u16 visit_u16 "an integer that a u16 holds",
            deserialize_u32 visit_u32 "an integer that a u32 holds",
            deserialize_u64 visit_u64 "an integer that a u64 holds",
            deserialize_u128 visit_u128 "an integer that a u128 holds",
        }
    };
    (@methods $($method:ident $visit:ident $what:literal,)*) => {
        $(fn $method<V: ::serde::de::Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.number($what)?)
        })*
    };
}

pub(super) use deserialize_integers;
