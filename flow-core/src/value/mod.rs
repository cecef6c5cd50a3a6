//! Values: parameters without their Rust types.
//!
//! The planner handles parameters of all types in the same way. It compares them, hashes them into
//! keys, shows them in previews and folder names, writes them to records, and passes a value that
//! was given by name to fields whose type it learns later. To do so, it converts each parameter to
//! a [`Value`], a small tree of what serde's data model distinguishes.
//!
//! A value passes through these steps:
//!
//! 1. [`to_value`] converts anything that implements `Serialize` (`serialize`), and `to_parameter` a
//!    parameter (`settle`).
//! 2. [`Value::encode`] writes the bytes that keys hash (`encode`).
//! 3. `Display` writes the text for people (`text`), and `Serialize` the JSON in records (`record`). Both
//!    lose information and are never read back. `stored` is the form that is.
//! 4. [`from_value`] converts the value to a Rust type (`deserialize`). A value that is given by name
//!    may be text, which is read as the type expects (`words`).
//!
//! # Equality of values
//!
//! Two values are equal if and only if their encodings are equal. Both depend on the *class* of a
//! value instead of its Rust type, so that a field can become wider without changing any key:
//!
//! - All integers are one class, [`Int`]: `3_u8` equals `3_i128`.
//! - All floats are one class, [`Float`], compared by their bits: `1.0_f32` equals `1.0_f64`. All
//!   NaNs are equal. `0.0` and `-0.0` differ, because a task can distinguish them. No float equals
//!   an integer: `1.0` is not `1`.
//! - Text is one class: `String`, paths, and everything that serde writes as text, such as dates. A
//!   `char` is a class of its own. So are bytes that are serialized as bytes (`serde_bytes`); a
//!   `Vec<u8>` is a sequence.
//! - Sequences, tuples, tuple structs, arrays and sets are one class, compared by their items. The
//!   items of a `HashSet` or a `BinaryHeap` are sorted, since their order means nothing. That
//!   requires that their type is visible, which it is not where a custom `Serialize` writes them
//!   item by item.
//! - Maps have keys of any class and no order. Two equal keys are an error. A task can observe the
//!   order of an `IndexMap`, so it counts if it differs from the order of the keys. If a map is
//!   written entry by entry, as in `#[serde(flatten)]`, its type is not visible. Its order counts
//!   if the parameter keeps it when it is read back.
//! - Structs are compared by the names and values of their fields, without order. The name of the
//!   struct does not count. A newtype struct equals its content, and a unit struct equals `()`. A
//!   struct is not a map, but a struct with `#[serde(flatten)]` is.
//! - Variants are compared by name and content. The name of the enum and the order of its variants
//!   do not count.
//! - `Some(x)` is not `x`, and `None`, `()`, an empty sequence and an empty map all differ.
//! - A [`Secret`] equals only a secret with equal content.

mod choice;
mod deserialize;
mod encode;
mod entries;
mod error;
mod example;
mod number;
mod order;
mod paths;
mod record;
pub(crate) mod secret;
mod serialize;
mod settle;
mod stored;
mod text;
mod words;

use std::borrow::Cow;

pub(crate) use deserialize::from_given;
pub use deserialize::from_value;
pub use entries::Entries;
pub use error::ValueError;
pub(crate) use example::example;
pub use number::{Float, Int, IntOverflow};
pub(crate) use paths::{Paths, WithPaths};
pub use serialize::to_value;
pub(crate) use settle::{to_parameter, to_parameter_with_paths};

use crate::value::secret::Secret;
pub use crate::value::secret::SecretKey;
pub(crate) use text::shortened;

/// A value of unknown type: a parameter, or an output where tasks of all types are handled
/// together.
pub type AnyValue = std::sync::Arc<dyn std::any::Any + Send + Sync>;

/// Escapes the characters of a text that would break, hide or reorder the text around it.
pub(crate) fn escaped_text(text: impl Iterator<Item = char>) -> String {
    text.map(|c| text::escaped(c).to_string()).collect()
}

/// Returns a text with these characters escaped. Without any, nothing is copied.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if text.contains(text::is_escaped) { escaped_text(text.chars()).into() } else { text.into() }
}

/// Returns the first line of a text, escaped in the same way, with `…` if there are more lines.
pub(crate) fn first_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let more = if first.len() < text.trim_end().len() { "…" } else { "" };
    format!("{}{more}", escaped_text(first.chars()))
}

/// The value of a parameter, without its Rust type.
///
/// [`to_value`] creates it. The [module](self) describes when two values are equal. `Display`
/// writes the text for previews, and the alternate form (`{:#}`) the text as it appears inside a
/// list.
///
/// ```
/// use flow_core::value::{Value, from_value, to_value};
///
/// let value = to_value(&vec![Some(0.5), None])?;
/// assert_eq!(value.to_string(), "[0.5, none]");
/// assert_eq!(from_value::<Vec<Option<f64>>>(&value)?, [Some(0.5), None]);
/// # Ok::<(), flow_core::value::ValueError>(())
/// ```
// A plan holds many values: one takes 24 bytes, and numbers and unit variants allocate nothing. The
// names of fields and variants are literals in serde, so they are neither copied nor freed.
//
// The order of the variants determines the order of a map's keys, and so is part of the encoding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `None`.
    None,
    /// `()`, or a unit struct.
    Unit,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of any width.
    Int(Int),
    /// A float of either width.
    Float(Float),
    /// A single character.
    Char(char),
    /// Text, and everything that is written as text: paths, dates.
    Str(Box<str>),
    /// Bytes that are serialized as bytes; a `Vec<u8>` is a [`Seq`](Self::Seq).
    Bytes(Box<[u8]>),
    /// `Some` of a value.
    Some(Box<Value>),
    /// A sequence, a tuple, a tuple struct or a set.
    Seq(Box<[Value]>),
    /// A map, with keys of any class.
    Map(Entries<Value>),
    /// A struct, with its fields by name.
    Struct(Entries<&'static str>),
    /// A variant of an enum without content, by its name.
    UnitVariant(&'static str),
    /// A variant of an enum with content. The content of a tuple variant is a [`Seq`](Self::Seq),
    /// that of a struct variant a [`Struct`](Self::Struct), and that of a newtype variant the value
    /// itself.
    Variant(Box<(&'static str, Value)>),
    /// A secret, which counts and is never shown.
    Secret(Secret<Box<Value>>),
    /// A map with an order of insertion that differs from the order of its keys.
    OrderedMap(Box<[(Value, Value)]>),
}

const _: () = assert!(size_of::<Value>() <= 24);

impl Value {
    /// Replaces `\` by `/` in all text of the value on Windows. Elsewhere returns the value
    /// unchanged, because the name of a file may contain a `\` there.
    ///
    /// It is meant for parameters that are paths, so that a pipeline has the same keys on all
    /// systems. Secrets are not changed, and neither are the keys of a map if two of them would
    /// become equal.
    #[must_use]
    pub fn with_slashes(self) -> Self {
        if cfg!(windows) { self.backslashes_replaced() } else { self }
    }

    /// Returns a map whose order counts.
    ///
    /// It is a [`Map`](Self::Map) if its keys are sorted, otherwise an
    /// [`OrderedMap`](Self::OrderedMap).
    ///
    /// # Errors
    ///
    /// [`ValueError::DuplicateKey`] if two keys are equal.
    pub fn ordered_map(entries: Vec<(Self, Self)>) -> Result<Self, ValueError> {
        if entries.is_sorted_by(|(a, _), (b, _)| a < b) {
            return Ok(Self::Map(Entries::new(entries)?));
        }
        // Sorting finds equal keys.
        Entries::new(entries.clone())?;
        Ok(Self::OrderedMap(entries.into()))
    }

    /// Returns whether the value contains a secret, so that encoding it requires the key of a
    /// store.
    pub fn has_secret(&self) -> bool {
        match self {
            Self::Secret(_) => true,
            Self::Some(value) => value.has_secret(),
            Self::Variant(variant) => variant.1.has_secret(),
            Self::Seq(items) => items.iter().any(Self::has_secret),
            Self::Struct(fields) => fields.iter().any(|(_, value)| value.has_secret()),
            Self::Map(entries) => {
                entries.iter().any(|(key, value)| key.has_secret() || value.has_secret())
            }
            Self::OrderedMap(entries) => {
                entries.iter().any(|(key, value)| key.has_secret() || value.has_secret())
            }
            _ => false,
        }
    }

    fn backslashes_replaced(self) -> Self {
        match self {
            Self::Str(text) if text.contains('\\') => Self::Str(text.replace('\\', "/").into()),
            Self::Some(value) => Self::Some(Box::new(value.backslashes_replaced())),
            Self::Seq(items) => {
                Self::Seq(items.into_iter().map(Self::backslashes_replaced).collect())
            }
            Self::Struct(fields) => Self::Struct(fields.map_values(Self::backslashes_replaced)),
            Self::Variant(variant) => {
                let (name, content) = *variant;
                Self::Variant(Box::new((name, content.backslashes_replaced())))
            }
            Self::Map(entries) => {
                let entries = entries.map_values(Self::backslashes_replaced);
                let replaced = entries.iter().cloned().map(|(k, v)| (k.backslashes_replaced(), v));
                Self::Map(Entries::new(replaced.collect()).unwrap_or(entries))
            }
            Self::OrderedMap(entries) => {
                let replaced = entries.iter().cloned();
                let replaced =
                    replaced.map(|(k, v)| (k.backslashes_replaced(), v.backslashes_replaced()));
                Self::ordered_map(replaced.collect()).unwrap_or(Self::OrderedMap(entries))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn backslashes_become_slashes_wherever_a_path_may_stand() -> Result<(), ValueError> {
        let before = to_value(&(
            PathBuf::from(r"a\b"),
            Some(r"c\d"),
            BTreeMap::from([(r"z\1", r"e\f"), ("a/1", "g/h")]),
            Ok::<_, ()>(r"i\j"),
            Secret::new(r"k\l"),
            '\\',
        ))?;
        let after = to_value(&(
            PathBuf::from("a/b"),
            Some("c/d"),
            BTreeMap::from([("z/1", "e/f"), ("a/1", "g/h")]),
            Ok::<_, ()>("i/j"),
            Secret::new(r"k\l"),
            '\\',
        ))?;
        assert_eq!(before.clone().backslashes_replaced(), after);
        assert_eq!(before.clone().with_slashes(), if cfg!(windows) { after } else { before });
        Ok(())
    }

    #[test]
    fn keys_that_would_become_equal_are_left_alone() -> Result<(), ValueError> {
        let map = BTreeMap::from([("a/b", 1), (r"a\b", 2)]);
        let value = to_value(&map)?;
        assert_eq!(value.clone().backslashes_replaced(), value);
        Ok(())
    }
}
