//! Examples of how a value of a type is written as text.
//!
//! A type says what it consists of when it is read. So [`example`] reads a value of the type from a
//! [`Probe`], which returns whatever the type expects and writes it down as JSON. An example is returned
//! only if the type has accepted it.
//!
//! This file contains the probe; `compound` probes the parts of lists, maps, structs and enums.

mod compound;

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::Value as Json;

use self::compound::{Entries, Fields, Items, Variant};
use super::ValueError;

/// What a type that expects text may accept: any text, or a date or time.
const TEXTS: [&str; 7] = [
    "text",
    "2026-01-31",
    "2026-01-31T12:30:00",
    "2026-01-31T12:30:00Z",
    "2026-01-31T12:30:00Z[UTC]",
    "12:30:00",
    "PT1H30M",
];

/// The deepest nesting of an example, as a type may contain itself.
const MAX_DEPTH: usize = 8;

/// The longest example that fits into a message, in bytes.
const MAX_LENGTH: usize = 120;

/// Returns how a value of the type may be written as text, such as `0.5`, `true` or `[3]`.
pub(crate) fn example<T: DeserializeOwned>() -> Option<String> {
    let written = TEXTS.iter().find_map(|&text| {
        let mut written = Json::Null;
        T::deserialize(Probe { written: &mut written, text, depth: 0 }).ok()?;
        Some(written)
    });
    let text = match written? {
        Json::Null => return None,
        Json::String(text) => text,
        json => json.to_string(),
    };
    (text.len() <= MAX_LENGTH).then_some(text)
}

/// Returns what the type expects at one place, and writes it down.
struct Probe<'a> {
    written: &'a mut Json,
    /// The text to return where text is expected.
    text: &'static str,
    depth: usize,
}

impl Probe<'_> {
    /// Writes down a scalar.
    fn write(self, json: impl Into<Json>) {
        *self.written = json.into();
    }

    /// Goes on to what an option or a transparent type holds, at the same place.
    fn content(self) -> Result<Self, ValueError> {
        match self.depth < MAX_DEPTH {
            true => Ok(Self { depth: self.depth + 1, ..self }),
            false => Err(none()),
        }
    }

    /// Starts a list or an object.
    fn inner<'b>(&self, written: &'b mut Json) -> Result<Probe<'b>, ValueError> {
        match self.depth < MAX_DEPTH {
            true => Ok(Probe { written, text: self.text, depth: self.depth + 1 }),
            false => Err(none()),
        }
    }
}

/// The error that ends a probe: there is no example.
fn none() -> ValueError {
    ValueError::Custom { message: "there is no example".to_owned() }
}

/// Defines methods that return a fixed value.
macro_rules! fixed {
    ($($method:ident => $visit:ident($value:expr);)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            self.write($value);
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ValueError;

    fixed! {
        deserialize_bool => visit_bool(true);
        deserialize_i8 => visit_i8(3);
        deserialize_i16 => visit_i16(3);
        deserialize_i32 => visit_i32(3);
        deserialize_i64 => visit_i64(3);
        deserialize_u8 => visit_u8(3);
        deserialize_u16 => visit_u16(3);
        deserialize_u32 => visit_u32(3);
        deserialize_u64 => visit_u64(3);
        deserialize_f32 => visit_f32(0.5);
        deserialize_f64 => visit_f64(0.5);
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.write("a");
        visitor.visit_char('a')
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let text = self.text;
        self.write(text);
        visitor.visit_borrowed_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_some(self.content()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self.content()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_tuple(1, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let mut items = Vec::new();
        let value = visitor.visit_seq(Items { items: &mut items, left: length, probe: &self })?;
        self.write(items);
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let mut entries = serde_json::Map::new();
        let access =
            Entries { entries: &mut entries, key: String::new(), is_first: true, probe: &self };
        let value = visitor.visit_map(access)?;
        self.write(entries);
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let mut entries = serde_json::Map::new();
        let access = Fields { entries: &mut entries, fields, probe: &self };
        let value = visitor.visit_map(access)?;
        self.write(entries);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let name = *variants.first().ok_or_else(none)?;
        let mut content = None;
        let value = visitor.visit_enum(Variant { name, content: &mut content, probe: &self })?;
        match content {
            None => self.write(name),
            Some(content) => {
                let entry = [(name.to_owned(), content)];
                self.write(serde_json::Map::<String, Json>::from_iter(entry));
            }
        }
        Ok(value)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(none())
    }

    serde::forward_to_deserialize_any! {
        bytes byte_buf unit unit_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;

    use jiff::civil::Date;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "an example is read, and then dropped")]
    enum Kernel {
        Poly { degree: u8, scale: Option<f64> },
        Linear,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "an example is read, and then dropped")]
    struct Chain(Option<Box<Chain>>);

    #[test]
    fn a_type_that_contains_itself_without_end_has_no_example() {
        assert_eq!(example::<Chain>(), None);
    }

    #[test]
    fn an_example_is_what_the_type_accepts() {
        assert_eq!(example::<u8>().as_deref(), Some("3"));
        assert_eq!(example::<Option<f32>>().as_deref(), Some("0.5"));
        assert_eq!(example::<bool>().as_deref(), Some("true"));
        assert_eq!(example::<PathBuf>().as_deref(), Some("text"));
        assert_eq!(example::<Date>().as_deref(), Some("2026-01-31"));
        assert_eq!(example::<Vec<i64>>().as_deref(), Some("[3]"));
        assert_eq!(example::<BTreeMap<u8, bool>>().as_deref(), Some(r#"{"3":true}"#));
        let poly = r#"{"Poly":{"degree":3,"scale":0.5}}"#;
        assert_eq!(example::<Kernel>().as_deref(), Some(poly));
        assert_eq!(example::<()>(), None);
        assert_eq!(example::<serde_json::Value>(), None);
    }
}
