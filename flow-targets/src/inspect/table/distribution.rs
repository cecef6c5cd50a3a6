//! How the values of a column are distributed: the number of distinct ones, and a histogram or the values with their counts.
//!
//! Both take one pass and bounded memory. The bins of a histogram have a power of two as their width, which doubles when the range of
//! the values has grown: a count stays exact, because two bins become one.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::display::displayable;

/// The number of distinct values up to which they are counted.
const MOST_DISTINCT: usize = 10_000;

/// The number of distinct values up to which their texts and counts are kept.
const MOST_VALUES: usize = 50;

/// The longest text of a value, in characters.
pub(super) const LONGEST: usize = 200;

/// The number of bins by which the range is divided. There may be two more.
const BINS: f64 = 31.0;

/// The exponent of the least width of a bin.
const LEAST: i32 = -1022;

/// The number of distinct values of a column.
///
/// It is printed as `12`, or as `more than 10000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distinct {
    /// There are exactly as many.
    Exactly(u64),
    /// There are more, which were not counted.
    MoreThan(u64),
}

impl fmt::Display for Distinct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::MoreThan(count) => write!(f, "more than {count}"),
        }
    }
}

/// A bin of a histogram: the number of values from `from` on that are less than `to`.
///
/// If all values are equal, there is one bin, and both ends are that value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HistogramBin {
    /// The least value that the bin may have, as text.
    pub from: String,
    /// The end of the bin, as text.
    pub to: String,
    /// The number of values.
    pub count: u64,
}

/// A value of a column, and how often it occurs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueCount {
    /// The value as text, at most its first 200 characters.
    pub value: String,
    /// The number of rows that have it.
    pub count: u64,
}

/// What is known of the values of a column after some of its batches.
pub(super) struct Distribution {
    kind: DataType,
    hasher: RandomState,
    /// How often each value occurs, by its hash; `None` if there are too many.
    counts: Option<HashMap<u64, u64>>,
    /// The text of each value, by its hash; `None` if there are too many, or if a histogram shows them.
    texts: Option<HashMap<u64, String>>,
    bins: Bins,
}

impl Distribution {
    pub(super) fn new(kind: &DataType) -> Self {
        let is_whole = kind.is_integer() || is_time(kind);
        let has_histogram = kind.is_numeric() || is_time(kind);
        Self {
            kind: kind.clone(),
            hasher: RandomState::new(),
            counts: Some(HashMap::new()),
            texts: (!has_histogram).then(HashMap::new),
            bins: Bins::new(if is_whole { 0 } else { LEAST }),
        }
    }

    /// Adds a value. `bytes` are equal for equal values, and `text` returns its text.
    pub(super) fn add_value(
        &mut self,
        bytes: &[u8],
        text: impl FnOnce() -> Result<String, ArrowError>,
    ) -> Result<(), ArrowError> {
        let Some(counts) = &mut self.counts else { return Ok(()) };
        let hash = self.hasher.hash_one(bytes);
        let count = counts.entry(hash).or_insert(0);
        *count += 1;
        if *count > 1 {
            return Ok(());
        }
        let distinct = counts.len();
        if distinct > MOST_DISTINCT {
            self.counts = None;
        }
        if distinct > MOST_VALUES {
            self.texts = None;
        }
        if let Some(texts) = &mut self.texts {
            texts.insert(hash, text()?);
        }
        Ok(())
    }

    /// Adds a number to the histogram. One that is not finite has no place in it.
    pub(super) fn add_number(&mut self, number: f64) {
        if number.is_finite() {
            self.bins.add(number);
        }
    }

    /// Returns whether the numbers of [`times`] belong to the histogram.
    pub(super) fn is_time(&self) -> bool {
        is_time(&self.kind)
    }

    pub(super) fn distinct(&self) -> Distinct {
        match &self.counts {
            Some(counts) => Distinct::Exactly(counts.len() as u64),
            None => Distinct::MoreThan(MOST_DISTINCT as u64),
        }
    }

    /// Returns the values and their counts, the most frequent first; none if there are too many, or if they have a histogram.
    pub(super) fn values(&mut self) -> Vec<ValueCount> {
        let (Some(counts), Some(texts)) = (&self.counts, self.texts.take()) else {
            return Vec::new();
        };
        let value = |(hash, value): (u64, String)| {
            let count = counts.get(&hash).copied().unwrap_or_default();
            ValueCount { value, count }
        };
        let mut values: Vec<_> = texts.into_iter().map(value).collect();
        values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        values
    }

    pub(super) fn histogram(&self) -> Vec<HistogramBin> {
        let bins = self.bins.all();
        let ends: Vec<f64> = bins.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
        let texts = match self.is_time() {
            true => time_texts(&ends, &self.kind),
            false => None,
        };
        let texts = texts.unwrap_or_else(|| ends.iter().map(|end| number_text(*end)).collect());
        let bin = |((_, _, count), ends): (&(f64, f64, u64), &[String])| HistogramBin {
            from: ends[0].clone(),
            to: ends[1].clone(),
            count: *count,
        };
        bins.iter().zip(texts.chunks_exact(2)).map(bin).collect()
    }
}

/// Returns whether values of a type are moments or durations in whole units.
fn is_time(kind: &DataType) -> bool {
    use DataType::{Date32, Date64, Duration, Time32, Time64, Timestamp};

    matches!(kind, Date32 | Date64 | Duration(_) | Time32(_) | Time64(_) | Timestamp(_, _))
}

/// Returns moments or durations as numbers of their units.
pub(super) fn times(values: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let units = match values.data_type() {
        DataType::Date32 | DataType::Time32(_) => {
            cast(&cast(values, &DataType::Int32)?, &DataType::Int64)?
        }
        _ => cast(values, &DataType::Int64)?,
    };
    cast(&units, &DataType::Float64)
}

/// Returns numbers of units as moments or durations; `None` if one of them is none.
fn time_texts(numbers: &[f64], kind: &DataType) -> Option<Vec<String>> {
    // A number beyond the range of the type becomes its limit.
    let units: ArrayRef = Arc::new(Int64Array::from_iter_values(numbers.iter().map(|n| *n as i64)));
    let units = match kind {
        DataType::Date32 | DataType::Time32(_) => cast(&units, &DataType::Int32).ok()?,
        _ => units,
    };
    let values = displayable(&cast(&units, kind).ok()?).ok()?;
    let options = FormatOptions::default();
    let formatter = ArrayFormatter::try_new(values.as_ref(), &options).ok()?;
    let texts = (0..numbers.len()).map(|at| match values.is_valid(at) {
        true => formatter.value(at).try_to_string().ok(),
        false => None,
    });
    texts.collect()
}

fn number_text(number: f64) -> String {
    match number {
        // A zero has no sign.
        0.0 => "0".to_owned(),
        _ if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        _ => format!("{number:?}"),
    }
}

/// Counts of numbers in bins of one width.
struct Bins {
    /// The least exponent of the width.
    least: i32,
    ends: Option<(f64, f64)>,
    /// The number of values while all are equal.
    equal: u64,
    /// The width is two to the power of it.
    exponent: i32,
    /// The counts by the ends of the bins, in units of the width.
    counts: BTreeMap<i64, u64>,
}

impl Bins {
    fn new(least: i32) -> Self {
        Self { least, ends: None, equal: 0, exponent: least, counts: BTreeMap::new() }
    }

    fn add(&mut self, number: f64) {
        let before = self.ends;
        let (min, max) =
            before.map_or((number, number), |(min, max)| (min.min(number), max.max(number)));
        self.ends = Some((min, max));
        if min == max {
            self.equal += 1;
            return;
        }
        let range = max - min;
        // The difference may be too large for a number, although the parts are not.
        let width = if range.is_finite() { range / BINS } else { max / BINS - min / BINS };
        let exponent = (width.log2().ceil() as i32).max(self.least);
        if self.counts.is_empty() {
            self.exponent = exponent;
            if let Some((value, _)) = before {
                self.counts.insert(self.place(value), self.equal);
            }
        } else if exponent > self.exponent {
            self.widen(exponent);
        }
        *self.counts.entry(self.place(number)).or_insert(0) += 1;
    }

    fn width(&self) -> f64 {
        2.0_f64.powi(self.exponent)
    }

    fn place(&self, number: f64) -> i64 {
        (number / self.width()).floor() as i64
    }

    fn widen(&mut self, exponent: i32) {
        let by = (exponent - self.exponent).min(63);
        let mut counts = BTreeMap::new();
        for (place, count) in std::mem::take(&mut self.counts) {
            *counts.entry(place >> by).or_insert(0) += count;
        }
        (self.counts, self.exponent) = (counts, exponent);
    }

    /// Returns all bins from the least to the greatest number, with their ends and counts.
    fn all(&self) -> Vec<(f64, f64, u64)> {
        let Some((value, _)) = self.ends else { return Vec::new() };
        let (Some((first, _)), Some((last, _))) =
            (self.counts.first_key_value(), self.counts.last_key_value())
        else {
            return vec![(value, value, self.equal)];
        };
        let width = self.width();
        let bin = |place: i64| {
            let count = self.counts.get(&place).copied().unwrap_or_default();
            (place as f64 * width, (place + 1) as f64 * width, count)
        };
        (*first..=*last).map(bin).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(least: i32, numbers: impl IntoIterator<Item = f64>) -> Vec<(f64, f64, u64)> {
        let mut bins = Bins::new(least);
        numbers.into_iter().for_each(|number| bins.add(number));
        bins.all()
    }

    #[test]
    fn the_width_of_bins_is_a_power_of_two_that_fits_the_range() {
        let whole = bins(0, (0..100).map(f64::from));
        let expected: Vec<_> =
            (0..25).map(|n| (f64::from(n * 4), f64::from(n * 4 + 4), 4)).collect();
        assert_eq!(whole, expected);
        // The order of the numbers does not matter.
        assert_eq!(bins(0, (0..100).rev().map(f64::from)), expected);
        assert_eq!(bins(0, [2.0, 0.0, 2.0]), [(0.0, 1.0, 1), (1.0, 2.0, 0), (2.0, 3.0, 2)]);
        let halves = bins(LEAST, [0.0, 3.0, 0.1]);
        assert_eq!(halves[0], (0.0, 0.125, 2));
        assert_eq!((halves.len(), halves[24]), (25, (3.0, 3.125, 1)));
    }

    #[test]
    fn equal_and_extreme_numbers_have_bins() {
        assert!(bins(LEAST, []).is_empty());
        assert_eq!(bins(LEAST, [0.5, 0.5]), [(0.5, 0.5, 2)]);
        let negative = bins(LEAST, [-1.0, -1.0, -0.25]);
        assert_eq!(negative.iter().map(|(_, _, count)| count).sum::<u64>(), 3);
        assert_eq!(negative[0], (-1.0, -0.96875, 2));
        for numbers in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1e15, 1e15 + 0.125], [-1e300, 1e-300]]
        {
            let bins = bins(LEAST, numbers);
            assert!(bins.len() <= 34, "{numbers:?}: {}", bins.len());
            assert_eq!(bins.iter().map(|(_, _, count)| count).sum::<u64>(), 2, "{numbers:?}");
        }
    }

    #[test]
    fn values_are_counted_until_there_are_too_many() {
        let mut few = Distribution::new(&DataType::Utf8);
        for value in ["b", "a", "b"] {
            few.add_value(value.as_bytes(), || Ok(value.to_owned())).expect("a text");
        }
        assert_eq!(few.distinct(), Distinct::Exactly(2));
        let values: Vec<_> = few.values().into_iter().map(|one| (one.value, one.count)).collect();
        assert_eq!(values, [("b".to_owned(), 2), ("a".to_owned(), 1)]);

        let mut many = Distribution::new(&DataType::Utf8);
        for value in 0..=MOST_DISTINCT {
            assert_eq!(many.distinct(), Distinct::Exactly(value as u64));
            many.add_value(&value.to_le_bytes(), || Ok(value.to_string())).expect("a text");
        }
        assert_eq!(many.distinct().to_string(), "more than 10000");
        assert!(many.values().is_empty());
    }

    #[test]
    fn the_bins_of_moments_are_moments() {
        let mut days = Distribution::new(&DataType::Date32);
        [0.0, 0.0, 1.0].into_iter().for_each(|day| days.add_number(day));
        let bins = days.histogram();
        assert_eq!((bins[0].from.as_str(), bins[0].to.as_str()), ("1970-01-01", "1970-01-02"));
        assert_eq!((bins[0].count, bins[1].count, bins.len()), (2, 1, 2));
        assert_eq!((number_text(-0.0), number_text(0.5)), ("0".to_owned(), "0.5".to_owned()));
    }
}
