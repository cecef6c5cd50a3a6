//! Builders for the parameters of dynamically required tasks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cx;
use crate::task::Task;
use crate::task::error::RequireError;
use crate::task::input::Input;
use crate::task::param::{IntoParam, Param, Parameter};
use crate::task::setting::{Values, set};
use crate::value::AnyValue;

/// Values of parameters for a task that a running task requires, created by [`Cx::with`].
pub struct With<'a, T: Task> {
    pub(super) cx: &'a Cx<T>,
    pub(super) settings: Values,
}

impl<'a, T: Task> With<'a, T> {
    /// Sets a parameter of the required task, or of a task upstream of it.
    #[must_use]
    pub fn with<K: Task, V: Parameter>(
        mut self,
        key: Param<K, V>,
        value: impl IntoParam<V>,
    ) -> Self {
        set(&mut self.settings, key, Arc::new(value.into_param()));
        self
    }

    /// Sets a parameter to each of several values: see [`Cx::over`].
    pub fn over<K: Task, V: Parameter, I: IntoParam<V>>(
        self,
        key: Param<K, V>,
        values: impl IntoIterator<Item = I>,
    ) -> Over<'a, T> {
        Over { cx: self.cx, settings: vec![self.settings] }.over(key, values)
    }

    /// Adds a named setting of parameters: see [`Cx::variant`].
    pub fn variant(self, name: &str, set: impl FnOnce(Self) -> Self) -> Variants<'a, T> {
        Variants { base: self, settings: BTreeMap::new() }.variant(name, set)
    }

    /// Requires a task with these values, and waits for its output.
    ///
    /// # Errors
    ///
    /// As [`Cx::require`], and if neither the required task nor a task upstream of it has one of the parameters.
    pub fn require<A: Task>(self) -> Result<Input<A>, RequireError> {
        self.cx.require_all(vec![self.settings]).pop().expect("one result for one setting")
    }
}

/// Several settings for a task that a running task requires, created by [`Cx::over`].
pub struct Over<'a, T: Task> {
    cx: &'a Cx<T>,
    settings: Vec<Values>,
}

impl<T: Task> Over<'_, T> {
    /// Sets a parameter in all settings.
    #[must_use]
    pub fn with<K: Task, V: Parameter>(
        mut self,
        key: Param<K, V>,
        value: impl IntoParam<V>,
    ) -> Self {
        let value: AnyValue = Arc::new(value.into_param());
        self.settings.iter_mut().for_each(|settings| set(settings, key, Arc::clone(&value)));
        self
    }

    /// Combines each of the settings so far with each of several values of another parameter.
    ///
    /// The result is a grid, in which this parameter changes fastest.
    #[must_use]
    pub fn over<K: Task, V: Parameter, I: IntoParam<V>>(
        self,
        key: Param<K, V>,
        values: impl IntoIterator<Item = I>,
    ) -> Self {
        let value = |value: I| Arc::new(value.into_param()) as AnyValue;
        let values: Vec<_> = values.into_iter().map(value).collect();
        let settings = self.settings.iter().flat_map(|settings| {
            values.iter().map(|value| {
                let mut settings = settings.clone();
                set(&mut settings, key, Arc::clone(value));
                settings
            })
        });
        Self { settings: settings.collect(), cx: self.cx }
    }

    /// Requires a task with each of the settings, in order, and waits for all outputs.
    ///
    /// # Errors
    ///
    /// As [`Cx::require`], for the first instance without an output.
    pub fn require<A: Task>(self) -> Result<Vec<Input<A>>, RequireError> {
        self.require_each().into_iter().collect()
    }

    /// Requires a task with each of the settings, with a result for each.
    pub fn require_each<A: Task>(self) -> Vec<Result<Input<A>, RequireError>> {
        self.cx.require_all(self.settings)
    }
}

/// Several named settings for a task that a running task requires, created by [`Cx::variant`].
pub struct Variants<'a, T: Task> {
    base: With<'a, T>,
    settings: BTreeMap<String, Values>,
}

impl<'a, T: Task> Variants<'a, T> {
    /// Adds a setting, which replaces an earlier one of the same name.
    #[must_use]
    pub fn variant(mut self, name: &str, set: impl FnOnce(With<'a, T>) -> With<'a, T>) -> Self {
        let with = set(With { cx: self.base.cx, settings: self.base.settings.clone() });
        self.settings.insert(name.to_owned(), with.settings);
        self
    }

    /// Requires a task with each of the settings, and waits for all outputs.
    ///
    /// # Errors
    ///
    /// As [`Cx::require`], for the first instance without an output.
    pub fn require<A: Task>(self) -> Result<BTreeMap<String, Input<A>>, RequireError> {
        let required = self.require_each().into_iter();
        required.map(|(name, input)| Ok((name, input?))).collect()
    }

    /// Requires a task with each of the settings, with a result for each.
    pub fn require_each<A: Task>(self) -> BTreeMap<String, Result<Input<A>, RequireError>> {
        let (names, settings): (Vec<_>, Vec<_>) = self.settings.into_iter().unzip();
        names.into_iter().zip(self.base.cx.require_all(settings)).collect()
    }
}
