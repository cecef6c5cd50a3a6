//! Grids: how the declarations of a sweep are combined to a list of variants.
//!
//! A sweep has *rows*, which are named variants and other settings, and *axes*, which are parameters
//! with several values each. The variants are all combinations of a row with a value of each axis, whatever the order
//! of the calls that declared them; the row changes slowest, the last axis fastest. A parameter that is
//! set both in a row and by an axis, or by two axes, is an error, because one of the two values would be lost.
//!
//! The list is computed lazily, so that a sample can be taken of a grid that is too large to list. Ranges are drawn
//! once per try, and are no axis: a value that is drawn for one parameter is independent of the others.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::name::{self, Given, Labels};
use super::sample;
use crate::flow::Flow;
use crate::plan::sweep_error::SweepError;
use crate::plan::types::source;
use crate::task::TaskType;
use crate::task::setting;
use crate::task::setting::Setting;
use crate::value::AnyValue;
use crate::value::first_line;

/// The most variants of a sweep, and the most values of one of its parameters.
const LIMIT: usize = 1_000_000;

/// The most items taken from the user's iterators, which may be infinite: one more than the limit.
pub(super) const TAKEN: usize = LIMIT + 1;

/// The declarations of a sweep.
#[derive(Clone, Default)]
pub(super) struct Grid {
    pub(super) rows: Vec<Row>,
    pub(super) axes: Vec<Axis>,
    pub(super) sample: Option<Sample>,
}

/// A setting, with the name that the user gave it, if any.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: Option<String>,
    pub(super) setting: Setting,
}

/// A parameter, with the values that it takes.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) task: &'static TaskType,
    pub(super) place: usize,
    pub(super) values: Values,
}

#[derive(Clone)]
pub(super) enum Values {
    /// Each of these values.
    Listed(Vec<AnyValue>),
    /// A value from a range, computed from a random number.
    Drawn(Arc<dyn Fn(u64) -> AnyValue + Send + Sync>),
    /// No value: the range is invalid.
    Wrong { range: String, wrong: &'static str },
}

/// How many variants are drawn at random, and with which seed.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) count: usize,
    pub(super) seed: u64,
}

/// The variants of a sweep.
pub(super) struct Variants {
    /// The variants, in order.
    pub(super) list: Vec<Variant>,
    /// The index of each variant by its name.
    pub(super) places: HashMap<String, usize>,
    /// The parameters that any variant sets, with their labels.
    pub(super) labels: Labels,
}

/// One variant of a sweep.
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) setting: Setting,
    /// The variant as a flow, created when first needed.
    pub(super) flow: OnceLock<Box<Flow>>,
}

/// One combination: the index of a row and, for each axis, the index of a value or a random number to draw it with.
type Cell = (usize, Box<[u64]>);

impl Axis {
    /// Returns the parameter that the axis sets: the source of a chain of `from`.
    fn key(&self) -> (TypeId, usize) {
        let (task, place) = source(self.task, self.place);
        ((task.id)(), place)
    }

    fn param(&self) -> String {
        name::full(self.task, self.place)
    }

    fn value(&self, at: u64) -> AnyValue {
        match &self.values {
            Values::Listed(values) => Arc::clone(&values[at as usize]),
            Values::Drawn(draw) => draw(at),
            Values::Wrong { .. } => unreachable!("a range that is wrong was refused"),
        }
    }

    /// Returns the number of values; `None` if they are drawn from a range.
    fn len(&self) -> Option<usize> {
        match &self.values {
            Values::Listed(values) => Some(values.len()),
            Values::Drawn(_) | Values::Wrong { .. } => None,
        }
    }
}

impl Grid {
    /// Returns all variants, in order.
    ///
    /// # Errors
    ///
    /// The declarations are invalid, or give too many variants.
    pub(super) fn variants(&self) -> Result<Variants, SweepError> {
        self.check()?;
        let no_row = [Row { name: None, setting: Setting::default() }];
        let rows = if self.rows.is_empty() { &no_row[..] } else { &self.rows };
        let cells = match self.sample {
            None => self.all(rows.len())?,
            Some(sample) => self.sampled(rows.len(), sample)?,
        };
        let labels = Labels::new(self.given());
        let mut list = Vec::with_capacity(cells.len());
        let names = self.axes.is_empty().then(|| rows.iter().filter_map(|row| row.name.clone()));
        let mut names = name::Names::new(names.into_iter().flatten());
        for (row, at) in cells {
            let row = &rows[row];
            let mut setting = row.setting.clone();
            let mut parts = vec![row.name.clone().unwrap_or_else(|| labels.text(&row.setting))];
            for (axis, &at) in self.axes.iter().zip(&at) {
                let value = axis.value(at);
                parts.push(labels.value_text(axis.task, axis.place, &*value));
                setting::put(&mut setting.typed, axis.task, axis.place, value);
            }
            let is_given = row.name.is_some() && self.axes.is_empty();
            let name = names.name(parts, is_given);
            list.push(Variant { name, setting, flow: OnceLock::new() });
        }
        let names = list.iter().enumerate().map(|(place, variant)| (variant.name.clone(), place));
        Ok(Variants { places: names.collect(), list, labels })
    }

    /// Returns the parameters that any variant sets.
    fn given(&self) -> impl Iterator<Item = Given> {
        let typed = self.rows.iter().flat_map(|row| &row.setting.typed);
        let typed = typed.map(|&(task, place, _)| Given::Typed(task, place));
        let named = self.rows.iter().flat_map(|row| row.setting.named.keys());
        let axes = self.axes.iter().map(|axis| Given::Typed(axis.task, axis.place));
        typed.chain(named.map(|name| Given::Named(name.clone()))).chain(axes)
    }

    fn check(&self) -> Result<(), SweepError> {
        if self.rows.is_empty() && self.axes.is_empty() {
            return Err(SweepError::NoVariants);
        }
        if self.rows.len() > LIMIT {
            return Err(SweepError::TooLong { what: "settings".to_owned(), limit: LIMIT });
        }
        let mut names = HashSet::new();
        for name in self.rows.iter().filter_map(|row| row.name.as_deref()) {
            if name.trim().is_empty() {
                return Err(SweepError::EmptyName);
            }
            if !names.insert(name) {
                return Err(SweepError::SameName { name: name.to_owned() });
            }
        }
        // For each parameter, where it is set, and under which name.
        let mut set: BTreeMap<(TypeId, usize), (String, String)> = BTreeMap::new();
        for row in &self.rows {
            for (task, place, _) in &row.setting.typed {
                let by = row.name.as_deref().map(first_line);
                let by = by.map(|name| format!("in the variant `{name}`"));
                let by = by.unwrap_or_else(|| "in a setting".to_owned());
                let param = name::full(task, *place);
                let (task, place) = source(task, *place);
                set.entry(((task.id)(), place)).or_insert((by, param));
            }
        }
        for axis in &self.axes {
            let param = axis.param();
            let here = ("value by value".to_owned(), param.clone());
            if let Some((by, other)) = set.insert(axis.key(), here) {
                let places = match other == param {
                    true => format!("{by}, and value by value"),
                    // One parameter stands for the other, by `from`.
                    false => format!("{by} as `{other}`, and value by value"),
                };
                return Err(SweepError::SetTwice { param, places });
            }
            match &axis.values {
                Values::Wrong { range, wrong } => {
                    return Err(SweepError::Range { param, range: range.clone(), wrong });
                }
                Values::Drawn(_) if self.sample.is_none() => {
                    return Err(SweepError::NotSampled { param });
                }
                Values::Listed(values) if values.is_empty() => {
                    return Err(SweepError::NoValues { param });
                }
                Values::Listed(values) if values.len() > LIMIT => {
                    let what = format!("values for `{param}`");
                    return Err(SweepError::TooLong { what, limit: LIMIT });
                }
                Values::Drawn(_) | Values::Listed(_) => {}
            }
        }
        Ok(())
    }

    /// Returns the number of variants; `None` if a parameter is drawn from a range, or the number overflows.
    fn count(&self, rows: usize) -> Option<u128> {
        let mut lens = self.axes.iter().map(Axis::len);
        lens.try_fold(rows as u128, |count, len| count.checked_mul(len? as u128))
    }

    fn all(&self, rows: usize) -> Result<Vec<Cell>, SweepError> {
        let count = self.count(rows);
        let Some(count) = count.filter(|&count| count <= LIMIT as u128) else {
            let count = count.map_or_else(|| "innumerable".to_owned(), |count| count.to_string());
            return Err(SweepError::TooMany { count, limit: LIMIT });
        };
        let mut cells = Vec::with_capacity(count as usize);
        for row in 0..rows {
            let mut at = vec![0_u64; self.axes.len()].into_boxed_slice();
            loop {
                cells.push((row, at.clone()));
                // Count up, the last axis first.
                let next = (0..at.len()).rev().find(|&axis| {
                    let len = self.axes[axis].len().expect("the grid is finite") as u64;
                    at[axis] = (at[axis] + 1) % len;
                    at[axis] > 0
                });
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(cells)
    }

    /// Draws some of the combinations, in the order of the grid and each at most once.
    ///
    /// With values from a range, they are in the order in which they were drawn, and may repeat.
    fn sampled(
        &self,
        rows: usize,
        Sample { count, seed }: Sample,
    ) -> Result<Vec<Cell>, SweepError> {
        if count == 0 {
            return Err(SweepError::NoVariants);
        }
        if count > LIMIT {
            return Err(SweepError::TooMany { count: count.to_string(), limit: LIMIT });
        }
        let drawn = self.axes.iter().any(|axis| axis.len().is_none());
        // A count that overflows is more than the limit.
        if !drawn && self.count(rows).is_some_and(|all| all <= count as u128) {
            return self.all(rows);
        }
        let mut seen = HashSet::new();
        let mut cells = Vec::with_capacity(count);
        for attempt in 0.. {
            if cells.len() == count {
                break;
            }
            let row = sample::place(sample::number_of_row(seed, attempt), rows);
            let at = self.axes.iter().map(|axis| {
                let number = sample::number(seed, attempt, axis.task, axis.place);
                axis.len().map_or(number, |len| sample::place(number, len) as u64)
            });
            let cell: Cell = (row, at.collect());
            if drawn || seen.insert(cell.clone()) {
                cells.push(cell);
            }
        }
        if !drawn {
            cells.sort_unstable();
        }
        Ok(cells)
    }
}
