//! The fields that a row serializes: their names, and which of them are null.

use std::fmt::{self, Display};

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

/// A field that a row serializes.
pub(super) struct Emitted {
    pub(super) name: String,
    pub(super) is_null: bool,
}

/// Returns the fields that a row serializes. There are none if it is neither a struct nor a map
/// with text keys.
pub(super) fn emitted<R: Serialize>(row: &R) -> Vec<Emitted> {
    let mut fields = Vec::new();
    match row.serialize(Fields(&mut fields)) {
        Ok(()) => fields,
        Err(Other) => Vec::new(),
    }
}

/// The error for any other kind of value.
#[derive(Debug)]
struct Other;

impl Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another value")
    }
}

impl std::error::Error for Other {}

impl serde::ser::Error for Other {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

macro_rules! other {
    ($($name:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $name(self, $(_: $type),*) -> Result<$ok, Other> {
            Err(Other)
        })*
    };
}

macro_rules! all_other {
    ($ok:ty) => {
        other! {
            serialize_bool(bool) -> $ok;
            serialize_i8(i8) -> $ok;
            serialize_i16(i16) -> $ok;
            serialize_i32(i32) -> $ok;
            serialize_i64(i64) -> $ok;
            serialize_i128(i128) -> $ok;
            serialize_u8(u8) -> $ok;
            serialize_u16(u16) -> $ok;
            serialize_u32(u32) -> $ok;
            serialize_u64(u64) -> $ok;
            serialize_u128(u128) -> $ok;
            serialize_f32(f32) -> $ok;
            serialize_f64(f64) -> $ok;
            serialize_char(char) -> $ok;
            serialize_bytes(&[u8]) -> $ok;
            serialize_unit_variant(&'static str, u32, &'static str) -> $ok;
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeTupleVariant;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeStructVariant;
        }

        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<$ok, Other> {
            value.serialize(self)
        }

        fn serialize_newtype_variant<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<$ok, Other> {
            Err(Other)
        }

        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<$ok, Other> {
            value.serialize(self)
        }
    };
}

/// Collects the fields of a row.
struct Fields<'a>(&'a mut Vec<Emitted>);

impl<'a> Serializer for Fields<'a> {
    type Ok = ();
    type Error = Other;
    type SerializeSeq = Impossible<(), Other>;
    type SerializeTuple = Impossible<(), Other>;
    type SerializeTupleStruct = Impossible<(), Other>;
    type SerializeTupleVariant = Impossible<(), Other>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Other>;

    all_other! { () }

    other! {
        serialize_str(&str) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Other> {
        Ok(Entries { fields: self.0, name: String::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Other> {
        Ok(self)
    }
}

impl SerializeStruct for Fields<'_> {
    type Ok = ();
    type Error = Other;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Other> {
        self.0.push(Emitted { name: name.to_owned(), is_null: is_null(value) });
        Ok(())
    }

    fn end(self) -> Result<(), Other> {
        Ok(())
    }
}

/// Collects the entries of a row that is a map.
struct Entries<'a> {
    fields: &'a mut Vec<Emitted>,
    name: String,
}

impl SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Other;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Other> {
        self.name = key.serialize(Text)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Other> {
        let name = std::mem::take(&mut self.name);
        self.fields.push(Emitted { name, is_null: is_null(value) });
        Ok(())
    }

    fn end(self) -> Result<(), Other> {
        Ok(())
    }
}

/// Returns whether a value is serialized as null.
fn is_null<T: Serialize + ?Sized>(value: &T) -> bool {
    value.serialize(Null).is_ok()
}

struct Null;

impl Serializer for Null {
    type Ok = ();
    type Error = Other;
    type SerializeSeq = Impossible<(), Other>;
    type SerializeTuple = Impossible<(), Other>;
    type SerializeTupleStruct = Impossible<(), Other>;
    type SerializeTupleVariant = Impossible<(), Other>;
    type SerializeMap = Impossible<(), Other>;
    type SerializeStruct = Impossible<(), Other>;
    type SerializeStructVariant = Impossible<(), Other>;

    all_other! { () }

    other! {
        serialize_str(&str) -> ();
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }

    fn serialize_none(self) -> Result<(), Other> {
        Ok(())
    }

    fn serialize_unit(self) -> Result<(), Other> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Other> {
        Ok(())
    }
}

/// Serializes a key that is text.
struct Text;

impl Serializer for Text {
    type Ok = String;
    type Error = Other;
    type SerializeSeq = Impossible<String, Other>;
    type SerializeTuple = Impossible<String, Other>;
    type SerializeTupleStruct = Impossible<String, Other>;
    type SerializeTupleVariant = Impossible<String, Other>;
    type SerializeMap = Impossible<String, Other>;
    type SerializeStruct = Impossible<String, Other>;
    type SerializeStructVariant = Impossible<String, Other>;

    all_other! { String }

    other! {
        serialize_none() -> String;
        serialize_unit() -> String;
        serialize_unit_struct(&'static str) -> String;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }

    fn serialize_str(self, text: &str) -> Result<String, Other> {
        Ok(text.to_owned())
    }
}
