//! Settings: values of parameters that are given together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::{Task, TaskType};
use crate::value::{self, AnyValue, Value};

/// Values of parameters, by task and place, each at most once.
pub(crate) type Values = Vec<(&'static TaskType, usize, AnyValue)>;

/// A value given by name, or why it cannot be one.
pub(crate) type Named = Result<Value, String>;

/// A value from outside the library, as it is given by name.
pub(crate) fn named<T: Serialize>(value: &T) -> Named {
    value::to_value(value).map_err(|reason| reason.to_string())
}

/// Sets a parameter; the last value counts.
pub(crate) fn set<K: Task, V: Parameter>(values: &mut Values, key: Param<K, V>, value: AnyValue) {
    put(values, TaskType::of::<K>(), key.index(), value);
}

/// The same, where the types are not known.
pub(crate) fn put(values: &mut Values, task: &'static TaskType, place: usize, value: AnyValue) {
    values.retain(|(other, at, _)| ((other.id)(), *at) != ((task.id)(), place));
    values.push((task, place, value));
}

/// The values of parameters that make one variant of a [`Sweep`](crate::Sweep), beside those that
/// the flow gives to all of them.
///
/// It has the methods of [`Flow`](crate::Flow) that give values, and no others: what else can be
/// said of a flow, such as [`workers`](crate::Flow::workers), is said of the whole sweep, before it
/// is made.
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
