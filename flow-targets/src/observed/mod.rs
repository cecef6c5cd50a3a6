//! Deserializes a value while an observer follows: it can reject values and change the forwarding.
//!
//! A type calls a [`Deserializer`](serde::Deserializer) with a visitor, which receives the parts of
//! the value through access types. [`Observed`] wraps all of these. The wrapped deserializer
//! (`deserializer`) wraps the visitor that it receives, the wrapped visitor (`visitor`) wraps the
//! access to lists, maps and enums, and the wrapped access (`access`) wraps the seed of each part,
//! which wraps the deserializer of the part. All calls are forwarded unchanged, except for what the
//! [`Observer`] does in them.

mod access;
mod deserializer;
mod visitor;

use serde::de::{Error, Expected};

/// Follows the deserialization of a value, as a copy for each part of the value.
///
/// In all methods, `T` is the Rust type that is read.
pub(crate) trait Observer: Copy {
    /// The state of a list, a tuple or the like while its items are read.
    type Items: Default;
    /// The state of a map or a struct while its entries are read.
    type Entries: Default;

    /// Returns the observer of a requested value. An error rejects the value.
    fn request<T, E: Error>(self, request: Request) -> Result<Self, E>;

    /// Returns whether an `f32` is read as an `f64`, which the visitor of the type casts.
    #[inline]
    fn reads_f32_as_f64(self) -> bool {
        false
    }

    /// Checks a text before the type receives it. `expected` is what the type expects.
    #[inline]
    fn check_text<E: Error>(self, _: &str, _: &dyn Expected) -> Result<(), E> {
        Ok(())
    }

    /// Checks an `f64` before the type receives it.
    #[inline]
    fn check_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    /// Reads the next item by calling `read` with the observer of the item.
    fn read_item<T, E: Error>(
        self,
        state: &mut Self::Items,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E>;

    /// Reads the next key or the name of the next field by calling `read` with its observer.
    fn read_key<T, E: Error>(
        self,
        state: &mut Self::Entries,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E>;

    /// Reads the value of an entry or a field by calling `read` with its observer.
    fn read_value<T, E: Error>(
        self,
        state: &mut Self::Entries,
        read: impl FnOnce(Self) -> Result<T, E>,
    ) -> Result<T, E>;

    /// Returns the observer of the name of a variant.
    #[inline]
    fn of_variant_name<T>(self) -> Self {
        self
    }

    /// Returns the observer of the content of a variant.
    #[inline]
    fn of_variant_content(self) -> Self {
        self
    }
}

/// The kind of value that a type requests from a deserializer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// An `f32`.
    F32,
    /// A tuple, a struct or an enum, whose parts are stored inside the value.
    Inline,
    /// Any other value.
    Other,
}

/// A deserializer, a visitor, a seed, or the access to an enum, with the observer of its value.
pub(crate) struct Observed<O, T> {
    inner: T,
    observer: O,
}

impl<O, T> Observed<O, T> {
    pub(crate) fn new(inner: T, observer: O) -> Self {
        Self { inner, observer }
    }
}
