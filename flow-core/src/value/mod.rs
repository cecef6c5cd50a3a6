//! Values: what a parameter was given, without its Rust type.
//!
//! The planner meets parameters of all types side by side: it compares them, hashes them into
//! keys, shows them in previews and folder names, writes them into records, and hands a value that
//! was given by name to fields whose type it learns later. For all of that a parameter is turned
//! into a [`Value`], a small tree of what serde's data model distinguishes.
//!
//! A value passes through here as follows:
//!
//! 1. [`to_value`] makes it from anything that implements `Serialize` (`serialize`), and `to_parameter`
//!    from a parameter (`settle`).
//! 2. [`Value::encode`] writes the bytes that keys are hashed from (`encode`).
//! 3. `Display` gives the text that people read (`text`), `Serialize` what stands in a record
//!    (`record`). Neither is read back; what is, is kept as `stored`.
//! 4. [`from_value`] makes a Rust value of it again (`deserialize`).
//!
//! # Which values are equal
//!
//! Two values are equal if and only if they are encoded alike; both follow the *class* of a value
//! rather than its Rust type, so that a field can become wider without changing any key:
//!
//! - All integers are one class, [`Int`]: `3_u8` is `3_i128`.
//! - All floats are one class, [`Float`], compared by their bits: `1.0_f32` is `1.0_f64`. Every
//!   NaN is the same; `0.0` and `-0.0` differ, because what is computed from them may. No float is
//!   an integer: `1.0` is not `1`.
//! - Text is one class: `String`, paths, and all that serde writes as text, such as dates. A single
//!   `char` is a class of its own, and so are bytes that are serialised as such (`serde_bytes`); a
//!   `Vec<u8>` is a sequence.
//! - Sequences, tuples, tuple structs, arrays and sets are one class, told apart by their items. The
//!   items of a `HashSet` or a `BinaryHeap` are sorted, since their order means nothing, wherever
//!   their type can be seen: not where an own `Serialize` writes them item by item.
//! - Maps have keys of any class and no order: what is equal as a map is equal here. Two equal keys
//!   are an error. The order of an `IndexMap`, which a task can see, counts where it is not that of
//!   the sorted keys. The type of a map that is written entry by entry, as in `#[serde(flatten)]`, is
//!   not seen: its order counts if a parameter keeps it when it is read back.
//! - Structs are told apart by their fields' names and values, without order. The name of the struct
//!   does not count, a newtype struct is what it contains, a unit struct is `()`. A struct is not a
//!   map, but one with `#[serde(flatten)]` is.
//! - Variants are told apart by name and content. The name of the enum and the order of its
//!   variants do not count.
//! - `Some(x)` is not `x`, and `None`, `()`, an empty sequence and an empty map all differ.
//! - A [`Secret`] is equal to a secret with equal content and to nothing else.

mod deserialize;
mod encode;
mod entries;
mod error;
mod number;
mod order;
mod paths;
mod record;
pub(crate) mod secret;
mod serialize;
mod settle;
mod stored;
mod text;

pub use deserialize::from_value;
pub use entries::Entries;
pub use error::ValueError;
pub use number::{Float, Int, IntOverflow};
pub(crate) use paths::{Paths, WithPaths};
pub use serialize::to_value;
pub(crate) use settle::{to_parameter, to_parameter_with_paths};

use crate::value::secret::Secret;
pub use crate::value::secret::SecretKey;
pub(crate) use text::shortened;

/// A value whose type is not known: of a parameter, or of an output, where tasks of all types lie side
/// by side.
pub type AnyValue = std::sync::Arc<dyn std::any::Any + Send + Sync>;

/// Text with what would break, hide or reorder what stands around it escaped.
pub(crate) fn escaped_text(text: impl Iterator<Item = char>) -> String {
    text.map(|c| text::escaped(c).to_string()).collect()
}

/// The first line of a text, escaped like this, and `…` if there is more.
pub(crate) fn first_line(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    let more = if first.len() < text.trim_end().len() { "…" } else { "" };
    format!("{}{more}", escaped_text(first.chars()))
}

/// The value of a parameter, without its Rust type.
///
/// It is made by [`to_value`]; the [module](self) says when two are equal. `Display` gives the
/// text shown in previews, the alternate form (`{:#}`) the same as it stands inside a list.
///
/// ```
/// use flow_core::value::{Value, from_value, to_value};
///
/// let value = to_value(&vec![Some(0.5), None])?;
/// assert_eq!(value.to_string(), "[0.5, none]");
/// assert_eq!(from_value::<Vec<Option<f64>>>(&value)?, [Some(0.5), None]);
/// # Ok::<(), flow_core::value::ValueError>(())
/// ```
// A plan holds many: 24 bytes, and nothing on the heap for numbers and unit variants. The names of
// fields and variants are always literals in serde, so they are neither copied nor freed.
//
// The order of the classes here is the order of a map's keys, and so part of the encoding.
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
    /// Text, and what is written as text: paths, dates.
    Str(Box<str>),
    /// Bytes that are serialised as such; a `Vec<u8>` is a [`Seq`](Self::Seq).
    Bytes(Box<[u8]>),
    /// `Some` of a value.
    Some(Box<Value>),
    /// A sequence, a tuple, a tuple struct or a set.
    Seq(Box<[Value]>),
    /// A map, with keys of any kind.
    Map(Entries<Value>),
    /// A struct: its fields by name.
    Struct(Entries<&'static str>),
    /// An enum's variant without content, by its name.
    UnitVariant(&'static str),
    /// An enum's variant with content: its name, and a [`Seq`](Self::Seq) for a tuple variant, a
    /// [`Struct`](Self::Struct) for a struct variant, the content itself for a newtype variant.
    Variant(Box<(&'static str, Value)>),
    /// A secret: counts, and is never shown.
    Secret(Secret<Box<Value>>),
    /// A map that keeps the order of insertion, which is not that of its keys.
    OrderedMap(Box<[(Value, Value)]>),
}

const _: () = assert!(size_of::<Value>() <= 24);

impl Value {
    /// The value with `\` replaced by `/` in all its text, on Windows; elsewhere the value as it
    /// is, because a file's name may contain a `\` there.
    ///
    /// It is meant for parameters that are paths, so that one pipeline has the same keys on all
    /// systems. Secrets are left alone, and so are the keys of a map two of which would become
    /// equal.
    #[must_use]
    pub fn with_slashes(self) -> Self {
        if cfg!(windows) { self.backslashes_replaced() } else { self }
    }

    /// A map whose order counts: a [`Map`](Self::Map) if its keys are in order, else an
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

    /// Whether there is a secret in it, so that encoding it needs the key of a store.
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
