//! Finds stored outputs by the name of a task and parameters.

use std::collections::BTreeMap;

use flow_core::{RecordedOutput, StoreError, StoredOutput};
use serde_json::Value;

/// Returns the outputs of a task that have these parameters, each with its record.
///
/// The program need not have the task. A parameter is named `c` or, of a task upstream, `Fit.c`; the task's own ones also
/// `Train.c`. A text matches a text, and any other value that it is the JSON of: `"4"` matches 4. Numbers are equal if their
/// values are, such as 1 and 1.0. Only parameters match that the record has: those that distinguish the instance. See the
/// [module](crate::inspect) for an example.
///
/// # Errors
///
/// The store cannot be read.
pub fn find_stored<'a>(
    outputs: &'a [StoredOutput],
    task: &str,
    parameters: &BTreeMap<String, Value>,
) -> Result<Vec<(&'a StoredOutput, RecordedOutput)>, StoreError> {
    let mut found = Vec::new();
    for output in outputs.iter().filter(|output| output.task == task) {
        if let Some(recorded) = output.recorded()?
            && parameters.iter().all(|(name, value)| fits(&recorded, task, name, value))
        {
            found.push((output, recorded));
        }
    }
    Ok(found)
}

/// Returns whether a recorded parameter has this value. A text counts as JSON, too.
fn fits(recorded: &RecordedOutput, task: &str, name: &str, value: &Value) -> bool {
    let own = name.strip_prefix(task).and_then(|rest| rest.strip_prefix('.'));
    let parameters = &recorded.parameters;
    let Some(there) = parameters.get(name).or_else(|| parameters.get(own?)) else { return false };
    let Some(text) = value.as_str() else { return is_same(there, value) };
    match there {
        Value::String(there) => there == text,
        there => serde_json::from_str(text).is_ok_and(|text| is_same(there, &text)),
    }
}

/// Returns whether two values are equal. As numbers, `1` and `1.0` are.
fn is_same(one: &Value, other: &Value) -> bool {
    use Value::{Array, Number, Object};

    match (one, other) {
        (Number(one), Number(other)) if one.is_f64() != other.is_f64() => {
            one.as_f64() == other.as_f64()
        }
        (Array(one), Array(other)) => {
            one.len() == other.len()
                && one.iter().zip(other).all(|(one, other)| is_same(one, other))
        }
        (Object(one), Object(other)) => {
            let has = |(name, one)| other.get(name).is_some_and(|other| is_same(one, other));
            one.len() == other.len() && one.iter().all(has)
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_equal_to_a_float() {
        for (one, other) in [
            (json!(1.0), json!(1)),
            (json!([1.0, {"c": 2}]), json!([1, {"c": 2.0}])),
            (json!(u64::MAX), json!(u64::MAX)),
        ] {
            assert!(is_same(&one, &other), "{one} {other}");
        }
        for (one, other) in [
            (json!(1.5), json!(1)),
            (json!(u64::MAX), json!(u64::MAX - 1)),
            (json!(true), json!(1)),
            (json!("1"), json!(1)),
            (json!([1]), json!([1, 2])),
            (json!({"c": 1}), json!({"d": 1})),
        ] {
            assert!(!is_same(&one, &other), "{one} {other}");
        }
    }
}
