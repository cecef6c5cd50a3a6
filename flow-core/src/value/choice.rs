//! Reads a variant of an enum.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::ValueError;
use super::deserialize::Reader;
use super::error::Step;

/// A variant with its content, if it has any.
pub(super) struct Choice<'de> {
    pub(super) name: &'de str,
    /// `None` for the name alone.
    pub(super) content: Option<Reader<'de>>,
}

impl<'de> de::EnumAccess<'de> for Choice<'de> {
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

impl<'de> Choice<'de> {
    /// Returns the content. `expected` describes it in the error.
    fn content(&self, expected: &str) -> Result<Reader<'de>, ValueError> {
        self.content.ok_or_else(|| {
            ValueError::mismatch(expected, format!("the name `{}` alone", self.name))
        })
    }
}

impl<'de> de::VariantAccess<'de> for Choice<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(ValueError::mismatch(
                format!("the name `{}` alone", self.name),
                "a variant with content",
            )),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let content = self.content("a variant with a value")?;
        seed.deserialize(content).map_err(|error| error.at(Step::Name(self.name)))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content("a variant with values")?;
        content.deserialize_tuple(length, visitor).map_err(|error| error.at(Step::Name(self.name)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content("a variant with fields")?;
        let value = content.deserialize_struct("", fields, visitor);
        value.map_err(|error| error.at(Step::Name(self.name)))
    }
}
