//! Probes the parts of lists, maps, structs and enums, and writes them down as JSON.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};
use serde_json::Value as Json;

use super::{Probe, none};
use crate::value::ValueError;

/// The items of a list, of which `left` are still to be read.
pub(super) struct Items<'a> {
    pub(super) items: &'a mut Vec<Json>,
    pub(super) left: usize,
    pub(super) probe: &'a Probe<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.items.push(written);
        Ok(Some(value))
    }
}

/// The only entry of a map.
pub(super) struct Entries<'a> {
    pub(super) entries: &'a mut serde_json::Map<String, Json>,
    pub(super) key: String,
    pub(super) is_first: bool,
    pub(super) probe: &'a Probe<'a>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        if !std::mem::replace(&mut self.is_first, false) {
            return Ok(None);
        }
        let mut written = Json::Null;
        let key = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.key = match written {
            Json::String(text) => text,
            json => json.to_string(),
        };
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.entries.insert(std::mem::take(&mut self.key), written);
        Ok(value)
    }
}

/// The fields of a struct that are still to be read.
pub(super) struct Fields<'a> {
    pub(super) entries: &'a mut serde_json::Map<String, Json>,
    pub(super) fields: &'static [&'static str],
    pub(super) probe: &'a Probe<'a>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let name = self.fields.first().copied();
        name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let (name, rest) = self.fields.split_first().ok_or_else(none)?;
        self.fields = rest;
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.entries.insert((*name).to_owned(), written);
        Ok(value)
    }
}

/// The first variant of an enum.
pub(super) struct Variant<'a> {
    pub(super) name: &'static str,
    pub(super) content: &'a mut Option<Json>,
    pub(super) probe: &'a Probe<'a>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
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

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        seed.deserialize(self.probe.inner(content)?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        self.probe.inner(content)?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        self.probe.inner(content)?.deserialize_struct("", fields, visitor)
    }
}
