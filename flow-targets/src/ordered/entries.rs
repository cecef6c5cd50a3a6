//! Maps whose entries are serialized one by one.
//!
//! `#[serde(flatten)]`, `#[serde(tag = ...)]`, `erased_serde` and some hand-written `Serialize`
//! impls do so, and whether the map is a hash map is unknown. So its entries are kept until the map
//! ends, and then written in the order of their keys. The tag of an enum, and the fields of a
//! struct between flattened maps, keep their positions: each of them first writes the sorted
//! entries before it.

use std::any::type_name;

use serde::ser::{Error, Serialize, SerializeMap};

use super::content::{Content, Keep};
use super::key::sort_key;
use super::{Ordered, unwrapped};

/// Modules of types that serialize their entries one by one in an order that has a meaning.
const ORDERED: [&str; 10] = [
    "serde_json::",
    "toml::",
    "indexmap::",
    "ordermap::",
    "hashlink::",
    "linked_hash_map::",
    "alloc::collections::btree::",
    "im::ord::",
    "im_rc::ord::",
    "imbl::ord::",
];

/// A map whose first entries were serialized.
pub(super) struct Entries<S> {
    to: S,
    form: Form,
    is_human_readable: bool,
    is_first: bool,
    /// The entries that are still to be sorted, with the bytes to sort by.
    kept: Vec<(Vec<u8>, Content, Content)>,
    key: Key,
}

/// What is known about the order of a map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// The type has an order with a meaning.
    Ordered,
    /// The map has no length in advance, like a struct with a flattened map.
    Open,
    /// The map has a length.
    Counted,
}

/// The key of the next value.
enum Key {
    None,
    /// The key was written already.
    Written,
    Kept(Content),
}

impl<S: SerializeMap> Entries<S> {
    /// Creates the serializer of the entries of a value, whose type has the name `ty`.
    pub(super) fn new(to: S, length: Option<usize>, ty: &str, is_human_readable: bool) -> Self {
        let is_ordered = ORDERED.iter().any(|module| unwrapped(ty).starts_with(module));
        let form = match length {
            _ if is_ordered => Form::Ordered,
            None => Form::Open,
            Some(_) => Form::Counted,
        };
        Self { to, form, is_human_readable, is_first: true, kept: Vec::new(), key: Key::None }
    }

    fn keep<T: Serialize + ?Sized>(&self, value: &T) -> Result<Content, S::Error> {
        Ordered(value).serialize(Keep::new(self.is_human_readable))
    }

    /// Writes the kept entries in the order of their keys.
    fn flush(&mut self) -> Result<(), S::Error> {
        self.kept.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut kept = std::mem::take(&mut self.kept).into_iter();
        kept.try_for_each(|(_, key, value)| self.to.serialize_entry(&key, &value))
    }

    /// Returns whether an entry keeps its position, by the type of its key.
    ///
    /// The name of a field or of a tag has the type `str`. The key of a map has a reference type.
    fn is_field<K: ?Sized>(&self, is_tag: bool) -> bool {
        match self.form {
            Form::Ordered => true,
            Form::Open => type_name::<K>() == "str",
            Form::Counted => self.is_first && is_tag && type_name::<K>() == "str",
        }
    }
}

impl<S: SerializeMap> SerializeMap for Entries<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        if self.is_field::<T>(false) {
            self.flush()?;
            self.key = Key::Written;
            return self.to.serialize_key(&Ordered(key));
        }
        self.key = Key::Kept(self.keep(key)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.is_first = false;
        match std::mem::replace(&mut self.key, Key::None) {
            Key::None => Err(S::Error::custom("a map gave a value without a key")),
            Key::Written => self.to.serialize_value(&Ordered(value)),
            Key::Kept(key) => {
                let value = self.keep(value)?;
                self.kept.push((sort_key(&key), key, value));
                Ok(())
            }
        }
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), S::Error> {
        if self.is_field::<K>(type_name::<V>() == "str") {
            self.flush()?;
            self.is_first = false;
            return self.to.serialize_entry(&Ordered(key), &Ordered(value));
        }
        self.key = Key::Kept(self.keep(key)?);
        self.serialize_value(value)
    }

    fn end(mut self) -> Result<S::Ok, S::Error> {
        self.flush()?;
        self.to.end()
    }
}
