//! A deserializer that rejects values that a type would read only in part.
//!
//! Some types read a part of a text and ignore the rest: `jiff::civil::Date` reads the day of
//! `2024-02-29T13:45:00`, and `DateTime` ignores `-05:00`. [`Strict`] wraps the deserializer of a
//! format. It forwards each call, and checks each text before the type reads it. It recognizes
//! these types only by what their visitors expect.
//!
//! Serde copies a value before it reads it for `#[serde(flatten)]` and `#[serde(untagged)]`. The
//! type reads that copy, which cannot be checked.
//!
//! A [`Trace`] records where in a value reading failed.

mod access;
mod text;
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "only tables say where a row cannot be read")
)]
mod trace;
mod visitor;

use std::cell::RefCell;

use serde::de::{Deserializer, Visitor};

#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) use self::trace::Step;
pub(crate) use self::trace::Trace;
use self::visitor::Checking;

/// A deserializer that checks the values that it reads.
pub(crate) struct Strict<'t, D> {
    inner: D,
    records: Records<'t>,
}

/// What is recorded while a value is read.
#[derive(Clone, Copy, Default)]
struct Records<'t> {
    trace: Option<&'t Trace>,
    /// Receives the text, if the value is the key of an entry.
    key: Option<&'t RefCell<String>>,
    /// Whether the deserializer casts an `f64` to read an `f32`, which makes large numbers
    /// infinite.
    casts: bool,
}

#[cfg(any(feature = "csv", feature = "json", feature = "pickle"))]
impl<D> Strict<'static, D> {
    /// Wraps a deserializer, to check the values that it reads.
    pub(crate) fn new(inner: D) -> Self {
        Self { inner, records: Records::default() }
    }
}

#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
impl<'t, D> Strict<'t, D> {
    /// Wraps a deserializer of serde_arrow. A trace records where it fails, which takes longer.
    pub(crate) fn of_table(inner: D, trace: Option<&'t Trace>) -> Self {
        Self { inner, records: Records { trace, key: None, casts: true } }
    }
}

macro_rules! forward {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(
            self,
            $($name: $type,)*
            visitor: V,
        ) -> Result<V::Value, D::Error> {
            self.inner.$method($($name,)* Checking::new(visitor, self.records))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Strict<'_, D> {
    type Error = D::Error;

    forward! {
        deserialize_any(); deserialize_bool(); deserialize_i8(); deserialize_i16();
        deserialize_i32(); deserialize_i64(); deserialize_i128(); deserialize_u8();
        deserialize_u16(); deserialize_u32(); deserialize_u64(); deserialize_u128();
        deserialize_f64(); deserialize_char(); deserialize_str(); deserialize_string();
        deserialize_bytes(); deserialize_byte_buf(); deserialize_option(); deserialize_unit();
        deserialize_seq(); deserialize_map(); deserialize_identifier();
        deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = Checking::of_f32(visitor, self.records);
        match self.records.casts {
            true => self.inner.deserialize_f64(visitor),
            false => self.inner.deserialize_f32(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
