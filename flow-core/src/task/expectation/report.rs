//! [`CheckReport`]: what a check says about an output.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeBounds};

use serde::Serialize;

use super::{ColumnStatistics, ExpectationResult, OutputQuality, Severity};

/// The size of the text of rejected rows after which no more are kept, in bytes.
const MOST: usize = 32 << 20;

/// The report of a check, which the function of `#[task(check = ...)]` returns.
///
/// `flow::expect::table` makes one from the columns of a table. For other outputs, a check builds it:
///
/// ```
/// use flow::expect::{CheckReport, Severity};
/// use flow::prelude::*;
///
/// #[task(target = Json<Vec<String>>, check = are_short)]
/// fn words() -> Vec<String> {
///     vec!["a".to_owned(), "much too long".to_owned()]
/// }
///
/// fn are_short(words: &[String]) -> CheckReport {
///     let mut report = CheckReport::new(words.len() as u64);
///     let long: Vec<usize> = (0..words.len()).filter(|&row| words[row].len() > 5).collect();
///     match long.first() {
///         None => report.met("short", Severity::Warn),
///         Some(first) => {
///             let violation = format!("{} words are long, the first in row {first}", long.len());
///             report.violated("short", Severity::Warn, violation, long.len() as u64);
///         }
///     }
///     report.set_rejected(long.len() as u64);
///     for row in long {
///         report.keep_rejected(row as u64, &["short"], &words[row]);
///     }
///     report
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let summary = flow.run::<words>()?;
/// let warning = summary.warnings()[0].to_string();
/// assert!(warning.starts_with("words: short: 1 words are long, the first in row 1"), "{warning}");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CheckReport {
    rows: u64,
    columns: BTreeMap<String, ColumnStatistics>,
    results: Vec<ExpectationResult>,
    /// The comparisons with the earlier version, each with the place of its result.
    comparisons: Vec<(usize, Comparison)>,
    rejected: u64,
    /// The rejected rows that are kept, a line of JSON for each.
    kept: Vec<RejectedRow>,
    kept_bytes: usize,
}

/// An expectation about the difference from the earlier version of the output.
#[derive(Clone, Debug)]
enum Comparison {
    /// The number of rows, divided by that of the earlier version, is in this range.
    Rows { least: Bound<f64>, most: Bound<f64> },
    /// The mean of a column differs by this fraction of the earlier one at most.
    Mean { column: String, most: f64 },
}

/// A row that violates expectations.
#[derive(Clone, Debug)]
struct RejectedRow {
    row: u64,
    expectations: Vec<String>,
    /// The values as JSON.
    values: String,
}

impl CheckReport {
    /// Creates a report about an output with this number of rows.
    pub fn new(rows: u64) -> Self {
        Self { rows, ..Self::default() }
    }

    /// Records statistics of a column, which later versions of the output are compared with.
    pub fn column(&mut self, name: impl Into<String>, statistics: ColumnStatistics) {
        self.columns.insert(name.into(), statistics);
    }

    /// Adds an expectation that is met.
    pub fn met(&mut self, expectation: impl Into<String>, severity: Severity) {
        self.add(expectation.into(), severity, None, 0);
    }

    /// Adds an expectation that is violated by this number of rows; 0 if it is about the whole output.
    pub fn violated(
        &mut self,
        expectation: impl Into<String>,
        severity: Severity,
        violation: impl Into<String>,
        rows: u64,
    ) {
        self.add(expectation.into(), severity, Some(violation.into()), rows);
    }

    /// Expects that the number of rows, divided by that of the earlier version of the output, is in a range.
    ///
    /// It is met if there is no earlier version, or if that had no rows.
    pub fn rows_since_last(&mut self, severity: Severity, range: impl RangeBounds<f64>) {
        let (least, most) = (range.start_bound().cloned(), range.end_bound().cloned());
        let text = format!("rows in {} times those of the last version", shown(least, most));
        let place = self.add(text, severity, None, 0);
        self.comparisons.push((place, Comparison::Rows { least, most }));
    }

    /// Expects that the mean of a column differs from that of the earlier version by a fraction of that at most.
    ///
    /// It is met if there is no earlier version, or no mean in it.
    pub fn mean_since_last(&mut self, severity: Severity, column: impl Into<String>, most: f64) {
        let column = column.into();
        // Without the digits that the product has beyond the number that the user wrote.
        let percent = (most * 1e4).round() / 1e2;
        let text = format!("mean of `{column}` within {percent} % of that of the last version");
        let place = self.add(text, severity, None, 0);
        self.comparisons.push((place, Comparison::Mean { column, most }));
    }

    /// Returns the results so far. Comparisons with the last version are not made yet, and count as met.
    pub fn results(&self) -> &[ExpectationResult] {
        &self.results
    }

    /// Sets the number of rows that violate an expectation, each counted once.
    pub fn set_rejected(&mut self, rows: u64) {
        self.rejected = rows;
    }

    /// Keeps a row that violates expectations, with their texts, in a file beside the output.
    ///
    /// Of rows whose text exceeds 32 MiB in total, the first ones are kept. A value that JSON cannot represent is kept as
    /// `null`.
    pub fn keep_rejected(&mut self, row: u64, expectations: &[&str], values: &impl Serialize) {
        if self.kept_bytes > MOST {
            return;
        }
        let values = serde_json::to_string(values).unwrap_or_else(|_| "null".to_owned());
        let expectations = expectations.iter().map(|&text| text.to_owned()).collect();
        let rejected = RejectedRow { row, expectations, values };
        // The names in the line are as long as a number of this size.
        let texts: usize = rejected.expectations.iter().map(|text| text.len() + 3).sum();
        self.kept_bytes += rejected.values.len() + texts + 50;
        self.kept.push(rejected);
    }

    fn add(
        &mut self,
        expectation: String,
        severity: Severity,
        violation: Option<String>,
        rows: u64,
    ) -> usize {
        self.results.push(ExpectationResult { expectation, severity, violation, rows });
        self.results.len() - 1
    }

    /// Returns what is recorded, after a comparison with the earlier version, and the rejected rows as lines of JSON.
    pub(super) fn finish(
        mut self,
        part: &str,
        earlier: Option<&OutputQuality>,
    ) -> (OutputQuality, String) {
        for (place, comparison) in std::mem::take(&mut self.comparisons) {
            let violation = earlier.and_then(|earlier| comparison.violation(&self, earlier));
            self.results[place].violation = violation;
        }
        let lines = self.kept.iter().map(|row| row.line(part)).collect();
        let Self { rows, columns, results, rejected, .. } = self;
        let part = part.to_owned();
        (OutputQuality { part, rows, columns, expectations: results, rejected }, lines)
    }
}

impl Comparison {
    /// Returns how the output differs from the earlier version, if that is too much.
    fn violation(&self, report: &CheckReport, earlier: &OutputQuality) -> Option<String> {
        match self {
            Self::Rows { least, most } => {
                let (rows, before) = (report.rows, earlier.rows);
                if before == 0 {
                    return None;
                }
                let ratio = rows as f64 / before as f64;
                let is_met = (*least, *most).contains(&ratio);
                (!is_met).then(|| format!("{rows} rows, and {before} before"))
            }
            Self::Mean { column, most } => {
                let before = earlier.columns.get(column).and_then(|column| column.mean)?;
                let now = report.columns.get(column).and_then(|column| column.mean);
                let Some(now) = now else {
                    return Some(format!("no number, and a mean of {before} before"));
                };
                let is_met = (now - before).abs() <= most * before.abs();
                (!is_met).then(|| format!("{now}, and {before} before"))
            }
        }
    }
}

impl RejectedRow {
    /// Returns a line of JSON.
    fn line(&self, part: &str) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let part = match part {
            "" => String::new(),
            part => format!("\"output\":{},", text(part)),
        };
        let expectations: Vec<_> = self.expectations.iter().map(|one| text(one)).collect();
        let (row, expectations, values) = (self.row, expectations.join(","), &self.values);
        format!("{{{part}\"row\":{row},\"expectations\":[{expectations}],\"values\":{values}}}\n")
    }
}

/// Returns a range as it is written in Rust.
fn shown(least: Bound<f64>, most: Bound<f64>) -> String {
    let least = match least {
        Bound::Included(least) | Bound::Excluded(least) => format!("{least:?}"),
        Bound::Unbounded => String::new(),
    };
    match most {
        Bound::Included(most) => format!("{least}..={most:?}"),
        Bound::Excluded(most) => format!("{least}..{most:?}"),
        Bound::Unbounded => format!("{least}.."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(rows: u64, mean: f64, earlier: Option<&OutputQuality>) -> OutputQuality {
        let mut report = CheckReport::new(rows);
        report.column("x", ColumnStatistics::of(0, [mean]));
        report.rows_since_last(Severity::Fail, 0.5..=2.0);
        report.mean_since_last(Severity::Warn, "x", 0.1);
        report.finish("", earlier).0
    }

    fn violations(quality: &OutputQuality) -> Vec<Option<&str>> {
        quality.expectations.iter().map(|one| one.violation.as_deref()).collect()
    }

    #[test]
    fn an_output_is_compared_with_what_the_earlier_version_recorded() {
        let first = finished(10, 100.0, None);
        assert_eq!(violations(&first), [None, None]);
        assert_eq!(violations(&finished(20, 110.0, Some(&first))), [None, None]);
        let other = finished(21, 89.0, Some(&first));
        assert_eq!(
            violations(&other),
            [Some("21 rows, and 10 before"), Some("89, and 100 before")]
        );
        assert_eq!(
            other.expectations[0].to_string(),
            "rows in 0.5..=2.0 times those of the last version: 21 rows, and 10 before"
        );
        assert_eq!(
            other.expectations[1].to_string(),
            "mean of `x` within 10 % of that of the last version: 89, and 100 before"
        );
        let without = finished(10, f64::NAN, Some(&first));
        assert_eq!(violations(&without)[1], Some("no number, and a mean of 100 before"));
        let empty = finished(0, 0.0, None);
        assert_eq!(violations(&finished(7, 1.0, Some(&empty)))[0], None);
    }

    #[test]
    fn the_texts_of_expectations_count_among_those_of_rejected_rows() {
        let mut report = CheckReport::new(100_000);
        let text = "x".repeat(1000);
        (0..100_000).for_each(|row| report.keep_rejected(row, &[&text], &1));
        let (_, lines) = report.finish("", None);
        assert!((MOST / 2..MOST + 2000).contains(&lines.len()), "{}", lines.len());
    }

    #[test]
    fn rejected_rows_are_lines_of_json() {
        let mut report = CheckReport::new(2);
        report.keep_rejected(1, &["`a` not null"], &BTreeMap::from([("a", "x\ny")]));
        let (_, lines) = report.finish("train", None);
        assert_eq!(
            lines,
            "{\"output\":\"train\",\"row\":1,\"expectations\":[\"`a` not null\"],\"values\":{\"a\":\"x\\ny\"}}\n"
        );
    }
}
