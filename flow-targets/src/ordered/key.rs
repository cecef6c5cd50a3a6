//! Sort keys: bytes in the order of the values, with numbers by size and texts by characters.

use std::fmt::{self, Display};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Ordered;
use crate::serde_methods::{serialize_newtype_as_content, serialize_parts};

/// Returns the bytes to sort a value by. They are empty if the value cannot be serialized, since
/// writing it fails, too.
pub(super) fn sort_key<T: Serialize>(value: &T) -> Vec<u8> {
    let mut key = Vec::new();
    match Ordered(value).serialize(Key(&mut key)) {
        Ok(()) => key,
        Err(Failed) => Vec::new(),
    }
}

/// The error if the `Serialize` impl of a value fails.
#[derive(Debug)]
struct Failed;

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be serialized")
    }
}

impl std::error::Error for Failed {}

impl serde::ser::Error for Failed {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

type Done = Result<(), Failed>;

/// The byte before each part of a value, and the one after the last part.
const PART: u8 = 1;
const END: u8 = 0;

struct Key<'a>(&'a mut Vec<u8>);

impl Key<'_> {
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.0.push(PART);
        value.serialize(Key(self.0))
    }

    fn parts(self) -> Result<Self, Failed> {
        Ok(self)
    }

    fn variant_parts(self, index: u32) -> Result<Self, Failed> {
        self.0.extend(index.to_be_bytes());
        Ok(self)
    }

    fn text(self, text: &[u8]) -> Done {
        for byte in text {
            self.0.push(*byte);
            if *byte == 0 {
                self.0.push(u8::MAX);
            }
        }
        self.0.extend([0, 0]);
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Done {
            self.serialize_i128(value.into())
        })*
    };
}

impl Serializer for Key<'_> {
    type Ok = ();
    type Error = Failed;

    serialize_parts! { Self }

    serialize_newtype_as_content! {}

    integers! {
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8,
        serialize_u16 u16, serialize_u32 u32, serialize_u64 u64,
    }

    fn serialize_i128(self, value: i128) -> Done {
        self.0.push(u8::from(value >= 0));
        self.0.extend(value.to_be_bytes());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Done {
        self.0.push(1);
        self.0.extend(value.to_be_bytes());
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Done {
        self.0.push(u8::from(value));
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Done {
        let bits = value.to_bits();
        let sorted = if value.is_sign_negative() { !bits } else { bits | 1 << 63 };
        self.0.extend(sorted.to_be_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Done {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Done {
        self.text(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.text(value)
    }

    fn serialize_none(self) -> Done {
        self.0.push(END);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Done {
        self.part(value)
    }

    fn serialize_unit(self) -> Done {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Done {
        self.0.extend(index.to_be_bytes());
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.0.extend(index.to_be_bytes());
        self.part(value)
    }
}

macro_rules! parts {
    ($($trait:ident $method:ident($($name:ty)?),)*) => {
        $(impl $trait for Key<'_> {
            type Ok = ();
            type Error = Failed;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Done {
                self.part(value)
            }

            fn end(self) -> Done {
                self.0.push(END);
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq serialize_element(),
    SerializeTuple serialize_element(),
    SerializeTupleStruct serialize_field(),
    SerializeTupleVariant serialize_field(),
    SerializeStruct serialize_field(&'static str),
    SerializeStructVariant serialize_field(&'static str),
}

impl SerializeMap for Key<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.part(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.part(value)
    }

    fn end(self) -> Done {
        self.0.push(END);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::sort_key;

    #[test]
    fn keys_sort_as_values_do() {
        fn sorted<T: serde::Serialize>(values: &[T]) {
            assert!(values.iter().map(sort_key).is_sorted());
            assert!(values.windows(2).all(|pair| sort_key(&pair[0]) != sort_key(&pair[1])));
        }
        sorted(&[i64::MIN, -1, 0, 9, 10, i64::MAX]);
        sorted(&[0, 1, u128::MAX]);
        sorted(&[f64::NEG_INFINITY, -1.5, -0.0, 0.0, 2.0, 10.0]);
        sorted(&["", "\0", "\0a", "a", "a\0", "aa", "b"]);
        sorted(&[("a", 2), ("a", 10), ("aa", 1)]);
        sorted(&[None, Some(-1), Some(1)]);
        sorted(&[vec![], vec![1], vec![1, 0], vec![2]]);
    }
}
