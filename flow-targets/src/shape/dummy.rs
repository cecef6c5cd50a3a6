//! Dummy values, with which the probe gets past a field.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::probe::{STOP, Stop};
use crate::serde_methods::deserialize_variant_data;

/// Texts that common types can parse.
const TEXTS: &[&str] = &[
    "",
    "1",
    "2024-02-29",
    "12:00:00",
    "2024-02-29T12:00:00",
    "2024-02-29T12:00:00Z",
    "2024-02-29T12:00:00+00:00[UTC]",
    "2024-02-29 12:00:00.0 +00:00:00",
    "PT1S",
    "UTC",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
    "::1",
    "http://localhost/",
    "1.0.0",
    "a",
];

/// The number of dummies to try.
pub(super) const CHOICES: usize = TEXTS.len();

/// The deepest nesting of dummies, so that a recursive type ends.
const DEPTH: u8 = 16;

/// A value of any type: `None`, an empty collection, the number one, or one of some texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dummy {
    text: &'static str,
    depth: u8,
}

impl Dummy {
    /// Creates the dummy with the `choice`-th text, of [`CHOICES`].
    pub(super) fn new(choice: usize) -> Self {
        Self { text: TEXTS[choice], depth: 0 }
    }

    fn deeper(self) -> Result<Self, Stop> {
        if self.depth == DEPTH {
            return Err(STOP);
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

macro_rules! ones {
    ($($method:ident $visit:ident $one:expr,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
            visitor.$visit($one)
        })*
    };
}

impl<'de> Deserializer<'de> for Dummy {
    type Error = Stop;

    ones! {
        deserialize_bool visit_bool false, deserialize_i8 visit_i8 1, deserialize_i16 visit_i16 1,
        deserialize_i32 visit_i32 1, deserialize_i64 visit_i64 1, deserialize_i128 visit_i128 1,
        deserialize_u8 visit_u8 1, deserialize_u16 visit_u16 1, deserialize_u32 visit_u32 1,
        deserialize_u64 visit_u64 1, deserialize_u128 visit_u128 1, deserialize_f32 visit_f32 1.0,
        deserialize_f64 visit_f64 1.0, deserialize_char visit_char 'a',
        deserialize_bytes visit_borrowed_bytes b"", deserialize_byte_buf visit_borrowed_bytes b"",
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_borrowed_str(self.text)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_none()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_newtype_struct(self.deeper()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Dummies { value: self, left: 0 })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_seq(Dummies { value: self.deeper()?, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_tuple(left, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_map(Nothing)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_tuple(fields.len(), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_enum(First { name: variants.first().ok_or(STOP)?, value: self.deeper()? })
    }

    forward_to_deserialize_any! { unit unit_struct identifier ignored_any }
}

struct Dummies {
    value: Dummy,
    left: usize,
}

impl<'de> SeqAccess<'de> for Dummies {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                seed.deserialize(self.value).map(Some)
            }
            None => Ok(None),
        }
    }
}

/// A map without entries.
struct Nothing;

impl<'de> MapAccess<'de> for Nothing {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, Stop> {
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, Stop> {
        Err(STOP)
    }
}

/// The first variant of an enum.
struct First {
    name: &'static str,
    value: Dummy,
}

impl<'de> EnumAccess<'de> for First {
    type Error = Stop;
    type Variant = Dummy;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Dummy), Stop> {
        let name: StrDeserializer<'_, Stop> = StrDeserializer::new(self.name);
        Ok((seed.deserialize(name)?, self.value))
    }
}

impl<'de> VariantAccess<'de> for Dummy {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        Ok(())
    }

    deserialize_variant_data! { |self| self }
}
