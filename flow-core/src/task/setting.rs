//! Settings: parameter values that are given together, such as those of a variant of a sweep.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::task::TaskType;
use crate::task::param::{IntoParam, ParamId, ParamKey, full_name};
use crate::value::{self, AnyValue, Value};

/// Values of parameters, each with its task and the index of the parameter, each parameter at most once.
pub(crate) type Values = Vec<(&'static TaskType, usize, AnyValue)>;

/// A value given by name, or the reason why it cannot be converted.
pub(crate) type Named = Result<Value, String>;

/// Converts a user's value that is given by name.
pub(crate) fn named<T: Serialize>(value: &T) -> Named {
    value::to_value(value).map_err(|reason| reason.to_string())
}

/// Converts a user's map or struct to values that are given by name.
///
/// # Errors
///
/// It is neither, or a key is not text: the message says what it is.
pub(crate) fn all_named<T: Serialize>(map: &T) -> Result<Vec<(String, Named)>, String> {
    let value = value::to_value(map).map_err(|reason| format!("it cannot be read: {reason}"))?;
    entries(&value)
}

fn entries(value: &Value) -> Result<Vec<(String, Named)>, String> {
    let entry = |(key, value): &(Value, Value)| match key {
        Value::Str(name) => Ok((name.to_string(), Ok(value.clone()))),
        Value::Char(name) => Ok((name.to_string(), Ok(value.clone()))),
        Value::UnitVariant(name) => Ok(((*name).to_owned(), Ok(value.clone()))),
        key => Err(format!("the key `{key}` is not text")),
    };
    let found = match value {
        Value::Struct(fields) => {
            let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Ok(value.clone())));
            return Ok(fields.collect());
        }
        Value::Map(entries) => return entries.iter().map(entry).collect(),
        Value::OrderedMap(entries) => return entries.iter().map(entry).collect(),
        Value::Some(value) => return entries(value),
        Value::None | Value::Unit => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Int(_) | Value::Float(_) => "a number",
        Value::Char(_) | Value::Str(_) => "text",
        Value::Bytes(_) => "bytes",
        Value::Seq(_) => "a list",
        Value::UnitVariant(_) | Value::Variant(_) => "a variant of an enum",
        Value::Secret(_) => "a secret",
    };
    Err(format!("it was given {found}"))
}

/// Sets a parameter, and replaces an earlier value.
pub(crate) fn set<P: ParamKey>(values: &mut Values, key: P, value: AnyValue) {
    put(values, TaskType::of::<P::Task>(), key.param().index(), value);
}

/// Sets a parameter whose type is not known, and replaces an earlier value.
pub(crate) fn put(values: &mut Values, task: &'static TaskType, place: usize, value: AnyValue) {
    values.retain(|(other, at, _)| ParamId::new(other, *at) != ParamId::new(task, place));
    values.push((task, place, value));
}

/// The values of parameters that define one variant of a [`Sweep`](crate::Sweep).
///
/// They are added to the values that the flow gives to all variants. A setting has only the methods of
/// [`Flow`](crate::Flow) that give values. Everything else, such as [`workers`](crate::Flow::workers), applies to
/// the whole sweep, and is set on the flow before the sweep is created.
#[derive(Clone, Default)]
pub struct Setting {
    pub(crate) typed: Values,
    pub(crate) named: BTreeMap<String, Named>,
}

impl Setting {
    /// Gives a value to a parameter of one task, as [`Flow::with`](crate::Flow::with) does.
    #[must_use]
    pub fn with<P: ParamKey>(mut self, key: P, value: impl IntoParam<P::Value>) -> Self {
        if !self.named.is_empty() {
            self.named.remove(&full_name(TaskType::of::<P::Task>(), key.param().index()));
        }
        set(&mut self.typed, key, Arc::new(value.into_param()));
        self
    }

    /// Gives a value to the parameter of this name of every task, or to that of one task, `Fit.c`, as
    /// [`Flow::with_named`](crate::Flow::with_named) does.
    #[must_use]
    pub fn with_named(mut self, name: &str, value: impl Serialize) -> Self {
        self.named.insert(name.to_owned(), named(&value));
        self
    }
}
