//! Deserializes cells as the fields of a row.

use std::str::FromStr;

use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::cell::{Cell, CellKind};
use super::kinds::Kind;
use super::line::deserialize_integers;
use super::serialize::Fault;
use crate::exact::infinite;
use crate::serde_methods::deserialize_newtype_as_content;

impl<'de> Cell<'de> {
    /// Parses the text. `what` describes its type for errors.
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

    deserialize_integers! {}

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bool(self.number("`true` or `false`")?)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_char(self.number("one character")?)
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
