//! A deserializer that rejects values that a type would read only in part.
//!
//! Some types read a part of a text and ignore the rest: `jiff::civil::Date` reads the day of
//! `2024-02-29T13:45:00`, and `DateTime` ignores `-05:00`. [`Strict`] observes the deserializer of
//! a format, and checks each text before the type reads it (`text`). It recognizes these types only
//! by what their visitors expect.
//!
//! Serde copies a value before it reads it for `#[serde(flatten)]` and `#[serde(untagged)]`. The
//! type reads that copy, which cannot be checked.
//!
//! A [`Trace`] records where in a value reading failed (`trace`).

mod text;
#[cfg_attr(
    not(any(feature = "arrow", feature = "excel", feature = "parquet")),
    allow(dead_code, reason = "only tables say where a row cannot be read")
)]
mod trace;

use std::mem;

use serde::de::{Error, Expected};

pub(crate) use self::text::excess;
pub(crate) use self::trace::{Step, Trace};
use crate::observed::{Observed, Observer, Request};

/// Wraps a deserializer, to check the values that it reads.
#[cfg(any(feature = "csv", feature = "json", feature = "pickle"))]
pub(crate) fn checked<D>(deserializer: D) -> Observed<Strict<'static>, D> {
    Observed::new(deserializer, Strict::default())
}

/// Wraps a deserializer of serde_arrow. A trace records where it fails, which takes longer.
#[cfg(any(feature = "arrow", feature = "excel", feature = "parquet"))]
pub(crate) fn checked_table<D>(deserializer: D, trace: Option<&Trace>) -> Observed<Strict<'_>, D> {
    Observed::new(deserializer, Strict { trace, casts: true, ..Strict::default() })
}

/// An observer that checks the values that are read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Strict<'t> {
    trace: Option<&'t Trace>,
    /// Whether the value is the key of an entry, or a part of it.
    is_key: bool,
    /// Whether the deserializer casts an `f64` to read an `f32`, which makes large numbers
    /// infinite.
    casts: bool,
    /// Whether the type requested an `f32`.
    is_f32: bool,
}

impl Observer for Strict<'_> {
    /// The number of items read.
    type Items = usize;
    /// The last key, if it is text and there is a trace.
    type Entries = String;

    #[inline]
    fn request<T, E: Error>(self, request: Request) -> Result<Self, E> {
        Ok(Self { is_f32: request == Request::F32, ..self })
    }

    #[inline]
    fn reads_f32_as_f64(self) -> bool {
        self.casts
    }

    fn check_text<E: Error>(self, text: &str, expected: &dyn Expected) -> Result<(), E> {
        if let (true, Some(trace)) = (self.is_key, self.trace) {
            text.clone_into(&mut trace.key.borrow_mut());
        }
        match excess(text, expected) {
            Some(what) => Err(E::custom(what)),
            None => Ok(()),
        }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "whether the float holds it is checked")]
    fn check_f64<E: Error>(self, value: f64) -> Result<(), E> {
        if self.is_f32 && value.is_finite() && (value as f32).is_infinite() {
            return Err(E::custom(format_args!("{value:?} is beyond the numbers of an f32")));
        }
        Ok(())
    }

    fn read_item<T, E: Error>(
        self,
        index: &mut usize,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        self.trace.into_iter().for_each(Trace::reset);
        let item = read(self);
        if let (Err(_), Some(trace)) = (&item, self.trace) {
            trace.push(Step::Item(*index));
        }
        *index += 1;
        item
    }

    fn read_key<T, E: Error>(
        self,
        text: &mut String,
        read: impl FnOnce(Self) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let observer = Self { is_key: true, ..self };
        let Some(trace) = self.trace else { return read(observer) };
        trace.reset();
        // This key may be a part of another key, whose text is kept.
        let outer = trace.key.take();
        let key = read(observer);
        *text = trace.key.replace(outer);
        key
    }

    fn read_value<T, E: Error>(
        self,
        text: &mut String,
        read: impl FnOnce(Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let value = read(Self { is_key: false, ..self });
        if let (Err(_), Some(trace)) = (&value, self.trace) {
            trace.push(Step::Field(mem::take(text)));
        }
        value
    }
}
