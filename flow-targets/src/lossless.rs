//! Checks that a value can be written without loss by a format with only one `null`.
//!
//! `serde_json` silently writes NaN as `null`, and any such format writes `Some(None)` like `None`.
//! So the value is serialized once before it is written, without any output, only to inspect it.
//! This also detects values that are nested more deeply than the format's reader allows, which
//! could be written and not read.

use std::fmt::{self, Write as _};

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::serde_methods::{serialize_newtype_as_content, serialize_parts};

/// The floats that a format can represent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Floats {
    /// All floats.
    #[cfg(any(feature = "arrow", feature = "excel", feature = "parquet", feature = "pickle"))]
    Any,
    /// Neither NaN nor the infinities.
    #[cfg(feature = "json")]
    Finite,
}

/// Returns an error, with its path, if a part of `value` would be lost.
pub(crate) fn check<T: Serialize + ?Sized>(value: &T, floats: Floats) -> Result<(), Loss> {
    value.serialize(Checker { floats, depth: 0 }).map(|_| ())
}

/// The most levels of nesting.
///
/// Readers fail at some depth so as not to overflow the stack, that of JSON at 128, and some count
/// a level twice.
const DEPTH: u8 = 120;

impl Floats {
    fn finite(self) -> bool {
        match self {
            #[cfg(any(
                feature = "arrow",
                feature = "excel",
                feature = "parquet",
                feature = "pickle"
            ))]
            Self::Any => false,
            #[cfg(feature = "json")]
            Self::Finite => true,
        }
    }
}

/// What would be lost, and where.
#[derive(Debug)]
pub(crate) struct Loss {
    what: String,
    /// The path to the place, from the inside out.
    path: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Field(&'static str),
    Item(usize),
    /// An entry, by its key, if that has a short form.
    Entry(String),
}

impl Loss {
    fn at(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.path.is_empty() {
            return Ok(());
        }
        f.write_str(", at value")?;
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
                Step::Entry(key) => write!(f, "[{key}]")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Loss {}

impl serde::ser::Error for Loss {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self { what: what.to_string(), path: Vec::new() }
    }
}

/// Whether a value is written as `null`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct IsNull(bool);

const NULL: Result<IsNull, Loss> = Ok(IsNull(true));
const SOMETHING: Result<IsNull, Loss> = Ok(IsNull(false));

#[derive(Clone, Copy)]
struct Checker {
    floats: Floats,
    /// How many values contain this one. A variant with data counts as one.
    depth: u8,
}

impl Checker {
    fn deeper(self) -> Result<Self, Loss> {
        if self.depth == DEPTH {
            return Err(Loss::custom(format_args!("values are nested more than {DEPTH} deep")));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn parts(self) -> Result<Compound, Loss> {
        Ok(Compound { checker: self.deeper()?, seen: 0 })
    }

    fn variant_parts(self, _: u32) -> Result<Compound, Loss> {
        self.deeper()?.parts()
    }
}

macro_rules! something {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(
            #[inline]
            fn $name(self, _: $type) -> Result<IsNull, Loss> {
                SOMETHING
            }
        )*
    };
}

impl Serializer for Checker {
    type Ok = IsNull;
    type Error = Loss;

    serialize_parts! { Compound }

    serialize_newtype_as_content! {}

    fn is_human_readable(&self) -> bool {
        self.floats.finite()
    }

    something! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_i128: i128, serialize_u8: u8, serialize_u16: u16,
        serialize_u32: u32, serialize_u64: u64, serialize_u128: u128, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8],
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<IsNull, Loss> {
        self.serialize_f64(f64::from(value))
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<IsNull, Loss> {
        if self.floats.finite() && !value.is_finite() {
            return Err(Loss::custom(format_args!("there is no such number as {value}")));
        }
        SOMETHING
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _: &T) -> Result<IsNull, Loss> {
        SOMETHING
    }

    fn serialize_none(self) -> Result<IsNull, Loss> {
        NULL
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<IsNull, Loss> {
        match value.serialize(self)? {
            IsNull(true) => Err(Loss::custom(
                "an option holds what is itself written as null, and would come back as `None`",
            )),
            IsNull(false) => SOMETHING,
        }
    }

    fn serialize_unit(self) -> Result<IsNull, Loss> {
        NULL
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<IsNull, Loss> {
        NULL
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<IsNull, Loss> {
        SOMETHING
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<IsNull, Loss> {
        value.serialize(self.deeper()?).map_err(|loss| loss.at(Step::Field(variant)))?;
        SOMETHING
    }
}

/// The parts of a value.
struct Compound {
    checker: Checker,
    seen: usize,
}

impl Compound {
    #[inline]
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Loss> {
        let index = self.seen;
        self.seen += 1;
        match value.serialize(self.checker) {
            Ok(_) => Ok(()),
            Err(loss) => Err(loss.at(Step::Item(index))),
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&self, name: &'static str, value: &T) -> Result<(), Loss> {
        match value.serialize(self.checker) {
            Ok(_) => Ok(()),
            Err(loss) => Err(loss.at(Step::Field(name))),
        }
    }
}

macro_rules! items {
    ($($trait:ident $method:ident),* $(,)?) => {
        $(impl $trait for Compound {
            type Ok = IsNull;
            type Error = Loss;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Loss> {
                self.item(value)
            }

            fn end(self) -> Result<IsNull, Loss> {
                SOMETHING
            }
        })*
    };
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! fields {
    ($($trait:ident),* $(,)?) => {
        $(impl $trait for Compound {
            type Ok = IsNull;
            type Error = Loss;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Loss> {
                self.field(name, value)
            }

            fn end(self) -> Result<IsNull, Loss> {
                SOMETHING
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for Compound {
    type Ok = IsNull;
    type Error = Loss;

    // The format itself reports keys that it cannot write.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Loss> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Loss> {
        self.item(value)
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Loss> {
        match value.serialize(self.checker) {
            Ok(_) => Ok(()),
            Err(loss) => {
                let mut text = String::new();
                // A key without a short form is left empty.
                let _ = write!(text, "{}", Short(key));
                Err(loss.at(Step::Entry(text)))
            }
        }
    }

    fn end(self) -> Result<IsNull, Loss> {
        SOMETHING
    }
}

/// Displays a key as text.
struct Short<'a, K: ?Sized>(&'a K);

impl<K: Serialize + ?Sized> fmt::Display for Short<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.serialize(f)
    }
}
