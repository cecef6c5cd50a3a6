//! Forwards the calls of a type to a deserializer, with the visitor of the type observed.

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::{Observed, Observer, Request};

impl<'de, O: Observer, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Observed<O, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Observed::new(deserializer, self.observer))
    }
}

macro_rules! forward {
    ($($request:ident: $($method:ident($($name:ident: $type:ty),*)),* $(,)?;)*) => {
        $($(
            fn $method<V: Visitor<'de>>(
                self,
                $($name: $type,)*
                visitor: V,
            ) -> Result<V::Value, D::Error> {
                let observer = self.observer.request::<V::Value, D::Error>(Request::$request)?;
                self.inner.$method($($name,)* Observed::new(visitor, observer))
            }
        )*)*
    };
}

impl<'de, O: Observer, D: Deserializer<'de>> Deserializer<'de> for Observed<O, D> {
    type Error = D::Error;

    forward! {
        Other:
            deserialize_any(), deserialize_bool(), deserialize_i8(), deserialize_i16(),
            deserialize_i32(), deserialize_i64(), deserialize_i128(), deserialize_u8(),
            deserialize_u16(), deserialize_u32(), deserialize_u64(), deserialize_u128(),
            deserialize_f64(), deserialize_char(), deserialize_str(), deserialize_string(),
            deserialize_bytes(), deserialize_byte_buf(), deserialize_option(), deserialize_unit(),
            deserialize_unit_struct(name: &'static str),
            deserialize_newtype_struct(name: &'static str), deserialize_seq(), deserialize_map(),
            deserialize_identifier(), deserialize_ignored_any();
        Inline:
            deserialize_tuple(length: usize),
            deserialize_tuple_struct(name: &'static str, length: usize),
            deserialize_struct(name: &'static str, fields: &'static [&'static str]),
            deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let observer = self.observer.request::<V::Value, D::Error>(Request::F32)?;
        let visitor = Observed::new(visitor, observer);
        match observer.reads_f32_as_f64() {
            true => self.inner.deserialize_f64(visitor),
            false => self.inner.deserialize_f32(visitor),
        }
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
