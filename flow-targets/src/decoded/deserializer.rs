//! Forwards the calls of a type to the deserializer, with the type's visitor wrapped in a
//! [`Visit`].

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::Account;
use super::visitor::{Location, Visit};

/// A deserializer or a seed, wrapped to count the memory of the values that it reads.
pub(crate) struct Counted<'a, D> {
    inner: D,
    account: Account<'a>,
}

impl<'a, D> Counted<'a, D> {
    pub(super) fn new(inner: D, account: Account<'a>) -> Self {
        Self { inner, account }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Counted<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Counted::new(deserializer, self.account))
    }
}

macro_rules! pass {
    ($($location:ident: $($method:ident($($name:ident: $type:ty),*)),* $(,)?;)*) => {
        $($(
            fn $method<V: Visitor<'de>>(
                self,
                $($name: $type,)*
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                let account = self.account.enter::<V::Value, D::Error>()?;
                self.inner.$method($($name,)* Visit::new(visitor, account, Location::$location))
            }
        )*)*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Counted<'_, D> {
    type Error = D::Error;

    pass! {
        // Values with any number of parts have these on the heap.
        Heap:
            deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(),
            deserialize_i32(), deserialize_i64(), deserialize_i128(), deserialize_u8(),
            deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
            deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(),
            deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(),
            deserialize_unit(), deserialize_unit_struct(name: &'static str),
            deserialize_newtype_struct(name: &'static str), deserialize_seq(), deserialize_map(),
            deserialize_identifier(), deserialize_ignored_any();
        // The parts of these values are stored inside them.
        Inline:
            deserialize_tuple(len: usize),
            deserialize_tuple_struct(name: &'static str, len: usize),
            deserialize_struct(name: &'static str, fields: &'static [&'static str]),
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
