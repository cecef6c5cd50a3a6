//! Settings: parameter values that are given together, such as those of a variant of a sweep.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::task::param::{IntoParam, Param, ParamId, Parameter};
use crate::task::{Task, TaskType};
use crate::value::{self, AnyValue, Value};

/// Values of parameters, each with its task and the index of the parameter, each parameter at most once.
pub(crate) type Values = Vec<(&'static TaskType, usize, AnyValue)>;

/// A value given by name, or the reason why it cannot be converted.
pub(crate) type Named = Result<Value, String>;

/// Converts a user's value that is given by name.
pub(crate) fn named<T: Serialize>(value: &T) -> Named {
    value::to_value(value).map_err(|reason| reason.to_string())
}

/// Sets a parameter, and replaces an earlier value.
pub(crate) fn set<K: Task, V: Parameter>(values: &mut Values, key: Param<K, V>, value: AnyValue) {
    put(values, TaskType::of::<K>(), key.index(), value);
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
    pub fn with<K: Task, T: Parameter>(
        mut self,
        key: Param<K, T>,
        value: impl IntoParam<T>,
    ) -> Self {
        set(&mut self.typed, key, Arc::new(value.into_param()));
        self
    }

    /// Gives a value to the parameter of this name of every task, as
    /// [`Flow::with_named`](crate::Flow::with_named) does.
    #[must_use]
    pub fn with_named(mut self, name: &str, value: impl Serialize) -> Self {
        self.named.insert(name.to_owned(), named(&value));
        self
    }
}
