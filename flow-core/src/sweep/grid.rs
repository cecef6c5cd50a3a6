//! Grids: what the variants of a sweep are made of, and how they become a list.
//!
//! A sweep has *rows*, which are named variants and other settings, and *axes*, which are parameters
//! with several values each. The variants are all rows with all values of all axes; the row changes
//! slowest, the last axis fastest. They are made when somebody asks for them: a sample can be taken
//! of grids that nobody could write down.

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

/// How many variants a sweep can have, and how many values a parameter of it.
const LIMIT: usize = 1_000_000;

/// How many of a list are taken, which may have no end: one more than it may have.
pub(super) const TAKEN: usize = LIMIT + 1;

/// What the variants of a sweep are made of.
#[derive(Clone, Default)]
pub(super) struct Grid {
    pub(super) rows: Vec<Row>,
    pub(super) axes: Vec<Axis>,
    pub(super) sample: Option<Sample>,
}

/// A setting, and its name if it was given one.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: Option<String>,
    pub(super) setting: Setting,
}

/// A parameter, and the values that it takes.
#[derive(Clone)]
pub(super) struct Axis {
    pub(super) task: &'static TaskType,
    pub(super) place: usize,
    pub(super) values: Values,
}

#[derive(Clone)]
pub(super) enum Values {
    /// One after the other.
    Listed(Vec<AnyValue>),
    /// The one that a random number stands for.
    Drawn(Arc<dyn Fn(u64) -> AnyValue + Send + Sync>),
    /// There are none, for the range is wrong.
    Wrong { range: String, wrong: &'static str },
}

/// How many variants are tried, at random.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) count: usize,
    pub(super) seed: u64,
}

/// The variants of a sweep.
pub(super) struct Variants {
    pub(super) list: Vec<Variant>,
    pub(super) places: HashMap<String, usize>,
    /// The parameters that any of them gives, and what they are called.
    pub(super) labels: Labels,
}

pub(super) struct Variant {
    pub(super) name: String,
    pub(super) setting: Setting,
    /// What it is by itself, once somebody has asked.
    pub(super) flow: OnceLock<Box<Flow>>,
}

/// A row, and what each axis has: the place of a value or, if it is drawn, a random number.
type Cell = (usize, Box<[u64]>);

impl Axis {
    /// What it gives values to: parameters that are one through `from` are set as one.
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

    /// How many values it has; `None` if there is no end of them.
    fn len(&self) -> Option<usize> {
        match &self.values {
            Values::Listed(values) => Some(values.len()),
            Values::Drawn(_) | Values::Wrong { .. } => None,
        }
    }
}

impl Grid {
    /// All variants, in order.
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

    /// All that any variant gives.
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
        // Where each is set, and as which parameter.
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
                    // One parameter is the other through `from`.
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

    /// How many variants there are; `None` if there is no end of them, or no number for it.
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
                // As a counter does: the last place first.
                let next = (0..at.len()).rev().find(|&axis| {
                    let len = self.axes[axis].len().expect("a list") as u64;
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

    /// Some of them, each at most once, in the order of the grid; if there is no end of them, in that
    /// in which they were drawn.
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
        // What is no number is more than anybody draws.
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
