//! Values as JSON in a record, for people and other programs.
//!
//! The JSON is never read back into values. It uses text for what JSON lacks: integers beyond 64
//! bits, floats that are not finite, bytes, and keys of maps. Variants are written as serde's
//! derive writes them. A secret is `***`.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::Value;
use super::text::Hex;
use crate::value::secret::HIDDEN;

/// Writes the JSON for records. There is no `Deserialize`. A secret is written as `***`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None | Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(int) => match (u64::try_from(*int), i64::try_from(*int)) {
                (Ok(value), _) => serializer.serialize_u64(value),
                (_, Ok(value)) => serializer.serialize_i64(value),
                _ => serializer.collect_str(int),
            },
            Self::Float(float) if !float.get().is_finite() => serializer.collect_str(float),
            Self::Float(float) => match float.narrow() {
                // The shortest digits of the `f32`: 0.1, and not 0.10000000149011612.
                Some(narrow) => {
                    serializer.serialize_f64(narrow.to_string().parse().unwrap_or(float.get()))
                }
                None => serializer.serialize_f64(float.get()),
            },
            Self::Char(value) => serializer.serialize_char(*value),
            Self::Str(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.collect_str(&Hex(value)),
            Self::Some(value) => value.serialize(serializer),
            Self::Seq(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(item))?;
                seq.end()
            }
            Self::Map(entries) => serialize_entries(entries, serializer),
            Self::OrderedMap(entries) => serialize_entries(entries, serializer),
            Self::Struct(fields) => serializer.collect_map(fields.iter().map(|(k, v)| (k, v))),
            Self::UnitVariant(name) => serializer.serialize_str(name),
            Self::Variant(variant) => {
                let (name, content) = &**variant;
                serializer.collect_map([(name, content)])
            }
            Self::Secret(_) => serializer.serialize_str(HIDDEN),
        }
    }
}

fn serialize_entries<S: Serializer>(
    entries: &[(Value, Value)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        match key {
            Value::Str(key) => map.serialize_entry(key, value)?,
            Value::Char(key) => map.serialize_entry(key, value)?,
            key => map.serialize_entry(&key.to_string(), value)?,
        }
    }
    map.end()
}
