//! The shape of a type: what its `Deserialize` impl requests, detected without data.
//!
//! [`Shape::of`] deserializes the type from a [`probe`](mod@probe), which provides no values. In
//! each pass, the probe follows one path into the type (a field, an item, a variant), records which
//! method is called at its end, and fails. One pass for each path gives the whole tree. No value is
//! ever built, so that a type that parses a text, such as a date, has the shape of a text.
//!
//! The shape decides which columns rows with dates have, which fields have no column, and which
//! types a target can never store. A field has a `#[serde(default)]` if its struct can be read as a
//! sequence that ends before the field.
//!
//! A type that depends on the data (`serde_json::Value`, `#[serde(untagged)]`,
//! `#[serde(flatten)]`), and a recursive type, is [`Shape::Unknown`], which no check rejects. The
//! fields of a struct whose visitor is not derived are unknown.

mod dummy;
mod probe;
#[cfg(feature = "_tables")]
mod sample;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, PoisonError};

use serde::de::DeserializeOwned;

use self::dummy::{CHOICES, Dummy};
use self::probe::{Call, Outcome, Probe, Step, Stop};

#[cfg(feature = "_tables")]
pub(crate) use self::sample::samples;

/// The most passes over a type. The rest of the type is unknown.
const PASSES: usize = 20_000;

/// How often a type of one name may be nested in itself before it is treated as recursive.
const NESTED: usize = 3;

/// What a type is deserialized from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The type depends on the data, or is recursive.
    Unknown,
    /// A single value without parts.
    Leaf(Leaf),
    Option(Box<Shape>),
    Seq(Box<Shape>),
    Tuple(Vec<Shape>),
    Map(Box<Shape>, Box<Shape>),
    Struct(Vec<Field>),
    /// A struct with unknown fields, since its visitor is written by hand: `Duration`, `Range`.
    UnknownStruct,
    Enum(Vec<Variant>),
}

/// A single value without parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaf {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Unit,
}

/// A field of a struct.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// Its name and its aliases.
    pub(crate) names: Vec<&'static str>,
    pub(crate) shape: Shape,
    /// Whether it has a `#[serde(default)]`, if that was requested and can be detected.
    pub(crate) default: Option<bool>,
}

/// A variant of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variant {
    pub(crate) name: &'static str,
    /// The content; `None` for a variant without data.
    pub(crate) holds: Option<Shape>,
}

impl Shape {
    /// Returns the shape of a type, which is detected once per process.
    pub(crate) fn of<T: DeserializeOwned + 'static>() -> &'static Self {
        static KNOWN: Mutex<BTreeMap<TypeId, &'static Shape>> = Mutex::new(BTreeMap::new());
        let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shape) = known().get(&TypeId::of::<T>()) {
            return shape;
        }
        let shape = Box::leak(Box::new(Tracer::new::<T>(false).shape()));
        known().entry(TypeId::of::<T>()).or_insert(shape)
    }

    /// Returns the shape of a type, including which fields have a default.
    ///
    /// To detect defaults, the type is deserialized from values that it may reject. So call this
    /// only if the defaults matter.
    pub(crate) fn with_defaults<T: DeserializeOwned>() -> Self {
        Tracer::new::<T>(true).shape()
    }

    /// Returns whether no part of the shape is unknown.
    #[cfg(feature = "_tables")]
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Unknown | Self::UnknownStruct => false,
            Self::Leaf(_) => true,
            Self::Option(inner) | Self::Seq(inner) => inner.is_complete(),
            Self::Tuple(items) => items.iter().all(Self::is_complete),
            Self::Map(key, value) => key.is_complete() && value.is_complete(),
            Self::Struct(fields) => fields.iter().all(|field| field.shape.is_complete()),
            Self::Enum(variants) => {
                variants.iter().filter_map(|variant| variant.holds.as_ref()).all(Self::is_complete)
            }
        }
    }

    /// Returns the fields of a struct.
    #[cfg(feature = "csv")]
    pub(crate) fn fields(&self) -> Option<&[Field]> {
        match self {
            Self::Struct(fields) => Some(fields),
            _ => None,
        }
    }
}

impl Field {
    /// Returns whether a column of this name is for the field.
    #[cfg(feature = "_tables")]
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.names.contains(&name)
    }
}

/// Deserializes a type from a probe, which always fails.
fn run<T: DeserializeOwned>(path: &[Step], found: &mut Outcome) {
    if let Err(Stop(name)) = T::deserialize(Probe::new(path, found)) {
        found.name = name;
    }
}

/// Follows the paths into a type, in one pass each.
struct Tracer {
    run: fn(&[Step], &mut Outcome),
    /// Whether to detect which fields have a default.
    defaults: bool,
    passes: usize,
    path: Vec<Step>,
    /// The structs and enums that contain the current path.
    around: Vec<(&'static str, &'static [&'static str])>,
}

impl Tracer {
    fn new<T: DeserializeOwned>(defaults: bool) -> Self {
        Self { run: run::<T>, defaults, passes: 0, path: Vec::new(), around: Vec::new() }
    }

    fn found(&mut self) -> Outcome {
        self.passes += 1;
        let mut found = Outcome::default();
        if self.passes <= PASSES {
            let run = || (self.run)(&self.path, &mut found);
            // The code of the type may panic, and would do so again when it is used.
            let _ = panic::catch_unwind(AssertUnwindSafe(run));
        }
        found
    }

    /// Returns the shape at the end of the path with one more step.
    fn at(&mut self, step: Step) -> Shape {
        self.path.push(step);
        let shape = self.shape();
        self.path.pop();
        shape
    }

    /// Returns the shape at the end of the path.
    fn shape(&mut self) -> Shape {
        match self.found().call {
            None | Some(Call::Any) => Shape::Unknown,
            Some(Call::Leaf(leaf)) => Shape::Leaf(leaf),
            Some(Call::UnitVariant) => Shape::Leaf(Leaf::Unit),
            Some(Call::Option) => Shape::Option(Box::new(self.at(Step::Inside))),
            Some(Call::Seq) => Shape::Seq(Box::new(self.at(Step::Item(0)))),
            Some(Call::Tuple(length)) => {
                Shape::Tuple((0..length).map(|i| self.at(Step::Item(i))).collect())
            }
            Some(Call::Map) => {
                let key = self.at(Step::Key);
                Shape::Map(Box::new(key), Box::new(self.at(Step::Value)))
            }
            Some(Call::Struct(name, fields)) => self.within(name, fields, |tracer| {
                Some(tracer.fields(fields).unwrap_or(Shape::UnknownStruct))
            }),
            Some(Call::Enum(name, variants)) => {
                self.within(name, variants, |tracer| tracer.variants(variants))
            }
        }
    }

    /// Traces the parts of a struct or an enum, unless it is nested in itself.
    fn within(
        &mut self,
        name: &'static str,
        parts: &'static [&'static str],
        trace: impl FnOnce(&mut Self) -> Option<Shape>,
    ) -> Shape {
        // A generic type may contain itself with other parameters.
        if self.around.iter().filter(|around| **around == (name, parts)).count() == NESTED {
            return Shape::Unknown;
        }
        self.around.push((name, parts));
        let shape = trace(self);
        self.around.pop();
        shape.unwrap_or(Shape::Unknown)
    }

    /// Returns the fields of a struct whose visitor serde has derived.
    ///
    /// A visitor that is written by hand may use the names in any way.
    fn fields(&mut self, names: &'static [&'static str]) -> Option<Shape> {
        let mut fields: Vec<Field> = Vec::new();
        let mut last = None;
        for &name in names {
            self.path.push(Step::Field(name));
            let key = self.found().key.filter(|key| key.is_derived);
            self.path.pop();
            let key = key?;
            // The names of a field are adjacent.
            match fields.last_mut() {
                Some(field) if last == Some(key) => field.names.push(name),
                _ => {
                    let shape = self.at(Step::Field(name));
                    fields.push(Field { names: vec![name], shape, default: None });
                }
            }
            last = Some(key);
        }
        self.name_first(&mut fields);
        if self.defaults {
            self.find_defaults(&mut fields);
        }
        Some(Shape::Struct(fields))
    }

    /// Moves the name of each field before its aliases: the error about a duplicate field contains
    /// the name.
    fn name_first(&mut self, fields: &mut [Field]) {
        for field in fields.iter_mut().filter(|field| field.names.len() > 1) {
            let Some(dummy) = self.dummy(field.names[0]) else { continue };
            self.path.push(Step::Twice(field.names[0], dummy));
            let name = self.found().name;
            self.path.pop();
            if let Some(at) = field.names.iter().position(|other| Some(*other) == name) {
                field.names[..=at].rotate_right(1);
            }
        }
    }

    /// Detects which fields have a default, by reading the struct as a sequence that lacks only the
    /// field.
    fn find_defaults(&mut self, fields: &mut [Field]) {
        let dummies: Vec<_> = fields.iter().map(|field| self.dummy(field.names[0])).collect();
        for (i, field) in fields.iter_mut().enumerate() {
            if dummies.iter().take(i).any(Option::is_none) {
                break; // A preceding field has no dummy, and so this field is never requested.
            }
            let given = dummies[..i].iter().flatten().copied().collect();
            self.path.push(Step::Without(given));
            field.default = self.found().default;
            self.path.pop();
        }
    }

    /// Returns a dummy that the field accepts, the first in the order of the texts.
    fn dummy(&mut self, name: &'static str) -> Option<Dummy> {
        (0..CHOICES).map(Dummy::new).find(|dummy| {
            self.path.extend([Step::Field(name), Step::Dummy(*dummy)]);
            let is_taken = self.found().is_taken;
            self.path.truncate(self.path.len() - 2);
            is_taken
        })
    }

    fn variants(&mut self, names: &'static [&'static str]) -> Option<Shape> {
        let variants = names.iter().map(|&name| {
            self.path.push(Step::Variant(name));
            let is_unit = matches!(self.found().call, Some(Call::UnitVariant));
            let holds = if is_unit { None } else { Some(self.shape()) };
            self.path.pop();
            Variant { name, holds }
        });
        Some(Shape::Enum(variants.collect()))
    }
}
