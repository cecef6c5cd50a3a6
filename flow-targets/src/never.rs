//! Types of which a format can store no value, by their [`Shape`].
//!
//! What holds for some values only is no matter of the type: an `Option` may be `None`, a field with
//! a default may be left out, an enum may have other variants. Those are errors when they are saved.

#[cfg(any(feature = "csv", feature = "excel"))]
pub(crate) use cells::cells_of_type;
#[cfg(feature = "json")]
pub(crate) use keys::keys_of_type;

use anyhow::Result;
use serde::de::DeserializeOwned;

use crate::shape::{Field, Shape};

/// The way to a part of a type, for errors: `Row.xs`.
struct Way<'a> {
    root: &'static str,
    fields: &'a [&'static str],
}

impl std::fmt::Display for Way<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fields {
            [] => write!(f, "`{}`", self.root),
            fields => write!(f, "the field `{}` of `{}`", fields.join("."), self.root),
        }
    }
}

/// What is wrong with a type, if anything. Whether fields have a default, so that values may be without
/// them, is asked only if it matters.
fn fault<T: DeserializeOwned + 'static>(of: impl Fn(&Shape, Fields) -> Result<()>) -> Result<()> {
    of(Shape::of::<T>(), Fields::All).or_else(|_| of(&Shape::with_defaults::<T>(), Fields::Needed))
}

/// Which fields are looked at.
#[derive(Clone, Copy)]
enum Fields {
    All,
    /// Those without which there is no value.
    Needed,
}

impl Fields {
    fn of(self, fields: &[Field]) -> impl Iterator<Item = &Field> {
        fields.iter().filter(move |field| match self {
            Self::All => true,
            Self::Needed => field.default == Some(false),
        })
    }
}

/// What a shape is called in errors.
fn described(shape: &Shape) -> &'static str {
    match shape {
        Shape::Unknown => "a value",
        Shape::Leaf(_) => "a single value",
        Shape::Option(_) => "an option",
        Shape::Seq(_) => "a list",
        Shape::Tuple(_) => "a tuple",
        Shape::Map(..) => "a map",
        Shape::Struct(_) | Shape::UnknownStruct => "a struct",
        Shape::Enum(_) => "an enum",
    }
}

#[cfg(any(feature = "csv", feature = "excel"))]
mod cells {
    use std::any::type_name;

    use anyhow::{Result, bail, ensure};
    use serde::de::DeserializeOwned;

    use super::{Fields, Way, described, fault};
    use crate::shape::{Leaf, Shape};

    /// An error if no row of this type can be a line of cells.
    pub(crate) fn cells_of_type<R: DeserializeOwned + 'static>() -> Result<()> {
        fault::<R>(|shape, looked_at| cells(type_name::<R>(), shape, looked_at))
    }

    fn cells(row: &'static str, shape: &Shape, looked_at: Fields) -> Result<()> {
        let fields = match shape {
            Shape::Unknown | Shape::UnknownStruct | Shape::Map(..) => return Ok(()),
            Shape::Struct(fields) => fields,
            other => bail!(
                "a row is a struct, and `{row}` is {}; `Json` and `Pickle` keep any value",
                described(other),
            ),
        };
        ensure!(!fields.is_empty(), "`{row}` has no fields, and a line without cells is no row");
        for field in looked_at.of(fields) {
            let fields = &[field.names[0]];
            let what = match &field.shape {
                Shape::Leaf(Leaf::Bytes) => "bytes",
                Shape::Enum(variants) if variants.iter().all(|variant| variant.holds.is_some()) => {
                    "an enum whose variants all hold data"
                }
                other @ (Shape::Seq(_)
                | Shape::Tuple(_)
                | Shape::Map(..)
                | Shape::Struct(_)
                | Shape::UnknownStruct) => described(other),
                Shape::Unknown | Shape::Leaf(_) | Shape::Option(_) | Shape::Enum(_) => continue,
            };
            bail!(
                "{} is {what}, and a cell holds one value; `Parquet`, `ArrowIpc`, `Json` and \
                 `Pickle` keep it",
                Way { root: row, fields },
            );
        }
        Ok(())
    }
}

#[cfg(feature = "json")]
mod keys {
    use std::any::type_name;

    use anyhow::{Result, bail};
    use serde::de::DeserializeOwned;

    use super::{Fields, Way, described, fault};
    use crate::shape::{Leaf, Shape};

    /// An error if each value of this type has a map whose keys are no text in JSON.
    ///
    /// Empty maps could be written, and lists without such maps: a task that returns nothing else
    /// has no use, so that they do not count.
    pub(crate) fn keys_of_type<T: DeserializeOwned + 'static>() -> Result<()> {
        fault::<T>(|shape, looked_at| keys(type_name::<T>(), shape, looked_at))
    }

    fn keys(root: &'static str, shape: &Shape, looked_at: Fields) -> Result<()> {
        let mut way = Vec::new();
        let Some(key) = key(shape, looked_at, &mut way) else { return Ok(()) };
        bail!(
            "{} has a map whose keys are {}, and keys of JSON are texts; `Pickle` keeps it, or write a \
             list of pairs",
            Way { root, fields: &way },
            match described(key) {
                "a list" => "lists",
                "a tuple" => "tuples",
                "a struct" => "structs",
                "a map" => "maps",
                _ => "no single values",
            },
        )
    }

    /// The key of a map that JSON has no text for, and the fields on the way to it.
    fn key<'a>(
        shape: &'a Shape,
        looked_at: Fields,
        way: &mut Vec<&'static str>,
    ) -> Option<&'a Shape> {
        match shape {
            Shape::Map(key, _) if !is_text(key) => Some(key),
            Shape::Map(_, inner) | Shape::Seq(inner) => self::key(inner, looked_at, way),
            Shape::Tuple(items) => items.iter().find_map(|item| self::key(item, looked_at, way)),
            Shape::Struct(fields) => looked_at.of(fields).find_map(|field| {
                way.push(field.names[0]);
                let key = self::key(&field.shape, looked_at, way);
                if key.is_none() {
                    way.pop();
                }
                key
            }),
            Shape::Unknown
            | Shape::UnknownStruct
            | Shape::Leaf(_)
            | Shape::Option(_)
            | Shape::Enum(_) => None,
        }
    }

    /// Whether some keys of that shape are written as texts.
    fn is_text(key: &Shape) -> bool {
        match key {
            Shape::Unknown | Shape::UnknownStruct | Shape::Option(_) => true,
            Shape::Leaf(leaf) => !matches!(leaf, Leaf::Bytes | Leaf::Unit),
            Shape::Enum(variants) => variants.iter().any(|variant| variant.holds.is_none()),
            Shape::Seq(_) | Shape::Tuple(_) | Shape::Map(..) | Shape::Struct(_) => false,
        }
    }
}
