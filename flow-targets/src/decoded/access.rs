//! Access to the parts of a value, which counts their memory.

use std::mem::size_of;

use serde::de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::visitor::{Location, Visit};
use super::{Account, Counted};
use crate::memory::Growth;

/// The items of a list.
pub(super) struct Items<'a, A> {
    inner: A,
    account: Account<'a>,
    location: Location,
    growth: Growth,
}

impl<'a, A> Items<'a, A> {
    pub(super) fn new(inner: A, account: Account<'a>, location: Location) -> Self {
        Self { inner, account, location, growth: Growth::default() }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        let account = match self.location {
            Location::Inline => self.account,
            Location::Heap => self.account.within::<S::Value>(),
        };
        let item = self.inner.next_element_seed(Counted::new(seed, account))?;
        if item.is_some() && self.location == Location::Heap {
            let size = size_of::<S::Value>();
            self.growth.item(self.account.memory, size).map_err(A::Error::custom)?;
        }
        Ok(item)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// The entries of a map, or the fields of a struct.
pub(super) struct Entries<'a, A> {
    inner: A,
    account: Account<'a>,
    location: Location,
    growth: Growth,
    /// The size of the key of the next value.
    key: usize,
}

impl<'a, A> Entries<'a, A> {
    pub(super) fn new(inner: A, account: Account<'a>, location: Location) -> Self {
        Self { inner, account, location, growth: Growth::default(), key: 0 }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.key = size_of::<S::Value>();
        self.inner.next_key_seed(Counted::new(seed, self.account.within::<S::Value>()))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if self.location == Location::Inline {
            return self.inner.next_value_seed(Counted::new(seed, self.account));
        }
        let size = self.key + size_of::<S::Value>();
        self.growth.entry(self.account.memory, size).map_err(A::Error::custom)?;
        self.inner.next_value_seed(Counted::new(seed, self.account.within::<S::Value>()))
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// The variant of an enum, and its content, which is stored inside the enum.
pub(super) struct Variants<'a, A> {
    inner: A,
    account: Account<'a>,
}

impl<'a, A> Variants<'a, A> {
    pub(super) fn new(inner: A, account: Account<'a>) -> Self {
        Self { inner, account }
    }
}

impl<'de, 'a, A: EnumAccess<'de>> EnumAccess<'de> for Variants<'a, A> {
    type Error = A::Error;
    type Variant = Variants<'a, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let (name, variant) =
            self.inner.variant_seed(Counted::new(seed, self.account.within::<S::Value>()))?;
        Ok((name, Variants::new(variant, self.account)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Variants<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Counted::new(seed, self.account))
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(len, Visit::new(visitor, self.account, Location::Inline))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Visit::new(visitor, self.account, Location::Inline))
    }
}
