//! Wrappers for the parts of values, which check items, entries and variants.

use std::cell::RefCell;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::trace::Step;
use super::visitor::Checking;
use super::{Records, Strict, Trace};

/// A seed or a variant, wrapped to check the values that it reads.
pub(super) struct Inner<'t, T> {
    pub(super) inner: T,
    pub(super) records: Records<'t>,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Inner<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Strict { inner: from, records: self.records })
    }
}

/// The items of a sequence.
pub(super) struct Items<'t, A> {
    items: A,
    records: Records<'t>,
    index: usize,
}

impl<'t, A> Items<'t, A> {
    pub(super) fn new(items: A, records: Records<'t>) -> Self {
        Self { items, records, index: 0 }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Items<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        self.records.trace.into_iter().for_each(Trace::reset);
        let item = self.items.next_element_seed(Inner { inner: seed, records: self.records });
        if let (Err(_), Some(trace)) = (&item, self.records.trace) {
            trace.push(Step::Item(self.index));
        }
        self.index += 1;
        item
    }

    fn size_hint(&self) -> Option<usize> {
        self.items.size_hint()
    }
}

/// The entries of a map, or the fields of a struct.
pub(super) struct Entries<'t, A> {
    entries: A,
    records: Records<'t>,
    /// The last key, if it is text and there is a trace.
    key: RefCell<String>,
}

impl<'t, A> Entries<'t, A> {
    pub(super) fn new(entries: A, records: Records<'t>) -> Self {
        Self { entries, records: Records { key: None, ..records }, key: RefCell::default() }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Self { entries, records, key } = self;
        if let Some(trace) = records.trace {
            trace.reset();
            key.get_mut().clear();
        }
        let records = Records { key: records.trace.map(|_| &*key), ..*records };
        entries.next_key_seed(Inner { inner: seed, records })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let records = self.records;
        let value = self.entries.next_value_seed(Inner { inner: seed, records });
        if let (Err(_), Some(trace)) = (&value, records.trace) {
            trace.push(Step::Field(self.key.take()));
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        self.entries.size_hint()
    }
}

impl<'de, 't, A: EnumAccess<'de>> EnumAccess<'de> for Inner<'t, A> {
    type Error = A::Error;
    type Variant = Inner<'t, A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), A::Error> {
        let records = self.records;
        let (value, inner) = self.inner.variant_seed(Inner { inner: seed, records })?;
        Ok((value, Inner { inner, records }))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Inner<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(Inner { inner: seed, records: self.records })
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, Checking::new(visitor, self.records))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, Checking::new(visitor, self.records))
    }
}
