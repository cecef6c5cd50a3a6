//! The fields that a row serializes: their names, and which of them are null.

use std::fmt::{self, Display};

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use crate::serde_methods::{refuse_to_serialize, serialize_newtype_as_content};

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

/// Writes the method of a `Serializer` that treats `Some` like its content.
macro_rules! serialize_option_as_content {
    () => {
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Other> {
            value.serialize(self)
        }
    };
}

/// Collects the fields of a row.
struct Fields<'a>(&'a mut Vec<Emitted>);

impl<'a> Serializer for Fields<'a> {
    type Ok = ();
    type Error = Other;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Self;

    refuse_to_serialize! { Other; scalar wide text bytes null list variant }

    serialize_newtype_as_content! {}

    serialize_option_as_content! {}

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

    refuse_to_serialize! { Other; scalar wide text bytes list variant map }

    serialize_newtype_as_content! {}

    serialize_option_as_content! {}

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

    refuse_to_serialize! { Other; scalar wide bytes null list variant map }

    serialize_newtype_as_content! {}

    serialize_option_as_content! {}

    fn serialize_str(self, text: &str) -> Result<String, Other> {
        Ok(text.to_owned())
    }
}
