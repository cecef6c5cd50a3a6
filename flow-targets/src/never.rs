//! Rejects types of which a format can store no value, by their [`Shape`].
//!
//! A type passes if only some of its values cannot be stored: an `Option` may be `None`, a field
//! with a default may be left out, an enum may have other variants. Such values are errors when
//! they are saved.

#[cfg(feature = "_cells")]
pub(crate) use cells::cells_of_type;
#[cfg(feature = "json")]
pub(crate) use keys::keys_of_type;

use anyhow::Result;
use serde::de::DeserializeOwned;

use crate::shape::{Field, Shape};

/// The path to a part of a type, for errors: `Row.xs`.
struct Path<'a> {
    root: &'static str,
    fields: &'a [&'static str],
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.fields {
            [] => write!(f, "`{}`", self.root),
            fields => write!(f, "the field `{}` of `{}`", fields.join("."), self.root),
        }
    }
}

/// Returns the error of `check` for a type, if there is one.
///
/// Whether fields have a default, so that values may omit them, is detected only if all fields
/// together have an error.
fn fault<T: DeserializeOwned + 'static>(
    check: impl Fn(&Shape, Fields) -> Result<()>,
) -> Result<()> {
    check(Shape::of::<T>(), Fields::All)
        .or_else(|_| check(&Shape::with_defaults::<T>(), Fields::Needed))
}

/// The fields that are inspected.
#[derive(Clone, Copy)]
enum Fields {
    All,
    /// The fields that every value must have.
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

/// Returns the name of a shape for errors.
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

#[cfg(feature = "_cells")]
mod cells {
    use std::any::type_name;

    use anyhow::{Result, bail, ensure};
    use serde::de::DeserializeOwned;

    use super::{Fields, Path, described, fault};
    use crate::shape::{Leaf, Shape};

    /// Returns an error if no row of this type can be a line of cells.
    pub(crate) fn cells_of_type<R: DeserializeOwned + 'static>() -> Result<()> {
        fault::<R>(|shape, included| cells(type_name::<R>(), shape, included))
    }

    fn cells(row: &'static str, shape: &Shape, included: Fields) -> Result<()> {
        let fields = match shape {
            Shape::Unknown | Shape::UnknownStruct | Shape::Map(..) => return Ok(()),
            Shape::Struct(fields) => fields,
            other => bail!(
                "a row is a struct, and `{row}` is {}; `Json` and `Pickle` keep any value",
                described(other),
            ),
        };
        ensure!(!fields.is_empty(), "`{row}` has no fields, and a row needs at least one cell");
        for field in included.of(fields) {
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
                Path { root: row, fields },
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

    use super::{Fields, Path, described, fault};
    use crate::shape::{Leaf, Shape};

    /// Returns an error if every non-empty value of this type has a map whose keys are not text in
    /// JSON.
    ///
    /// Empty maps, and empty lists of such maps, could be written. They are ignored, since a task
    /// that can only return these is useless.
    pub(crate) fn keys_of_type<T: DeserializeOwned + 'static>() -> Result<()> {
        fault::<T>(|shape, included| keys(type_name::<T>(), shape, included))
    }

    fn keys(root: &'static str, shape: &Shape, included: Fields) -> Result<()> {
        let mut path = Vec::new();
        let Some(key) = key(shape, included, &mut path) else { return Ok(()) };
        bail!(
            "{} has a map whose keys are {}, and keys of JSON are texts; `Pickle` keeps it, or write a \
             list of pairs",
            Path { root, fields: &path },
            match described(key) {
                "a list" => "lists",
                "a tuple" => "tuples",
                "a struct" => "structs",
                "a map" => "maps",
                _ => "no single values",
            },
        )
    }

    /// Returns the key of a map that JSON cannot write, and adds the fields that lead to it to
    /// `path`.
    fn key<'a>(
        shape: &'a Shape,
        included: Fields,
        path: &mut Vec<&'static str>,
    ) -> Option<&'a Shape> {
        match shape {
            Shape::Map(key, _) if !is_text(key) => Some(key),
            Shape::Map(_, inner) | Shape::Seq(inner) => self::key(inner, included, path),
            Shape::Tuple(items) => items.iter().find_map(|item| self::key(item, included, path)),
            Shape::Struct(fields) => included.of(fields).find_map(|field| {
                path.push(field.names[0]);
                let key = self::key(&field.shape, included, path);
                if key.is_none() {
                    path.pop();
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

    /// Returns whether some keys of this shape are written as text.
    fn is_text(key: &Shape) -> bool {
        match key {
            Shape::Unknown | Shape::UnknownStruct | Shape::Option(_) => true,
            Shape::Leaf(leaf) => !matches!(leaf, Leaf::Bytes | Leaf::Unit),
            Shape::Enum(variants) => variants.iter().any(|variant| variant.holds.is_none()),
            Shape::Seq(_) | Shape::Tuple(_) | Shape::Map(..) | Shape::Struct(_) => false,
        }
    }
}
