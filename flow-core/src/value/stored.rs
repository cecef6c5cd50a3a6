//! Values as JSON that loses nothing and is read back.
//!
//! A record lists the parameters that were set for instances required while the task ran, so that
//! later plans can build these instances again. What JSON lacks is written as an object of one
//! field: `{"some": 1}`, `{"variant": "Gbm"}`, `{"float": "NaN"}`. A secret is not written to a record. Only
//! [`Value::to_sent`] writes it, for the memory of another process.

use std::collections::HashSet;
use std::sync::Mutex;

use serde_json::{Map, Value as Json, json};

use super::{Entries, Float, Int, Value};
use crate::value::secret::Secret;

/// Whether secrets are part of the JSON.
#[derive(Clone, Copy)]
enum Secrets {
    Refused,
    Exposed,
}

impl Value {
    /// Returns the value as JSON, or `None` if it contains a secret.
    pub(crate) fn to_stored(&self) -> Option<Json> {
        self.written(Secrets::Refused)
    }

    /// Returns the value as JSON with its secrets, for a process that computes with it.
    ///
    /// The JSON must not be written to a file or shown.
    pub(crate) fn to_sent(&self) -> Json {
        self.written(Secrets::Exposed).unwrap_or_default()
    }

    fn written(&self, secrets: Secrets) -> Option<Json> {
        let written = |value: &Self| value.written(secrets);
        Some(match self {
            Self::None => Json::Null,
            Self::Unit => json!({ "unit": null }),
            Self::Bool(value) => json!(value),
            Self::Int(int) => match (u64::try_from(*int), i64::try_from(*int)) {
                (Ok(value), _) => json!(value),
                (_, Ok(value)) => json!(value),
                _ => json!({ "int": int.to_string() }),
            },
            Self::Float(float) if float.get().is_finite() => json!(float.get()),
            Self::Float(float) => json!({ "float": float.get().to_string() }),
            Self::Char(value) => json!({ "char": value }),
            Self::Str(value) => json!(value),
            Self::Bytes(value) => json!({ "bytes": value }),
            Self::Some(value) => json!({ "some": written(value)? }),
            Self::Seq(items) => items.iter().map(written).collect::<Option<Vec<_>>>()?.into(),
            Self::Map(entries) => json!({ "map": written_entries(entries, secrets)? }),
            Self::OrderedMap(entries) => {
                json!({ "ordered_map": written_entries(entries, secrets)? })
            }
            Self::Struct(fields) => {
                let fields =
                    fields.iter().map(|(name, value)| Some(((*name).to_owned(), written(value)?)));
                json!({ "struct": Json::Object(fields.collect::<Option<Map<_, _>>>()?) })
            }
            Self::UnitVariant(name) => json!({ "variant": name }),
            Self::Variant(variant) => json!({ "variant": variant.0, "of": written(&variant.1)? }),
            Self::Secret(secret) => match secrets {
                Secrets::Refused => return None,
                Secrets::Exposed => json!({ "secret": written(secret.expose())? }),
            },
        })
    }

    /// Returns the value of such JSON, or `None` if it is invalid.
    pub(crate) fn from_stored(json: &Json) -> Option<Self> {
        Some(match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::String(text) => Self::Str(text.as_str().into()),
            Json::Array(items) => {
                Self::Seq(items.iter().map(Self::from_stored).collect::<Option<Vec<_>>>()?.into())
            }
            Json::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => Self::Int(Int::from(value)),
                (_, Some(value)) => Self::Int(Int::from(value)),
                _ => Self::Float(Float::from(number.as_f64()?)),
            },
            Json::Object(object) => Self::from_object(object)?,
        })
    }

    fn from_object(object: &Map<String, Json>) -> Option<Self> {
        if let Some(name) = object.get("variant") {
            let name = literal(name.as_str()?);
            return Some(match object.get("of") {
                None => Self::UnitVariant(name),
                Some(of) => Self::Variant(Box::new((name, Self::from_stored(of)?))),
            });
        }
        let (class, value) = object.iter().next().filter(|_| object.len() == 1)?;
        Some(match class.as_str() {
            "unit" => Self::Unit,
            "int" => {
                let text = value.as_str()?;
                match (text.parse::<u128>(), text.parse::<i128>()) {
                    (Ok(int), _) => Self::Int(Int::from(int)),
                    (_, Ok(int)) => Self::Int(Int::from(int)),
                    _ => return None,
                }
            }
            "float" => Self::Float(Float::from(value.as_str()?.parse::<f64>().ok()?)),
            "char" => {
                let mut text = value.as_str()?.chars();
                Self::Char(text.next().filter(|_| text.next().is_none())?)
            }
            "bytes" => {
                let bytes = value.as_array()?.iter().map(|byte| byte.as_u64()?.try_into().ok());
                Self::Bytes(bytes.collect::<Option<Vec<u8>>>()?.into())
            }
            "secret" => Self::Secret(Secret::new(Box::new(Self::from_stored(value)?))),
            "some" => Self::Some(Box::new(Self::from_stored(value)?)),
            "map" => Self::Map(Entries::new(entries_of(value)?).ok()?),
            "ordered_map" => Self::ordered_map(entries_of(value)?).ok()?,
            "struct" => {
                let fields = value.as_object()?.iter();
                let fields = fields.map(|(name, v)| Some((literal(name), Self::from_stored(v)?)));
                Self::Struct(Entries::new(fields.collect::<Option<_>>()?).ok()?)
            }
            _ => return None,
        })
    }
}

fn written_entries(entries: &[(Value, Value)], secrets: Secrets) -> Option<Vec<Json>> {
    let entry = |(key, value): &(Value, Value)| {
        Some(json!([key.written(secrets)?, value.written(secrets)?]))
    };
    entries.iter().map(entry).collect()
}

fn entries_of(json: &Json) -> Option<Vec<(Value, Value)>> {
    let entries = json.as_array()?.iter().map(|entry| match entry.as_array()?.as_slice() {
        [key, value] => Some((Value::from_stored(key)?, Value::from_stored(value)?)),
        _ => None,
    });
    entries.collect()
}

/// Returns the name of a field or variant as a literal. Each distinct name is leaked once.
fn literal(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);

    let mut names = NAMES.lock().expect("lock poisoned");
    let names = names.get_or_insert_default();
    match names.get(name) {
        Some(known) => known,
        None => {
            let new: &'static str = Box::leak(name.into());
            names.insert(new);
            new
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::value::secret::Secret;
    use crate::value::to_value;

    #[derive(serde::Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Box { width: u8, height: Option<i128> },
    }

    #[test]
    fn stored_values_are_read_back_unchanged() {
        let values = [
            to_value(&(1_u8, -1_i64, u128::MAX, i128::MIN, 1.0, -0.0, 0.1_f32, f64::NAN)),
            to_value(&(f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 'x', "text", true)),
            to_value(&(Some(Some(1)), None::<u8>, (), [[1], [2]], "{\"some\": 1}")),
            to_value(&BTreeMap::from([((1, 'a'), "b"), ((0, 'c'), "d")])),
            to_value(&BTreeMap::from([("struct", 1), ("some", 2)])),
            Value::ordered_map(vec![(Value::Unit, Value::None), (Value::None, Value::Unit)]),
            to_value(&[Shape::Point, Shape::Circle(0.5), Shape::Box { width: 1, height: None }]),
        ];
        for value in values {
            let value = value.expect("a value");
            let stored = value.to_stored().expect("it holds no secret").to_string();
            let read: Json = serde_json::from_str(&stored).expect("JSON");
            assert_eq!(Value::from_stored(&read), Some(value), "{stored}");
        }
    }

    #[test]
    fn a_secret_is_not_stored() {
        let value = to_value(&(1, Secret::new("hunter2".to_owned()))).expect("a value");
        assert_eq!(value.to_stored(), None);
    }

    #[test]
    fn invalid_json_is_none() {
        for text in [r#"{"some": 1, "of": 2}"#, r#"{"int": "x"}"#, r#"{"char": "ab"}"#, "{}"] {
            let json: Json = serde_json::from_str(text).expect("JSON");
            assert_eq!(Value::from_stored(&json), None, "{text}");
        }
    }
}
