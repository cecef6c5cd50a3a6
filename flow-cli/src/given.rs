//! Values of parameters by name, from arguments and files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::CliError;

/// Values of parameters: by `c` for all tasks, or by `Fit.c` for one.
pub(crate) type Given = BTreeMap<String, serde_json::Value>;

/// Sets a value that takes precedence over earlier values.
///
/// A value for all tasks also replaces earlier values for a single task, because a flow would prefer those.
pub(crate) fn set(given: &mut Given, name: String, value: serde_json::Value) {
    if !name.contains('.') {
        given.retain(|other, _| other.rsplit_once('.').is_none_or(|(_, param)| param != name));
    }
    given.insert(name, value);
}

/// Returns values in the order in which [`set`] applies them: those for all tasks come first, so that they do not replace
/// the values for single tasks that were given beside them.
pub(crate) fn in_order<V>(
    values: impl IntoIterator<Item = (String, V)>,
) -> impl Iterator<Item = (String, V)> {
    let (of_tasks, of_all): (Vec<_>, Vec<_>) =
        values.into_iter().partition(|(name, _)| name.contains('.'));
    of_all.into_iter().chain(of_tasks)
}

/// Reads values of parameters from a TOML, JSON or YAML file.
pub(crate) fn read_params(path: &Path) -> Result<Given, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let value: serde_json::Value = match extension.as_str() {
        "json" => serde_json::from_str(&text).map_err(|error| wrong(path, &error))?,
        "toml" => {
            let value: toml::Table = toml::from_str(&text).map_err(|error| wrong(path, &error))?;
            serde_json::to_value(value).map_err(|error| wrong(path, &error))?
        }
        "yaml" | "yml" => yaml(path, &text)?,
        _ => return Err(wrong(path, &"the extension is none of `.toml`, `.json` and `.yaml`")),
    };
    let serde_json::Value::Object(entries) = value else {
        return Err(wrong(path, &"it is not an object whose keys are the names of parameters"));
    };
    Ok(flat(entries))
}

fn unreadable(path: &Path, error: &std::io::Error) -> CliError {
    let path = path.display();
    CliError::usage(format!("--params: cannot read the parameters in {path}: {error}"))
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> CliError {
    let path = path.display();
    CliError::usage(format!("--params: the parameters in {path} are wrong: {error}"))
}

#[cfg(feature = "yaml")]
fn yaml(path: &Path, text: &str) -> Result<serde_json::Value, CliError> {
    serde_saphyr::from_str(text).map_err(|error| wrong(path, &error))
}

#[cfg(not(feature = "yaml"))]
fn yaml(path: &Path, _text: &str) -> Result<serde_json::Value, CliError> {
    let why =
        "this program reads no YAML; build it with the feature `cli-yaml`, or write TOML or JSON";
    Err(wrong(path, &why))
}

/// Returns the values by the names of parameters. The table `[Train]` has values of one task.
pub(crate) fn flat(entries: impl IntoIterator<Item = (String, serde_json::Value)>) -> Given {
    let mut params = Given::new();
    for (name, value) in entries {
        match value {
            serde_json::Value::Object(inner)
                if flow_core::TaskInfo::named(&name).is_ok() && !inner.is_empty() =>
            {
                let inner = inner.into_iter();
                params.extend(inner.map(|(param, value)| (format!("{name}.{param}"), value)));
            }
            value => {
                params.insert(name, value);
            }
        }
    }
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_one_task_stays_beside_one_for_all_tasks() {
        let beside: Given = [("c".to_owned(), 1.into()), ("Fit.c".to_owned(), 2.into())].into();
        // `F` comes before `c`.
        let mut given: Given = [("Load.c".to_owned(), 0.into())].into();
        in_order(beside.clone()).for_each(|(name, value)| set(&mut given, name, value));
        assert_eq!(given, beside);
    }
}
