//! Serialized values that are kept until the entries around them are sorted.
//!
//! If a map is serialized entry by entry, an entry is gone when the next one comes. [`Content`]
//! stores a value as serde's data model, including all names and widths, so that it is written
//! later in the same way as it would have been at once.

use std::marker::PhantomData;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

type Name = &'static str;

/// The name of a field, and its value, which is `None` if the field is skipped.
type Field = (Name, Option<Content>);

/// A value in serde's data model.
pub(super) enum Content {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    None,
    Some(Box<Content>),
    Unit,
    UnitStruct(Name),
    UnitVariant(Name, u32, Name),
    NewtypeStruct(Name, Box<Content>),
    NewtypeVariant(Name, u32, Name, Box<Content>),
    Seq(Vec<Content>),
    Tuple(Vec<Content>),
    TupleStruct(Name, Vec<Content>),
    TupleVariant(Name, u32, Name, Vec<Content>),
    Map(Vec<(Content, Content)>),
    Struct(Name, Vec<Field>),
    StructVariant(Name, u32, Name, Vec<Field>),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => to.serialize_bool(*value),
            Self::I8(value) => to.serialize_i8(*value),
            Self::I16(value) => to.serialize_i16(*value),
            Self::I32(value) => to.serialize_i32(*value),
            Self::I64(value) => to.serialize_i64(*value),
            Self::I128(value) => to.serialize_i128(*value),
            Self::U8(value) => to.serialize_u8(*value),
            Self::U16(value) => to.serialize_u16(*value),
            Self::U32(value) => to.serialize_u32(*value),
            Self::U64(value) => to.serialize_u64(*value),
            Self::U128(value) => to.serialize_u128(*value),
            Self::F32(value) => to.serialize_f32(*value),
            Self::F64(value) => to.serialize_f64(*value),
            Self::Char(value) => to.serialize_char(*value),
            Self::Str(value) => to.serialize_str(value),
            Self::Bytes(value) => to.serialize_bytes(value),
            Self::None => to.serialize_none(),
            Self::Some(value) => to.serialize_some(&**value),
            Self::Unit => to.serialize_unit(),
            Self::UnitStruct(name) => to.serialize_unit_struct(name),
            Self::UnitVariant(name, index, variant) => {
                to.serialize_unit_variant(name, *index, variant)
            }
            Self::NewtypeStruct(name, value) => to.serialize_newtype_struct(name, &**value),
            Self::NewtypeVariant(name, index, variant, value) => {
                to.serialize_newtype_variant(name, *index, variant, &**value)
            }
            Self::Seq(items) => {
                let mut out = to.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| out.serialize_element(item))?;
                out.end()
            }
            Self::Tuple(items) => {
                let mut out = to.serialize_tuple(items.len())?;
                items.iter().try_for_each(|item| out.serialize_element(item))?;
                out.end()
            }
            Self::TupleStruct(name, items) => {
                let mut out = to.serialize_tuple_struct(name, items.len())?;
                items.iter().try_for_each(|item| out.serialize_field(item))?;
                out.end()
            }
            Self::TupleVariant(name, index, variant, items) => {
                let mut out = to.serialize_tuple_variant(name, *index, variant, items.len())?;
                items.iter().try_for_each(|item| out.serialize_field(item))?;
                out.end()
            }
            Self::Map(entries) => {
                let mut out = to.serialize_map(Some(entries.len()))?;
                entries.iter().try_for_each(|(key, value)| out.serialize_entry(key, value))?;
                out.end()
            }
            Self::Struct(name, fields) => {
                let mut out = to.serialize_struct(name, present(fields))?;
                fields.iter().try_for_each(|(name, value)| match value {
                    Some(value) => out.serialize_field(name, value),
                    None => out.skip_field(name),
                })?;
                out.end()
            }
            Self::StructVariant(name, index, variant, fields) => {
                let mut out =
                    to.serialize_struct_variant(name, *index, variant, present(fields))?;
                fields.iter().try_for_each(|(name, value)| match value {
                    Some(value) => out.serialize_field(name, value),
                    None => out.skip_field(name),
                })?;
                out.end()
            }
        }
    }
}

/// Returns the number of fields that are not skipped.
fn present(fields: &[Field]) -> usize {
    fields.iter().filter(|(_, value)| value.is_some()).count()
}

/// A serializer that stores a value, for a human-readable format or not.
pub(super) struct Keep<E> {
    is_human_readable: bool,
    error: PhantomData<fn() -> E>,
}

impl<E> Keep<E> {
    pub(super) fn new(is_human_readable: bool) -> Self {
        Self { is_human_readable, error: PhantomData }
    }

    fn again(&self) -> Self {
        Self::new(self.is_human_readable)
    }

    fn parts<P>(self, parts: fn(P) -> Content, head: P) -> Parts<P, E> {
        Parts { keep: self, head, content: parts, key: None }
    }
}

/// A collection whose first parts are stored.
pub(super) struct Parts<P, E> {
    keep: Keep<E>,
    head: P,
    content: fn(P) -> Content,
    /// The key of the next value of a map.
    key: Option<Content>,
}

type Variant<P> = (Name, u32, Name, P);

macro_rules! leaves {
    ($($method:ident($type:ty) $class:ident,)*) => {
        $(fn $method(self, value: $type) -> Result<Content, E> {
            Ok(Content::$class(value.into()))
        })*
    };
}

impl<E: Error> Serializer for Keep<E> {
    type Ok = Content;
    type Error = E;
    type SerializeSeq = Parts<Vec<Content>, E>;
    type SerializeTuple = Parts<Vec<Content>, E>;
    type SerializeTupleStruct = Parts<(Name, Vec<Content>), E>;
    type SerializeTupleVariant = Parts<Variant<Vec<Content>>, E>;
    type SerializeMap = Parts<Vec<(Content, Content)>, E>;
    type SerializeStruct = Parts<(Name, Vec<Field>), E>;
    type SerializeStructVariant = Parts<Variant<Vec<Field>>, E>;

    leaves! {
        serialize_bool(bool) Bool, serialize_i8(i8) I8, serialize_i16(i16) I16,
        serialize_i32(i32) I32, serialize_i64(i64) I64, serialize_i128(i128) I128,
        serialize_u8(u8) U8, serialize_u16(u16) U16, serialize_u32(u32) U32,
        serialize_u64(u64) U64, serialize_u128(u128) U128, serialize_f32(f32) F32,
        serialize_f64(f64) F64, serialize_char(char) Char, serialize_str(&str) Str,
        serialize_bytes(&[u8]) Bytes, serialize_unit_struct(Name) UnitStruct,
    }

    fn is_human_readable(&self) -> bool {
        self.is_human_readable
    }

    fn serialize_none(self) -> Result<Content, E> {
        Ok(Content::None)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Content, E> {
        Ok(Content::Some(Box::new(value.serialize(self)?)))
    }

    fn serialize_unit(self) -> Result<Content, E> {
        Ok(Content::Unit)
    }

    fn serialize_unit_variant(self, name: Name, index: u32, of: Name) -> Result<Content, E> {
        Ok(Content::UnitVariant(name, index, of))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: Name,
        value: &T,
    ) -> Result<Content, E> {
        Ok(Content::NewtypeStruct(name, Box::new(value.serialize(self)?)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: Name,
        index: u32,
        variant: Name,
        value: &T,
    ) -> Result<Content, E> {
        Ok(Content::NewtypeVariant(name, index, variant, Box::new(value.serialize(self)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, E> {
        Ok(self.parts(Content::Seq, Vec::new()))
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, E> {
        Ok(self.parts(Content::Tuple, Vec::new()))
    }

    fn serialize_tuple_struct(self, name: Name, _: usize) -> Result<Self::SerializeTupleStruct, E> {
        Ok(self.parts(|(name, items)| Content::TupleStruct(name, items), (name, Vec::new())))
    }

    fn serialize_tuple_variant(
        self,
        name: Name,
        index: u32,
        variant: Name,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, E> {
        let content = |(name, index, of, items)| Content::TupleVariant(name, index, of, items);
        Ok(self.parts(content, (name, index, variant, Vec::new())))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, E> {
        Ok(self.parts(Content::Map, Vec::new()))
    }

    fn serialize_struct(self, name: Name, _: usize) -> Result<Self::SerializeStruct, E> {
        Ok(self.parts(|(name, fields)| Content::Struct(name, fields), (name, Vec::new())))
    }

    fn serialize_struct_variant(
        self,
        name: Name,
        index: u32,
        variant: Name,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, E> {
        let content = |(name, index, of, fields)| Content::StructVariant(name, index, of, fields);
        Ok(self.parts(content, (name, index, variant, Vec::new())))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident $head:ty $(, $at:tt)?;)*) => {
        $(impl<E: Error> $trait for Parts<$head, E> {
            type Ok = Content;
            type Error = E;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
                let item = value.serialize(self.keep.again())?;
                self.head$(.$at)?.push(item);
                Ok(())
            }

            fn end(self) -> Result<Content, E> {
                Ok((self.content)(self.head))
            }
        })*
    };
}

// `content` distinguishes a sequence from a tuple.
items! {
    SerializeSeq serialize_element Vec<Content>;
    SerializeTuple serialize_element Vec<Content>;
    SerializeTupleStruct serialize_field (Name, Vec<Content>), 1;
    SerializeTupleVariant serialize_field Variant<Vec<Content>>, 3;
}

macro_rules! fields {
    ($($trait:ident $head:ty, $at:tt;)*) => {
        $(impl<E: Error> $trait for Parts<$head, E> {
            type Ok = Content;
            type Error = E;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: Name,
                value: &T,
            ) -> Result<(), E> {
                let value = value.serialize(self.keep.again())?;
                self.head.$at.push((name, Some(value)));
                Ok(())
            }

            fn skip_field(&mut self, name: Name) -> Result<(), E> {
                self.head.$at.push((name, None));
                Ok(())
            }

            fn end(self) -> Result<Content, E> {
                Ok((self.content)(self.head))
            }
        })*
    };
}

fields! {
    SerializeStruct (Name, Vec<Field>), 1;
    SerializeStructVariant Variant<Vec<Field>>, 3;
}

impl<E: Error> SerializeMap for Parts<Vec<(Content, Content)>, E> {
    type Ok = Content;
    type Error = E;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), E> {
        self.key = Some(key.serialize(self.keep.again())?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), E> {
        let key = self.key.take().ok_or_else(|| E::custom("a map gave a value without a key"))?;
        let value = value.serialize(self.keep.again())?;
        self.head.push((key, value));
        Ok(())
    }

    fn end(self) -> Result<Content, E> {
        Ok((self.content)(self.head))
    }
}
