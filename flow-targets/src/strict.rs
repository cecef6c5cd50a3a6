//! A deserializer that refuses what a type would drop.
//!
//! Some types read a part of a text and ignore the rest: a `jiff::civil::Date` takes the day of
//! `2024-02-29T13:45:00`, and a `DateTime` ignores `-05:00`. [`Strict`] stands around the
//! deserializer of a format, passes each call on, and checks each text before the type reads it.
//! Only what a visitor expects tells these types from others.
//!
//! Where serde keeps a copy of a value before it reads it (`#[serde(flatten)]`,
//! `#[serde(untagged)]`), the type reads from that copy, which cannot be checked.
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

/// A deserializer whose values are checked.
pub(crate) struct Strict<'t, D> {
    inner: D,
    records: Records<'t>,
}

/// What is recorded while a value is read.
#[derive(Clone, Copy, Default)]
struct Records<'t> {
    trace: Option<&'t Trace>,
    /// Where the text goes, if the value is the key of an entry.
    key: Option<&'t RefCell<String>>,
    /// Whether the deserializer reads a float of 32 bits from one of 64 by a cast, which makes large
    /// numbers infinite.
    casts: bool,
}

#[cfg(any(feature = "csv", feature = "json", feature = "pickle"))]
impl<D> Strict<'static, D> {
    /// Checks what the deserializer reads.
    pub(crate) fn new(inner: D) -> Self {
        Self { inner, records: Records::default() }
    }
}

#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
impl<'t, D> Strict<'t, D> {
    /// Checks what serde_arrow reads, and records where it fails if there is a trace: that takes
    /// longer.
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
