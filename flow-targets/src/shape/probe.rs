//! A deserializer that follows a path into a type, and records which method is called at its end.

use std::any::type_name;
use std::fmt::{self, Display};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::Leaf;
use super::dummy::Dummy;
use crate::serde_methods::{deserialize_newtype_as_content, deserialize_variant_data};

/// A step into a type.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// To the value in an option.
    Inside,
    /// To an item of a sequence or a tuple.
    Item(usize),
    /// To the key of an entry.
    Key,
    /// To the value of an entry.
    Value,
    /// To a field, by its name.
    Field(&'static str),
    /// To the content of a variant.
    Variant(&'static str),
    /// The end: the value is this dummy, and the pass records whether the type accepts it.
    Dummy(Dummy),
    /// The end: the struct gets this dummy twice for the field of this name.
    Twice(&'static str, Dummy),
    /// The end: the struct is a sequence of these dummies, which ends before the next field.
    Without(Vec<Dummy>),
}

/// The method that is called at the end of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum Call {
    Any,
    Leaf(Leaf),
    Option,
    Seq,
    Tuple(usize),
    Map,
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    UnitVariant,
}

/// The field that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    field: u64,
    /// Whether serde's derive generated the type of the key.
    pub(super) is_derived: bool,
}

/// The outcome of a pass.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) call: Option<Call>,
    /// The key of the last field on the path.
    pub(super) key: Option<Key>,
    /// Whether the type accepted the dummy at the end.
    pub(super) is_taken: bool,
    /// Whether the field that was left out has a default.
    pub(super) default: Option<bool>,
    /// The name of the field that was given twice.
    pub(super) name: Option<&'static str>,
}

/// The error that ends every pass.
///
/// It has the name of the field that was given twice, if that is the reason.
#[derive(Debug)]
pub(super) struct Stop(pub(super) Option<&'static str>);

/// The error that ends a pass for any other reason.
pub(super) const STOP: Stop = Stop(None);

impl Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the probe has no value")
    }
}

impl std::error::Error for Stop {}

impl serde::de::Error for Stop {
    fn custom<T: Display>(_: T) -> Self {
        STOP
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self(Some(field))
    }
}

pub(super) struct Probe<'a> {
    path: &'a [Step],
    found: &'a mut Outcome,
}

impl<'a> Probe<'a> {
    pub(super) fn new(path: &'a [Step], found: &'a mut Outcome) -> Self {
        Self { path, found }
    }

    /// Records a call at the end of the path. If the path is longer, it does not match the type.
    fn end<V>(self, call: Call) -> Result<V, Stop> {
        if self.path.is_empty() {
            self.found.call = Some(call);
        }
        Err(STOP)
    }
}

macro_rules! leaves {
    ($($method:ident $leaf:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
            self.end(Call::Leaf(Leaf::$leaf))
        })*
    };
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Stop;

    leaves! {
        deserialize_bool Bool, deserialize_i8 I8, deserialize_i16 I16, deserialize_i32 I32,
        deserialize_i64 I64, deserialize_i128 I128, deserialize_u8 U8, deserialize_u16 U16,
        deserialize_u32 U32, deserialize_u64 U64, deserialize_u128 U128, deserialize_f32 F32,
        deserialize_f64 F64, deserialize_char Char, deserialize_str Text, deserialize_string Text,
        deserialize_bytes Bytes, deserialize_byte_buf Bytes, deserialize_unit Unit,
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.end(Call::Any)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.end(Call::Any)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Stop> {
        self.end(Call::Any)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: V,
    ) -> Result<V::Value, Stop> {
        self.end(Call::Leaf(Leaf::Unit))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Inside, path @ ..] => visitor.visit_some(Probe { path, found: self.found }),
            _ => self.end(Call::Option),
        }
    }

    deserialize_newtype_as_content! {}

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Item(before), path @ ..] => {
                visitor.visit_seq(Items { before: *before, path, found: self.found })
            }
            _ => self.end(Call::Seq),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Item(_), ..] => self.deserialize_seq(visitor),
            _ => self.end(Call::Tuple(length)),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Key | Step::Value, ..] => visitor.visit_map(Entry(self)),
            _ => self.end(Call::Map),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Field(_), ..] => visitor.visit_map(Entry(self)),
            [Step::Twice(name, dummy)] => visitor.visit_map(Twice { name, dummy: *dummy }),
            [Step::Without(given)] => {
                let (mut asked, given) = (0, given.iter());
                let is_built = visitor.visit_seq(Without { given, asked: &mut asked }).is_ok();
                self.found.default = (asked > 0).then_some(is_built || asked > 1);
                Err(STOP)
            }
            _ => self.end(Call::Struct(name, fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        match self.path {
            [Step::Variant(_), ..] => visitor.visit_enum(self),
            _ => self.end(Call::Enum(name, variants)),
        }
    }
}

/// A sequence whose last item is probed. The items before it are dummies.
struct Items<'a> {
    before: usize,
    path: &'a [Step],
    found: &'a mut Outcome,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if let Some(before) = self.before.checked_sub(1) {
            self.before = before;
            return seed.deserialize(Dummy::new(0)).map(Some);
        }
        seed.deserialize(Probe { path: self.path, found: self.found }).map(Some)
    }
}

/// A struct as a sequence of values that ends early.
struct Without<'a> {
    given: std::slice::Iter<'a, Dummy>,
    /// How many fields were requested after the given ones.
    asked: &'a mut usize,
}

impl<'de> SeqAccess<'de> for Without<'_> {
    type Error = Stop;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        if let Some(dummy) = self.given.next() {
            return seed.deserialize(*dummy).map(Some);
        }
        *self.asked += 1;
        // A second request means that the first field has a default.
        if *self.asked == 1 { Ok(None) } else { Err(STOP) }
    }
}

/// A struct that has the same field again and again.
struct Twice {
    name: &'static str,
    dummy: Dummy,
}

impl<'de> MapAccess<'de> for Twice {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        seed.deserialize(StrDeserializer::new(self.name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        seed.deserialize(self.dummy)
    }
}

/// A map or a struct with one entry.
struct Entry<'a>(Probe<'a>);

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Stop;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Stop> {
        match self.0.path {
            [Step::Field(name), ..] => {
                let key = seed.deserialize(StrDeserializer::new(name))?;
                let mut hasher = DefaultHasher::new();
                std::mem::discriminant(&key).hash(&mut hasher);
                let is_derived = type_name::<K::Value>().contains("__Field");
                self.0.found.key = Some(Key { field: hasher.finish(), is_derived });
                Ok(Some(key))
            }
            [Step::Key, path @ ..] => {
                seed.deserialize(Probe { path, found: self.0.found }).map(Some)
            }
            _ => seed.deserialize(Dummy::new(0)).map(Some),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Stop> {
        let path = self.0.path.get(1..).unwrap_or_default();
        if let [Step::Dummy(dummy)] = path {
            self.0.found.is_taken = seed.deserialize(*dummy).is_ok();
            return Err(STOP);
        }
        seed.deserialize(Probe { path, found: self.0.found })
    }
}

impl<'de, 'a> EnumAccess<'de> for Probe<'a> {
    type Error = Stop;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        let [Step::Variant(name), path @ ..] = self.path else { return Err(STOP) };
        let name: StrDeserializer<'_, Stop> = (*name).into_deserializer();
        Ok((seed.deserialize(name)?, Probe { path, found: self.found }))
    }
}

impl<'de> VariantAccess<'de> for Probe<'_> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        self.end(Call::UnitVariant)
    }

    deserialize_variant_data! { |self| self }
}
