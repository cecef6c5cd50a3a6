//! Converts a Rust value to a [`Value`], with a serializer that builds the tree.
//!
//! [`Writer`] writes one place of the tree. [`compound`] collects the content of a sequence, map or
//! struct.

mod compound;

use std::cell::Cell;
use std::fmt::Display;

use serde::ser::{self, Serialize};

use self::compound::{Fields, Items, Pairs};
use super::error::Step;
use super::order::Order;
use super::paths::{Paths, Texts};
use super::{Value, ValueError};
use crate::value::secret;
use crate::value::secret::{ENVELOPE, Secret};

/// The deepest nesting of a value. A type that refers to itself could otherwise exhaust the stack,
/// here and in every function that walks the tree.
const MAX_DEPTH: usize = 128;

/// Converts anything serializable to a value without its type.
///
/// The serializer is human-readable, so dates and addresses are written as text. A map whose type
/// is not visible, such as one in `#[serde(flatten)]`, keeps the order of its entries.
///
/// # Errors
///
/// A map has two equal keys, the value is nested deeper than 128 levels, or the type itself returns
/// an error, as a path does that is not Unicode. The error names the field.
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
    value.serialize(Writer::new::<T>(None))
}

/// Returns the same value, and whether the order of a map in it may mean nothing.
///
/// That is unknown if the type of the map is not visible.
pub(super) fn to_value_as_written<T: Serialize + ?Sized>(
    value: &T,
) -> Result<(Value, bool), ValueError> {
    let unproven = Cell::new(false);
    let written = value.serialize(Writer::new::<T>(Some(&unproven)))?;
    Ok((written, unproven.get()))
}

/// Returns which texts in a value are paths.
pub(super) fn paths_of<T: Serialize + ?Sized>(value: &T) -> Result<Paths, ValueError> {
    let texts = Texts::default();
    texts.is_of::<T>();
    value.serialize(Writer::new::<T>(None).of::<T>(&texts))?;
    Ok(texts.into_paths())
}

/// Writes one place of the tree.
#[derive(Clone, Copy)]
struct Writer<'a> {
    depth: usize,
    /// What the order means if this place is a collection.
    order: Order,
    /// Collects the texts if the caller asked which of them are paths. Holds the type of this place
    /// too.
    texts: Option<(&'a Texts, &'static str)>,
    /// Set if a map is found that is not sorted by its keys and whose order may mean nothing.
    unproven: Option<&'a Cell<bool>>,
}

impl<'a> Writer<'a> {
    fn new<T: ?Sized>(unproven: Option<&'a Cell<bool>>) -> Self {
        Self { depth: 0, order: Order::of::<T>(), texts: None, unproven }
    }

    /// Returns a writer for the items of this iterator, if the type of the collection is not known
    /// yet.
    fn over<I>(self) -> Self {
        let order = if self.order == Order::Usual { Order::of::<I>() } else { self.order };
        Self { order, ..self }
    }

    /// Returns the writer for the content of this place.
    fn inner(self) -> Result<Self, ValueError> {
        if self.depth < MAX_DEPTH {
            Ok(Self { depth: self.depth + 1, order: Order::Usual, ..self })
        } else {
            Err(ValueError::TooDeep { limit: MAX_DEPTH })
        }
    }

    /// Returns a writer for a place of this type that collects texts.
    fn of<T: ?Sized>(self, texts: &'a Texts) -> Self {
        Self { texts: Some((texts, texts.enter::<T>())), ..self }
    }

    fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        let writer = Self { order: Order::of::<T>(), ..self };
        match self.texts {
            Some((texts, _)) => value.serialize(writer.of::<T>(texts)),
            None => value.serialize(writer),
        }
    }

    fn text(self, text: &str) -> Value {
        if let Some((texts, ty)) = self.texts {
            texts.add(text, ty);
        }
        Value::Str(text.into())
    }
}

/// Returns `content`, as that of a variant if it is one.
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

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Items<'a>;
    type SerializeTupleStruct = Items<'a>;
    type SerializeTupleVariant = Items<'a>;
    type SerializeMap = Pairs<'a>;
    type SerializeStruct = Fields<'a>;
    type SerializeStructVariant = Fields<'a>;

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
        serialize_bytes(&[u8]) => Bytes;
    }

    fn serialize_str(self, text: &str) -> Result<Value, ValueError> {
        Ok(self.text(text))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        Ok(self.text(&value.to_string()))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        Ok(Value::Some(Box::new(self.inner()?.write(value)?)))
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
        if let (0, Some((texts, _))) = (self.depth, self.texts) {
            texts.is_of::<T>();
        }
        self.write(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        let content = self.inner()?.write(value).map_err(|error| error.at(Step::Name(variant)))?;
        Ok(variant_of(Some(variant), content))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Items<'a>, ValueError> {
        self.items(length.unwrap_or(0), self.order, None)
    }

    fn collect_seq<I>(self, items: I) -> Result<Value, ValueError>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        let items = items.into_iter();
        let mut written = self.over::<I>().serialize_seq(Some(items.size_hint().0))?;
        for item in items {
            written.push(&item)?;
        }
        written.finish()
    }

    fn collect_map<K, V, I>(self, entries: I) -> Result<Value, ValueError>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        let entries = entries.into_iter();
        let mut written = self.over::<I>().serialize_map(Some(entries.size_hint().0))?;
        for (key, value) in entries {
            ser::SerializeMap::serialize_entry(&mut written, &key, &value)?;
        }
        ser::SerializeMap::end(written)
    }

    fn serialize_tuple(self, length: usize) -> Result<Items<'a>, ValueError> {
        self.items(length, Order::Usual, None)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Items<'a>, ValueError> {
        self.items(length, Order::Usual, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Items<'a>, ValueError> {
        self.items(length, Order::Usual, Some(variant))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Pairs<'a>, ValueError> {
        self.pairs(length.unwrap_or(0))
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Fields<'a>, ValueError> {
        self.fields(length, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Fields<'a>, ValueError> {
        self.fields(length, Some(variant))
    }
}
