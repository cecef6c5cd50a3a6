//! Serializes unordered collections in the order of their keys.
//!
//! The order of a `HashMap` or a `HashSet` differs in each process, and even between two equal
//! collections in one process. The bytes of an output would differ with it, and downstream tasks
//! would run again for nothing. [`Ordered`] serializes such collections sorted by their keys or
//! items, at any depth. Everything else is unchanged: a `Vec` and an `IndexMap` keep their order.
//!
//! Serde's impls for these collections call `collect_map` and `collect_seq`. These methods are
//! generic, so that the serializer knows the type of the collection. The type is unknown if entries
//! are serialized one by one, as by `#[serde(flatten)]` and `#[serde(tag = ...)]`: such [`entries`]
//! are sorted by their keys.

mod content;
mod entries;
mod key;

use std::any::type_name;
use std::fmt::Display;

use serde::ser::{
    Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use entries::Entries;
use key::sort_key;

/// A value whose unordered collections are serialized sorted.
pub(crate) struct Ordered<T>(pub(crate) T);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Sorting(to, type_name::<T>))
    }
}

/// The modules of collections whose order is that of a hash.
const UNORDERED: [&str; 2] = ["std::collections::hash::", "hashbrown::"];

/// Prefixes of type names that wrap a collection or an iterator and preserve its order.
const WRAPPERS: [&str; 7] = [
    "&",
    "mut ",
    "core::iter::adapters::map::Map<",
    "core::iter::adapters::filter::Filter<",
    "core::iter::adapters::filter_map::FilterMap<",
    "core::iter::adapters::cloned::Cloned<",
    "core::iter::adapters::copied::Copied<",
];

/// Returns whether the order of a collection, or of an iterator over one, has no meaning.
fn is_unordered<I>() -> bool {
    let name = unwrapped(type_name::<I>());
    UNORDERED.iter().any(|module| name.starts_with(module))
}

/// Returns the name of a type without its wrappers.
fn unwrapped(mut name: &str) -> &str {
    while let Some(inner) = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper)) {
        name = inner;
    }
    name
}

/// A serializer that sorts unordered collections, and the name of the type that is serialized.
struct Sorting<S>(S, fn() -> &'static str);

/// A serializer of the parts of a value.
struct Parts<S>(S);

macro_rules! values {
    ($($method:ident($type:ty),)*) => {
        $(#[inline]
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.0.$method(value)
        })*
    };
}

impl<S: Serializer> Serializer for Sorting<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<S::SerializeSeq>;
    type SerializeTuple = Parts<S::SerializeTuple>;
    type SerializeTupleStruct = Parts<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<S::SerializeTupleVariant>;
    type SerializeMap = Entries<S::SerializeMap>;
    type SerializeStruct = Parts<S::SerializeStruct>;
    type SerializeStructVariant = Parts<S::SerializeStructVariant>;

    values! {
        serialize_bool(bool), serialize_i8(i8), serialize_i16(i16), serialize_i32(i32),
        serialize_i64(i64), serialize_i128(i128), serialize_u8(u8), serialize_u16(u16),
        serialize_u32(u32), serialize_u64(u64), serialize_u128(u128), serialize_f32(f32),
        serialize_f64(f64), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_unit_struct(&'static str),
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.collect_str(value)
    }

    fn collect_seq<I>(self, items: I) -> Result<S::Ok, S::Error>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if !is_unordered::<I>() {
            return self.0.collect_seq(items.into_iter().map(Ordered));
        }
        let mut items: Vec<_> = items.into_iter().map(|item| (sort_key(&item), item)).collect();
        items.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.0.collect_seq(items.iter().map(|(_, item)| Ordered(item)))
    }

    fn collect_map<K, V, I>(self, entries: I) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        I: IntoIterator<Item = (K, V)>,
    {
        if !is_unordered::<I>() {
            let ordered = |(key, value)| (Ordered(key), Ordered(value));
            return self.0.collect_map(entries.into_iter().map(ordered));
        }
        let mut entries: Vec<_> =
            entries.into_iter().map(|(key, value)| (sort_key(&key), key, value)).collect();
        entries.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let ordered = entries.iter().map(|(_, key, value)| (Ordered(key), Ordered(value)));
        self.0.collect_map(ordered)
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Ordered(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Ordered(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_variant(name, index, variant, &Ordered(value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        self.0.serialize_seq(length).map(Parts)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        self.0.serialize_tuple(length).map(Parts)
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        self.0.serialize_tuple_struct(name, length).map(Parts)
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        self.0.serialize_tuple_variant(name, index, variant, length).map(Parts)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let is_human_readable = self.0.is_human_readable();
        Ok(Entries::new(self.0.serialize_map(length)?, length, (self.1)(), is_human_readable))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        self.0.serialize_struct(name, length).map(Parts)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        self.0.serialize_struct_variant(name, index, variant, length).map(Parts)
    }
}

macro_rules! items {
    ($($trait:ident $method:ident,)*) => {
        $(impl<S: $trait> $trait for Parts<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.0.$method(&Ordered(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! fields {
    ($($trait:ident,)*) => {
        $(impl<S: $trait> $trait for Parts<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.0.serialize_field(name, &Ordered(value))
            }

            fn skip_field(&mut self, name: &'static str) -> Result<(), S::Error> {
                self.0.skip_field(name)
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant, }

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use super::is_unordered;

    #[test]
    fn collections_of_a_hash_are_known_by_the_names_of_their_types() {
        fn of<I>(_: I) -> bool {
            is_unordered::<I>()
        }
        let map = HashMap::from([(1, "a")]);
        let set = HashSet::from([1]);
        assert!(of(&map) && of(&set) && of(map.iter()) && of(map.keys()));
        assert!(of(set.iter().map(|item| item + 1)) && of(map.values().copied()));
        assert!(of(set.iter().filter(|item| **item > 1)));

        let held = vec![map.clone()];
        assert!(!of(&held) && !of(held.iter()) && !of(std::slice::from_ref(&set)));
        assert!(!of(&BTreeMap::from([(1, map)])) && !of(set.iter().enumerate()));
    }
}
