//! The variants of a sweep: the cells of a grid, or a random sample of them, with their names.
//!
//! The list is computed lazily, so that a sample can be taken of a grid that is too large to list. A parameter that
//! is set both in a row and by an axis, or by two axes, is an error, because one of the two values would be lost.
//! A value from a range is drawn once for each try of a sample, independently of the other parameters. A range is
//! therefore no axis of the full grid.
//!
//! A value that is listed twice gives variants that are one instance, of which a warning tells. In a sample it is a
//! choice: the value is selected twice as often. So there is no warning, unless the sample is the whole grid.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use super::name::{self, CLIPPED, Given, Labels};
use super::sample;
use crate::flow::Flow;
use crate::plan::alias::source_id;
use crate::plan::param_value::param_value;
use crate::plan::sweep_error::SweepError;
use crate::plan::warning::Warning;
use crate::task::grid::{Axis, AxisValues, Cell, Grid, LIMIT, Row, SetBy};
use crate::task::param::{ParamId, full_name};
use crate::task::setting::Setting;
use crate::value::{Value, first_line, shortened};

/// The most values of one parameter that are warned about.
const LISTED: usize = 5;

/// The declaration of a sweep's variants.
#[derive(Clone, Default)]
pub(super) struct Space {
    pub(super) grid: Grid,
    pub(super) sample: Option<Sample>,
}

/// The number of variants to select at random, and the seed.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) count: usize,
    pub(super) seed: u64,
}

/// The variants of a sweep.
pub(super) struct Variants {
    pub(super) list: Vec<Variant>,
    pub(super) places: HashMap<String, usize>,
    /// The parameters that any of them sets, with their labels.
    pub(super) labels: Labels,
    /// Values that are given several times.
    pub(super) warnings: Vec<Warning>,
}

pub(super) struct Variant {
    pub(super) name: String,
    pub(super) setting: Setting,
    /// The variant as a flow, created when it is first requested.
    pub(super) flow: OnceLock<Box<Flow>>,
}

impl Space {
    /// Returns all variants, in order.
    pub(super) fn variants(&self) -> Result<Variants, SweepError> {
        self.check()?;
        let grid = &self.grid;
        let cells = match self.sample {
            None => all(grid)?,
            Some(sample) => sampled(grid, sample)?,
        };
        let labels = Labels::new(self.given());
        let mut list = Vec::with_capacity(cells.len());
        let (rows, axes) = (&grid.rows, &grid.axes);
        let mut warnings = Vec::new();
        // Each value of a whole grid is in some variant, and of several axes in many: it is converted once. A sample
        // has few of the values.
        let is_whole = grid.count() == Some(cells.len() as u128);
        let texts: Option<Vec<Vec<String>>> =
            is_whole.then(|| axes.iter().map(|axis| texts(axis, &labels, &mut warnings)).collect());
        let names = axes.is_empty().then(|| rows.iter().filter_map(|row| row.name.clone()));
        let mut names = name::Names::new(names.into_iter().flatten());
        for cell in cells {
            let setting = grid.setting(&cell);
            let row = rows.get(cell.0);
            let given = row.and_then(|row| row.name.clone());
            let is_given = given.is_some() && axes.is_empty();
            let of_row = || row.map(|row| labels.text(&row.setting)).unwrap_or_default();
            let mut parts = vec![given.unwrap_or_else(of_row)];
            parts.extend(axes.iter().enumerate().map(|(at, &Axis { task, place, .. })| {
                if let Some(texts) = &texts {
                    return texts[at][cell.1[at] as usize].clone();
                }
                let value = setting.typed(ParamId::new(task, place)).expect("set by the axis");
                labels.value_text(task, place, &**value)
            }));
            let name = names.name(parts, is_given);
            list.push(Variant { name, setting, flow: OnceLock::new() });
        }
        let names = list.iter().enumerate().map(|(place, variant)| (variant.name.clone(), place));
        Ok(Variants { places: names.collect(), list, labels, warnings })
    }

    /// Returns all parameters that any variant sets.
    fn given(&self) -> impl Iterator<Item = Given> {
        let Grid { rows, axes } = &self.grid;
        let typed = rows.iter().flat_map(|row| &row.setting.typed);
        let typed = typed.map(|&(task, place, _)| Given::Typed(task, place));
        let named = rows.iter().flat_map(|row| row.setting.named.keys());
        let axes = axes.iter().map(|axis| Given::Typed(axis.task, axis.place));
        typed.chain(named.map(|name| Given::Named(name.clone()))).chain(axes)
    }

    fn check(&self) -> Result<(), SweepError> {
        let Grid { rows, axes } = &self.grid;
        if rows.is_empty() && axes.is_empty() {
            return Err(SweepError::NoVariants);
        }
        // A missing `sample` is reported before anything else, because it is the most common mistake.
        let is_drawn = |axis: &&Axis| matches!(axis.values, AxisValues::Drawn(_));
        if let (None, Some(axis)) = (self.sample, axes.iter().find(is_drawn)) {
            return Err(SweepError::NotSampled { param: param(axis) });
        }
        if rows.len() > LIMIT {
            return Err(SweepError::TooLong { what: "settings".to_owned(), limit: LIMIT });
        }
        let mut names = HashSet::new();
        for name in rows.iter().filter_map(|row| row.name.as_deref()) {
            if name.trim().is_empty() {
                return Err(SweepError::EmptyName);
            }
            if !names.insert(name) {
                return Err(SweepError::SameName { name: name.to_owned() });
            }
        }
        // Parameters that are linked through `from` count as one parameter.
        if let Some((axis, by, (task, place))) = self.grid.set_twice(source_id) {
            let (param, other) = (param(axis), full_name(task, place));
            let by = match by {
                SetBy::Row(Row { name: Some(name), .. }) => {
                    format!("in the variant `{}`", first_line(name))
                }
                SetBy::Row(_) => "in a setting".to_owned(),
                SetBy::Axis => "value by value".to_owned(),
            };
            let places = match other == param {
                true => format!("{by}, and value by value"),
                false => format!("{by} as `{other}`, and value by value"),
            };
            return Err(SweepError::SetTwice { param, places });
        }
        for axis in axes {
            let param = param(axis);
            if rows.iter().any(|row| row.setting.named.contains_key(&param)) {
                let places = "by name, and value by value".to_owned();
                return Err(SweepError::SetTwice { param, places });
            }
            match &axis.values {
                AxisValues::Wrong { range, wrong } => {
                    return Err(SweepError::Range { param, range: range.clone(), wrong });
                }
                AxisValues::Listed(values) if values.is_empty() => {
                    return Err(SweepError::NoValues { param });
                }
                AxisValues::Listed(values) if values.len() > LIMIT => {
                    let what = format!("values for `{param}`");
                    return Err(SweepError::TooLong { what, limit: LIMIT });
                }
                AxisValues::Drawn(_) | AxisValues::Listed(_) => {}
            }
        }
        Ok(())
    }
}

fn param(axis: &Axis) -> String {
    full_name(axis.task, axis.place)
}

/// Returns the label and the text of each value of an axis, and adds a warning for each value that is listed several
/// times, the first few.
fn texts(axis: &Axis, labels: &Labels, warnings: &mut Vec<Warning>) -> Vec<String> {
    let AxisValues::Listed(values) = &axis.values else { return Vec::new() };
    let mut counts: BTreeMap<Value, usize> = BTreeMap::new();
    let mut texts = Vec::with_capacity(values.len());
    for value in values {
        // A value that cannot be converted has no key, and is an error of the plan.
        let value = param_value("", &axis.task.params[axis.place], &**value).ok();
        texts.push(labels.labeled(axis.task, axis.place, value.as_ref()));
        if let Some(value) = value {
            *counts.entry(value).or_default() += 1;
        }
    }
    let repeated = counts.into_iter().filter(|(_, times)| *times > 1).take(LISTED);
    warnings.extend(repeated.map(|(value, times)| Warning::EqualValues {
        parameter: param(axis),
        value: first_line(&shortened(&value.to_string(), CLIPPED)),
        times,
    }));
    texts
}

fn all(grid: &Grid) -> Result<Vec<Cell>, SweepError> {
    grid.all().map_err(|count| {
        let count = count.map_or_else(|| "innumerable".to_owned(), |count| count.to_string());
        SweepError::TooMany { count, limit: LIMIT }
    })
}

/// Returns some of the cells, each at most once, in the order of the grid; if an axis is drawn, in the order
/// in which they were drawn.
fn sampled(grid: &Grid, Sample { count, seed }: Sample) -> Result<Vec<Cell>, SweepError> {
    if count == 0 {
        return Err(SweepError::NoVariants);
    }
    if count > LIMIT {
        return Err(SweepError::TooMany { count: count.to_string(), limit: LIMIT });
    }
    let is_drawn = grid.axes.iter().any(|axis| axis.len().is_none());
    // A count that exceeds the integer type is larger than any sample.
    if !is_drawn && grid.count().is_some_and(|all| all <= count as u128) {
        return all(grid);
    }
    let mut seen = HashSet::new();
    let mut cells = Vec::with_capacity(count);
    for attempt in 0.. {
        if cells.len() == count {
            break;
        }
        let row = sample::place(sample::number_of_row(seed, attempt), grid.row_count());
        let at = grid.axes.iter().map(|axis| {
            let number = sample::number(seed, attempt, axis.task, axis.place);
            axis.len().map_or(number, |len| sample::place(number, len) as u64)
        });
        let cell: Cell = (row, at.collect());
        if is_drawn || seen.insert(cell.clone()) {
            cells.push(cell);
        }
    }
    if !is_drawn {
        cells.sort_unstable();
    }
    Ok(cells)
}
