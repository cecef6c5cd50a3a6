//! Values of metadata as JSON.

use std::any::type_name;

use serde::Serialize;

use crate::value::{self, Value};

/// Converts a metadata value to JSON, with numbers that JSON cannot represent as strings.
pub(crate) fn meta_to_json(value: &impl Serialize) -> anyhow::Result<serde_json::Value> {
    let value: Value = value::to_value(value)?;
    Ok(serde_json::to_value(&value)?)
}

/// Converts a metadata value from JSON to the requested type.
pub(crate) fn meta_from_json<V: serde::de::DeserializeOwned>(
    json: &serde_json::Value,
) -> anyhow::Result<V> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, F64Deserializer};

    let wrong = match V::deserialize(json) {
        Ok(value) => return Ok(value),
        Err(wrong) => wrong,
    };
    // NaN and the infinities are stored as strings.
    let number = json.as_str().and_then(|text| text.parse::<f64>().ok());
    if let Some(number) = number.filter(|number| !number.is_finite()) {
        let number: F64Deserializer<Error> = number.into_deserializer();
        if let Ok(value) = V::deserialize(number) {
            return Ok(value);
        }
    }
    anyhow::bail!("it is {json}, which is no `{}`: {wrong}", type_name::<V>())
}
