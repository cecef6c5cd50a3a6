//! Deserializes a value, and counts the memory that it takes.
//!
//! A type calls a [`Deserializer`] with a visitor, which receives the parts of the value through
//! access types. Wrappers of these types count the memory: an item of a list and an entry of a map
//! by the size of its type, and a value behind a pointer by its own size. They forward everything
//! unchanged.
//!
//! [`Deserializer`]: serde::Deserializer

mod access;
mod deserializer;
mod visitor;

use std::mem::size_of;

use serde::de::Error;

use self::deserializer::Counted;
use crate::memory::Memory;

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
    T::deserialize(Counted::new(deserializer, Account { memory, paid: size_of::<T>() }))
}

/// The memory that is left, and the size of the place for the next value, which is counted already.
#[derive(Clone, Copy)]
struct Account<'a> {
    memory: &'a Memory,
    paid: usize,
}

impl Account<'_> {
    /// Returns the account for a value in a place of the size of a `T`.
    fn within<T>(self) -> Self {
        Self { paid: size_of::<T>(), ..self }
    }

    /// Counts a `T` that is larger than the place for it, and therefore behind a pointer.
    fn enter<T, E: Error>(self) -> Result<Self, E> {
        let size = size_of::<T>();
        if size > self.paid {
            self.memory.take((size - self.paid) as u64).map_err(E::custom)?;
        }
        Ok(Self { paid: self.paid.max(size), ..self })
    }
}
