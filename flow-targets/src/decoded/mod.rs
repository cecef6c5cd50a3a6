//! Decodes a value, and counts how much memory it takes on the way.
//!
//! A type asks a [`Deserializer`] for its value and gives it a visitor, which gets the parts of the value by
//! accesses. Each of these is wrapped in one that counts: an item of a list and an entry of a map by the
//! size of its type, and what lies behind a pointer by its own. Nothing is changed that passes through.
//!
//! [`Deserializer`]: serde::Deserializer

mod access;
mod deserializer;
mod visitor;

use std::mem::size_of;

use serde::de::Error;

use self::deserializer::Counted;
use crate::memory::Memory;

/// Decodes a value from a format's deserializer.
///
/// # Errors
///
/// Those of the format, and that the value takes too much memory.
pub(crate) fn decode<'de, T, D>(deserializer: D, memory: &Memory) -> Result<T, D::Error>
where
    T: serde::Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(Counted::new(deserializer, Account { memory, paid: size_of::<T>() }))
}

/// The memory that is left, and the size of the place that a value is decoded into, which is counted.
#[derive(Clone, Copy)]
struct Account<'a> {
    memory: &'a Memory,
    paid: usize,
}

impl Account<'_> {
    /// That of a value in the place of a `T`.
    fn within<T>(self) -> Self {
        Self { paid: size_of::<T>(), ..self }
    }

    /// Counts a `T`, if it is larger than the place it is for: then it lies behind a pointer.
    fn enter<T, E: Error>(self) -> Result<Self, E> {
        let size = size_of::<T>();
        if size > self.paid {
            self.memory.take((size - self.paid) as u64).map_err(E::custom)?;
        }
        Ok(Self { paid: self.paid.max(size), ..self })
    }
}
