//! Maps whose entries are handed on one by one.
//!
//! `#[serde(flatten)]`, `#[serde(tag = ...)]`, `erased_serde` and a `Serialize` of one's own do that, and whether the
//! map is one of a hash is not seen. Its entries are kept until the map ends and written in the order of their
//! keys. In their place stay the tag of an enum, and the fields of a struct between which a map is flattened: each
//! sorts the entries up to it.

use std::any::type_name;

use serde::ser::{Error, Serialize, SerializeMap};

use super::content::{Content, Keep};
use super::key::sort_key;
use super::{Ordered, unwrapped};

/// Modules of types that write their entries one by one in an order of their own.
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

/// A map of which the first entries are there.
pub(super) struct Entries<S> {
    to: S,
    form: Form,
    is_human_readable: bool,
    is_first: bool,
    /// What is still to be sorted, with the bytes to sort by.
    kept: Vec<(Vec<u8>, Content, Content)>,
    key: Key,
}

/// What is known of a map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Its type has an order of its own.
    Ordered,
    /// It has no length in advance, as a struct into which a map is flattened.
    Open,
    /// It has a length.
    Counted,
}

/// The key of the next value.
enum Key {
    None,
    /// It is written already.
    Written,
    Kept(Content),
}

impl<S: SerializeMap> Entries<S> {
    /// The entries of a value of this type.
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

    /// Writes what is kept, in the order of the keys.
    fn flush(&mut self) -> Result<(), S::Error> {
        self.kept.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut kept = std::mem::take(&mut self.kept).into_iter();
        kept.try_for_each(|(_, key, value)| self.to.serialize_entry(&key, &value))
    }

    /// Whether an entry whose key has this type stays where it is. The name of a field, or of a tag, is a `str`;
    /// the key of a map is a reference.
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
