//! [`Expectations`]: what a check expects of a table, method by method.

use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

use anyhow::Result;
use flow_core::__private::CheckResult;
use flow_core::{CheckReport, Severity};
use flow_targets::RecordBatch;
use serde::de::DeserializeOwned;

use super::column::{Row, RowColumn, column, has_numbers, statistics};
use super::conditions;
use super::limit::{Limit, LimitRange, Range, Value};
use super::rows::Holds;
use super::tabular::Tabular;
use super::violations::Violations;

/// The number of rejected rows that are kept by default.
const KEPT: usize = 10_000;

/// The number of columns whose statistics are recorded, besides those whose means are compared.
const COLUMNS: usize = 100;

/// Begins the expectations on a table: rows, a `RecordBatch`, or a `DataFrame` of polars.
///
/// The function of `#[task(check = ...)]` returns the [`Expectations`].
///
/// ```
/// use flow::expect::{self, Expectations};
/// use flow::prelude::*;
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Order {
///     id: u32,
///     price: f64,
///     customer: Option<String>,
/// }
///
/// #[task(target = Parquet<Vec<Order>>, check = are_orders)]
/// fn orders() -> Vec<Order> {
///     vec![
///         Order { id: 1, price: 5.0, customer: Some("Ada".to_owned()) },
///         Order { id: 2, price: 7.5, customer: None },
///     ]
/// }
///
/// fn are_orders(orders: &[Order]) -> Expectations {
///     expect::table(orders)
///         .rows(1..)
///         .unique("id")
///         .in_range("price", 0.0..)
///         .not_null("customer")
///         .warn()
/// }
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let flow = Flow::open(folder.path())?.quiet();
/// let summary = flow.run::<orders>()?;
/// let warning = summary.warnings()[0].to_string();
/// assert!(warning.starts_with("orders: `customer` not null: violated in 1 of 2 rows: row 1"));
///
/// let quality = flow.quality::<orders>()?.context("a report")?;
/// assert_eq!(quality.to_string(), "3 of 4 expectations met, 1 rejected row");
/// let rejected = flow.rejected::<orders>()?.context("a row")?;
/// assert_eq!(
///     rejected.text().context("the file")?,
///     "{\"row\":1,\"expectations\":[\"`customer` not null\"],\
///      \"values\":{\"id\":2,\"price\":7.5,\"customer\":null}}\n",
/// );
/// # Ok(())
/// # }
/// ```
pub fn table<T: Tabular<Way> + ?Sized, Way>(table: &T) -> Expectations {
    Expectations { table: table.to_batch(), expected: Vec::new(), last: 0, kept: KEPT }
}

/// Expectations on a table, which a check returns. [`table`] creates them.
///
/// Each method adds an expectation. One that is violated fails the task, and the earlier output stays; after
/// [`warn`](Self::warn), the summary of the run warns and the output is stored as it is. Rows that violate an
/// expectation are counted, and kept in a file beside the output: [`Flow::rejected`](crate::Flow::rejected) reads it. The
/// results are recorded as metadata of the output with the name `expectations`, with statistics of the columns:
/// [`Flow::quality`](crate::Flow::quality) reads them.
///
/// An expectation on a column that the table does not have is violated.
#[must_use = "a check returns its expectations, or their `report`"]
pub struct Expectations {
    table: Result<RecordBatch>,
    expected: Vec<Expected>,
    /// The number of expectations before the last call of a method.
    last: usize,
    kept: usize,
}

struct Expected {
    text: String,
    severity: Severity,
    test: Test,
}

/// A test of a table.
type OnBatch<T> = Box<dyn FnOnce(&RecordBatch) -> Result<T>>;

/// How an expectation is tested.
enum Test {
    /// Each row: returns those that violate it.
    Rows(OnBatch<Violations>),
    /// The table as a whole: the error says how it is violated.
    Table(OnBatch<()>),
    /// The number of rows, divided by that of the last version.
    RowsSinceLast(Bound<f64>, Bound<f64>),
    /// The mean of a column, compared with that of the last version.
    MeanSinceLast(String, f64),
}

/// One name of a column, or several.
///
/// It is implemented for `&str`, `String`, and arrays, slices and vectors of them.
pub trait ColumnNames {
    /// Returns the names.
    fn names(self) -> Vec<String>;
}

impl ColumnNames for &str {
    fn names(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl ColumnNames for String {
    fn names(self) -> Vec<String> {
        vec![self]
    }
}

impl<S: Into<String>, const N: usize> ColumnNames for [S; N] {
    fn names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<S: AsRef<str>> ColumnNames for &[S] {
    fn names(self) -> Vec<String> {
        self.iter().map(|name| name.as_ref().to_owned()).collect()
    }
}

impl<S: Into<String>> ColumnNames for Vec<S> {
    fn names(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

/// Returns names for the text of an expectation.
fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Expectations {
    /// Expects no null in a column, or in each of several.
    pub fn not_null(self, columns: impl ColumnNames) -> Self {
        let all = columns.names().into_iter().map(|name| {
            let text = format!("`{name}` not null");
            (text, Test::Rows(Box::new(move |batch| conditions::nulls(batch, &name))))
        });
        self.add(all)
    }

    /// Expects the values of a column in a range, such as `0.0..`, `1..=5` or `"2026-01-01".."2027-01-01"`.
    ///
    /// A range of numbers fits a column of integers, floats or decimals; integers are compared without rounding. A range
    /// of texts fits a column of texts, and a column of dates, times or durations: its ends are written in ISO 8601, as
    /// `2026-01-31`, `2026-01-31T12:00Z` or `PT90S`, and a date is midnight, in UTC. Nulls are in each range, and NaN is in
    /// none.
    pub fn in_range(self, column: &str, range: impl LimitRange) -> Self {
        let (least, most) = range.limits();
        let range = Range { least, most };
        let (text, name) = (format!("`{column}` in {range}"), column.to_owned());
        let test = Test::Rows(Box::new(move |batch| conditions::outside(batch, &name, &range)));
        self.add([(text, test)])
    }

    /// Expects the values of a column in a list. Nulls are allowed.
    pub fn one_of<L: Into<Limit>>(self, column: &str, values: impl IntoIterator<Item = L>) -> Self {
        let allowed: Vec<Limit> = values.into_iter().map(Into::into).collect();
        let shown: Vec<_> = allowed.iter().take(10).map(ToString::to_string).collect();
        let more = if allowed.len() > shown.len() { ", …" } else { "" };
        let text = format!("`{column}` one of {}{more}", shown.join(", "));
        let name = column.to_owned();
        let test =
            Test::Rows(Box::new(move |batch| conditions::other_values(batch, &name, &allowed)));
        self.add([(text, test)])
    }

    /// Expects that no two rows have the same values in a column, or in several columns together.
    ///
    /// A null equals a null. Each row after the first one with a key is rejected.
    pub fn unique(self, columns: impl ColumnNames) -> Self {
        let names = columns.names();
        let text = format!("{} unique", quoted(&names));
        let test = Test::Rows(Box::new(move |batch| conditions::repeated(batch, &names)));
        self.add([(text, test)])
    }

    /// Expects that each row refers to a row of another table: a foreign key of one or several columns.
    ///
    /// The other table may be another output of the task, in the check of all outputs, or the table itself. A row with a
    /// null in the key refers to nothing, and is no violation.
    pub fn refers_to<T: Tabular<Way> + ?Sized, Way>(
        self,
        columns: impl ColumnNames,
        other: &T,
        other_columns: impl ColumnNames,
    ) -> Self {
        let (names, other_names) = (columns.names(), other_columns.names());
        let text = format!("{} refers to {}", quoted(&names), quoted(&other_names));
        let other = other.to_batch();
        let test = Test::Rows(Box::new(move |batch| {
            conditions::dangling(batch, &names, &other?, &other_names)
        }));
        self.add([(text, test)])
    }

    /// Expects a condition on each row, which is read as a struct: a `bool`, or a `Result` whose error says why not.
    ///
    /// `what` is the text of the expectation.
    pub fn each<R, H>(self, what: &str, holds: impl FnMut(&R) -> H + 'static) -> Self
    where
        R: DeserializeOwned + Debug + 'static,
        H: Holds,
    {
        let test = Test::Rows(Box::new(move |batch| conditions::unmet(batch, holds)));
        self.add([(what.to_owned(), test)])
    }

    /// Expects that each row can be read as a type: its columns are there, with their types, and are null for an
    /// `Option` at most.
    pub fn readable_as<R: DeserializeOwned + 'static>(self) -> Self {
        let text = format!("rows of `{}`", conditions::short_name::<R>());
        self.add([(text, Test::Table(Box::new(conditions::readable::<R>)))])
    }

    /// Expects a number of rows, such as `1..`.
    pub fn rows(self, range: impl RangeBounds<usize>) -> Self {
        let limit = |bound: Bound<&usize>| bound.map(|limit| Limit::from(*limit));
        let shown = Range { least: limit(range.start_bound()), most: limit(range.end_bound()) };
        let text = format!("{shown} rows");
        let test = Test::Table(Box::new(move |batch| {
            let rows = batch.num_rows();
            let s = if rows == 1 { "" } else { "s" };
            anyhow::ensure!(
                shown.contains(Value::Integer(rows as i128)),
                "the table has {rows} row{s}"
            );
            Ok(())
        }));
        self.add([(text, test)])
    }

    /// Expects that the number of rows, divided by that of the last version of the output, is in a range: `0.5..=2.0`.
    ///
    /// The last version is the stored output of the same instance. If there is none, the expectation is met. After a
    /// change that is intended, reset the task, or change the range.
    pub fn rows_since_last(self, range: impl RangeBounds<f64>) -> Self {
        let (least, most) = (range.start_bound().cloned(), range.end_bound().cloned());
        self.add([(String::new(), Test::RowsSinceLast(least, most))])
    }

    /// Expects that the mean of a column differs from that of the last version by a fraction of that mean at most.
    ///
    /// `0.1` allows ten percent. The last version is that of [`rows_since_last`](Self::rows_since_last). Nulls and
    /// numbers that are not finite do not count. A column that is missing or has no numbers violates it, without a last
    /// version, too.
    pub fn mean_since_last(self, column: &str, fraction: f64) -> Self {
        self.add([(String::new(), Test::MeanSinceLast(column.to_owned(), fraction))])
    }

    /// Lets the expectation before this call warn only: the output is stored, and the summary of the run warns.
    ///
    /// `not_null(["a", "b"]).warn()` applies to both columns.
    pub fn warn(mut self) -> Self {
        let last = self.last;
        self.expected[last..].iter_mut().for_each(|one| one.severity = Severity::Warn);
        self
    }

    /// Sets the number of rejected rows that are kept; the default is 10,000. All of them are counted.
    pub fn keep_rejected(mut self, rows: usize) -> Self {
        self.kept = rows;
        self
    }

    fn add(mut self, expected: impl IntoIterator<Item = (String, Test)>) -> Self {
        self.last = self.expected.len();
        let severity = Severity::Fail;
        let expected = expected.into_iter().map(|(text, test)| Expected { text, severity, test });
        self.expected.extend(expected);
        self
    }

    /// Tests the expectations, and returns the report for a check that also tests something else.
    ///
    /// ```
    /// use flow::expect::{self, CheckReport};
    /// use flow::prelude::*;
    /// # #[derive(Serialize, Deserialize)]
    /// # struct Order { id: u32 }
    ///
    /// fn are_orders(orders: &[Order]) -> Result<CheckReport> {
    ///     ensure!(orders.len() % 2 == 0, "orders come in pairs");
    ///     expect::table(orders).unique("id").report()
    /// }
    /// # assert!(are_orders(&[]).is_ok());
    /// ```
    ///
    /// # Errors
    ///
    /// The table has no form in columns. An expectation that is violated is part of the report.
    pub fn report(self) -> Result<CheckReport> {
        let Self { table, expected, kept, .. } = self;
        let batch = table?;
        let rows = batch.num_rows();
        let mut report = CheckReport::new(rows as u64);
        add_statistics(&mut report, &batch, &expected);
        let mut is_rejected = vec![false; rows];
        let mut violated = Vec::new();
        for Expected { text, severity, test } in expected {
            let violations = match test {
                Test::RowsSinceLast(least, most) => {
                    report.rows_since_last(severity, (least, most));
                    continue;
                }
                Test::MeanSinceLast(column, most) => {
                    if let Err(error) = has_numbers(&batch, &column) {
                        let text = format!("mean of `{column}` near that of the last version");
                        report.violated(text, severity, format!("{error:#}"), 0);
                        continue;
                    }
                    report.mean_since_last(severity, column, most);
                    continue;
                }
                Test::Table(test) => test(&batch).map(|()| Violations::default()),
                Test::Rows(test) => test(&batch),
            };
            match violations {
                Err(error) => report.violated(text, severity, format!("{error:#}"), 0),
                Ok(violations) => match violations.text(rows) {
                    None => report.met(text, severity),
                    Some(violation) => {
                        let count = violations.rows().len() as u64;
                        report.violated(text.clone(), severity, violation, count);
                        violations.rows().iter().for_each(|&row| is_rejected[row] = true);
                        violated.push((text, violations));
                    }
                },
            }
        }
        report.set_rejected(is_rejected.iter().filter(|&&is_rejected| is_rejected).count() as u64);
        let columns = RowColumn::all(&batch);
        let rejected = (0..rows).filter(|&row| is_rejected[row]);
        for row in rejected.take(kept) {
            let violates = |violations: &Violations| violations.rows().binary_search(&row).is_ok();
            let texts = violated.iter().filter(|(_, violations)| violates(violations));
            let texts: Vec<&str> = texts.map(|(text, _)| text.as_str()).collect();
            report.keep_rejected(row as u64, &texts, &Row { columns: &columns, row });
        }
        Ok(report)
    }
}

/// Records the statistics of the first columns, and of those whose means are compared.
fn add_statistics(report: &mut CheckReport, batch: &RecordBatch, expected: &[Expected]) {
    let schema = batch.schema();
    let first = schema.fields().iter().take(COLUMNS).map(|field| field.name().as_str());
    let compared = expected.iter().filter_map(|one| match &one.test {
        Test::MeanSinceLast(column, _) => Some(column.as_str()),
        _ => None,
    });
    for name in first.chain(compared) {
        // A comparison of means says itself that its column is missing, or has no numbers.
        if let Ok(values) = column(batch, name)
            && let Ok(statistics) = statistics(values)
        {
            report.column(name, statistics);
        }
    }
}

impl CheckResult for Expectations {
    fn into_report(self) -> Result<Option<CheckReport>> {
        self.report().map(Some)
    }
}
