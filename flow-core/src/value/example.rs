//! Examples of how a value of a type is written as text.
//!
//! A type says what it consists of when it is read. So [`example`] reads a value of the type from a
//! [`Probe`], which returns whatever the type expects and writes it down as JSON. An example is returned
//! only if the type has accepted it.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, Visitor};
use serde_json::Value as Json;

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

/// The items of a list, of which `left` are still to be read.
struct Items<'a> {
    items: &'a mut Vec<Json>,
    left: usize,
    probe: &'a Probe<'a>,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = ValueError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.items.push(written);
        Ok(Some(value))
    }
}

/// The only entry of a map.
struct Entries<'a> {
    entries: &'a mut serde_json::Map<String, Json>,
    key: String,
    is_first: bool,
    probe: &'a Probe<'a>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        if !std::mem::replace(&mut self.is_first, false) {
            return Ok(None);
        }
        let mut written = Json::Null;
        let key = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.key = match written {
            Json::String(text) => text,
            json => json.to_string(),
        };
        Ok(Some(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.entries.insert(std::mem::take(&mut self.key), written);
        Ok(value)
    }
}

/// The fields of a struct that are still to be read.
struct Fields<'a> {
    entries: &'a mut serde_json::Map<String, Json>,
    fields: &'static [&'static str],
    probe: &'a Probe<'a>,
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = ValueError;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ValueError> {
        let name = self.fields.first().copied();
        name.map(|name| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let (name, rest) = self.fields.split_first().ok_or_else(none)?;
        self.fields = rest;
        let mut written = Json::Null;
        let value = seed.deserialize(self.probe.inner(&mut written)?)?;
        self.entries.insert((*name).to_owned(), written);
        Ok(value)
    }
}

/// The first variant of an enum.
struct Variant<'a> {
    name: &'static str,
    content: &'a mut Option<Json>,
    probe: &'a Probe<'a>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_> {
    type Error = ValueError;
    type Variant = Self;

    fn variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<(T::Value, Self), ValueError> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(self.name))?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(
        self,
        seed: T,
    ) -> Result<T::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        seed.deserialize(self.probe.inner(content)?)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        self.probe.inner(content)?.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let content = self.content.insert(Json::Null);
        self.probe.inner(content)?.deserialize_struct("", fields, visitor)
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
