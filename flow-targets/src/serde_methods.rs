//! Macros for methods that many impls of serde's traits have in common.
//!
//! Each macro is called inside an impl, like [`serde::forward_to_deserialize_any`].

/// Writes the methods of a `Serializer` that reject kinds of values with an error.
///
/// `refuse_to_serialize! { error; scalar list }` rejects scalars and lists. The kinds are `scalar`
/// (booleans, numbers of up to 64 bits, characters and variants without data), `wide` (numbers of
/// 128 bits), `text`, `bytes`, `null`, `list` (also tuples), `variant` (with data) and `map` (also
/// structs).
macro_rules! refuse_to_serialize {
    (@methods $error:expr; $($method:ident($($type:ty),*) -> $ok:ident;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<Self::$ok, Self::Error> {
            Err($error)
        })*
    };
    (@types $($type:ident)*) => {
        $(type $type = ::serde::ser::Impossible<Self::Ok, Self::Error>;)*
    };
    (@scalar $error:expr) => {
        refuse_to_serialize! { @methods $error;
            serialize_bool(bool) -> Ok;
            serialize_i8(i8) -> Ok;
            serialize_i16(i16) -> Ok;
            serialize_i32(i32) -> Ok;
            serialize_i64(i64) -> Ok;
            serialize_u8(u8) -> Ok;
            serialize_u16(u16) -> Ok;
            serialize_u32(u32) -> Ok;
            serialize_u64(u64) -> Ok;
            serialize_f32(f32) -> Ok;
            serialize_f64(f64) -> Ok;
            serialize_char(char) -> Ok;
            serialize_unit_variant(&'static str, u32, &'static str) -> Ok;
        }
    };
    (@wide $error:expr) => {
        refuse_to_serialize! { @methods $error;
            serialize_i128(i128) -> Ok;
            serialize_u128(u128) -> Ok;
        }
    };
    (@text $error:expr) => {
        refuse_to_serialize! { @methods $error; serialize_str(&str) -> Ok; }
    };
    (@bytes $error:expr) => {
        refuse_to_serialize! { @methods $error; serialize_bytes(&[u8]) -> Ok; }
    };
    (@null $error:expr) => {
        refuse_to_serialize! { @methods $error;
            serialize_none() -> Ok;
            serialize_unit() -> Ok;
            serialize_unit_struct(&'static str) -> Ok;
        }
    };
    (@list $error:expr) => {
        refuse_to_serialize! { @types SerializeSeq SerializeTuple SerializeTupleStruct }
        refuse_to_serialize! { @methods $error;
            serialize_seq(Option<usize>) -> SerializeSeq;
            serialize_tuple(usize) -> SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        }
    };
    (@variant $error:expr) => {
        refuse_to_serialize! { @types SerializeTupleVariant SerializeStructVariant }
        refuse_to_serialize! { @methods $error;
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> SerializeTupleVariant;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> SerializeStructVariant;
        }

        fn serialize_newtype_variant<T: ::serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<Self::Ok, Self::Error> {
            Err($error)
        }
    };
    (@map $error:expr) => {
        refuse_to_serialize! { @types SerializeMap SerializeStruct }
        refuse_to_serialize! { @methods $error;
            serialize_map(Option<usize>) -> SerializeMap;
            serialize_struct(&'static str, usize) -> SerializeStruct;
        }
    };
    ($error:expr; $($kind:ident)*) => {
        $(refuse_to_serialize! { @$kind $error })*
    };
}

/// Writes the types and methods of a `Serializer` that treats all values with parts alike.
///
/// The argument is the type of all `Serialize*` types. The serializer itself has a method `parts`,
/// which starts a list, a tuple, a map or a struct, and a method `variant_parts`, which starts a
/// variant with this index.
macro_rules! serialize_parts {
    (@methods $($method:ident($($type:ty),*);)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<Self::SerializeSeq, Self::Error> {
            self.parts()
        })*
    };
    (@variant_methods $($method:ident)*) => {
        $(fn $method(
            self,
            _: &'static str,
            index: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeSeq, Self::Error> {
            self.variant_parts(index)
        })*
    };
    ($parts:ty) => {
        type SerializeSeq = $parts;
        type SerializeTuple = $parts;
        type SerializeTupleStruct = $parts;
        type SerializeTupleVariant = $parts;
        type SerializeMap = $parts;
        type SerializeStruct = $parts;
        type SerializeStructVariant = $parts;

        serialize_parts! { @methods
            serialize_seq(Option<usize>);
            serialize_tuple(usize);
            serialize_tuple_struct(&'static str, usize);
            serialize_map(Option<usize>);
            serialize_struct(&'static str, usize);
        }

        serialize_parts! { @variant_methods serialize_tuple_variant serialize_struct_variant }
    };
}

/// Writes the method of a `Serializer` that treats a newtype struct like its content.
macro_rules! serialize_newtype_as_content {
    () => {
        fn serialize_newtype_struct<T: ::serde::Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<Self::Ok, Self::Error> {
            value.serialize(self)
        }
    };
}

/// Writes the method of a `Deserializer<'de>` that treats a newtype struct like its content.
macro_rules! deserialize_newtype_as_content {
    () => {
        fn deserialize_newtype_struct<V: ::serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            visitor.visit_newtype_struct(self)
        }
    };
}

/// Writes the methods of a `VariantAccess<'de>` that read the data of a variant as a value.
///
/// `deserialize_variant_data! { |self| self.0 }` reads it from the deserializer `self.0`.
macro_rules! deserialize_variant_data {
    (|$this:ident| $deserializer:expr) => {
        fn newtype_variant_seed<S: ::serde::de::DeserializeSeed<'de>>(
            $this,
            seed: S,
        ) -> Result<S::Value, Self::Error> {
            seed.deserialize($deserializer)
        }

        fn tuple_variant<V: ::serde::de::Visitor<'de>>(
            $this,
            length: usize,
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            ::serde::Deserializer::deserialize_tuple($deserializer, length, visitor)
        }

        fn struct_variant<V: ::serde::de::Visitor<'de>>(
            $this,
            fields: &'static [&'static str],
            visitor: V,
        ) -> Result<V::Value, Self::Error> {
            ::serde::Deserializer::deserialize_struct($deserializer, "", fields, visitor)
        }
    };
}

pub(crate) use {
    deserialize_newtype_as_content, deserialize_variant_data, refuse_to_serialize,
    serialize_newtype_as_content, serialize_parts,
};
