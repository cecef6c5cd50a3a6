//! Deserializes a value, and counts the memory that it takes.
//!
//! An item of a list and an entry of a map are counted by the sizes of their types, and a value
//! behind a pointer by its own size.

use std::mem::size_of;

use serde::de::Error;

use crate::memory::{Growth, Memory};
use crate::observed::{Observed, Observer, Request};

/// Deserializes a value from a format's deserializer.
///
/// # Errors
///
/// Deserialization fails, or the value takes too much memory.
pub(crate) fn decode<'de, T, D>(deserializer: D, memory: &Memory) -> Result<T, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    let account = Account { memory, paid: size_of::<T>(), location: Location::Heap };
    T::deserialize(Observed::new(deserializer, account))
}

/// Where the parts of a value are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Location {
    /// Inside the value, so that they are counted with it.
    Inline,
    /// On the heap.
    Heap,
}

/// The memory that is left, and the size of the place for the next value, which is counted already.
#[derive(Clone, Copy)]
struct Account<'a> {
    memory: &'a Memory,
    paid: usize,
    /// The location of the parts of the value that is read.
    location: Location,
}

/// The memory of the entries of a map.
#[derive(Default)]
struct Entries {
    growth: Growth,
    /// The size of the key of the next value.
    key: usize,
}

impl Account<'_> {
    /// Returns the account for a value in a place of the size of a `T`.
    fn within<T>(self) -> Self {
        Self { paid: size_of::<T>(), ..self }
    }
}

impl Observer for Account<'_> {
    type Items = Growth;
    type Entries = Entries;

    /// Counts a `T` that is larger than the place for it, and therefore behind a pointer.
    fn request<T, E: Error>(self, request: Request) -> Result<Self, E> {
        let size = size_of::<T>();
        if size > self.paid {
            self.memory.take((size - self.paid) as u64).map_err(E::custom)?;
        }
        let location = match request {
            Request::Inline => Location::Inline,
            // A value with any number of parts has these on the heap.
            Request::F32 | Request::Other => Location::Heap,
        };
        Ok(Self { paid: self.paid.max(size), location, ..self })
    }

    fn read_item<T, E: Error>(
        self,
        growth: &mut Growth,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        if self.location == Location::Inline {
            return read(self);
        }
        let item = read(self.within::<T>())?;
        if item.is_some() {
            growth.item(self.memory, size_of::<T>()).map_err(E::custom)?;
        }
        Ok(item)
    }

    fn read_key<T, E: Error>(
        self,
        entries: &mut Entries,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        entries.key = size_of::<T>();
        read(self.within::<T>())
    }

    fn read_value<T, E: Error>(
        self,
        entries: &mut Entries,
        read: impl FnOnce(Self) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.location == Location::Inline {
            return read(self);
        }
        let size = entries.key + size_of::<T>();
        entries.growth.entry(self.memory, size).map_err(E::custom)?;
        read(self.within::<T>())
    }

    fn of_variant_name<T>(self) -> Self {
        self.within::<T>()
    }

    /// The content of a variant is stored inside the enum.
    fn of_variant_content(self) -> Self {
        Self { location: Location::Inline, ..self }
    }
}
