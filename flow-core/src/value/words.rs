//! Reads the text of a value that is given by name, as on a command line.
//!
//! The type of the parameter decides which of these functions reads its text. So a text for a `String`
//! is never parsed.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Int, Value, ValueError};

/// Reads a boolean, in any of the usual spellings.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Reads an integer: `3`, `1_000`, or with an exponent, `1e6`.
pub(super) fn integer(text: &str) -> Option<Int> {
    /// The largest integer of which an `f64` also has both neighbors.
    const EXACT: f64 = 9_007_199_254_740_991.0;

    let digits = without_underscores(text.trim())?;
    if let Ok(int) = digits.parse::<i128>() {
        return Some(int.into());
    }
    if let Ok(int) = digits.parse::<u128>() {
        return Some(int.into());
    }
    let float = digits.contains(['e', 'E']).then(|| digits.parse::<f64>().ok()).flatten()?;
    let is_exact = float.fract() == 0.0 && float.abs() <= EXACT;
    is_exact.then(|| (float as i128).into())
}

/// Reads an integer or a float: `0.5`, `1_000.5`, `1e-3`, `inf`, `NaN`.
pub(super) fn number(text: &str) -> Option<Value> {
    if let Some(int) = integer(text) {
        return Some(Value::Int(int));
    }
    let float = without_underscores(text.trim())?.parse::<f64>().ok()?;
    Some(Value::Float(float.into()))
}

/// Returns whether a text stands for an absent value: `none`, `null` in any case, or nothing.
pub(super) fn is_absent(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || text.eq_ignore_ascii_case("none") || text.eq_ignore_ascii_case("null")
}

/// Returns the content of a quoted text that would stand for an absent value without its quotes.
///
/// So `"none"` with the quotes is the text `none`, as it is shown in previews.
pub(super) fn quoted_absent(text: &str) -> Option<String> {
    let content = text.trim().strip_prefix('"')?.strip_suffix('"')?;
    is_absent(content).then(|| content.to_owned())
}

/// Reads a list: JSON, or items that are separated by commas, with or without brackets.
///
/// An empty text is an empty list.
pub(super) fn list(text: &str) -> Option<Result<Value, ValueError>> {
    let text = text.trim();
    let inside = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if inside.is_some() || text.starts_with('[') {
        let parsed = json(text);
        // A shell removes quotes: `["a", "b"]` may arrive as `[a, b]`.
        let is_plain = |items: &&str| parsed.is_err() && !items.contains(['"', '[', '{']);
        if let Some(items) = inside.filter(is_plain) {
            return Some(Ok(separated(items)));
        }
        return Some(parsed);
    }
    Some(Ok(separated(text)))
}

/// Reads a JSON object; `None` if the text does not start like one.
pub(super) fn object(text: &str) -> Option<Result<Value, ValueError>> {
    let text = text.trim();
    text.starts_with('{').then(|| json(text))
}

/// Reads a text for a type that takes values of any kind: a boolean, a number, or JSON.
pub(super) fn anything(text: &str) -> Option<Value> {
    if let Ok(truth) = text.parse() {
        return Some(Value::Bool(truth));
    }
    let is_json = || text.trim().starts_with(['{', '[']);
    number(text).or_else(|| is_json().then(|| json(text).ok()).flatten())
}

/// Returns the items of a list that are separated by commas.
fn separated(text: &str) -> Value {
    let items = text.split(',').map(|item| Value::Str(item.trim().into()));
    Value::Seq(if text.trim().is_empty() { Box::default() } else { items.collect() })
}

/// Reads JSON. The error does not quote the text, which may contain a secret.
fn json(text: &str) -> Result<Value, ValueError> {
    let invalid = |error: serde_json::Error| ValueError::Custom {
        message: format!("it is not valid JSON: {error}"),
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Json.deserialize(&mut reader).map_err(invalid)?;
    reader.end().map_err(invalid)?;
    Ok(value)
}

/// Reads any JSON. The entries of an object keep their order, which some types count.
#[derive(Clone, Copy)]
struct Json;

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Unit)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(i128::from(value).into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Int(i128::from(value).into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Str(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Value::Seq(all.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(entry) = entries.next_entry_seed(self, self)? {
            all.push(entry);
        }
        Value::ordered_map(all).map_err(de::Error::custom)
    }
}

/// Removes each `_` between two digits; `None` if there is another one.
fn without_underscores(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('_').collect();
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let is_between_digits =
        |pair: &[&str]| is_digit(pair[0].chars().next_back()) && is_digit(pair[1].chars().next());
    parts.windows(2).all(is_between_digits).then(|| parts.concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Float;

    #[test]
    fn numbers_have_separators_and_exponents() {
        let int = |text| integer(text).map(|int| int.to_string());
        assert_eq!(int("1_000").as_deref(), Some("1000"));
        assert_eq!(int(" -3 ").as_deref(), Some("-3"));
        assert_eq!(int("1e6").as_deref(), Some("1000000"));
        assert_eq!(int("1.5e3").as_deref(), Some("1500"));
        for text in ["", "_1", "1_", "1__0", "1.0", "1e-3", "1e300", "e", "0x10", "one"] {
            assert_eq!(int(text), None, "{text:?}");
        }
        assert_eq!(number("1_000.5"), Some(Value::Float(Float::from(1000.5_f64))));
        assert_eq!(number("1e-3"), Some(Value::Float(Float::from(0.001_f64))));
        assert_eq!(number("x"), None);
    }

    #[test]
    fn an_object_keeps_its_order() {
        let value = object(r#"{"b": 1, "a": [true, 0.5, "x"]}"#).expect("an object").expect("JSON");
        assert_eq!(value.to_string(), "{b: 1, a: [true, 0.5, x]}");
        assert!(object(r#"{"a": 1, "a": 2}"#).expect("an object").is_err());
        assert!(object(r#"{"a": 1} 2"#).expect("an object").is_err());
    }

    #[test]
    fn a_list_is_json_or_separated_by_commas() {
        let shown = |text| list(text).expect("a list").map(|value| value.to_string());
        for text in ["[a, b]", "a,b", r#"["a", "b"]"#, " a , b "] {
            assert_eq!(shown(text).as_deref(), Ok("[a, b]"), "{text:?}");
        }
        assert_eq!((shown(""), shown("[]")), (Ok("[]".to_owned()), Ok("[]".to_owned())));
        assert!(shown(r#"["a", b]"#).is_err() && shown("[1, [2, x]]").is_err());
        assert_eq!(shown("[[1], [2]]").as_deref(), Ok("[[1], [2]]"));
    }
}
