//! Forwards the access to lists, maps and enums, with each part observed.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{Observed, Observer};

/// The items of a list or the entries of a map, with the observer's state of them.
pub(super) struct Parts<O, S, A> {
    inner: A,
    observer: O,
    state: S,
}

impl<O, S: Default, A> Parts<O, S, A> {
    pub(super) fn new(inner: A, observer: O) -> Self {
        Self { inner, observer, state: S::default() }
    }
}

impl<'de, O: Observer, A: SeqAccess<'de>> SeqAccess<'de> for Parts<O, O::Items, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.observer.read_item(&mut self.state, |observer| {
            self.inner.next_element_seed(Observed::new(seed, observer))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, O: Observer, A: MapAccess<'de>> MapAccess<'de> for Parts<O, O::Entries, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.observer.read_key(&mut self.state, |observer| {
            self.inner.next_key_seed(Observed::new(seed, observer))
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.observer.read_value(&mut self.state, |observer| {
            self.inner.next_value_seed(Observed::new(seed, observer))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, O: Observer, A: EnumAccess<'de>> EnumAccess<'de> for Observed<O, A> {
    type Error = A::Error;
    type Variant = Observed<O, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let seed = Observed::new(seed, self.observer.of_variant_name::<S::Value>());
        let (name, content) = self.inner.variant_seed(seed)?;
        Ok((name, Observed::new(content, self.observer.of_variant_content())))
    }
}

impl<'de, O: Observer, A: VariantAccess<'de>> VariantAccess<'de> for Observed<O, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Observed::new(seed, self.observer))
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, Observed::new(visitor, self.observer))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Observed::new(visitor, self.observer))
    }
}
