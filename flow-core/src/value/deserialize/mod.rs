//! Converts a [`Value`] to a Rust value, with a deserializer that reads the tree.
//!
//! A value may come from another type than the one it is read into: a parameter given by name may
//! meet a field of another width. So an integer fits every integer type that includes it, and a
//! float type that has exactly its value. A float fits both widths, rounded to the nearest `f32`,
//! but never an integer. The name of a unit variant fits as text, and a map with names as keys fits
//! a struct. A value fits an `Option` of its type. Anything else is an error that states what was
//! expected and what was found.
//!
//! A value that is given by name fits more types, because a terminal and a configuration file have
//! only text: the type of the parameter decides how text is read ([`from_given`]).
//!
//! This file contains the deserializer; `compound` reads the parts of sequences, maps and structs.

mod compound;

use std::cell::OnceCell;

use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeOwned, Deserializer, Error, IntoDeserializer, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use self::compound::{visit_entries, visit_items};
use super::choice::Choice;
use super::{Float, Int, Value, ValueError, words};
use crate::value::secret::ENVELOPE;

/// Converts a value to a Rust type.
///
/// A value that [`to_value`](super::to_value) created from a `T` converts back to an equal `T`. A
/// value of another type is converted if nothing is lost: an integer that is in range, an integer
/// to a float that equals it, or text that is the name of a variant. Only an `f64` that is read as
/// an `f32` is rounded.
///
/// # Errors
///
/// The value does not fit. The message states where, what was expected and what was found. A secret
/// fits only a [`Secret`](crate::Secret).
///
/// ```
/// use flow_core::value::{from_value, to_value};
///
/// let three = to_value(&3_u64)?;
/// assert_eq!((from_value::<i8>(&three)?, from_value::<f64>(&three)?), (3, 3.0));
///
/// let error = from_value::<bool>(&to_value("x")?).unwrap_err();
/// assert_eq!(error.to_string(), "expected a boolean, found the string `x`");
/// # Ok::<(), flow_core::value::ValueError>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ValueError> {
    T::deserialize(Reader { value, mode: Mode::Exact })
}

/// Converts a value that is given by name to a Rust type, which decides how text is read.
///
/// | type | text |
/// | --- | --- |
/// | text, dates, paths | the text itself |
/// | numbers | `3`, `1_000`, `1e-3` |
/// | `bool` | `true`, `yes`, `on`, `1`, `false`, `no`, `off`, `0`, in any case |
/// | `Option` | `none`, `null` or nothing for `None`, otherwise as the type inside |
/// | sequences, tuples, sets | JSON, `[1, 2]`, or items separated by commas, `1,2` |
/// | maps, structs | JSON, `{"a": 1}` |
/// | enums | the name of a variant, or JSON, `{"Poly": {"degree": 3}}` |
/// | types that take anything, such as untagged enums | the text itself, or if it does not fit, a number, `true`, `false` or JSON |
///
/// Text inside of a list or map is read in the same way, but is neither a list nor JSON.
///
/// # Errors
///
/// The value does not fit. The message states where, what was expected and what was found.
pub(crate) fn from_given<T: DeserializeOwned>(value: &Value) -> Result<T, ValueError> {
    let parsed = OnceCell::new();
    let error = match T::deserialize(Reader { value, mode: Mode::Whole(&parsed) }) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let Value::Str(text) = value else { return Err(error) };
    let Some(parsed) = words::anything(text) else { return Err(error) };
    T::deserialize(Reader { value: &parsed, mode: Mode::Words }).map_err(|_| error)
}

/// How text is read.
#[derive(Clone, Copy)]
pub(super) enum Mode<'a> {
    /// Text is text, or the name of a variant.
    Exact,
    /// Text is what the type expects: a number, a boolean, an absent value.
    Words,
    /// Text may also be JSON or a list. The cell keeps the parsed value.
    Whole(&'a OnceCell<Value>),
}

/// Reads one place of the tree.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    value: &'a Value,
    mode: Mode<'a>,
}

impl<'a> Reader<'a> {
    /// Returns the reader of a part of this place.
    fn part(self, value: &'a Value) -> Self {
        Self { value, mode: self.mode.of_part() }
    }

    /// Returns the text of this place, if the type decides how it is read.
    fn word(self) -> Option<&'a str> {
        match (self.mode, self.value) {
            (Mode::Words | Mode::Whole(_), Value::Str(text)) => Some(&**text),
            _ => None,
        }
    }

    /// Returns the reader of the value that `parse` reads from the text of this place.
    ///
    /// It is `None` if this place is no text that may be JSON or a list, or if `parse` returns `None`.
    fn parsed(
        self,
        parse: impl FnOnce(&str) -> Option<Result<Value, ValueError>>,
    ) -> Result<Option<Self>, ValueError> {
        let Mode::Whole(cell) = self.mode else { return Ok(None) };
        let Some(parsed) = self.word().and_then(parse) else { return Ok(None) };
        let parsed = parsed?;
        Ok(Some(Self { value: cell.get_or_init(|| parsed), mode: Mode::Words }))
    }
}

impl Mode<'_> {
    /// Returns how the text of a part is read.
    fn of_part(self) -> Self {
        match self {
            Self::Exact => Self::Exact,
            Self::Words | Self::Whole(_) => Self::Words,
        }
    }
}

/// Defines the methods that read an integer.
macro_rules! integers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.word().and_then(words::integer) {
                Some(int) => visit_int(int, visitor),
                None => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::None => visitor.visit_none(),
            Value::Unit => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(int) => visit_int(*int, visitor),
            Value::Float(float) => visitor.visit_f64(float.get()),
            Value::Char(value) => visitor.visit_char(*value),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::Some(value) => visitor.visit_some(self.part(value)),
            Value::Seq(items) => visit_items(items, self.mode, visitor),
            Value::Map(entries) => visit_entries(entries, self.mode, visitor),
            Value::OrderedMap(entries) => visit_entries(entries, self.mode, visitor),
            Value::Struct(fields) => visit_entries(fields, self.mode, visitor),
            // Serde's untagged and flattened types buffer their input, and accept enums only in
            // their JSON form.
            Value::UnitVariant(name) => visitor.visit_borrowed_str(name),
            Value::Variant(variant) => {
                visit_entries(std::slice::from_ref(&**variant), self.mode, visitor)
            }
            Value::Secret(_) => Err(secret_found(&visitor)),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.word().and_then(words::boolean) {
            Some(value) => visitor.visit_bool(value),
            None => self.deserialize_any(visitor),
        }
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let number = self.word().and_then(words::number);
        match number.as_ref().unwrap_or(self.value) {
            Value::Float(float) => match nearest(*float) {
                Some(value) => visitor.visit_f32(value),
                None => Err(ValueError::mismatch(
                    format!("a number from {:?} to {:?}", f32::MIN, f32::MAX),
                    format!("the float `{float}`"),
                )),
            },
            Value::Int(int) => match int.as_f32() {
                Some(value) => visitor.visit_f32(value),
                None => Err(inexact(*int)),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let number = self.word().and_then(words::number);
        match number.as_ref().unwrap_or(self.value) {
            Value::Float(float) => visitor.visit_f64(float.get()),
            Value::Int(int) => match int.as_f64() {
                Some(value) => visitor.visit_f64(value),
                None => Err(inexact(*int)),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::None => return visitor.visit_none(),
            Value::Some(value) => return visitor.visit_some(self.part(value)),
            // The `null` of JSON.
            Value::Unit if !matches!(self.mode, Mode::Exact) => return visitor.visit_none(),
            _ => {}
        }
        let Some(text) = self.word() else { return visitor.visit_some(self) };
        if words::is_absent(text) {
            return visitor.visit_none();
        }
        match words::quoted_absent(text) {
            Some(text) => {
                let text: StringDeserializer<ValueError> = text.into_deserializer();
                visitor.visit_some(text)
            }
            None => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Secret(secret) if name == ENVELOPE => {
                visitor.visit_newtype_struct(Reader { value: secret.expose(), ..self })
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            // A derived struct would accept a sequence as its fields in order, and integers as
            // indices of fields.
            Value::Seq(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            Value::Map(entries) if !entries.iter().all(|(key, _)| is_text(key)) => {
                Err(Error::invalid_type(Unexpected::Map, &visitor))
            }
            Value::OrderedMap(entries) if !entries.iter().all(|(key, _)| is_text(key)) => {
                Err(Error::invalid_type(Unexpected::Map, &visitor))
            }
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.parsed(words::list)?.unwrap_or(self).deserialize_any(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        if let Some(parsed) = self.parsed(words::object)? {
            return parsed.deserialize_map(visitor);
        }
        match self.value {
            Value::Variant(_) => Err(Error::invalid_type(Unexpected::Enum, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        if let Some(parsed) = self.parsed(words::object)? {
            return parsed.deserialize_enum("", &[], visitor);
        }
        let is_given = !matches!(self.mode, Mode::Exact);
        match self.value {
            Value::UnitVariant(name) => visitor.visit_enum(Choice { name, content: None }),
            Value::Str(name) => visitor.visit_enum(Choice { name, content: None }),
            Value::Variant(variant) => {
                let (name, content) = &**variant;
                visitor.visit_enum(Choice { name, content: Some(self.part(content)) })
            }
            // The form that JSON has for a variant with content.
            Value::Map(entries) if is_given => match &**entries {
                [(Value::Str(name), content)] => {
                    visitor.visit_enum(Choice { name, content: Some(self.part(content)) })
                }
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct identifier
    }
}

fn visit_int<'de, V: Visitor<'de>>(int: Int, visitor: V) -> Result<V::Value, ValueError> {
    if let Ok(value) = u64::try_from(int) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(int) {
        visitor.visit_i64(value)
    } else if let Ok(value) = u128::try_from(int) {
        visitor.visit_u128(value)
    } else if let Ok(value) = i128::try_from(int) {
        visitor.visit_i128(value)
    } else {
        Err(Error::invalid_value(Unexpected::Other(&format!("the integer `{int}`")), &visitor))
    }
}

/// Returns the nearest `f32`, or `None` if it is infinite and the float is not.
fn nearest(float: Float) -> Option<f32> {
    let value = float.get() as f32;
    (value.is_finite() || !float.get().is_finite()).then_some(value)
}

fn inexact(int: Int) -> ValueError {
    ValueError::mismatch(
        "a float",
        format!("the integer `{int}`, which no float of that width equals"),
    )
}

fn is_text(value: &Value) -> bool {
    matches!(value, Value::Str(_) | Value::Char(_) | Value::UnitVariant(_))
}

fn secret_found(expected: &dyn de::Expected) -> ValueError {
    Error::invalid_type(Unexpected::Other("a secret"), expected)
}
