//! A visitor that checks the values that it receives.

use std::fmt;

use serde::de::{Deserializer, EnumAccess, Error, Expected, MapAccess, SeqAccess, Visitor};

use super::access::{Entries, Inner, Items};
use super::text::excess;
use super::{Records, Strict};

/// A visitor that checks values before it forwards them to another visitor.
pub(super) struct Checking<'t, V> {
    visitor: V,
    records: Records<'t>,
    /// Whether the type requested an `f32`.
    is_f32: bool,
}

impl<'t, V> Checking<'t, V> {
    pub(super) fn new(visitor: V, records: Records<'t>) -> Self {
        Self { visitor, records, is_f32: false }
    }

    /// Wraps the visitor of a type that requested an `f32`.
    pub(super) fn of_f32(visitor: V, records: Records<'t>) -> Self {
        Self { visitor, records, is_f32: true }
    }

    fn check_text<'de, E: Error>(&self, text: &str) -> Result<(), E>
    where
        V: Visitor<'de>,
    {
        if let Some(key) = self.records.key {
            text.clone_into(&mut key.borrow_mut());
        }
        match excess(text, &self.visitor as &dyn Expected) {
            Some(what) => Err(E::custom(what)),
            None => Ok(()),
        }
    }
}

macro_rules! forward {
    ($($method:ident($type:ty);)*) => {
        $(#[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        })*
    };
}

macro_rules! texts {
    ($($method:ident($type:ty);)*) => {
        $(#[inline]
        fn $method<E: Error>(self, text: $type) -> Result<V::Value, E> {
            self.check_text(&text)?;
            self.visitor.$method(text)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Checking<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    forward! {
        visit_bool(bool); visit_i8(i8); visit_i16(i16); visit_i32(i32); visit_i64(i64);
        visit_i128(i128); visit_u8(u8); visit_u16(u16); visit_u32(u32); visit_u64(u64);
        visit_u128(u128); visit_f32(f32); visit_char(char); visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>);
    }

    texts! {
        visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
    }

    #[expect(clippy::cast_possible_truncation, reason = "whether the float holds it is checked")]
    fn visit_f64<E: Error>(self, value: f64) -> Result<V::Value, E> {
        if self.is_f32 && value.is_finite() && (value as f32).is_infinite() {
            return Err(E::custom(format_args!("{value:?} is beyond the numbers of an f32")));
        }
        self.visitor.visit_f64(value)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Strict { inner, records: self.records })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Strict { inner, records: self.records })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_seq(Items::new(items, self.records))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Entries::new(entries, self.records))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, inner: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_enum(Inner { inner, records: self.records })
    }
}
