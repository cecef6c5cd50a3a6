//! Errors of converting values.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde::ser;

use super::text::{self, Clipped};

/// A parameter cannot be converted to a value, or a value does not fit a type.
///
/// No message contains a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The value has another class than the type expects, or is out of its range.
    #[error("expected {expected}, found {found}")]
    Mismatch {
        /// What would fit, such as `a boolean`.
        expected: String,
        /// What was found, such as ``the string `x` ``.
        found: String,
    },
    /// A map has two equal keys, or a struct two fields with the same name.
    #[error("the key `{key}` is there twice: maps and structs must not have two equal keys")]
    DuplicateKey {
        /// The key as text.
        key: String,
    },
    /// The value is nested too deeply. It may contain itself.
    #[error("nested more than {limit} levels deep")]
    TooDeep {
        /// The largest number of levels.
        limit: usize,
    },
    /// The value lacks a field of the type.
    #[error("the field `{field}` is missing")]
    MissingField {
        /// The name of the field.
        field: &'static str,
    },
    /// The value has a name that the type does not have.
    #[error("there is no {what} `{name}`{}", choices(.known))]
    UnknownName {
        /// `field` or `variant`.
        what: &'static str,
        /// The unknown name.
        name: String,
        /// The names that the type has.
        known: &'static [&'static str],
    },
    /// The type's own implementation of `Serialize` or `Deserialize` returned an error.
    #[error("{message}")]
    Custom {
        /// The message of the error.
        message: String,
    },
    /// A part of the value is invalid.
    #[error("at `{place}`: {error}")]
    At {
        /// The path of the part, such as `grid[2].degree`.
        place: String,
        /// The error of the part.
        error: Box<ValueError>,
    },
}

impl ValueError {
    /// Returns the error as one of the part of a value that `step` leads to.
    pub(super) fn at(self, step: Step<'_>) -> Self {
        match self {
            Self::At { place, error } => {
                let dot = if place.starts_with('[') { "" } else { "." };
                Self::At { place: format!("{step}{dot}{place}"), error }
            }
            error => Self::At { place: step.to_string(), error: Box::new(error) },
        }
    }

    pub(super) fn mismatch(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Mismatch { expected: expected.into(), found: found.into() }
    }
}

/// A step from a value to a part of it.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Name(&'a str),
    Index(usize),
    Key(&'a super::Value),
}

impl fmt::Display for Step<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Key(key) => write!(f, "[{}]", Clipped(key)),
        }
    }
}

impl ser::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom { message: message.to_string() }
    }
}

impl de::Error for ValueError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Custom { message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::mismatch(readable(&expected.to_string()), Found(found).to_string())
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::mismatch(readable(&expected.to_string()), format!("{length} items"))
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownName { what: "variant", name: Clipped(name).to_string(), known }
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::UnknownName { what: "field", name: Clipped(name).to_string(), known }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::MissingField { field }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::DuplicateKey { key: field.to_owned() }
    }
}

fn choices(known: &[&str]) -> String {
    match known {
        [] => String::new(),
        [only] => format!(", only `{only}`"),
        known => format!(", only {}", text::list(known)),
    }
}

/// Returns what a type expects, in words for people. Types of the standard library and derived
/// types use terse names.
fn readable(expected: &str) -> String {
    macro_rules! integers {
        ($($int:ident)*) => {
            match expected {
                $(stringify!($int) => return format!("an integer from {} to {}", $int::MIN, $int::MAX),)*
                _ => {}
            }
        };
    }
    integers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "unit" => "`()`".to_owned(),
        "option" => "an optional value".to_owned(),
        "path string" => "a path".to_owned(),
        _ => match expected.split_once(' ') {
            Some(("enum", name)) => format!("a variant of `{name}`"),
            Some(("struct", name)) => format!("a struct `{name}`"),
            Some((kind @ ("unit" | "tuple"), rest)) => format!("a {kind} {rest}"),
            _ => expected.to_owned(),
        },
    }
}

/// Displays what a visitor was given, in words for people.
struct Found<'a>(Unexpected<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Unexpected::Bool(value) => write!(f, "the boolean `{value}`"),
            Unexpected::Unsigned(value) => write!(f, "the integer `{value}`"),
            Unexpected::Signed(value) => write!(f, "the integer `{value}`"),
            Unexpected::Float(value) => write!(f, "the float `{value:?}`"),
            Unexpected::Char(value) => write!(f, "the character `{}`", text::escaped(value)),
            Unexpected::Str(value) => write!(f, "the string `{}`", Clipped(value)),
            Unexpected::Bytes(value) => write!(f, "{} bytes", value.len()),
            Unexpected::Unit => f.write_str("`()`"),
            Unexpected::Option => f.write_str("an optional value"),
            Unexpected::NewtypeStruct => f.write_str("a newtype struct"),
            Unexpected::Seq => f.write_str("a sequence"),
            Unexpected::Map => f.write_str("a map"),
            Unexpected::Enum => f.write_str("a variant of an enum"),
            Unexpected::UnitVariant => f.write_str("a variant without content"),
            Unexpected::NewtypeVariant => f.write_str("a variant with a value"),
            Unexpected::TupleVariant => f.write_str("a variant with values"),
            Unexpected::StructVariant => f.write_str("a variant with fields"),
            Unexpected::Other(other) => f.write_str(other),
        }
    }
}
