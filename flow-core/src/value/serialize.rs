//! From a Rust value to a [`Value`]: a serializer whose output is the tree.

use std::fmt::Display;

use serde::ser::{self, Serialize};

use super::error::Step;
use super::{Entries, Value, ValueError};
use crate::secret::{self, ENVELOPE, Secret};

/// How deep a value may be nested. A type that refers to itself could otherwise exhaust the stack,
/// here and wherever the tree is walked.
const MAX_DEPTH: usize = 128;

/// The most items that room is made for in advance: lengths announced by a type need not be true.
const MAX_RESERVED: usize = 1024;

/// Turns anything serialisable into a value, without its type.
///
/// Types see a human-readable format, in which dates and addresses write themselves as text.
///
/// # Errors
///
/// A map with two equal keys, nesting deeper than 128 levels, and what the type itself refuses to
/// serialise: a path, for one, that is not Unicode. The error says in which field.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use flow_core::value::to_value;
///
/// let value = to_value(&BTreeMap::from([((2024, "Q1"), 0.5)]))?;
/// assert_eq!(value.to_string(), "{[2024, Q1]: 0.5}");
/// # Ok::<(), flow_core::value::ValueError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ValueError> {
    value.serialize(Writer { depth: 0 })
}

/// Makes the value of one place in the tree.
#[derive(Clone, Copy)]
struct Writer {
    depth: usize,
}

impl Writer {
    /// The writer of what this place contains.
    fn inner(self) -> Result<Self, ValueError> {
        if self.depth < MAX_DEPTH {
            Ok(Self { depth: self.depth + 1 })
        } else {
            Err(ValueError::TooDeep { limit: MAX_DEPTH })
        }
    }

    fn items(self, length: usize, variant: Option<&'static str>) -> Result<Items, ValueError> {
        Ok(Items { inner: self.inner()?, variant, items: reserved(length) })
    }

    fn fields(self, length: usize, variant: Option<&'static str>) -> Result<Fields, ValueError> {
        Ok(Fields { inner: self.inner()?, variant, fields: reserved(length) })
    }
}

fn reserved<T>(length: usize) -> Vec<T> {
    Vec::with_capacity(length.min(MAX_RESERVED))
}

/// `content`, as that of a variant if it is one.
fn variant_of(variant: Option<&'static str>, content: Value) -> Value {
    match variant {
        Some(name) => Value::Variant(Box::new((name, content))),
        None => content,
    }
}

macro_rules! leaves {
    ($($method:ident($type:ty) => $class:ident;)*) => {
        $(fn $method(self, value: $type) -> Result<Value, ValueError> {
            Ok(Value::$class(value.into()))
        })*
    };
}

impl ser::Serializer for Writer {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    leaves! {
        serialize_bool(bool) => Bool;
        serialize_i8(i8) => Int;
        serialize_i16(i16) => Int;
        serialize_i32(i32) => Int;
        serialize_i64(i64) => Int;
        serialize_i128(i128) => Int;
        serialize_u8(u8) => Int;
        serialize_u16(u16) => Int;
        serialize_u32(u32) => Int;
        serialize_u64(u64) => Int;
        serialize_u128(u128) => Int;
        serialize_f32(f32) => Float;
        serialize_f64(f64) => Float;
        serialize_char(char) => Char;
        serialize_str(&str) => Str;
        serialize_bytes(&[u8]) => Bytes;
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        Ok(Value::Str(value.to_string().into()))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        Ok(Value::Some(Box::new(value.serialize(self.inner()?)?)))
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Unit)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Unit)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, ValueError> {
        Ok(Value::UnitVariant(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        if name == ENVELOPE
            && let Some(content) = secret::take()
        {
            return Ok(Value::Secret(Secret::new(Box::new(content))));
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let content =
            value.serialize(self.inner()?).map_err(|error| error.at(Step::Name(variant)))?;
        Ok(variant_of(Some(variant), content))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items, ValueError> {
        self.items(length.unwrap_or(0), None)
    }

    fn serialize_tuple(self, length: usize) -> Result<Items, ValueError> {
        self.items(length, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Items, ValueError> {
        self.items(length, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items, ValueError> {
        self.items(length, Some(variant))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Pairs, ValueError> {
        Ok(Pairs { inner: self.inner()?, entries: reserved(length.unwrap_or(0)), key: None })
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields, ValueError> {
        self.fields(length, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields, ValueError> {
        self.fields(length, Some(variant))
    }
}

/// A sequence, or a tuple of any kind, of which the first items are there.
struct Items {
    inner: Writer,
    variant: Option<&'static str>,
    items: Vec<Value>,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let item =
            value.serialize(self.inner).map_err(|error| error.at(Step::Index(self.items.len())))?;
        self.items.push(item);
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(variant_of(self.variant, Value::Seq(self.items.into())))
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident)*) => {$(
        impl ser::$trait for Items {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

items! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

/// A map of which the first entries are there, and maybe the key of the next.
struct Pairs {
    inner: Writer,
    entries: Vec<(Value, Value)>,
    key: Option<Value>,
}

impl ser::SerializeMap for Pairs {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = Some(key.serialize(self.inner)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = self.key.take().ok_or_else(|| ValueError::Custom {
            message: "a map gave a value without a key".to_owned(),
        })?;
        let value = value.serialize(self.inner).map_err(|error| error.at(Step::Key(&key)))?;
        self.entries.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<Value, ValueError> {
        Ok(Value::Map(Entries::new(self.entries)?))
    }
}

/// A struct, or a variant with fields, of which the first fields are there.
struct Fields {
    inner: Writer,
    variant: Option<&'static str>,
    fields: Vec<(&'static str, Value)>,
}

impl Fields {
    fn push<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), ValueError> {
        let value = value.serialize(self.inner).map_err(|error| error.at(Step::Name(name)))?;
        self.fields.push((name, value));
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        Ok(variant_of(self.variant, Value::Struct(Entries::new(self.fields)?)))
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Fields {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ValueError> {
                self.push(name, value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }
