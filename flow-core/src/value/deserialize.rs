//! Converts a [`Value`] to a Rust value, with a deserializer that reads the tree.
//!
//! A value may come from another type than the one it is read into: a parameter given by name may
//! meet a field of another width. So an integer fits every integer type that includes it, and a
//! float type that has exactly its value. A float fits both widths, rounded to the nearest `f32`,
//! but never an integer. The name of a unit variant fits as text, and a map with names as keys fits
//! a struct. A value fits an `Option` of its type. Anything else is an error that states what was
//! expected and what was found.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Error, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::error::Step;
use super::{Float, Int, Value, ValueError};
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
    T::deserialize(Reader(value))
}

/// Reads one place of the tree.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a Value);

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::None => visitor.visit_none(),
            Value::Unit => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(int) => visit_int(*int, visitor),
            Value::Float(float) => visitor.visit_f64(float.get()),
            Value::Char(value) => visitor.visit_char(*value),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::Some(value) => visitor.visit_some(Reader(value)),
            Value::Seq(items) => visit_items(items, visitor),
            Value::Map(entries) => visit_entries(entries, visitor),
            Value::OrderedMap(entries) => visit_entries(entries, visitor),
            Value::Struct(fields) => visit_entries(fields, visitor),
            // Serde's untagged and flattened types buffer their input, and accept enums only in
            // their JSON form.
            Value::UnitVariant(name) => visitor.visit_borrowed_str(name),
            Value::Variant(variant) => visit_entries(std::slice::from_ref(&**variant), visitor),
            Value::Secret(_) => Err(secret_found(&visitor)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
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
        match self.0 {
            Value::Int(int) => match int.as_f64() {
                Some(value) => visitor.visit_f64(value),
                None => Err(inexact(*int)),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::None => visitor.visit_none(),
            Value::Some(value) => visitor.visit_some(Reader(value)),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.0 {
            Value::Secret(secret) if name == ENVELOPE => {
                visitor.visit_newtype_struct(Reader(secret.expose()))
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
        match self.0 {
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

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.0 {
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
        match self.0 {
            Value::UnitVariant(name) => visitor.visit_enum(Choice { name, content: None }),
            Value::Str(name) => visitor.visit_enum(Choice { name, content: None }),
            Value::Variant(variant) => {
                let (name, content) = &**variant;
                visitor.visit_enum(Choice { name, content: Some(content) })
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct identifier
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

fn visit_items<'de, V: Visitor<'de>>(
    items: &'de [Value],
    visitor: V,
) -> Result<V::Value, ValueError> {
    let mut left = Items { items, next: 0 };
    let value = visitor.visit_seq(&mut left)?;
    if left.next < items.len() {
        return Err(ValueError::mismatch(
            format!("{} items", left.next),
            format!("a sequence of {}", items.len()),
        ));
    }
    Ok(value)
}

fn visit_entries<'de, K: Key, V: Visitor<'de>>(
    entries: &'de [(K, Value)],
    visitor: V,
) -> Result<V::Value, ValueError> {
    let mut left = Pairs { entries, next: 0 };
    let value = visitor.visit_map(&mut left)?;
    if left.next < entries.len() {
        return Err(ValueError::mismatch(
            format!("{} entries", left.next),
            format!("a map of {}", entries.len()),
        ));
    }
    Ok(value)
}

/// The items of a sequence, from `next` on.
struct Items<'de> {
    items: &'de [Value],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let value =
            seed.deserialize(Reader(item)).map_err(|error| error.at(Step::Index(self.next)))?;
        self.next += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// A key of a map or struct.
trait Key {
    fn read<'de, T: DeserializeSeed<'de>>(&'de self, seed: T) -> Result<T::Value, ValueError>;
    fn step(&self) -> Step<'_>;
}

impl Key for Value {
    fn read<'de, T: DeserializeSeed<'de>>(&'de self, seed: T) -> Result<T::Value, ValueError> {
        seed.deserialize(Reader(self)).map_err(|error| error.at(self.step()))
    }

    fn step(&self) -> Step<'_> {
        Step::Key(self)
    }
}

impl Key for &'static str {
    fn read<'de, T: DeserializeSeed<'de>>(&'de self, seed: T) -> Result<T::Value, ValueError> {
        seed.deserialize(BorrowedStrDeserializer::new(self))
    }

    fn step(&self) -> Step<'_> {
        Step::Name(self)
    }
}

/// The entries of a map or fields of a struct, from the value of `next` on.
struct Pairs<'de, K> {
    entries: &'de [(K, Value)],
    next: usize,
}

impl<'de, K: Key> de::MapAccess<'de> for Pairs<'de, K> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        self.entries.get(self.next).map(|(key, _)| key.read(seed)).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let Some((key, value)) = self.entries.get(self.next) else {
            return Err(Error::custom("a map has no more values"));
        };
        self.next += 1;
        seed.deserialize(Reader(value)).map_err(|error| error.at(key.step()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}

/// A variant with its content, if it has any.
struct Choice<'de> {
    name: &'de str,
    content: Option<&'de Value>,
}

impl<'de> de::EnumAccess<'de> for Choice<'de> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), ValueError> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> Choice<'de> {
    /// Returns the content. `expected` describes it in the error.
    fn content(&self, expected: &str) -> Result<&'de Value, ValueError> {
        self.content.ok_or_else(|| {
            ValueError::mismatch(expected, format!("the name `{}` alone", self.name))
        })
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(ValueError::mismatch(
                format!("the name `{}` alone", self.name),
                "a variant with content",
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let content = self.content("a variant with a value")?;
        seed.deserialize(Reader(content)).map_err(|error| error.at(Step::Name(self.name)))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content("a variant with values")?;
        Reader(content)
            .deserialize_tuple(length, visitor)
            .map_err(|error| error.at(Step::Name(self.name)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content("a variant with fields")?;
        Reader(content)
            .deserialize_struct("", fields, visitor)
            .map_err(|error| error.at(Step::Name(self.name)))
    }
}
