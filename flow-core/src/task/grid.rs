//! Grids: settings, combined with values of further parameters.
//!
//! A [`Grid`] has *rows*, which are settings with or without a name, and *axes*, which are parameters with
//! several values each. Its *cells* are all combinations of a row and a value of each axis: the row changes
//! slowest, the last axis fastest. [`Cx::over`](crate::Cx::over) and [`Cx::variant`](crate::Cx::variant) build a grid
//! for the dynamic requirements of a task; a [`Sweep`](crate::Sweep) builds one for its variants, and names its cells.

use std::collections::HashMap;
use std::sync::Arc;

use crate::task::param::{IntoParam, Param, ParamId, ParamKey};
use crate::task::setting::{self, Setting};
use crate::task::{Task, TaskType};
use crate::value::AnyValue;

/// The most cells that a grid may have, rows that are given, and values of an axis.
pub(crate) const LIMIT: usize = 1_000_000;

/// How many items of a list are taken, which may be endless: one more than it may have.
const TAKEN: usize = LIMIT + 1;

/// Settings and axes. Without rows, it has one row that sets nothing.
#[derive(Clone, Default)]
pub(crate) struct Grid {
    pub(crate) rows: Vec<Row>,
    pub(crate) axes: Vec<Axis>,
}

/// A setting, and its name if it was given one.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) name: Option<String>,
    pub(crate) setting: Setting,
}

/// A parameter, and the values that it takes.
#[derive(Clone)]
pub(crate) struct Axis {
    pub(crate) task: &'static TaskType,
    pub(crate) place: usize,
    pub(crate) values: AxisValues,
}

/// The values of an axis.
#[derive(Clone)]
pub(crate) enum AxisValues {
    /// One after the other.
    Listed(Vec<AnyValue>),
    /// The value that a random number stands for.
    Drawn(Arc<dyn Fn(u64) -> AnyValue + Send + Sync>),
    /// None, because the range is wrong.
    Wrong { range: String, wrong: &'static str },
}

/// The index of a row and, for each axis, the index of a value or, if it is drawn, a random number.
pub(crate) type Cell = (usize, Box<[u64]>);

impl Axis {
    /// An axis of a parameter and a list of values, which may be endless.
    pub(crate) fn listed<P: ParamKey, I: IntoParam<P::Value>>(
        key: P,
        values: impl IntoIterator<Item = I>,
    ) -> Self {
        let value = |value: I| Arc::new(value.into_param()) as AnyValue;
        let values = values.into_iter().take(TAKEN).map(value).collect();
        Self::new(key.param(), AxisValues::Listed(values))
    }

    pub(crate) fn new<K: Task, V>(key: Param<K, V>, values: AxisValues) -> Self {
        Self { task: TaskType::of::<K>(), place: key.index(), values }
    }

    /// Returns the value of a cell.
    pub(crate) fn value(&self, at: u64) -> AnyValue {
        match &self.values {
            AxisValues::Listed(values) => Arc::clone(&values[at as usize]),
            AxisValues::Drawn(draw) => draw(at),
            AxisValues::Wrong { .. } => unreachable!("a wrong range was refused"),
        }
    }

    /// Returns the number of values; `None` if they are drawn.
    pub(crate) fn len(&self) -> Option<usize> {
        match &self.values {
            AxisValues::Listed(values) => Some(values.len()),
            AxisValues::Drawn(_) | AxisValues::Wrong { .. } => None,
        }
    }
}

impl Row {
    /// Rows without names, one for each item of a list, which may be endless.
    pub(crate) fn each<I>(
        items: impl IntoIterator<Item = I>,
        set: impl Fn(Setting, I) -> Setting,
    ) -> impl Iterator<Item = Self> {
        let rows = items.into_iter().take(TAKEN).map(move |item| set(Setting::default(), item));
        rows.map(|setting| Self { name: None, setting })
    }
}

impl Grid {
    /// Returns the number of rows; 1 if none was added.
    pub(crate) fn row_count(&self) -> usize {
        self.rows.len().max(1)
    }

    /// Returns the number of cells; `None` if an axis is drawn, or no number is large enough.
    pub(crate) fn count(&self) -> Option<u128> {
        let mut lens = self.axes.iter().map(Axis::len);
        lens.try_fold(self.row_count() as u128, |count, len| count.checked_mul(len? as u128))
    }

    /// Returns all cells, in order.
    ///
    /// # Errors
    ///
    /// There are more than [`LIMIT`], or endlessly many: the [`count`](Self::count).
    pub(crate) fn all(&self) -> Result<Vec<Cell>, Option<u128>> {
        match self.count() {
            Some(count) if count <= LIMIT as u128 => Ok(self.cells().collect()),
            count => Err(count),
        }
    }

    /// Returns all cells, in order. No axis may be drawn.
    fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let lens: Option<Vec<u64>> =
            self.axes.iter().map(|axis| axis.len().map(|len| len as u64)).collect();
        let lens = lens.expect("no axis is drawn");
        let of_row = if lens.contains(&0) { 0 } else { lens.iter().product::<u64>() };
        (0..self.row_count()).flat_map(move |row| {
            let lens = lens.clone();
            (0..of_row).map(move |index| {
                let mut left = index;
                let mut at = vec![0; lens.len()].into_boxed_slice();
                for (at, len) in at.iter_mut().zip(&lens).rev() {
                    (*at, left) = (left % len, left / len);
                }
                (row, at)
            })
        })
    }

    /// Returns the setting of a cell: that of its row, and the value of each axis.
    pub(crate) fn setting(&self, (row, at): &Cell) -> Setting {
        let row = self.rows.get(*row);
        let mut setting = row.map(|row| row.setting.clone()).unwrap_or_default();
        for (axis, &at) in self.axes.iter().zip(at) {
            setting::put(&mut setting.typed, axis.task, axis.place, axis.value(at));
        }
        setting
    }

    /// Returns an axis whose parameter is set by an axis before it or by a row, with the task and the place that set
    /// it there.
    ///
    /// `identity` says which parameters are one.
    pub(crate) fn set_twice(
        &self,
        identity: impl Fn(&'static TaskType, usize) -> ParamId,
    ) -> Option<(&Axis, SetBy<'_>, (&'static TaskType, usize))> {
        let mut set = HashMap::new();
        for row in &self.rows {
            for &(task, place, _) in &row.setting.typed {
                set.entry(identity(task, place)).or_insert((SetBy::Row(row), (task, place)));
            }
        }
        self.axes.iter().find_map(|axis| {
            let here = (SetBy::Axis, (axis.task, axis.place));
            let (by, param) = set.insert(identity(axis.task, axis.place), here)?;
            Some((axis, by, param))
        })
    }
}

/// What sets a parameter.
#[derive(Clone, Copy)]
pub(crate) enum SetBy<'a> {
    Row(&'a Row),
    Axis,
}
