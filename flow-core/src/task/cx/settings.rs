//! The settings of dynamic requirements: tasks that a task requires while it runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Cx;
use crate::task::error::{RequireError, RequireErrorKind};
use crate::task::grid::{Axis, Grid, LIMIT, Row};
use crate::task::input::Input;
use crate::task::param::{IntoParam, ParamId, ParamKey, full_name};
use crate::task::setting::{Setting, set};
use crate::task::{Task, TaskType};
use crate::value::AnyValue;

/// Values of parameters for a task that is required while another one runs. [`Cx::with`] returns it.
pub struct With<'a, T: Task> {
    pub(super) cx: &'a Cx<T>,
    pub(super) setting: Setting,
}

impl<'a, T: Task> With<'a, T> {
    /// Sets a parameter, of the task that is required or of one upstream of it.
    #[must_use]
    pub fn with<P: ParamKey>(mut self, key: P, value: impl IntoParam<P::Value>) -> Self {
        set(&mut self.setting.typed, key, Arc::new(value.into_param()));
        self
    }

    /// Sets a parameter to each of several values, to require one instance for each: see [`Cx::over`].
    pub fn over<P: ParamKey, I: IntoParam<P::Value>>(
        self,
        key: P,
        values: impl IntoIterator<Item = I>,
    ) -> Over<'a, T> {
        let rows = vec![Row { name: None, setting: self.setting }];
        Over { cx: self.cx, grid: Grid { rows, axes: Vec::new() } }.over(key, values)
    }

    /// Names a setting of several parameters: see [`Cx::variant`].
    pub fn variant(self, name: &str, set: impl FnOnce(Self) -> Self) -> Variants<'a, T> {
        Variants { base: self, rows: BTreeMap::new() }.variant(name, set)
    }

    /// Requires a task with these values, and waits for its output.
    ///
    /// # Errors
    ///
    /// As [`Cx::require`]; or a value reaches neither the task nor one upstream of it.
    pub fn require<A: Task>(self) -> Result<Input<A>, RequireError> {
        self.cx.require_all(vec![self.setting]).pop().expect("one result for one setting")
    }
}

/// A grid of settings for a task that is required while another one runs. [`Cx::over`] returns it.
pub struct Over<'a, T: Task> {
    cx: &'a Cx<T>,
    grid: Grid,
}

impl<T: Task> Over<'_, T> {
    /// Sets a parameter in all settings.
    #[must_use]
    pub fn with<P: ParamKey>(mut self, key: P, value: impl IntoParam<P::Value>) -> Self {
        let value: AnyValue = Arc::new(value.into_param());
        for row in &mut self.grid.rows {
            set(&mut row.setting.typed, key, Arc::clone(&value));
        }
        self
    }

    /// Combines each of the settings so far with each of these values of another parameter.
    ///
    /// The result is a grid, in which this parameter changes fastest.
    #[must_use]
    pub fn over<P: ParamKey, I: IntoParam<P::Value>>(
        mut self,
        key: P,
        values: impl IntoIterator<Item = I>,
    ) -> Self {
        self.grid.axes.push(Axis::listed(key, values));
        self
    }

    /// Requires a task with each of the settings, in order, and waits for all outputs.
    ///
    /// # Errors
    ///
    /// The same as [`Cx::require`], for the first setting that fails; or the settings are invalid: a parameter is set
    /// twice, or there are more than a million settings.
    pub fn require<A: Task>(self) -> Result<Vec<Input<A>>, RequireError> {
        self.require_each().into_iter().collect()
    }

    /// Requires a task with each of the settings, and returns an error for each output that is missing.
    ///
    /// If the settings themselves are invalid, the list contains that error alone.
    pub fn require_each<A: Task>(self) -> Vec<Result<Input<A>, RequireError>> {
        match self.settings() {
            Ok(settings) => self.cx.require_all(settings),
            Err(error) => {
                let setting = self.grid.rows.into_iter().next().unwrap_or_default().setting;
                self.cx.base.host.refuse(TaskType::of::<A>(), setting.typed);
                let instance = A::__decl().name.into_owned();
                vec![Err(RequireError { instance, kind: RequireErrorKind::Settings { error } })]
            }
        }
    }

    fn settings(&self) -> Result<Vec<Setting>, String> {
        if let Some((axis, ..)) = self.grid.set_twice(ParamId::new) {
            let param = full_name(axis.task, axis.place);
            return Err(format!("the parameter `{param}` is set twice"));
        }
        match self.grid.all() {
            Ok(cells) => Ok(cells.iter().map(|cell| self.grid.setting(cell)).collect()),
            Err(_) => Err(format!("there are more than {LIMIT} settings")),
        }
    }
}

/// Named settings for a task that is required while another one runs. [`Cx::variant`] returns it.
pub struct Variants<'a, T: Task> {
    base: With<'a, T>,
    rows: BTreeMap<String, Setting>,
}

impl<'a, T: Task> Variants<'a, T> {
    /// Adds a setting. If a name is used twice, the last setting counts.
    #[must_use]
    pub fn variant(mut self, name: &str, set: impl FnOnce(With<'a, T>) -> With<'a, T>) -> Self {
        let with = set(With { cx: self.base.cx, setting: self.base.setting.clone() });
        self.rows.insert(name.to_owned(), with.setting);
        self
    }

    /// Requires a task with each of the settings, and waits for all outputs.
    ///
    /// # Errors
    ///
    /// The same as [`Cx::require`], for the first setting that fails.
    pub fn require<A: Task>(self) -> Result<BTreeMap<String, Input<A>>, RequireError> {
        let required = self.require_each().into_iter();
        required.map(|(name, input)| Ok((name, input?))).collect()
    }

    /// Requires a task with each of the settings, and returns an error for each output that is missing.
    pub fn require_each<A: Task>(self) -> BTreeMap<String, Result<Input<A>, RequireError>> {
        let (names, settings): (Vec<_>, Vec<_>) = self.rows.into_iter().unzip();
        names.into_iter().zip(self.base.cx.require_all(settings)).collect()
    }
}
