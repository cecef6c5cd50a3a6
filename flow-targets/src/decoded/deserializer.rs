//! Passes what a type asks for on to the format, and the type's visitor in a [`Visit`].

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::Account;
use super::visitor::{Lies, Visit};

/// A deserializer, or a seed, of which what is decoded is counted.
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
    ($($lies:ident: $($method:ident($($name:ident: $type:ty),*)),* $(,)?;)*) => {
        $($(
            fn $method<V: Visitor<'de>>(
                self,
                $($name: $type,)*
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                let account = self.account.enter::<V::Value, D::Error>()?;
                self.inner.$method($($name,)* Visit::new(visitor, account, Lies::$lies))
            }
        )*)*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Counted<'_, D> {
    type Error = D::Error;

    pass! {
        // What has any number of parts keeps them on the heap.
        Apart:
            deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(),
            deserialize_i32(), deserialize_i64(), deserialize_i128(), deserialize_u8(),
            deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
            deserialize_f32(), deserialize_f64(), deserialize_char(), deserialize_str(),
            deserialize_string(), deserialize_bytes(), deserialize_byte_buf(), deserialize_option(),
            deserialize_unit(), deserialize_unit_struct(name: &'static str),
            deserialize_newtype_struct(name: &'static str), deserialize_seq(), deserialize_map(),
            deserialize_identifier(), deserialize_ignored_any();
        // The parts of these lie in them.
        Within:
            deserialize_tuple(len: usize),
            deserialize_tuple_struct(name: &'static str, len: usize),
            deserialize_struct(name: &'static str, fields: &'static [&'static str]),
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
