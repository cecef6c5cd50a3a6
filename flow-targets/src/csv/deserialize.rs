//! Deserializes cells as the fields of a row.

use std::slice;
use std::str::FromStr;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::cell::{Cell, CellKind};
use super::kinds::Kind;
use super::serialize::Fault;
use crate::exact::infinite;
use crate::serde_methods::deserialize_newtype_as_content;

/// A line as a row, whose fields are matched by column names or, without names, by position.
#[derive(Clone, Copy)]
pub(super) struct Line<'de> {
    names: Option<&'de [String]>,
    cells: &'de [Cell<'de>],
}

impl<'de> Line<'de> {
    pub(super) fn new(names: Option<&'de [String]>, cells: &'de [Cell<'de>]) -> Self {
        Self { names, cells }
    }
}

impl<'de> Deserializer<'de> for Line<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let cells = self.cells.iter();
        match self.names {
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

struct Named<'de> {
    names: slice::Iter<'de, String>,
    cells: slice::Iter<'de, Cell<'de>>,
    name: &'de str,
}

impl<'de> MapAccess<'de> for Named<'de> {
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

struct Ordered<'de> {
    cells: slice::Iter<'de, Cell<'de>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Ordered<'de> {
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

impl<'de> Cell<'de> {
    fn number<N: FromStr>(&self, what: &str) -> Result<N, Fault> {
        let unparsed = |_| Fault(format!("{:?} is not {what}", self.text));
        self.text.parse().map_err(unparsed)
    }

    /// Parses the text as a float, which is infinite only if the text says so.
    fn float<N: FromStr + Copy>(&self, is_infinite: fn(N) -> bool) -> Result<N, Fault> {
        let number: N = self.number("a number")?;
        match infinite(&self.text, |_| is_infinite(number)) {
            Some(reason) => {
                let name = std::any::type_name::<N>();
                Err(Fault(format!("{:?} is not an {name}: {reason}", self.text)))
            }
            None => Ok(number),
        }
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $what:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.number($what)?)
        })*
    };
}

impl<'de> Deserializer<'de> for &'de Cell<'de> {
    type Error = Fault;

    /// For types that accept any value, cells have the type that inference gives them.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.kind, Kind::of(&self.text)) {
            (CellKind::Null, _) => visitor.visit_unit(),
            (CellKind::Bare, Kind::Boolean) => self.deserialize_bool(visitor),
            (CellKind::Bare, Kind::Integer { large: false, .. }) => self.deserialize_i64(visitor),
            (CellKind::Bare, Kind::Integer { large: true, .. }) => self.deserialize_u64(visitor),
            (CellKind::Bare, Kind::Float) => self.deserialize_f64(visitor),
            _ => visitor.visit_borrowed_str(&self.text),
        }
    }

    numbers! {
        deserialize_bool visit_bool "`true` or `false`",
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
        deserialize_char visit_char "one character",
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f32(self.float(f32::is_infinite)?)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_f64(self.float(f64::is_infinite)?)
    }

    // A field that cannot be null is text, even if the cell is the null text.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_borrowed_str(&self.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.kind {
            CellKind::Null => visitor.visit_none(),
            CellKind::Bare | CellKind::Quoted => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.kind {
            CellKind::Null => visitor.visit_unit(),
            _ => Err(Fault(format!("{:?} is not null", self.text))),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    deserialize_newtype_as_content! {}

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.text.as_ref().into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bytes byte_buf seq tuple tuple_struct map struct
    }
}

/// Returns the field names of a plain struct.
pub(super) fn field_names<R: DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut names = None;
    // Deserialization fails after the names were recorded.
    let _ = R::deserialize(FieldNames(&mut names));
    names
}

/// Writes the methods of a `Deserializer<'de>` that reads only structs, and newtype structs of
/// structs.
macro_rules! deserialize_only_structs {
    () => {
        fn deserialize_any<V: ::serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Fault> {
            Err(Fault("the row type is not a struct".to_owned()))
        }

        $crate::serde_methods::deserialize_newtype_as_content! {}

        ::serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
            option unit unit_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    };
}

pub(super) use deserialize_only_structs;

struct FieldNames<'de>(&'de mut Option<&'static [&'static str]>);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = Fault;

    deserialize_only_structs! {}

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Fault> {
        *self.0 = Some(fields);
        Err(Fault("the names are known".to_owned()))
    }
}
