//! What is recorded of the checks of an output.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::EXPECTATIONS;
use crate::base::key::Digest;
use crate::store::record::Meta;

/// What happens if an expectation is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The task fails, and the earlier output stays.
    Fail,
    /// The output is stored, and the summary of the run warns.
    Warn,
}

/// The result of one expectation on an output.
///
/// It is printed as `` `price` in 0.0..: violated in 1 of 3 rows: row 2: -1.0 ``.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpectationResult {
    /// What is expected, such as `` `price` in 0.0.. ``.
    pub expectation: String,
    /// What happens if it is violated.
    pub severity: Severity,
    /// How it is violated; `None` if it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub violation: Option<String>,
    /// The number of rows that violate it; 0 if it holds, or is about the table as a whole.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: u64,
}

impl ExpectationResult {
    /// Returns whether the expectation holds.
    pub fn holds(&self) -> bool {
        self.violation.is_none()
    }
}

impl fmt::Display for ExpectationResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expectation)?;
        match &self.violation {
            Some(violation) => write!(f, ": {violation}"),
            None => Ok(()),
        }
    }
}

/// Statistics of a column, which later versions of the output are compared with.
///
/// A column that has no numbers has a number of nulls only. Values that are not finite do not count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColumnStatistics {
    /// The number of nulls.
    pub nulls: u64,
    /// The smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// The mean of the numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
}

impl ColumnStatistics {
    /// Returns the statistics of a column with this number of nulls and these numbers.
    pub fn of(nulls: u64, numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut statistics = Self { nulls, ..Self::default() };
        let mut mean = 0.0;
        let mut count = 0.0;
        for number in numbers.into_iter().filter(|number| number.is_finite()) {
            count += 1.0;
            // A running mean cannot overflow where the sum would.
            mean += number / count - mean / count;
            statistics.min = Some(statistics.min.map_or(number, |min| min.min(number)));
            statistics.max = Some(statistics.max.map_or(number, |max| max.max(number)));
        }
        statistics.mean = (count > 0.0).then_some(mean);
        statistics
    }
}

/// The results of the expectations on one output, or on one of several outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputQuality {
    /// The name of the output among several; empty for the check of the whole output.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub part: String,
    /// The number of rows.
    pub rows: u64,
    /// The statistics of columns, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnStatistics>,
    /// The result of each expectation, in the order of the check.
    pub expectations: Vec<ExpectationResult>,
    /// The number of rows that violate an expectation, each counted once.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rejected: u64,
}

/// The results of all expectations on an output, as they are recorded with it.
///
/// [`Instance::quality`](crate::Instance::quality) and [`Flow::quality`](crate::Flow::quality) return them. They are
/// metadata of the output with the name `expectations`. The alternate form, `{:#}`, has a line for each expectation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quality {
    /// The outputs whose check returned a report.
    pub outputs: Vec<OutputQuality>,
    /// The digest of the file with the rejected rows, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_digest: Option<Digest>,
}

impl Quality {
    /// Returns what the metadata of an output says; `None` if no check returned a report.
    pub fn of(metadata: &BTreeMap<String, serde_json::Value>) -> Option<Self> {
        Self::deserialize(metadata.get(EXPECTATIONS)?).ok()
    }

    /// Returns the expectations that are violated, each with the name of the output among several.
    pub fn violated(&self) -> impl Iterator<Item = (&str, &ExpectationResult)> {
        let all = self.outputs.iter().flat_map(|output| {
            output.expectations.iter().map(move |expectation| (output.part.as_str(), expectation))
        });
        all.filter(|(_, expectation)| !expectation.holds())
    }

    /// Returns the number of rows that violate an expectation, those that only warn included.
    pub fn rejected(&self) -> u64 {
        self.outputs.iter().map(|output| output.rejected).sum()
    }

    /// Returns the violated expectations that only warn as one text; `None` if there are none.
    pub(crate) fn warning(&self) -> Option<String> {
        let warns = self.violated().filter(|(_, one)| one.severity == Severity::Warn);
        let texts: Vec<_> = warns.map(|(part, one)| named(part, one)).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

/// Returns a result as text, with the name of the output among several.
fn named(part: &str, result: &ExpectationResult) -> String {
    match part {
        "" => result.to_string(),
        part => format!("output `{part}`: {result}"),
    }
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.outputs.iter().map(|output| output.expectations.len()).sum();
        let hold = all - self.violated().count();
        let s = if all == 1 { "" } else { "s" };
        write!(f, "{hold} of {all} expectation{s} met")?;
        match self.rejected() {
            0 => {}
            1 => f.write_str(", 1 rejected row")?,
            rows => write!(f, ", {rows} rejected rows")?,
        }
        if !f.alternate() {
            return Ok(());
        }
        for output in &self.outputs {
            for result in &output.expectations {
                let word = match (result.holds(), result.severity) {
                    (true, _) => "met ",
                    (false, Severity::Warn) => "warn",
                    (false, Severity::Fail) => "fail",
                };
                write!(f, "\n  {word} {}", named(&output.part, result))?;
            }
        }
        Ok(())
    }
}

/// Returns whether two outputs have equal metadata besides the results of their expectations.
///
/// These depend on the earlier version of the output, and so may differ where the outputs do not.
pub(crate) fn is_same_metadata(one: &Meta, other: &Meta) -> bool {
    let besides = |meta: &Meta| meta.len() - usize::from(meta.contains_key(EXPECTATIONS));
    besides(one) == besides(other)
        && one.iter().all(|(name, value)| name == EXPECTATIONS || other.get(name) == Some(value))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_leave_out_what_is_no_finite_number() {
        let statistics = ColumnStatistics::of(2, [1.0, f64::NAN, 4.0, f64::INFINITY, 4.0]);
        assert_eq!((statistics.min, statistics.max), (Some(1.0), Some(4.0)));
        assert!(statistics.mean.is_some_and(|mean| (mean - 3.0).abs() < 1e-12), "{statistics:?}");
        assert_eq!(ColumnStatistics::of(1, [f64::NAN]).mean, None);
        let huge = ColumnStatistics::of(0, [f64::MAX, f64::MAX]);
        assert!(huge.mean.is_some_and(f64::is_finite), "{huge:?}");
    }

    #[test]
    fn metadata_is_compared_without_the_results_of_expectations() {
        let meta = |names: &[(&str, i32)]| -> Meta {
            names.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect()
        };
        let one = meta(&[("rows", 1), (EXPECTATIONS, 2)]);
        assert!(is_same_metadata(&one, &meta(&[("rows", 1), (EXPECTATIONS, 3)])));
        assert!(is_same_metadata(&one, &meta(&[("rows", 1)])));
        assert!(!is_same_metadata(&one, &meta(&[("rows", 2), (EXPECTATIONS, 2)])));
        assert!(!is_same_metadata(&meta(&[("rows", 1)]), &meta(&[("rows", 1), ("more", 1)])));
    }
}
