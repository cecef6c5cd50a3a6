//! Statistics of the columns of a table, in one pass over its rows, or over the first of them.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::bounded::Bounded;
use super::contained;
use super::distribution::{Distinct, Distribution, HistogramBin, LONGEST, ValueCount, times};
use super::limits::ReadLimits;
use super::rows::beginning;
use crate::display::displayable;
use crate::inspect::{InspectError, OutputFile};

/// Statistics of the columns of a table, returned by [`OutputFile::statistics`] and [`OutputFile::statistics_within`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TableStatistics {
    /// The number of rows that were read.
    pub rows: u64,
    /// The number of all rows, if it is known.
    pub total: Option<u64>,
    /// Whether all rows were read.
    pub is_whole: bool,
    /// The statistics of each column that was read.
    pub columns: Vec<ColumnStatistics>,
}

/// Statistics of the values of a column that are not missing, in the rows that were read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnStatistics {
    /// The name of the column.
    pub name: String,
    /// The type in Arrow, such as `Float64`.
    pub kind: String,
    /// The number of missing values.
    pub nulls: u64,
    /// The least value that is not NaN, as text; `None` if there is none, or if values of the type have no order.
    pub min: Option<String>,
    /// The greatest value that is not NaN, as text; `None` as for `min`.
    pub max: Option<String>,
    /// The mean of numbers.
    pub mean: Option<f64>,
    /// The standard deviation of the sample; `None` for less than two numbers.
    pub std: Option<f64>,
    /// Whether `nulls`, `min` and `max` are of all rows, even if not all were read: the metadata of a Parquet file may have
    /// them.
    pub is_of_all_rows: bool,
    /// The number of distinct values, which [`statistics_within`](OutputFile::statistics_within) counts; `None` for types such as
    /// lists.
    pub distinct: Option<Distinct>,
    /// The histogram of numbers, dates and times, from [`statistics_within`](OutputFile::statistics_within). It has at most 34 bins
    /// of one width, which is a power of two. Infinities and NaN have no place in it.
    pub histogram: Vec<HistogramBin>,
    /// The values of other types and how often they occur, the most frequent first, from
    /// [`statistics_within`](OutputFile::statistics_within); empty if there are more than 50.
    pub values: Vec<ValueCount>,
}

impl OutputFile {
    /// Reads all rows of a table, and returns the statistics of its columns.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn statistics(&self) -> Result<TableStatistics, InspectError> {
        contained(self.path(), || {
            let batches = Bounded::new(self.batches()?, u64::MAX);
            statistics(self, batches, false)
        })
    }

    /// Reads a table within limits, and returns the statistics of its columns, with distinct values and histograms.
    ///
    /// The types of the columns of a CSV file are those of the rows that are read. If a Parquet file has more rows, `nulls`, `min`
    /// and `max` come from its metadata, and are those of all rows, as far as the metadata has them.
    ///
    /// # Errors
    ///
    /// The file is not a table, or cannot be read.
    pub fn statistics_within(&self, limits: &ReadLimits) -> Result<TableStatistics, InspectError> {
        contained(self.path(), || {
            let opening = limits.opening(u64::MAX, false);
            let batches = Bounded::new(self.open_table(&opening)?, limits.bytes());
            let statistics = statistics(self, batches, true)?;
            #[cfg(feature = "parquet")]
            let statistics = super::metadata::completed(self, &opening, statistics)?;
            Ok(statistics)
        })
    }
}

fn statistics(
    file: &OutputFile,
    mut batches: Bounded,
    is_detailed: bool,
) -> Result<TableStatistics, InspectError> {
    let schema = batches.batches().schema().clone();
    let total = batches.batches().total();
    let damaged = |error: ArrowError| InspectError::damaged(file.path(), error);
    let columns = schema.fields().iter();
    let columns = columns.map(|field| Accumulator::new(field.data_type(), is_detailed));
    let mut columns = columns.collect::<Result<Vec<_>, _>>().map_err(damaged)?;
    while let Some(batch) = batches.read_batch()? {
        for (column, values) in columns.iter_mut().zip(batch.columns()) {
            column.add(values).map_err(damaged)?;
        }
    }
    let fields = schema.fields().iter().zip(columns);
    let columns = fields.map(|(field, column)| {
        let (name, kind) = (field.name().clone(), field.data_type().to_string());
        column.finish(name, kind)
    });
    let columns = columns.collect();
    let (rows, is_whole) = (batches.read(), batches.is_whole());
    Ok(TableStatistics { rows, total: total.or(is_whole.then_some(rows)), is_whole, columns })
}

/// What is known of a column after some of its batches.
pub(super) struct Accumulator {
    /// Converts values so that they can be compared; `None` if values of the type have no order.
    order: Option<RowConverter>,
    /// The least and the greatest value, each with its text.
    ends: Option<[(OwnedRow, String); 2]>,
    is_number: bool,
    count: u64,
    nulls: u64,
    mean: f64,
    /// The sum of the squared distances to the mean.
    squares: f64,
    /// The sum of the infinities and NaNs; `None` if there were none. They are not part of `mean` and `squares`.
    not_finite: Option<f64>,
    /// `None` if it was not asked for.
    distribution: Option<Distribution>,
}

impl Accumulator {
    pub(super) fn new(kind: &DataType, is_detailed: bool) -> Result<Self, ArrowError> {
        let field = SortField::new(kind.clone());
        let has_order =
            !kind.is_nested() && RowConverter::supports_fields(std::slice::from_ref(&field));
        let order = has_order.then(|| RowConverter::new(vec![field])).transpose()?;
        let is_number = kind.is_numeric();
        let distribution = (is_detailed && order.is_some()).then(|| Distribution::new(kind));
        Ok(Self {
            order,
            ends: None,
            is_number,
            count: 0,
            nulls: 0,
            mean: 0.0,
            squares: 0.0,
            not_finite: None,
            distribution,
        })
    }

    pub(super) fn add(&mut self, values: &ArrayRef) -> Result<(), ArrowError> {
        let nulls = values.logical_null_count() as u64;
        self.nulls += nulls;
        let numbers = self.is_number.then(|| cast(values, &DataType::Float64)).transpose()?;
        let numbers = numbers.as_ref().map(|numbers| numbers.as_primitive::<Float64Type>());
        self.add_values(values, numbers)?;
        for number in numbers.into_iter().flatten().flatten() {
            self.add_number(number);
        }
        self.add_times(values)
    }

    /// Adds moments and durations to the histogram.
    fn add_times(&mut self, values: &ArrayRef) -> Result<(), ArrowError> {
        let Some(distribution) = self.distribution.as_mut().filter(|one| one.is_time()) else {
            return Ok(());
        };
        let numbers = times(values)?;
        for number in numbers.as_primitive::<Float64Type>().into_iter().flatten() {
            distribution.add_number(number);
        }
        Ok(())
    }

    /// Adds a number, by Welford's method, which loses no precision if the mean is large.
    fn add_number(&mut self, number: f64) {
        if let Some(distribution) = &mut self.distribution {
            distribution.add_number(number);
        }
        if !number.is_finite() {
            self.not_finite = Some(self.not_finite.unwrap_or_default() + number);
            return;
        }
        self.count += 1;
        let distance = number - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (number - self.mean);
    }

    /// Adds the least and the greatest value, and counts distinct ones.
    ///
    /// `numbers` are the values as numbers, if they are numbers. NaN has no place in their order: its sign, which depends on
    /// the processor, would decide whether it is the least or the greatest.
    fn add_values(
        &mut self,
        values: &ArrayRef,
        numbers: Option<&Float64Array>,
    ) -> Result<(), ArrowError> {
        let Some(order) = &self.order else { return Ok(()) };
        let rows = order.convert_columns(&[ArrayRef::clone(values)])?;
        let nulls = values.logical_nulls();
        let options = FormatOptions::default();
        let shown = displayable(values)?;
        let formatter = ArrayFormatter::try_new(shown.as_ref(), &options)?;
        if let Some(distribution) = &mut self.distribution {
            let is_valid = |at: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*at));
            for at in (0..values.len()).filter(is_valid) {
                let text = || beginning(&formatter.value(at), LONGEST);
                let row = rows.row(at);
                let bytes = match numbers.map(|numbers| numbers.value(at)) {
                    // Zero is one value, and so is NaN, whatever its sign.
                    Some(0.0) => b"0".as_slice(),
                    Some(number) if number.is_nan() => b"NaN".as_slice(),
                    _ => row.as_ref(),
                };
                distribution.add_value(bytes, text)?;
            }
        }
        let is_nan = |at: usize| numbers.is_some_and(|numbers| numbers.value(at).is_nan());
        let is_value =
            |at: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*at)) && !is_nan(*at);
        let places = || (0..values.len()).filter(is_value);
        let by_value = |a: &usize, b: &usize| rows.row(*a).cmp(&rows.row(*b));
        let (Some(least), Some(greatest)) = (places().min_by(by_value), places().max_by(by_value))
        else {
            return Ok(());
        };
        let end = |at: usize| {
            Ok::<_, ArrowError>((rows.row(at).owned(), formatter.value(at).try_to_string()?))
        };
        let [least, greatest] = [end(least)?, end(greatest)?];
        self.ends = Some(match self.ends.take() {
            None => [least, greatest],
            Some([min, max]) => [
                if least.0 < min.0 { least } else { min },
                if greatest.0 > max.0 { greatest } else { max },
            ],
        });
        Ok(())
    }

    pub(super) fn finish(mut self, name: String, kind: String) -> ColumnStatistics {
        let [min, max] = match self.ends {
            Some([(_, min), (_, max)]) => [Some(min), Some(max)],
            None => [None, None],
        };
        let (mean, std) = match self.not_finite {
            // Infinities of both signs have no mean, and no infinity has a finite distance to it.
            Some(sum) => (Some(sum), Some(f64::NAN)),
            None => (
                (self.count > 0).then_some(self.mean),
                (self.count > 1).then(|| (self.squares / (self.count - 1) as f64).sqrt()),
            ),
        };
        let distribution = self.distribution.as_mut();
        let (distinct, histogram, values) = match distribution {
            Some(one) => (Some(one.distinct()), one.histogram(), one.values()),
            None => (None, Vec::new(), Vec::new()),
        };
        ColumnStatistics {
            name,
            kind,
            nulls: self.nulls,
            min,
            max,
            mean,
            std,
            is_of_all_rows: false,
            distinct,
            histogram,
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        Decimal128Array, DictionaryArray, NullArray, StringArray, TimestampMicrosecondArray,
    };
    use arrow::datatypes::Int32Type;

    use super::*;

    /// Returns the least and the greatest value, the mean and the deviation of batches.
    fn of(batches: &[ArrayRef]) -> (Option<String>, Option<String>, String, String) {
        let kind = batches[0].data_type();
        let mut column = Accumulator::new(kind, true).expect("an order");
        batches.iter().for_each(|batch| column.add(batch).expect("statistics"));
        let one = column.finish("x".to_owned(), kind.to_string());
        (one.min, one.max, text(one.mean), text(one.std))
    }

    /// Returns a number with six significant digits.
    fn text(value: Option<f64>) -> String {
        let Some(value) = value else { return String::new() };
        let rounded: f64 = format!("{value:.5e}").parse().expect("a number");
        format!("{rounded:?}")
    }

    fn floats(values: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn all(
        min: &str,
        max: &str,
        mean: &str,
        std: &str,
    ) -> (Option<String>, Option<String>, String, String) {
        (Some(min.to_owned()), Some(max.to_owned()), mean.to_owned(), std.to_owned())
    }

    #[test]
    fn nan_of_any_sign_is_neither_the_least_nor_the_greatest() {
        for nan in [f64::NAN, -f64::NAN] {
            let expected = all("1.0", "3.0", "NaN", "NaN");
            assert_eq!(of(&[floats(&[nan, 3.0]), floats(&[1.0, nan])]), expected);
        }
        let none = (None, None, "NaN".to_owned(), "NaN".to_owned());
        assert_eq!(of(&[floats(&[f64::NAN])]), none);
    }

    #[test]
    fn zeros_and_nans_of_both_signs_are_one_distinct_value_each() {
        let mut column = Accumulator::new(&DataType::Float64, true).expect("an order");
        column.add(&floats(&[0.0, -0.0, f64::NAN, -f64::NAN, 1.0])).expect("statistics");
        let one = column.finish("x".to_owned(), String::new());
        assert_eq!(one.distinct, Some(Distinct::Exactly(3)));
        // NaN has no place in the histogram.
        assert_eq!(one.histogram.iter().map(|bin| bin.count).sum::<u64>(), 3);
    }

    #[test]
    fn an_infinity_is_the_mean() {
        assert_eq!(of(&[floats(&[f64::INFINITY, 1.0])]), all("1.0", "inf", "inf", "NaN"));
        let both = floats(&[f64::INFINITY, 1.0, f64::NEG_INFINITY]);
        assert_eq!(of(&[both]), all("-inf", "inf", "NaN", "NaN"));
    }

    #[test]
    fn timestamps_in_utc_have_a_least_and_a_greatest() {
        let instants = TimestampMicrosecondArray::from(vec![Some(1_500_000), None, Some(0)]);
        let (least, greatest) = ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01.500Z");
        assert_eq!(of(&[Arc::new(instants.with_timezone("UTC"))]), all(least, greatest, "", ""));
    }

    #[test]
    fn decimals_dictionaries_and_empty_columns_have_statistics() {
        let decimals = Decimal128Array::from(vec![Some(150), None, Some(-250)]);
        let decimals = decimals.with_precision_and_scale(10, 2).expect("a scale");
        assert_eq!(of(&[Arc::new(decimals)]), all("-2.50", "1.50", "-0.5", "2.82843"));
        let first: DictionaryArray<Int32Type> = [Some("b"), None, Some("c")].into_iter().collect();
        // The keys of another batch are others.
        let second: DictionaryArray<Int32Type> = [Some("c"), Some("a")].into_iter().collect();
        assert_eq!(of(&[Arc::new(first), Arc::new(second)]), all("a", "c", "", ""));
        let nothing = (None, None, String::new(), String::new());
        assert_eq!(of(&[Arc::new(NullArray::new(3))]), nothing);
        assert_eq!(of(&[Arc::new(StringArray::from(Vec::<&str>::new()))]), nothing);
        assert_eq!(of(&[floats(&[])]), nothing);
    }
}
