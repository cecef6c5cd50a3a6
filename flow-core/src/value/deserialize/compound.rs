//! Reads the parts of sequences, maps and structs.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Error, Visitor};

use super::{Mode, Reader};
use crate::value::error::Step;
use crate::value::{Value, ValueError};

/// Reads a sequence. It is an error if the type leaves items unread.
pub(super) fn visit_items<'de, V: Visitor<'de>>(
    items: &'de [Value],
    mode: Mode<'de>,
    visitor: V,
) -> Result<V::Value, ValueError> {
    let mut left = Items { items, next: 0, mode: mode.of_part() };
    let value = visitor.visit_seq(&mut left)?;
    if left.next < items.len() {
        return Err(ValueError::mismatch(
            format!("{} items", left.next),
            format!("a sequence of {}", items.len()),
        ));
    }
    Ok(value)
}

/// Reads a map or a struct. It is an error if the type leaves entries unread.
pub(super) fn visit_entries<'de, K: Key, V: Visitor<'de>>(
    entries: &'de [(K, Value)],
    mode: Mode<'de>,
    visitor: V,
) -> Result<V::Value, ValueError> {
    let mut left = Pairs { entries, next: 0, mode: mode.of_part() };
    let value = visitor.visit_map(&mut left)?;
    if left.next < entries.len() {
        return Err(ValueError::mismatch(
            format!("{} entries", left.next),
            format!("a map of {}", entries.len()),
        ));
    }
    Ok(value)
}

/// The items of a sequence, from `next` on.
struct Items<'de> {
    items: &'de [Value],
    next: usize,
    mode: Mode<'de>,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let item = Reader { value: item, mode: self.mode };
        let value = seed.deserialize(item).map_err(|error| error.at(Step::Index(self.next)))?;
        self.next += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.next)
    }
}

/// A key of a map or struct.
pub(super) trait Key {
    fn read<'de, T: DeserializeSeed<'de>>(
        &'de self,
        mode: Mode<'de>,
        seed: T,
    ) -> Result<T::Value, ValueError>;
    fn step(&self) -> Step<'_>;
}

impl Key for Value {
    fn read<'de, T: DeserializeSeed<'de>>(
        &'de self,
        mode: Mode<'de>,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(Reader { value: self, mode }).map_err(|error| error.at(self.step()))
    }

    fn step(&self) -> Step<'_> {
        Step::Key(self)
    }
}

impl Key for &'static str {
    fn read<'de, T: DeserializeSeed<'de>>(
        &'de self,
        _: Mode<'de>,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        seed.deserialize(BorrowedStrDeserializer::new(self))
    }

    fn step(&self) -> Step<'_> {
        Step::Name(self)
    }
}

/// The entries of a map or fields of a struct, from the value of `next` on.
struct Pairs<'de, K> {
    entries: &'de [(K, Value)],
    next: usize,
    mode: Mode<'de>,
}

impl<'de, K: Key> de::MapAccess<'de> for Pairs<'de, K> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        self.entries.get(self.next).map(|(key, _)| key.read(self.mode, seed)).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let Some((key, value)) = self.entries.get(self.next) else {
            return Err(Error::custom("a map has no more values"));
        };
        self.next += 1;
        let value = Reader { value, mode: self.mode };
        seed.deserialize(value).map_err(|error| error.at(key.step()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len() - self.next)
    }
}
